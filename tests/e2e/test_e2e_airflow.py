"""What people see and use in a running Airflow."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.docker, pytest.mark.timeout(600)]


def synapse_challenge(airflow, *arguments):
    """Run the command line beside the deployment."""
    return subprocess.run(
        [sys.executable, "-m", "airflow_synapse_challenge.cli", *arguments],
        env=airflow.environment | {"COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_broken_challenge_breaks_only_itself(world, airflow):
    """It shows as an import error that names the line, and the other challenge goes on."""
    folder = world.site.challenges_folder / "broken"
    folder.mkdir()
    (folder / "challenge.yaml").write_text("challenge: broken\nqueues:\n  - id: 1\n    validat: {script: x.py}\n")

    def errors():
        found = airflow.api("GET", "/importErrors")["import_errors"]
        return [error for error in found if "broken/challenge.yaml" in error["filename"]]

    try:
        world.wait_for(lambda: bool(errors()), "the import error")
        (error,) = errors()
        assert "challenge.yaml:4: queues[0].validat: unknown key" in error["stack_trace"]
        assert 'did you mean "validate"?' in error["stack_trace"]
        assert not airflow.api("GET", "/dags/trials__trials")["has_import_errors"]
        submission = world.submit("ok 0.5")
        world.wait_final(submission)
        world.require_success(airflow, submission)
    finally:
        (folder / "challenge.yaml").unlink()
        folder.rmdir()
    world.wait_for(lambda: not errors(), "the end of the import error")


def test_the_connection_type_has_its_fields(world, airflow):
    """The form shows a token and an endpoint, and the button Test works."""
    (kind,) = [k for k in airflow.api("GET", "/connections/hook_meta", base="/ui") if k["connection_type"] == "synapse"]
    assert "endpoint" in kind["extra_fields"]
    assert kind["standard_fields"]["password"]["title"] == "Personal access token"


def test_the_doctor_finds_a_healthy_deployment(world, airflow):
    done = synapse_challenge(airflow, "doctor", str(world.site.challenges_folder / "trials"))
    assert done.returncode == 0, done.stdout + done.stderr
    for part in ("Connected to", "clock", "rights are there", "gold standard", "logs folder", "pool trials", "image"):
        assert part in done.stdout


def test_the_doctor_says_what_to_mend(world, airflow, tmp_path):
    """Somebody else's queue, no pool, and a folder that cannot be written."""
    sick = tmp_path / "challenge.yaml"
    text = (world.site.challenges_folder / "trials" / "challenge.yaml").read_text()
    sick.write_text(text.replace("challenge: trials", "challenge: sick").replace("memory: 6GiB", "memory: 9TiB"))
    (tmp_path / "evaluation").mkdir()
    for name in ("validate.py", "score.py"):
        (tmp_path / "evaluation" / name).write_text("")
    done = synapse_challenge(airflow, "doctor", str(sick))
    assert done.returncode == 1
    assert "init-airflow" in done.stdout
    assert "Lower `compute: {memory: …}`" in done.stdout


def test_init_airflow_makes_the_pool(world, airflow, tmp_path):
    text = (world.site.challenges_folder / "trials" / "challenge.yaml").read_text()
    (tmp_path / "challenge.yaml").write_text(text.replace("challenge: trials", "challenge: other"))
    (tmp_path / "evaluation").mkdir()
    for name in ("validate.py", "score.py"):
        (tmp_path / "evaluation" / name).write_text("")
    done = synapse_challenge(airflow, "init-airflow", str(tmp_path), "--dags", str(tmp_path / "dags"))
    assert done.returncode == 0, done.stdout + done.stderr
    airflow.run("pools", "set", "other", "6", "made by hand")
    sick = synapse_challenge(airflow, "doctor", str(tmp_path))
    assert "pool other has 6 slots, challenge.yaml says 6; it does not count deferred tasks" in sick.stdout
    done = synapse_challenge(airflow, "init-airflow", str(tmp_path), "--dags", str(tmp_path / "dags"))
    pool = airflow.api("GET", "/pools/other")
    assert (pool["slots"], pool["include_deferred"]) == (6, True)
    assert (tmp_path / "dags" / "synapse_challenges.py").exists()


def test_the_leaderboard_command(world, airflow):
    submission = world.submit("ok 0.875", team="Pair")
    world.wait_final(submission)
    done = synapse_challenge(airflow, "leaderboard", str(world.site.challenges_folder / "trials"), "--json")
    assert done.returncode == 0, done.stderr
    first = json.loads(done.stdout)[0]
    assert (first["rank"], first["submitter"], first["metrics"]) == (1, "Pair", {"score": 0.875})
