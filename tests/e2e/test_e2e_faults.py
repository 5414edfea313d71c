"""Exactly one final status, one set of mails and annotations, whatever breaks between Synapse and Airflow."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.docker, pytest.mark.timeout(900)]

PUT_STATUS = "PUT /repo/v1/evaluation/submission/{id}/status"
POST_MESSAGE = "POST /repo/v1/message"


def assert_scored_once(world, *ids):
    """Each was claimed once, is accepted, has its score, and its submitter got one mail."""
    for submission in ids:
        annotations = world.annotations(submission)
        assert world.status(submission).status == "ACCEPTED"
        assert annotations["synapse_challenge_attempt"] == 1
        assert annotations["submission_status"] == "SCORED"
        assert annotations["score"] == 0.5
        assert world.mails(submission) == ["scored"]


def test_status_updates_that_meet_a_412(world, airflow):
    """Somebody else's update in between is read again, not overwritten."""
    world.server.fault(operation=PUT_STATUS, status=412, count=3)
    submission = world.submit("ok 0.5")
    world.wait_final(submission)
    world.require_success(airflow, submission)
    assert_scored_once(world, submission)


def test_a_claim_lost_to_somebody_else(world, airflow):
    """A submission that is taken while the claim is on its way is left alone."""
    airflow.api("PATCH", "/dags/trials__trials", json={"is_paused": True})
    try:
        submission = world.submit("ok 0.5")
        world.wait_for(lambda: world.run_state(airflow, submission) == "queued", "the queued run")
        taken = world.status(submission).model_copy(update={"status": "EVALUATION_IN_PROGRESS"})
        world.take(taken)
    finally:
        airflow.api("PATCH", "/dags/trials__trials", json={"is_paused": False})
    world.require_success(airflow, submission)
    assert world.status(submission).status == "EVALUATION_IN_PROGRESS"
    assert world.status(submission).etag == world.taken_etag
    assert world.mails(submission) == []


def test_answers_that_get_lost(world, airflow):
    """The claim, the final status and the mail took effect, but the connection broke: nothing happens twice."""
    world.server.fault(operation=PUT_STATUS, drop=True, where="after", count=2)
    world.server.fault(operation=POST_MESSAGE, drop=True, where="after", count=1)
    submission = world.submit("ok 0.5")
    world.wait_final(submission)
    world.require_success(airflow, submission)
    assert_scored_once(world, submission)


def test_synapse_is_away_for_a_minute(world, airflow):
    """Everything that was on its way arrives when Synapse is back."""
    before = [world.submit("ok 0.5", by=name) for name in ("ada", "grace", "ada")]
    world.wait_for(lambda: any(world.run_state(airflow, submission) for submission in before), "the first run")
    world.server.fault(operation="*", status=503, seconds=60)
    world.wait_for(world.answers, "Synapse", 90)
    after = world.submit("ok 0.5", by="grace")
    world.wait_final(*before, after, seconds=400)
    for submission in (*before, after):
        world.require_success(airflow, submission, 300)
    assert_scored_once(world, *before, after)


def test_the_scheduler_dies_in_the_middle_of_a_dispatch(world, airflow):
    """Some runs exist, some do not, and the task is dead: all submissions are evaluated, once."""
    airflow.api("PATCH", "/dags/trials__intake", json={"is_paused": True})
    ids = [world.submit("ok 0.5", by=name) for name in ("ada", "grace") * 3]
    airflow.api("PATCH", "/dags/trials__intake", json={"is_paused": False})
    world.wait_for(lambda: any(world.run_state(airflow, submission) for submission in ids), "the first run")
    airflow.kill_component("scheduler")
    airflow.start_component("scheduler")
    world.wait_final(*ids, seconds=400)
    for submission in ids:
        world.wait_run(airflow, submission, 300)
    assert_scored_once(world, *ids)


def test_two_intakes_race_for_one_queue(world, airflow):
    """Two Airflows with the same challenge: each submission is evaluated by one of them."""
    second = world.deploy("second")
    try:
        second.start()
        ids = [world.submit("ok 0.5", by=name) for name in ("ada", "grace") * 3]
        world.wait_final(*ids, seconds=300)
        world.wait_for(
            lambda: all(
                world.run_state(deployment, submission) not in ("queued", "running")
                for deployment in (airflow, second)
                for submission in ids
            ),
            "the end of all runs",
        )
    finally:
        second.stop()
    assert_scored_once(world, *ids)
