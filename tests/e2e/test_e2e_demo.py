"""The demos, as ``make demo DEMO_ARGS=--exit`` runs them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_synapse_challenge.containers.docker_calls import environment_client
from airflow_synapse_challenge.rehearsal.engine import REHEARSAL_LABEL

pytestmark = [pytest.mark.e2e, pytest.mark.docker, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "breast-cancer"


def test_the_demo_ends_as_planned_and_leaves_nothing(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "airflow_synapse_challenge.rehearsal", EXAMPLE, "--exit", "--home", tmp_path / "demo"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["engine"] == "docker"
    assert len(told["submissions"]) == 24
    for submission in told["submissions"]:
        assert submission["status"] == submission["expected"], submission
        assert submission["problems"] == []
        assert len(submission["mails"]) == 1
        assert len(submission["tasks"]) <= 5
    assert [line["submitter"] for line in told["leaderboard"]][:3] == ["rosalind", "Curie Lab", "Broad Street"]
    processes = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert str(tmp_path) not in processes


def test_the_demo_of_models_ends_as_planned_and_leaves_nothing(tmp_path):
    """Participants build, push and submit images; the engine is then as it was before."""
    before = _on_the_engine()
    command = [ROOT / "scripts" / "demo.sh", "--challenge", "model-to-data", "--exit", "--home", tmp_path / "demo"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
    told = json.loads(done.stdout.splitlines()[-1])
    found = {submission["file"]: submission for submission in told["submissions"]}
    assert len(found) == 8
    for submission in found.values():
        assert submission["status"] == submission["expected"], submission
        assert submission["problems"] == []
        assert len(submission["tasks"]) <= 7
        if submission["file"] != "person.csv":
            assert re.fullmatch(r"127\.0\.0\.1:\d+/syn\d+/[a-z-]+@sha256:[0-9a-f]{64}", submission["image"])
            assert submission["model"]["seconds"] >= 0
    outcomes = {name: submission["model"]["outcome"] for name, submission in found.items() if "model" in submission}
    assert outcomes == {
        "logistic-regression": "done",
        "risk-score": "done",
        "data-thief": "done",
        "slow-neighbours": "timed_out",
        "memory-hog": "out_of_memory",
        "crash": "exit_code",
        "wrong-name": "wrong_name",
    }
    assert found["memory-hog"]["model"]["peak_memory"] == 512 * 1024**2
    assert [line["submitter"] for line in told["leaderboard"]] == ["Night Shift", "ignaz", "mallory"]
    assert "Leak budget used up in 'Mortality'" in done.stdout
    processes = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert str(tmp_path) not in processes
    assert _on_the_engine() - before == set()


def test_a_demo_of_models_without_an_engine_says_so(tmp_path):
    command = [
        sys.executable,
        "-m",
        "airflow_synapse_challenge.rehearsal",
        ROOT / "examples" / "ehr-mortality",
        "--exit",
    ]
    nowhere = os.environ | {"DOCKER_HOST": f"unix://{tmp_path}/docker.sock"}
    done = subprocess.run(command, env=nowhere, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "No Docker engine answers" in done.stdout


def _on_the_engine() -> set[str]:
    """What the engine has of the demo's challenge, and of the images that it builds and what they build on."""
    client = environment_client()
    label = {"label": "airflow-synapse-challenge.challenge=ehr-mortality"}
    containers = [container["Names"][0] for container in client.containers(all=True, filters=label)]
    volumes = [volume["Name"] for volume in client.volumes(filters=label)["Volumes"] or []]
    built = client.images(all=True, filters={"label": REHEARSAL_LABEL})
    tags = [tag for image in client.images() for tag in image["RepoTags"] or []]
    own = ("airflow-synapse-challenge/submitted:ehr-mortality.", "python:")
    return {*containers, *volumes, *(tag for tag in tags if tag.startswith(own)), *(image["Id"] for image in built)}
