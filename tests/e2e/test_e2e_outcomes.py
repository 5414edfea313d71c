"""Every submission ends in one final status with one set of mails, whatever its scripts do."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.docker, pytest.mark.timeout(600)]

BROKEN = {
    "crash": "exit code 1",
    "hang": "took longer",
    "huge": "unusable|exit code",
    "broken": "cannot be used",
    "silent": "no results.json",
    "memory": "memory",
}


def test_broken_scripts_end_in_a_neutral_failure(world, airflow):
    """The submitter reads nothing of the truth, the organisers read the log, and the run is red."""
    ids = {behaviour: world.submit(f"{behaviour} 1") for behaviour in BROKEN}
    world.wait_final(*ids.values(), seconds=240)
    for behaviour, submission in ids.items():
        assert world.wait_run(airflow, submission) == "failed", behaviour
        assert world.status(submission).status == "INVALID"
        assert world.mails(submission) == ["admin_failed", "failed"], behaviour
        to_submitter = world.mail(submission, "failed")
        assert "tell nobody" not in to_submitter["body"]
        annotations = world.annotations(submission)
        assert annotations["submission_status"] == "INVALID"
        assert "tell nobody" not in str(annotations)
        assert "score" not in annotations
    assert "the truth is tell nobody" in world.mail(ids["crash"], "admin_failed")["body"]


def test_valid_invalid_and_talkative_submissions(world, airflow):
    """A flood of output does no harm; a team's submission is mailed to its members."""
    scored = world.submit("ok 0.75", team="Pair")
    talkative = world.submit("flood 0.5", by="grace")
    invalid = world.submit("invalid 1", by="grace")
    world.wait_final(scored, talkative, invalid)
    for submission, number in ((scored, 0.75), (talkative, 0.5)):
        world.require_success(airflow, submission)
        assert world.status(submission).status == "ACCEPTED"
        assert world.annotations(submission)["score"] == number
        assert world.mails(submission) == ["scored"]
    world.require_success(airflow, invalid)
    assert world.status(invalid).status == "INVALID"
    assert world.annotations(invalid)["submission_errors"] == "it says so\nand twice"
    assert world.mails(invalid) == ["invalid"]
    members = {str(world.site.participants[name]) for name in ("jean", "kathleen")}
    assert set(map(str, world.mail(scored, "scored")["to"])) == members
    assert "secret" not in world.mail(scored, "scored")["body"]
    assert "secret" not in (world.status(scored).submission_annotations or {})["annotations"]


@pytest.mark.parametrize("most", [12, 10], ids=["first", "second"])
def test_few_calls_are_made_for_a_submission(world, airflow, most):
    """The one that finds it and all others that move no files; the first of a submitter also makes two folders."""
    world.server.reset_calls()
    submission = world.submit("ok 0.5", by="mary")
    world.require_success(airflow, submission)
    calls = world.server.calls("airflow-synapse-challenge")
    polls = sum(number for name, number in calls.items() if name.endswith("/submission/status/all"))
    assert polls >= 1
    assert sum(calls.values()) - polls + 1 <= most, calls
    assert world.mails(submission) == ["scored"]


def test_no_container_is_left(world, airflow):
    """Whatever happened, containers and volumes are gone when the runs have ended."""
    import docker

    submission = world.submit("ok 1")
    world.wait_final(submission)
    world.wait_run(airflow, submission)
    client = docker.from_env()
    mine = {"label": "airflow-synapse-challenge.challenge=trials"}
    assert client.containers.list(all=True, filters=mine) == []
    assert client.volumes.list(filters=mine) == []
