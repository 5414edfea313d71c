"""Rounds, and the limits that they set."""

from __future__ import annotations

import pytest

DAY = "2031-03-05"  # a Wednesday
SCORED_OR_NOT = ("OPEN", "CLOSED", "SCORED", "VALIDATED", "EVALUATION_IN_PROGRESS", "RECEIVED", "ACCEPTED")


@pytest.fixture
def at(server):
    """Sets the time."""
    return lambda moment: server.set_clock(now=f"{moment}+00:00")


@pytest.fixture
def new_round(organiser, queue, at):
    """Makes a round; leaves the time at the day before it."""

    def new_round(start, end, *, day_before="2031-01-01T00:00:00", **limits):
        at(day_before)
        body = {"evaluationId": queue, "roundStart": f"{start}.000Z", "roundEnd": f"{end}.000Z"}
        kinds = [{"limitType": kind, "maximumSubmissions": most} for kind, most in limits.items()]
        return organiser.ok("POST", f"/evaluation/{queue}/round", body | {"limits": kinds})

    return new_round


@pytest.fixture
def march(new_round):
    """Makes the round of March with limits."""
    return lambda **limits: new_round("2031-03-01T00:00:00", "2031-04-01T00:00:00", **limits)


@pytest.fixture
def refusal(wish):
    """Submits and returns the reason for which that is refused."""

    def refusal(somebody):
        body, query = wish(somebody)
        status, reason = somebody.refused("POST", "/evaluation/submission", body, **query)
        assert status == 403
        return reason

    return refusal


@pytest.fixture
def set_status(organiser):
    def set_status(submission, status):
        path = f"/evaluation/submission/{submission['id']}/status"
        organiser.ok("PUT", path, organiser.ok("GET", path) | {"status": status})

    return set_status


@pytest.mark.rule("T-03")
def test_a_daily_limit_begins_anew_at_midnight(at, march, submit, submitter, refusal):
    """T-03: UTC."""
    march(DAILY=2)
    at(f"{DAY}T00:00:01")
    submit(submitter)
    at(f"{DAY}T23:59:50")
    submit(submitter)
    assert refusal(submitter) == "Submitter has reached the daily limit of 2. (for the current submission round)."
    at("2031-03-06T00:00:00")
    assert submit(submitter)


@pytest.mark.rule("T-02")
@pytest.mark.parametrize(
    ("status", "free"), [(status, False) for status in SCORED_OR_NOT] + [("INVALID", True), ("REJECTED", True)]
)
def test_which_statuses_use_a_slot(at, march, submit, submitter, refusal, set_status, status, free):
    """T-02: INVALID and REJECTED give it back."""
    march(DAILY=1)
    at(f"{DAY}T12:00:00")
    set_status(submit(submitter), status)
    if free:
        submit(submitter)
    assert "daily limit of 1" in refusal(submitter)


@pytest.mark.rule("T-03")
@pytest.mark.parametrize(
    ("kind", "still", "again"),
    [("WEEKLY", "2031-03-09T23:59:00", "2031-03-10T00:00:00"), ("MONTHLY", "2031-03-31T23:00:00", None)],
)
def test_longer_limits(at, march, submit, submitter, refusal, kind, still, again):
    """T-03: weeks begin on Monday."""
    march(**{kind: 1})
    at(f"{DAY}T12:00:00")
    submit(submitter)
    at(still)
    assert f"{kind.lower()} limit of 1" in refusal(submitter)
    if again:
        at(again)
        assert submit(submitter)


@pytest.mark.rule("T-03")
def test_a_total_limit_is_for_the_round(at, new_round, submit, submitter, refusal):
    """T-03."""
    new_round("2031-03-01T00:00:00", "2031-03-10T00:00:00", TOTAL=1)
    new_round("2031-03-10T00:00:00", "2031-03-20T00:00:00", TOTAL=1)
    at("2031-03-02T00:00:00")
    submit(submitter)
    at("2031-03-09T00:00:00")
    assert "total limit of 1" in refusal(submitter)
    at("2031-03-10T00:00:00")
    assert submit(submitter)


@pytest.mark.rule("T-03")
def test_a_day_is_not_cut_at_the_beginning_of_a_round(at, new_round, submit, submitter, refusal):
    """T-03: what was submitted to an earlier round of the same day counts."""
    new_round(f"{DAY}T00:00:00", f"{DAY}T12:00:00", DAILY=1)
    new_round(f"{DAY}T12:00:00", "2031-03-20T00:00:00", DAILY=1)
    at(f"{DAY}T11:00:00")
    submit(submitter)
    at(f"{DAY}T13:00:00")
    assert "daily limit of 1" in refusal(submitter)


def test_several_limits_hold_at_once(at, march, submit, submitter, refusal):
    march(DAILY=1, TOTAL=2)
    for day in (5, 6):
        at(f"2031-03-0{day}T12:00:00")
        submit(submitter)
    at("2031-03-07T12:00:00")
    assert "total limit of 2" in refusal(submitter)


@pytest.mark.rule("R-04")
def test_a_limit_of_none(at, march, submitter, refusal):
    """R-04: zero is a limit."""
    march(TOTAL=0)
    at(f"{DAY}T12:00:00")
    assert "total limit of 0" in refusal(submitter)


def test_limits_are_each_users_own(at, march, submit, submitter, person, organiser, queue, share, new_project):
    march(DAILY=1)
    at(f"{DAY}T12:00:00")
    submit(submitter)
    other = person()
    share(organiser, f"/evaluation/{queue}", other.id, "READ", "SUBMIT")
    assert submit(other, new_project(other))


@pytest.mark.rule("R-07", "T-01")
@pytest.mark.parametrize("moment", ["2031-02-28T23:59:59", "2031-04-01T00:00:00"])
def test_outside_of_the_round_nothing_is_taken(at, march, submitter, refusal, moment):
    """R-07, T-01: the end is outside."""
    march()
    at(moment)
    assert refusal(submitter) == "It is currently outside of the time range allowed for submissions."


@pytest.mark.rule("R-07", "S-08")
def test_without_rounds_it_is_always_open(submit, submitter):
    """R-07, S-08."""
    assert "evaluationRoundId" not in submit(submitter)


@pytest.mark.rule("S-01", "S-08")
def test_a_submission_knows_its_round(at, march, submit, submitter, wish):
    """S-01, S-08: the server says which, the client may not."""
    made = march()
    at("2031-03-01T00:00:00")
    assert submit(submitter)["evaluationRoundId"] == made["id"]
    body, query = wish(submitter, evaluationRoundId=made["id"])
    assert submitter.refused("POST", "/evaluation/submission", body, **query)[0] == 400


@pytest.mark.rule("R-03", "R-04")
@pytest.mark.parametrize(
    ("start", "end", "limits", "words"),
    [
        ("2030-12-31T00:00:00", "2031-02-01T00:00:00", [], "start date in the past"),
        ("2031-02-01T00:00:00", "2031-01-15T00:00:00", [], "can not end before it starts"),
        ("2031-03-31T00:00:00", "2031-04-30T00:00:00", [], "overlaps"),
        ("2031-05-01T00:00:00", "2031-06-01T00:00:00", [("DAILY", 1), ("DAILY", 2)], "only have 1 limit"),
        ("2031-05-01T00:00:00", "2031-06-01T00:00:00", [("DAILY", -1)], "positive"),
        ("2031-05-01T00:00:00", "2031-06-01T00:00:00", [("HOURLY", 1)], "limitType"),
    ],
)
def test_rounds_that_are_refused(organiser, queue, at, march, start, end, limits, words):
    """R-03, R-04."""
    march()
    at("2031-01-01T00:00:00")
    kinds = [{"limitType": kind, "maximumSubmissions": most} for kind, most in limits]
    body = {"evaluationId": queue, "roundStart": f"{start}.000Z", "roundEnd": f"{end}.000Z", "limits": kinds}
    status, reason = organiser.refused("POST", f"/evaluation/{queue}/round", body)
    assert (status, words in reason) == (400, True), reason


@pytest.mark.rule("R-01", "R-03")
def test_rounds_may_touch_and_are_listed_by_their_start(organiser, queue, new_round):
    """R-01, R-03."""
    march = new_round("2031-03-01T00:00:00", "2031-04-01T00:00:00")
    february = new_round("2031-02-01T00:00:00", "2031-03-01T00:00:00")
    listed = organiser.ok("POST", f"/evaluation/{queue}/round/list", {})
    assert [found["id"] for found in listed["page"]] == [february["id"], march["id"]]
    assert "nextPageToken" not in listed
    assert organiser.ok("GET", f"/evaluation/{queue}/round/{march['id']}") == march


@pytest.mark.rule("R-01")
def test_who_makes_and_who_reads_rounds(organiser, queue, march, submitter, person):
    """R-01."""
    made = march()
    path = f"/evaluation/{queue}/round"
    assert submitter.ok("GET", f"{path}/{made['id']}")["id"] == made["id"]
    assert submitter.refused("POST", path, made)[0] == 403
    assert submitter.refused("DELETE", f"{path}/{made['id']}")[0] == 403
    assert person().refused("POST", f"{path}/list", {})[0] == 403


@pytest.mark.rule("R-05", "R-06")
def test_a_round_with_submissions_keeps_its_start(organiser, queue, at, march, submit, submitter):
    """R-05, R-06: its end may move on."""
    made = march()
    path = f"/evaluation/{queue}/round/{made['id']}"
    at(f"{DAY}T00:00:00")
    submit(submitter)
    assert organiser.refused("PUT", path, made | {"roundStart": "2031-03-02T00:00:00.000Z"})[0] == 400
    assert organiser.refused("DELETE", path)[0] == 400
    longer = organiser.ok("PUT", path, made | {"roundEnd": "2031-05-01T00:00:00.000Z"})
    assert longer["roundEnd"] == "2031-05-01T00:00:00.000Z"
    assert organiser.refused("PUT", path, made)[0] == 412
    assert organiser.refused("PUT", path, longer | {"id": "1"})[0] == 400


@pytest.mark.rule("R-06")
def test_an_unused_round_goes(organiser, queue, march):
    """R-06."""
    made = march()
    assert organiser("DELETE", f"/evaluation/{queue}/round/{made['id']}").status_code == 204
    status, reason = organiser.refused("GET", f"/evaluation/{queue}/round/{made['id']}")
    assert (status, "could not be found" in reason) == (404, True)


@pytest.mark.rule("R-02", "V-07")
def test_a_quota_and_rounds_exclude_each_other(organiser, project, unique, at, queue, march):
    """R-02, V-07."""
    march()
    quota = {
        "numberOfRounds": 1,
        "roundDurationMillis": 86_400_000,
        "firstRoundStart": "2031-03-01T00:00:00.000Z",
        "submissionLimit": 1,
    }
    evaluation = organiser.ok("GET", f"/evaluation/{queue}")
    assert organiser.refused("PUT", f"/evaluation/{queue}", evaluation | {"quota": quota})[0] == 400
    other = organiser.ok("POST", "/evaluation", {"name": unique("Q"), "contentSource": project, "quota": quota})["id"]
    body = {
        "evaluationId": other,
        "roundStart": "2031-03-01T00:00:00.000Z",
        "roundEnd": "2031-04-01T00:00:00.000Z",
    }
    status, reason = organiser.refused("POST", f"/evaluation/{other}/round", body)
    assert (status, "SubmissionQuota" in reason) == (400, True)
