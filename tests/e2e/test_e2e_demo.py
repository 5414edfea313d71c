"""The demo, as ``make demo DEMO_ARGS=--exit`` runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.docker, pytest.mark.timeout(900)]

EXAMPLE = Path(__file__).parents[2] / "examples" / "breast-cancer"


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
