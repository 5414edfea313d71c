"""The deprecated quota of a queue: what it has to be, what it does while it is there, what it becomes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

DAY = 86_400_000
START = datetime(2031, 3, 1, tzinfo=UTC)


def text(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def quota_of(rounds=2, duration=DAY, start=START, **limit):
    return {"numberOfRounds": rounds, "roundDurationMillis": duration, "firstRoundStart": text(start), **limit}


@pytest.fixture
def at(server):
    """Sets the time."""
    return lambda moment: server.set_clock(now=moment.isoformat())


@pytest.fixture
def with_quota(organiser, queue):
    """Gives the queue a quota; returns the evaluation."""

    def with_quota(**quota):
        found = organiser.ok("GET", f"/evaluation/{queue}")
        return organiser.ok("PUT", f"/evaluation/{queue}", found | {"quota": quota_of(**quota)})

    return with_quota


@pytest.fixture
def rounds(organiser, queue):
    """The rounds of the queue: starts, ends and limits."""

    def rounds():
        page = organiser.ok("POST", f"/evaluation/{queue}/round/list", {})["page"]
        return [
            (
                found["roundStart"],
                found["roundEnd"],
                [(limit["limitType"], limit["maximumSubmissions"]) for limit in found.get("limits", [])],
            )
            for found in page
        ]

    return rounds


@pytest.mark.rule("V-08")
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"submissionLimit": -1}, "submissionLimit"),
        ({"numberOfRounds": -1}, "numberOfRounds"),
        ({"numberOfRounds": None}, "numberOfRounds"),
        ({"roundDurationMillis": -1}, "roundDurationMillis"),
        ({"roundDurationMillis": None}, "roundDurationMillis"),
        ({"firstRoundStart": None}, "firstRoundStart"),
        ({"firstRoundStart": "tomorrow"}, "firstRoundStart"),
    ],
)
def test_a_quota_is_complete(organiser, project, queue, unique, change, words):
    body = {"name": unique("Q"), "contentSource": project, "quota": quota_of() | change}
    for method, path in (("POST", "/evaluation"), ("PUT", f"/evaluation/{queue}")):
        found = organiser.ok("GET", f"/evaluation/{queue}") if method == "PUT" else {}
        status, reason = organiser.refused(method, path, found | body)
        assert (status, words in reason) == (400, True), reason


@pytest.mark.rule("V-08")
def test_a_quota_stays_as_it_was_given(organiser, queue, with_quota):
    quota = with_quota(submissionLimit=0)["quota"]
    assert quota == quota_of(submissionLimit=0)
    assert organiser.ok("GET", f"/evaluation/{queue}")["quota"] == quota
    assert "submissionLimit" not in with_quota()["quota"]


@pytest.mark.rule("V-07")
def test_a_put_without_the_quota_takes_it_away(organiser, queue, with_quota):
    """That is how one gets from a quota to rounds by hand."""
    found = with_quota()
    del found["quota"]
    assert "quota" not in organiser.ok("PUT", f"/evaluation/{queue}", found)
    body = {"evaluationId": queue, "roundStart": "2131-01-01T00:00:00.000Z", "roundEnd": "2131-02-01T00:00:00.000Z"}
    organiser.ok("POST", f"/evaluation/{queue}/round", body)
    status, reason = organiser.refused(
        "PUT", f"/evaluation/{queue}", organiser.ok("GET", f"/evaluation/{queue}") | {"quota": quota_of()}
    )
    assert (status, reason.startswith("DEPRECATED! SubmissionQuota is a DEPRECATED feature")) == (400, True)


@pytest.mark.rule("V-08", "T-01", "S-08")
def test_a_quota_limits_each_of_its_rounds(at, with_quota, submit, submitter, wish):
    """A round of a quota has no id, but it is a round."""
    with_quota(submissionLimit=1)
    at(START + timedelta(hours=1))
    assert "evaluationRoundId" not in submit(submitter)
    body, query = wish(submitter)
    refused = submitter.refused("POST", "/evaluation/submission", body, **query)
    assert refused == (403, "Submitter has reached the total limit of 1. (for the current submission round).")
    at(START + timedelta(days=1))
    submit(submitter)
    at(START + timedelta(days=2))
    refused = submitter.refused("POST", "/evaluation/submission", body, **query)
    assert refused == (403, "It is currently outside of the time range allowed for submissions.")


@pytest.mark.rule("V-08")
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rounds=st.integers(0, 5),
    hours=st.integers(0, 50),
    elapsed=st.integers(-5, 300),
)
@example(rounds=2, hours=24, elapsed=-1)
@example(rounds=2, hours=24, elapsed=0)
@example(rounds=2, hours=24, elapsed=48)
@example(rounds=2, hours=0, elapsed=0)
def test_the_rounds_of_a_quota_are_half_open(
    server, at, organiser, queue, with_quota, submitter, submit, wish, rounds, hours, elapsed
):
    with_quota(rounds=rounds, duration=hours * 3_600_000)
    at(START + timedelta(hours=elapsed))
    body, query = wish(submitter)
    answer = submitter("POST", "/evaluation/submission", body, **query)
    assert answer.status_code == (201 if 0 <= elapsed < rounds * hours else 403)
    server.set_clock(offset_seconds=0)


@pytest.mark.rule("V-09")
def test_only_a_quota_makes_a_queue_inactive(at, organiser, project, queue, unique, with_quota):
    """A queue with rounds is always active."""
    with_quota()
    body = {"name": unique("Rounds"), "contentSource": project}
    other = organiser.ok("POST", "/evaluation", body)["id"]
    past = {"evaluationId": other, "roundStart": "2031-01-01T00:00:00.000Z", "roundEnd": "2031-01-02T00:00:00.000Z"}
    at(START - timedelta(days=100))
    organiser.ok("POST", f"/evaluation/{other}/round", past)

    def active():
        found = organiser.ok("GET", f"/entity/{project}/evaluation", activeOnly="true")["results"]
        return {evaluation["id"] for evaluation in found}

    for days, expected in ((-1, {other}), (0, {other, queue}), (1, {other, queue}), (2, {other})):
        at(START + timedelta(days=days))
        assert active() == expected
    assert len(organiser.ok("GET", f"/entity/{project}/evaluation")["results"]) == 2


@pytest.mark.rule("R-08")
@pytest.mark.parametrize(("days", "kind"), [(1, "DAILY"), (7, "WEEKLY"), (28, "MONTHLY"), (31, "MONTHLY")])
def test_a_quota_of_calendar_rounds_becomes_one_round(organiser, queue, with_quota, rounds, days, kind):
    with_quota(rounds=3, duration=days * DAY, submissionLimit=4)
    assert organiser("POST", f"/evaluation/{queue}/migratequota").status_code == 200
    assert rounds() == [(text(START), text(START + timedelta(days=3 * days)), [(kind, 4)])]
    assert "quota" not in organiser.ok("GET", f"/evaluation/{queue}")


@pytest.mark.rule("R-08")
@pytest.mark.parametrize("limit", [{"submissionLimit": 2}, {}])
def test_any_other_quota_becomes_as_many_rounds(organiser, queue, with_quota, rounds, limit):
    with_quota(rounds=3, duration=2 * DAY, **limit)
    organiser.ok("POST", f"/evaluation/{queue}/migratequota")
    starts = [START + timedelta(days=2 * number) for number in range(4)]
    kinds = [("TOTAL", 2)] if limit else []
    assert rounds() == [(text(start), text(end), kinds) for start, end in pairwise(starts)]


@pytest.mark.rule("R-08")
def test_a_quota_without_an_end_ends_in_4021(organiser, queue, with_quota, rounds):
    with_quota(rounds=10**9, submissionLimit=1)
    organiser.ok("POST", f"/evaluation/{queue}/migratequota")
    assert rounds() == [(text(START), "4021-01-01T00:00:00.000Z", [("DAILY", 1)])]


@pytest.mark.rule("R-08")
def test_who_converts_what(organiser, queue, submitter, with_quota):
    path = f"/evaluation/{queue}/migratequota"
    assert organiser.refused("POST", path) == (400, "The evaluation does not have a SubmissionQuota to convert")
    with_quota()
    assert submitter.refused("POST", path)[0] == 403
    assert submitter.refused("POST", "/evaluation/1/migratequota")[0] == 404


@pytest.mark.rule("R-08", "S-08")
def test_a_converted_quota_goes_on_as_a_round(at, organiser, queue, with_quota, submit, submitter, wish):
    with_quota(rounds=10, submissionLimit=1)
    at(START + timedelta(hours=1))
    assert "evaluationRoundId" not in submit(submitter)
    organiser.ok("POST", f"/evaluation/{queue}/migratequota")
    body, query = wish(submitter)
    assert "daily limit of 1" in submitter.refused("POST", "/evaluation/submission", body, **query)[1]
    at(START + timedelta(days=1))
    (made,) = organiser.ok("POST", f"/evaluation/{queue}/round/list", {})["page"]
    assert submit(submitter)["evaluationRoundId"] == made["id"]


@pytest.mark.rule("P-16", "V-08")
def test_the_quota_that_challengeutils_sets(organiser, queue):
    """It gets the evaluation, replaces the whole quota and puts it back; what is not given is null."""
    synapse = organiser.synapse
    evaluation = synapse.getEvaluation(queue)
    evaluation.quota = quota_of(submissionLimit=3) | {"submissionLimit": None}
    assert synapse.store(evaluation)["quota"] == quota_of()
