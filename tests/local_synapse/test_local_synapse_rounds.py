"""Rounds, and the limits that they set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

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


@pytest.mark.rule("R-02", "V-07")
def test_a_round_cannot_be_changed_beside_a_quota(organiser, queue, at, march):
    """The words name what to do first."""
    made = march()
    status, reason = organiser.refused(
        "PUT",
        f"/evaluation/{queue}",
        organiser.ok("GET", f"/evaluation/{queue}")
        | {
            "quota": {
                "numberOfRounds": 1,
                "roundDurationMillis": 1,
                "firstRoundStart": made["roundStart"],
            }
        },
    )
    assert (status, "can not co-exist with EvaluationRounds" in reason) == (400, True)


@pytest.mark.rule("R-01", "G-09")
def test_rounds_come_in_pages_of_fifty(organiser, queue, at):
    """The token leads to the next page, and the last page has none."""
    at("2031-01-01T00:00:00")
    path = f"/evaluation/{queue}/round"
    starts = [f"2031-02-01T00:{minute:02d}:00.000Z" for minute in range(53)]
    for start, end in zip(reversed(starts[:-1]), reversed(starts[1:]), strict=True):
        organiser.ok("POST", path, {"evaluationId": queue, "roundStart": start, "roundEnd": end})
    first = organiser.ok("POST", f"{path}/list", {})
    assert [found["roundStart"] for found in first["page"]] == starts[:50]
    assert first["nextPageToken"] == "50a50"
    rest = organiser.ok("POST", f"{path}/list", {"nextPageToken": first["nextPageToken"]})
    assert [found["roundStart"] for found in rest["page"]] == starts[50:52]
    assert "nextPageToken" not in rest
    small = organiser.ok("POST", f"{path}/list", {"nextPageToken": "2a1"})
    assert [found["roundStart"] for found in small["page"]] == starts[1:3]
    assert small["nextPageToken"] == "2a3"
    for bad in ("x", "51a0", "0a0", "-1a0", "50a"):
        assert organiser.refused("POST", f"{path}/list", {"nextPageToken": bad})[0] == 400


@pytest.mark.rule("R-03")
def test_a_round_may_start_a_moment_ago(organiser, queue, at):
    """A second is forgiven, because clocks differ."""
    body = {"evaluationId": queue, "roundStart": "2031-01-01T00:00:00.000Z", "roundEnd": "2031-02-01T00:00:00.000Z"}
    at("2031-01-01T00:00:10")
    status, reason = organiser.refused("POST", f"/evaluation/{queue}/round", body)
    assert (status, reason) == (400, "Can not create an EvaluationRound with a start date in the past.")
    at("2031-01-01T00:00:00.200000")
    assert organiser.ok("POST", f"/evaluation/{queue}/round", body)["roundStart"] == body["roundStart"]


@pytest.mark.rule("R-03")
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(days=st.lists(st.tuples(st.integers(1, 28), st.integers(1, 28)), min_size=1, max_size=5))
def test_overlaps_are_refused_and_named(server, organiser, project, unique, days):
    """Ranges that only touch do not overlap."""
    server.set_clock(now="2031-01-01T00:00:00+00:00")
    queue = organiser.ok("POST", "/evaluation", {"name": unique("Q"), "contentSource": project})["id"]
    kept = {}
    for start, end in days:
        body = {
            "evaluationId": queue,
            "roundStart": f"2031-03-{start:02d}T00:00:00.000Z",
            "roundEnd": f"2031-03-{end:02d}T00:00:00.000Z",
        }
        answer = organiser("POST", f"/evaluation/{queue}/round", body)
        clashes = [identity for identity, (first, last) in kept.items() if last > start and first < end]
        if start > end:
            assert (answer.status_code, "can not end before it starts" in answer.text) == (400, True)
        elif clashes:
            reason = f"This round's date range overlaps with the following round IDs: [{', '.join(clashes)}]"
            assert (answer.status_code, answer.json()["reason"]) == (400, reason)
        else:
            kept[answer.json()["id"]] = (start, end)
    server.set_clock(offset_seconds=0)


@pytest.mark.rule("R-04")
def test_each_limit_names_its_type_and_number(organiser, queue, at, march):
    at("2031-01-01T00:00:00")
    body = {"evaluationId": queue, "roundStart": "2031-05-01T00:00:00.000Z", "roundEnd": "2031-06-01T00:00:00.000Z"}
    path = f"/evaluation/{queue}/round"
    for limit in ({"limitType": "DAILY"}, {"maximumSubmissions": 1}):
        assert organiser.refused("POST", path, body | {"limits": [limit]})[0] == 400
    twice = [{"limitType": "TOTAL", "maximumSubmissions": most} for most in (1, 2)]
    refused = organiser.refused("POST", path, body | {"limits": twice})
    assert refused == (400, "You may only have 1 limit of type: TOTAL")
    negative = [{"limitType": "TOTAL", "maximumSubmissions": -1}]
    refused = organiser.refused("POST", path, body | {"limits": negative})
    assert refused == (400, "maxSubmissions must be a positive integer")
    assert "limits" not in organiser.ok("POST", path, body)


@pytest.mark.rule("R-05")
def test_what_cannot_be_done_to_a_round(organiser, queue, at, march):
    made = march()
    path = f"/evaluation/{queue}/round"
    at(f"{DAY}T00:00:00")
    status, reason = organiser.refused("PUT", f"{path}/{made['id']}", made | {"roundEnd": "2031-03-04T00:00:00.000Z"})
    assert (status, "in the past" in reason) == (400, True)
    status, reason = organiser.refused("PUT", f"{path}/{made['id']}", made | {"etag": "old"})
    assert (status, reason.startswith(f"EvaluationRound: {made['id']} has been updated since")) == (412, True)
    status, reason = organiser.refused("PUT", f"{path}/1", made | {"id": "1"})
    assert (status, reason) == (
        404,
        f"Evaluation Round with id=1, belonging to Evaluation id={queue}, could not be found.",
    )
    assert organiser.refused("PUT", f"{path}/{made['id']}", made | {"evaluationId": "1"})[0] == 400
    assert organiser.refused("POST", path, made | {"evaluationId": "1"})[0] == 400
    assert organiser.refused("POST", path, made | {"evaluationId": None})[0] == 400


@pytest.mark.rule("R-05")
def test_a_round_that_is_over_can_still_be_described(organiser, queue, at, march, submit, submitter):
    """Only what changes is held against the clock."""
    made = march(TOTAL=1)
    at(f"{DAY}T00:00:00")
    submit(submitter)
    at("2031-06-01T00:00:00")
    path = f"/evaluation/{queue}/round/{made['id']}"
    changed = organiser.ok("PUT", path, made | {"limits": [{"limitType": "TOTAL", "maximumSubmissions": 2}]})
    assert changed["limits"] == [{"limitType": "TOTAL", "maximumSubmissions": 2}]


@pytest.mark.rule("R-05")
def test_a_started_round_that_nobody_used_may_start_earlier(organiser, queue, at, march):
    made = march()
    at(f"{DAY}T00:00:00")
    path = f"/evaluation/{queue}/round/{made['id']}"
    changed = organiser.ok("PUT", path, made | {"roundStart": "2031-02-15T00:00:00.000Z"})
    assert changed["roundStart"] == "2031-02-15T00:00:00.000Z"


@pytest.mark.rule("R-06")
def test_a_round_with_submissions_that_has_started_stays(organiser, queue, at, march, submit, submitter):
    made = march()
    path = f"/evaluation/{queue}/round/{made['id']}"
    at(f"{DAY}T00:00:00")
    submit(submitter)
    refused = organiser.refused("DELETE", path)
    assert refused == (
        400,
        "Can not delete an EvaluationRound after it has already started and Submissions have been made",
    )


@pytest.mark.rule("R-09")
def test_a_round_is_found_by_its_own_id(organiser, person, queue, project, unique, share, march):
    """Whoever may read the evaluation in the path reads the rounds of any; changes go the right way only."""
    made = march()
    other = organiser.ok("POST", "/evaluation", {"name": unique("Q"), "contentSource": project})["id"]
    guest = person()
    share(organiser, f"/evaluation/{other}", guest.id, "READ")
    assert guest.refused("GET", f"/evaluation/{queue}/round/{made['id']}")[0] == 403
    assert guest.ok("GET", f"/evaluation/{other}/round/{made['id']}") == made
    assert organiser.refused("DELETE", f"/evaluation/{other}/round/{made['id']}")[0] == 404


@pytest.mark.rule("V-04", "R-01")
def test_rounds_of_what_is_not_there(organiser, submitter, queue):
    body = {"evaluationId": "1", "roundStart": "2131-01-01T00:00:00.000Z", "roundEnd": "2131-02-01T00:00:00.000Z"}
    assert organiser.refused("POST", "/evaluation/1/round", body) == (404, "Evaluation could not be found with id :1")
    status, reason = submitter.refused("POST", f"/evaluation/{queue}/round", body | {"evaluationId": queue})
    assert (status, f"is not authorized to UPDATE evaluation {queue}" in reason) == (403, True)


@pytest.mark.rule("T-03")
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "TOTAL"]),
    moments=st.lists(st.integers(0, 70 * 24), min_size=2, max_size=4, unique=True).map(sorted),
)
def test_limits_against_the_calendar(server, organiser, submitter, project, unique, share, kind, moments):
    """Days, weeks from Monday on and months are UTC's; a total limit is the round's."""
    begin = datetime(2031, 2, 20, tzinfo=UTC)
    server.set_clock(now="2031-01-01T00:00:00+00:00")
    queue = organiser.ok("POST", "/evaluation", {"name": unique("Q"), "contentSource": project})["id"]
    share(organiser, f"/evaluation/{queue}", submitter.id, "READ", "SUBMIT")
    body = {
        "evaluationId": queue,
        "roundStart": "2031-02-20T00:00:00.000Z",
        "roundEnd": "2031-06-01T00:00:00.000Z",
        "limits": [{"limitType": kind, "maximumSubmissions": 1}],
    }
    organiser.ok("POST", f"/evaluation/{queue}/round", body)
    entity = submitter.ok("GET", f"/entity/{submitter.home}")
    wish = {"entityId": entity["id"], "versionNumber": 1, "evaluationId": queue}
    spans = {
        "DAILY": lambda moment: moment.date(),
        "WEEKLY": lambda moment: moment.date() - timedelta(days=moment.weekday()),
        "MONTHLY": lambda moment: (moment.year, moment.month),
        "TOTAL": lambda _: None,
    }
    used = set()
    for hours in moments:
        moment = begin + timedelta(hours=hours)
        server.set_clock(now=moment.isoformat())
        answer = submitter("POST", "/evaluation/submission", wish, etag=entity["etag"])
        span = spans[kind](moment)
        assert answer.status_code == (403 if span in used else 201)
        used.add(span)
    server.set_clock(offset_seconds=0)
