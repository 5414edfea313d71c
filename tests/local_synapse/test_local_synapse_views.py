"""Submission views: what they show, to whom, how late, and how it is changed through them."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

TABLE = "org.sagebionetworks.repo.model.table."
SCORE, TEAM = ("score", "DOUBLE", {}), ("team", "STRING", {})


@pytest.mark.rule("W-01", "W-08")
def test_a_submission_view_shows_what_a_submission_is(
    organiser, queue, submit, submitter, new_view, annotate_submission, project
):
    made = submit(submitter, submitterAlias="The Team", name="First try")
    view = new_view("submissionview", [queue])
    status = annotate_submission(made["id"], "SCORED")
    found = organiser.bundle(view, "SELECT * FROM $")["queryResult"]["queryResults"]
    names = [header["name"] for header in found["headers"]]
    cells = dict(zip(names, found["rows"][0]["values"], strict=True))
    assert {name: cells[name] for name in cells if name not in ("createdOn", "modifiedOn")} == {
        "id": made["id"],
        "name": "First try",
        "createdBy": str(submitter.id),
        "etag": status["etag"],
        "projectId": project,
        "status": "SCORED",
        "evaluationid": queue,
        "evaluationroundid": None,
        "submitterid": str(submitter.id),
        "submitteralias": "The Team",
        "entityid": submitter.home,
        "entityversion": "1",
        "dockerrepositoryname": None,
        "dockerdigest": None,
    }
    assert int(cells["createdOn"]) <= int(cells["modifiedOn"])


@pytest.mark.rule("W-01")
def test_a_team_is_the_submitter_of_its_submissions(organiser, queue, submitter, submit, new_view, share, wish, unique):
    team = submitter.ok("POST", "/team", {"name": unique("Team")})["id"]
    state = submitter.ok("GET", f"/evaluation/{queue}/team/{team}/submissionEligibility")["eligibilityStateHash"]
    body, query = wish(submitter, teamId=team)
    query["submissionEligibilityHash"] = state
    submitter.ok("POST", "/evaluation/submission", body, **query)
    view = new_view("submissionview", [queue])
    assert organiser.rows(view, "SELECT submitterid, createdBy FROM $") == [[team, str(submitter.id)]]


@pytest.mark.rule("W-02")
@pytest.mark.parametrize("name", ["canCancel", "cancelRequested", "score", "report", "teamId", "contributors"])
def test_what_a_submission_view_does_not_show(organiser, queue, submission, new_view, name):
    view = new_view("submissionview", [queue], (name, "STRING", {}))
    status = organiser.ok("GET", f"/evaluation/submission/{submission}/status")
    status |= {"canCancel": True, "cancelRequested": True, "score": 0.5, "report": "a report"}
    organiser.ok("PUT", f"/evaluation/submission/{submission}/status", status)
    assert organiser.rows(view, f"SELECT {name} FROM $") == [[None]]


@pytest.mark.rule("W-03")
def test_only_newer_annotations_become_columns(organiser, queue, submission, new_view):
    view = new_view("submissionview", [queue], SCORE, TEAM, ("both", "STRING", {}))
    status = organiser.ok("GET", f"/evaluation/submission/{submission}/status")
    status["annotations"] = {
        "stringAnnos": [{"key": "team", "value": "old", "isPrivate": False}, {"key": "both", "value": "old"}],
        "doubleAnnos": [{"key": "score", "value": 0.5, "isPrivate": False}],
    }
    status["submissionAnnotations"] = {"annotations": {"both": {"type": "STRING", "value": ["new"]}}}
    organiser.ok("PUT", f"/evaluation/submission/{submission}/status", status)
    assert organiser.rows(view, "SELECT score, team, both FROM $") == [[None, None, "new"]]


@pytest.mark.rule("W-03")
@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        ("STRING", "text", "text"),
        ("STRING", 7, "7"),
        ("STRING", True, "true"),
        ("INTEGER", 7, "7"),
        ("INTEGER", "7", "7"),
        ("INTEGER", "seven", None),
        ("INTEGER", 0.5, None),
        ("DOUBLE", 7, "7"),
        ("DOUBLE", "0.25", "0.25"),
        ("DOUBLE", "nan", "NaN"),
        ("BOOLEAN", True, "true"),
        ("BOOLEAN", "FALSE", "false"),
        ("BOOLEAN", "yes", None),
        ("DATE", 1700000000000, "1700000000000"),
        ("ENTITYID", "syn12", "syn12"),
        ("STRING", ["first", "second"], "first"),
        ("STRING_LIST", ["first", "second"], '["first", "second"]'),
        ("INTEGER_LIST", [1, 2], "[1, 2]"),
        ("LARGETEXT", "long", "long"),
    ],
)
def test_annotations_show_in_columns_that_their_values_fit(
    organiser, queue, submission, new_view, annotate_submission, kind, value, shown
):
    view = new_view("submissionview", [queue], ("seen", kind, {}))
    annotate_submission(submission, seen=value)
    assert organiser.rows(view, "SELECT seen FROM $") == [[shown]]


@pytest.mark.rule("W-03")
def test_an_annotation_that_is_named_like_a_field_is_hidden(
    organiser, queue, submission, new_view, annotate_submission
):
    view = new_view("submissionview", [queue])
    annotate_submission(submission, status="VALIDATED", entityid="syn1", name="other")
    assert organiser.rows(view, "SELECT id, status FROM $ WHERE name <> 'other' AND entityid <> 'syn1'") == [
        [submission, "VALIDATED"]
    ]


@pytest.mark.rule("W-04")
def test_a_row_is_its_status(organiser, queue, submission, new_view, annotate_submission):
    view = new_view("submissionview", [queue])

    def row():
        found = organiser.bundle(view, "SELECT status FROM $", includeEntityEtag=True)
        return found["queryResult"]["queryResults"]["rows"][0]

    status = organiser.ok("GET", f"/evaluation/submission/{submission}/status")
    assert row() == {
        "rowId": int(submission),
        "versionNumber": 0,
        "etag": status["etag"],
        "values": ["RECEIVED"],
    }
    status = annotate_submission(submission, "SCORED")
    assert row() == {
        "rowId": int(submission),
        "versionNumber": status["statusVersion"],
        "etag": status["etag"],
        "values": ["SCORED"],
    }
    assert organiser.rows(view, "SELECT ROW_ID, ROW_VERSION, ROW_ETAG FROM $") == [[submission, "1", status["etag"]]]


@pytest.mark.rule("W-05")
def test_rows_are_seen_by_who_may_read_their_evaluation(
    organiser, person, project, queue, submission, new_view, annotate_submission, share, unique
):
    other = organiser.ok("POST", "/evaluation", {"name": unique("Queue"), "contentSource": project})["id"]
    entity = organiser.ok("GET", f"/entity/{project}")
    body = {"entityId": project, "versionNumber": 1, "evaluationId": other}
    hidden = organiser.ok("POST", "/evaluation/submission", body, etag=entity["etag"])["id"]
    annotate_submission(submission, score=0.5)
    view = new_view("submissionview", [queue, other], SCORE)
    reader = person()
    assert reader.query_refused(view, "SELECT id FROM $") == (403, "You lack READ access to the requested entity.")
    share(organiser, f"/entity/{project}", reader.id, "READ")
    assert reader.rows(view, "SELECT id FROM $") == []
    assert reader.bundle(view, "SELECT id FROM $", 0x2)["queryCount"] == 0
    share(organiser, f"/evaluation/{queue}", reader.id, "READ")
    # What the status service hides from plain readers, the view shows.
    assert "submissionAnnotations" not in reader.ok("GET", f"/evaluation/submission/{submission}/status")
    assert reader.rows(view, "SELECT id, score FROM $") == [[submission, "0.5"]]
    assert reader.rows(view, "SELECT COUNT(*), MAX(id) FROM $") == [["1", submission]]
    assert organiser.rows(view, "SELECT id FROM $") == [[submission], [hidden]]


@pytest.mark.rule("W-05")
def test_any_evaluation_may_be_in_the_scope_of_a_view(person, queue, submission, new_project):
    stranger = person()
    body = {
        "concreteType": f"{TABLE}SubmissionView",
        "parentId": new_project(stranger),
        "scopeIds": [queue, "999999"],
        "columnIds": [stranger.ok("POST", "/column", {"name": "id", "columnType": "SUBMISSIONID"})["id"]],
    }
    view = stranger.ok("POST", "/entity", body)
    assert view["scopeIds"] == [queue, "999999"]
    assert stranger.rows(view["id"], "SELECT * FROM $") == []


def test_administrators_see_every_row(admin, queue, submission, new_view):
    assert admin.rows(new_view("submissionview", [queue]), "SELECT id FROM $") == [[submission]]


def test_views_follow_what_they_show(organiser, queue, submit, submitter, new_view, annotate_submission):
    view = new_view("submissionview", [queue], SCORE)
    assert organiser.rows(view, "SELECT id FROM $") == []
    first, second = (submit(submitter)["id"] for _ in range(2))
    assert organiser.rows(view, "SELECT id, score FROM $") == [[first, None], [second, None]]
    annotate_submission(first, score=0.25)
    assert organiser.rows(view, "SELECT id, score FROM $") == [[first, "0.25"], [second, None]]
    annotate_submission(first)
    organiser.ok("DELETE", f"/evaluation/submission/{second}")
    assert organiser.rows(view, "SELECT id, score FROM $") == [[first, None]]


def test_views_follow_their_own_definition(
    organiser, project, queue, submission, new_view, annotate_submission, unique
):
    view = new_view("submissionview", [], TEAM)
    annotate_submission(submission, team="Red", points=3)
    assert organiser.rows(view, "SELECT team FROM $") == []
    entity = organiser.ok("GET", f"/entity/{view}")
    points = organiser.ok("POST", "/column", {"name": "points", "columnType": "INTEGER"})["id"]
    entity |= {"scopeIds": [queue], "columnIds": [*entity["columnIds"], points]}
    organiser.ok("PUT", f"/entity/{view}", entity)
    assert organiser.rows(view, "SELECT team, points FROM $") == [["Red", "3"]]


@pytest.mark.rule("W-07")
def test_a_column_that_is_too_small_fails_the_query(organiser, queue, submission, new_view, annotate_submission):
    view = new_view("submissionview", [queue], ("team", "STRING", {"maximumSize": 5}))
    annotate_submission(submission, team="12345")
    assert organiser.rows(view, "SELECT team FROM $") == [["12345"]]
    annotate_submission(submission, team="1234567")
    for _ in range(2):
        assert organiser.query_refused(view, "SELECT id FROM $") == (
            400,
            "The size of the column 'team' is too small.  The column size needs to be at least 7 characters.",
        )
    annotate_submission(submission, team="123")
    assert organiser.rows(view, "SELECT team FROM $") == [["123"]]
    fresh = new_view("submissionview", [queue], ("team", "STRING", {"maximumSize": 2}))
    assert "at least 3 characters" in organiser.query_refused(fresh, "SELECT id FROM $")[1]
    short = new_view("submissionview", [queue], ("all", "STRING_LIST", {"maximumListLength": 1}))
    annotate_submission(submission, all=["a", "b"])
    assert organiser.query_refused(short, "SELECT id FROM $")[1].endswith("must be at least: 2")


@pytest.mark.rule("W-07", "J-01")
def test_a_view_lags_behind_but_loses_nothing(
    organiser, queue, submit, submitter, new_view, annotate_submission, setting, server
):
    setting(index_lag_seconds=60)
    first = submit(submitter)["id"]
    view = new_view("submissionview", [queue], SCORE)
    path = f"/entity/{view}/table/query/async"
    waiting = organiser.job(path, {"query": {"sql": f"SELECT id FROM {view}"}, "partMask": 0x1})
    assert waiting.status_code == 202
    assert waiting.json()["jobState"] == "PROCESSING"
    token = waiting.json()["jobId"]
    server.set_clock(offset_seconds=61)
    done = organiser("GET", f"{path}/get/{token}")
    assert done.status_code == 201
    assert [row["values"] for row in done.json()["queryResult"]["queryResults"]["rows"]] == [[first]]

    def seen():
        return dict(organiser.rows(view, "SELECT id, score FROM $"))

    annotate_submission(first, score=0.5)
    second = submit(submitter)["id"]
    assert seen() == {first: None}
    server.set_clock(offset_seconds=100)
    annotate_submission(first, score=0.75)
    assert seen() == {first: None}
    server.set_clock(offset_seconds=122)
    # The first change is due; it shows the row as it has become since.
    assert seen() == {first: "0.75", second: None}
    organiser.ok("DELETE", f"/evaluation/submission/{second}")
    assert set(seen()) == {first, second}
    server.set_clock(offset_seconds=190)
    assert seen() == {first: "0.75"}
    setting(index_lag_seconds=0)
    annotate_submission(first, score=1.0)
    assert seen() == {first: "1"}


@pytest.mark.rule("W-07")
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("score"), st.integers(0, 1), st.integers(0, 9)),
            st.tuples(st.just("wait"), st.integers(1, 40)),
            st.just(("look",)),
        ),
        max_size=10,
    )
)
def test_every_change_shows_in_the_end(
    organiser, queue, submit, submitter, new_view, annotate_submission, setting, server, steps
):
    setting(index_lag_seconds=None)
    server.set_clock(offset_seconds=0)
    made = [submit(submitter)["id"] for _ in range(2)]
    view, offset = new_view("submissionview", [queue], SCORE), 0
    sql = f"SELECT id, score FROM $ WHERE id IN ({', '.join(made)})"
    assert organiser.rows(view, sql) == [[made[0], None], [made[1], None]]
    setting(index_lag_seconds=30)
    scores = dict.fromkeys(made)
    for kind, *values in steps:
        if kind == "score":
            annotate_submission(made[values[0]], score=float(values[1]))
            scores[made[values[0]]] = str(values[1])
        elif kind == "wait":
            offset += values[0]
            server.set_clock(offset_seconds=offset)
        else:
            organiser.rows(view, sql)
    server.set_clock(offset_seconds=offset + 31)
    assert dict(organiser.rows(view, sql)) == scores


@pytest.mark.rule("W-07")
def test_a_clock_that_is_set_back_loses_nothing(organiser, queue, submission, new_view, annotate_submission, server):
    view = new_view("submissionview", [queue], SCORE)
    assert organiser.rows(view, "SELECT score FROM $") == [[None]]
    server.set_clock(offset_seconds=10_000)
    annotate_submission(submission, score=0.5)
    server.set_clock(offset_seconds=0)
    assert organiser.rows(view, "SELECT score FROM $") == [["0.5"]]


@pytest.mark.rule("J-10", "W-07")
def test_a_view_that_is_being_built_has_no_snapshot(organiser, queue, new_view, setting, server):
    setting(index_lag_seconds=60)
    view = new_view("submissionview", [queue])
    path = f"/entity/{view}/table/transaction/async"
    refused = organiser.job(path, {"createSnapshot": True})
    assert (refused.status_code, refused.json()["reason"]) == (
        400,
        "You cannot create a version of a view that is not available (Status: PROCESSING)",
    )
    server.set_clock(offset_seconds=61)
    assert organiser.job(path, {"createSnapshot": True}).json()["snapshotVersionNumber"] == 1


@pytest.fixture
def change(organiser):
    """Changes cells of one row of a view; returns the result for that row."""

    def change(view, row, etag, somebody=organiser, **cells):
        ids = {column["name"]: column["id"] for column in organiser.ok("GET", f"/entity/{view}/column")["results"]}
        values = [{"key": ids[name], "value": value} for name, value in cells.items()]
        partial = {"rowId": row, "values": values} | ({"etag": etag} if etag else {})
        rows = {"concreteType": f"{TABLE}PartialRowSet", "tableId": view, "rows": [partial]}
        append = {"concreteType": f"{TABLE}AppendableRowSetRequest", "entityId": view, "toAppend": rows}
        answer = somebody.job(f"/entity/{view}/table/transaction/async", {"entityId": view, "changes": [append]})
        assert answer.status_code == 201, answer.text
        result = answer.json()["results"][0]
        assert result["concreteType"] == f"{TABLE}EntityUpdateResults"
        return result["updateResults"][0]

    return change


@pytest.mark.rule("W-06")
def test_annotations_are_changed_through_a_submission_view(
    organiser, queue, submission, new_view, annotate_submission, change
):
    view = new_view("submissionview", [queue], SCORE, TEAM, ("ranks", "INTEGER_LIST", {}))
    before = annotate_submission(submission, "SCORED", score=0.5, team="Red", kept="yes")
    assert change(view, submission, before["etag"], score="0.75", team=None, ranks="[1, 2]", status="OPEN") == {
        "entityId": submission
    }
    after = organiser.ok("GET", f"/evaluation/submission/{submission}/status")
    assert after["submissionAnnotations"]["annotations"] == {
        "score": {"type": "DOUBLE", "value": ["0.75"]},
        "kept": {"type": "STRING", "value": ["yes"]},
        "ranks": {"type": "LONG", "value": ["1", "2"]},
    }
    # What a submission is cannot be changed through a view.
    assert after["status"] == "SCORED"
    assert after["statusVersion"] == before["statusVersion"] + 1
    assert organiser.rows(view, "SELECT score, team, ranks FROM $") == [["0.75", None, "[1, 2]"]]


@pytest.mark.rule("W-06")
def test_changes_through_a_view_fail_row_by_row(organiser, person, project, queue, submission, new_view, change, share):
    view = new_view("submissionview", [queue], SCORE)
    etag = organiser.ok("GET", f"/evaluation/submission/{submission}/status")["etag"]
    assert change(view, submission, "stale", score="1")["failureCode"] == "CONCURRENT_UPDATE"
    assert change(view, 1, etag, score="1")["failureCode"] == "NOT_FOUND"
    assert change(view, submission, None, score="1")["failureCode"] == "ILLEGAL_ARGUMENT"
    assert change(view, submission, etag, score="high")["failureCode"] == "ILLEGAL_ARGUMENT"
    scorer = person()
    share(organiser, f"/entity/{project}", scorer.id, "READ", "UPDATE")
    share(organiser, f"/evaluation/{queue}", scorer.id, "READ", "UPDATE_SUBMISSION")
    assert change(view, submission, etag, scorer, score="1")["failureCode"] == "UNAUTHORIZED"
    share(organiser, f"/evaluation/{queue}", scorer.id, "READ", "UPDATE_SUBMISSION", "READ_PRIVATE_SUBMISSION")
    assert change(view, submission, etag, scorer, score="1") == {"entityId": submission}
    assert organiser.rows(view, "SELECT score FROM $") == [["1"]]


def test_rows_of_a_view_are_not_added_and_not_deleted(organiser, queue, submission, new_view, change):
    view = new_view("submissionview", [queue], SCORE)
    assert change(view, None, "etag", score="1")["failureCode"] == "ILLEGAL_ARGUMENT"
    etag = organiser.ok("GET", f"/evaluation/submission/{submission}/status")["etag"]
    assert change(view, submission, etag)["failureCode"] == "ILLEGAL_ARGUMENT"


def test_rows_of_a_view_are_changed_as_full_rows(organiser, queue, submission, new_view):
    view = new_view("submissionview", [queue], SCORE)
    found = organiser.bundle(view, "SELECT id, score FROM $", includeEntityEtag=True)["queryResult"]["queryResults"]
    found["rows"][0]["values"][1] = "0.125"
    append = {"concreteType": f"{TABLE}AppendableRowSetRequest", "toAppend": found}
    organiser.job(f"/entity/{view}/table/transaction/async", {"changes": [append]})
    assert organiser.rows(view, "SELECT score FROM $") == [["0.125"]]


@pytest.mark.parametrize(
    "wrong",
    [
        {"concreteType": f"{TABLE}EntityView"},
        {"concreteType": f"{TABLE}EntityView", "viewTypeMask": 0},
        {"concreteType": f"{TABLE}EntityView", "viewTypeMask": "files"},
        {"concreteType": f"{TABLE}EntityView", "viewTypeMask": 1, "scopeIds": ["everything"]},
        {"concreteType": f"{TABLE}SubmissionView", "scopeIds": "9614001"},
        {"concreteType": f"{TABLE}MaterializedView"},
        {"concreteType": f"{TABLE}MaterializedView", "definingSQL": "SELECT"},
        {"concreteType": f"{TABLE}VirtualTable", "definingSQL": ""},
    ],
)
def test_what_is_no_view_is_refused(organiser, project, wrong):
    assert organiser.refused("POST", "/entity", {"parentId": project, **wrong})[0] == 400


@pytest.mark.rule("J-10", "E-04")
def test_a_snapshot_of_a_view_stays_as_it_was(
    organiser, person, project, queue, submission, new_view, annotate_submission, share
):
    view = new_view("submissionview", [queue], SCORE)
    annotate_submission(submission, score=0.5)
    body = {"createSnapshot": True, "snapshotOptions": {"snapshotLabel": "first", "snapshotComment": "before"}}
    answer = organiser.job(f"/entity/{view}/table/transaction/async", body).json()
    assert answer["snapshotVersionNumber"] == 1
    annotate_submission(submission, score=0.75)
    assert organiser.rows(view, "SELECT score FROM $") == [["0.75"]]
    assert organiser.rows(view, "SELECT score FROM $.1") == [["0.5"]]
    kept = organiser.ok("GET", f"/entity/{view}/version/1")
    assert (kept["versionLabel"], kept["versionComment"], kept["isLatestVersion"]) == ("first", "before", False)
    current = organiser.ok("GET", f"/entity/{view}")
    assert (current["versionNumber"], current["versionLabel"], current["isLatestVersion"]) == (2, "in progress", True)
    reader = person()
    share(organiser, f"/entity/{project}", reader.id, "READ")
    assert reader.rows(view, "SELECT score FROM $.1") == []
    again = organiser.job(f"/entity/{view}/table/transaction/async", body)
    assert (again.status_code, again.json()["reason"]) == (
        400,
        "The label 'first' has already been used for a version of this entity",
    )
    both = body | {"changes": [{"concreteType": f"{TABLE}TableSchemaChangeRequest", "changes": []}]}
    assert organiser.job(f"/entity/{view}/table/transaction/async", both).status_code == 400


def test_views_go_to_the_trash_and_come_back(organiser, queue, submission, new_view):
    view = new_view("submissionview", [queue])
    assert organiser.rows(view, "SELECT id FROM $") == [[submission]]
    organiser.ok("DELETE", f"/entity/{view}")
    assert organiser.query_refused(view, "SELECT id FROM $")[0] == 404
    organiser.ok("PUT", f"/trashcan/restore/{view}")
    assert organiser.rows(view, "SELECT id FROM $") == [[submission]]
