"""Submission views, entity views, and tables that queries define."""

from __future__ import annotations

import pytest

TABLE = "org.sagebionetworks.repo.model.table."
FACET = f"{TABLE}FacetColumn"
NOTHING = "org.sagebionetworks.UNDEFINED_NULL_NOTNULL"


@pytest.fixture
def setting(server):
    """Sets settings of the server until the test ends."""
    names = set()

    def setting(**values):
        names.update(values)
        server.control("POST", "/control/settings", values)

    yield setting
    server.control("POST", "/control/settings", dict.fromkeys(names))


def run(somebody, path, body):
    """The answer of a job."""
    token = somebody.ok("POST", f"{path}/start", body)["token"]
    return somebody("GET", f"{path}/get/{token}")


def bundle(somebody, view, sql, mask=0x1, **query):
    body = {"query": {"sql": sql.replace("$", view), **query}, "partMask": mask}
    answer = run(somebody, f"/entity/{view}/table/query/async", body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def rows(somebody, view, sql, **query):
    return [row["values"] for row in bundle(somebody, view, sql, **query)["queryResult"]["queryResults"]["rows"]]


def reason(somebody, view, sql):
    answer = run(somebody, f"/entity/{view}/table/query/async", {"query": {"sql": sql.replace("$", view)}})
    assert answer.is_error, answer.text
    return answer.status_code, answer.json()["reason"]


@pytest.fixture
def new_view(organiser, project, unique):
    """Makes a view of the organiser's with its default columns and others; returns its synID."""

    def new_view(kind, scope, *columns, mask=None, parent=None):
        query = {"viewEntityType": kind} | ({"viewTypeMask": mask} if mask else {})
        default = organiser.ok("GET", "/column/tableview/defaults", **query)["list"]
        own = [{"name": name, "columnType": type_, **more} for name, type_, more in columns]
        made = organiser.ok("POST", "/column/batch", {"list": own})["list"] if own else []
        body = {
            "concreteType": f"{TABLE}{'SubmissionView' if kind == 'submissionview' else 'EntityView'}",
            "name": unique("View"),
            "parentId": parent or project,
            "scopeIds": scope,
            "columnIds": [column["id"] for column in [*default, *made]],
        }
        return organiser.ok("POST", "/entity", body | ({"viewTypeMask": mask} if mask else {}))["id"]

    return new_view


@pytest.fixture
def annotate(organiser):
    """Writes the newer annotations of a submission, and perhaps its status; returns the new status."""

    def annotate(submission, status=None, **values):
        kinds = {str: "STRING", int: "LONG", float: "DOUBLE", bool: "BOOLEAN"}
        found = organiser.ok("GET", f"/evaluation/submission/{submission}/status")
        found["status"] = status or found["status"]
        found["submissionAnnotations"] = {
            "annotations": {
                name: {
                    "type": kinds[type(value[0] if isinstance(value, list) else value)],
                    "value": value if isinstance(value, list) else [value],
                }
                for name, value in values.items()
            }
        }
        return organiser.ok("PUT", f"/evaluation/submission/{submission}/status", found)

    return annotate


SCORE, TEAM = ("score", "DOUBLE", {}), ("team", "STRING", {})


@pytest.mark.rule("W-01", "W-08")
def test_a_submission_view_shows_what_a_submission_is(organiser, queue, submit, submitter, new_view, annotate, project):
    made = submit(submitter, submitterAlias="The Team", name="First try")
    view = new_view("submissionview", [queue])
    status = annotate(made["id"], "SCORED")
    found = bundle(organiser, view, "SELECT * FROM $")["queryResult"]["queryResults"]
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
    assert rows(organiser, view, "SELECT submitterid, createdBy FROM $") == [[team, str(submitter.id)]]


@pytest.mark.rule("W-02")
@pytest.mark.parametrize("name", ["canCancel", "cancelRequested", "report", "teamId", "contributors"])
def test_what_a_submission_view_does_not_show(organiser, queue, submission, new_view, name):
    view = new_view("submissionview", [queue], (name, "STRING", {}))
    status = organiser.ok("GET", f"/evaluation/submission/{submission}/status")
    status |= {"canCancel": True, "cancelRequested": True, "report": "a report"}
    organiser.ok("PUT", f"/evaluation/submission/{submission}/status", status)
    assert rows(organiser, view, f"SELECT {name} FROM $") == [[None]]


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
    assert rows(organiser, view, "SELECT score, team, both FROM $") == [[None, None, "new"]]


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
    organiser, queue, submission, new_view, annotate, kind, value, shown
):
    view = new_view("submissionview", [queue], ("seen", kind, {}))
    annotate(submission, seen=value)
    assert rows(organiser, view, "SELECT seen FROM $") == [[shown]]


@pytest.mark.rule("W-03")
def test_an_annotation_that_is_named_like_a_field_is_hidden(organiser, queue, submission, new_view, annotate):
    view = new_view("submissionview", [queue])
    annotate(submission, status="VALIDATED", entityid="syn1", name="other")
    assert rows(organiser, view, "SELECT id, status FROM $ WHERE name <> 'other' AND entityid <> 'syn1'") == [
        [submission, "VALIDATED"]
    ]


@pytest.mark.rule("W-04")
def test_a_row_is_its_status(organiser, queue, submission, new_view, annotate):
    view = new_view("submissionview", [queue])

    def row():
        found = bundle(organiser, view, "SELECT status FROM $", includeEntityEtag=True)
        return found["queryResult"]["queryResults"]["rows"][0]

    status = organiser.ok("GET", f"/evaluation/submission/{submission}/status")
    assert row() == {
        "rowId": int(submission),
        "versionNumber": 0,
        "etag": status["etag"],
        "values": ["RECEIVED"],
    }
    status = annotate(submission, "SCORED")
    assert row() == {
        "rowId": int(submission),
        "versionNumber": status["statusVersion"],
        "etag": status["etag"],
        "values": ["SCORED"],
    }
    assert rows(organiser, view, "SELECT ROW_ID, ROW_VERSION, ROW_ETAG FROM $") == [[submission, "1", status["etag"]]]


@pytest.mark.rule("W-05")
def test_rows_are_seen_by_who_may_read_their_evaluation(
    organiser, person, project, queue, submission, new_view, annotate, share, unique
):
    other = organiser.ok("POST", "/evaluation", {"name": unique("Queue"), "contentSource": project})["id"]
    entity = organiser.ok("GET", f"/entity/{project}")
    body = {"entityId": project, "versionNumber": 1, "evaluationId": other}
    hidden = organiser.ok("POST", "/evaluation/submission", body, etag=entity["etag"])["id"]
    annotate(submission, score=0.5)
    view = new_view("submissionview", [queue, other], SCORE)
    reader = person()
    assert reason(reader, view, "SELECT id FROM $") == (403, "You lack READ access to the requested entity.")
    share(organiser, f"/entity/{project}", reader.id, "READ")
    assert rows(reader, view, "SELECT id FROM $") == []
    assert bundle(reader, view, "SELECT id FROM $", 0x2)["queryCount"] == 0
    share(organiser, f"/evaluation/{queue}", reader.id, "READ")
    # What the status service hides from plain readers, the view shows.
    assert "submissionAnnotations" not in reader.ok("GET", f"/evaluation/submission/{submission}/status")
    assert rows(reader, view, "SELECT id, score FROM $") == [[submission, "0.5"]]
    assert rows(reader, view, "SELECT COUNT(*), MAX(id) FROM $") == [["1", submission]]
    assert rows(organiser, view, "SELECT id FROM $") == [[submission], [hidden]]


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
    assert rows(stranger, view["id"], "SELECT * FROM $") == []


def test_administrators_see_every_row(admin, queue, submission, new_view):
    assert rows(admin, new_view("submissionview", [queue]), "SELECT id FROM $") == [[submission]]


def test_views_follow_what_they_show(organiser, queue, submit, submitter, new_view, annotate):
    view = new_view("submissionview", [queue], SCORE)
    assert rows(organiser, view, "SELECT id FROM $") == []
    first, second = (submit(submitter)["id"] for _ in range(2))
    assert rows(organiser, view, "SELECT id, score FROM $") == [[first, None], [second, None]]
    annotate(first, score=0.25)
    assert rows(organiser, view, "SELECT id, score FROM $") == [[first, "0.25"], [second, None]]
    annotate(first)
    organiser.ok("DELETE", f"/evaluation/submission/{second}")
    assert rows(organiser, view, "SELECT id, score FROM $") == [[first, None]]


def test_views_follow_their_own_definition(organiser, project, queue, submission, new_view, annotate, unique):
    view = new_view("submissionview", [], TEAM)
    annotate(submission, team="Red", points=3)
    assert rows(organiser, view, "SELECT team FROM $") == []
    entity = organiser.ok("GET", f"/entity/{view}")
    points = organiser.ok("POST", "/column", {"name": "points", "columnType": "INTEGER"})["id"]
    entity |= {"scopeIds": [queue], "columnIds": [*entity["columnIds"], points]}
    organiser.ok("PUT", f"/entity/{view}", entity)
    assert rows(organiser, view, "SELECT team, points FROM $") == [["Red", "3"]]


@pytest.mark.rule("W-07")
def test_a_column_that_is_too_small_fails_the_query(organiser, queue, submission, new_view, annotate):
    view = new_view("submissionview", [queue], ("team", "STRING", {"maximumSize": 5}))
    annotate(submission, team="12345")
    assert rows(organiser, view, "SELECT team FROM $") == [["12345"]]
    annotate(submission, team="1234567")
    for _ in range(2):
        assert reason(organiser, view, "SELECT id FROM $") == (
            400,
            "The size of the column 'team' is too small.  The column size needs to be at least 7 characters.",
        )
    annotate(submission, team="123")
    assert rows(organiser, view, "SELECT team FROM $") == [["123"]]
    fresh = new_view("submissionview", [queue], ("team", "STRING", {"maximumSize": 2}))
    assert "at least 3 characters" in reason(organiser, fresh, "SELECT id FROM $")[1]
    short = new_view("submissionview", [queue], ("all", "STRING_LIST", {"maximumListLength": 1}))
    annotate(submission, all=["a", "b"])
    assert reason(organiser, short, "SELECT id FROM $")[1].endswith("must be at least: 2")


@pytest.mark.rule("W-07", "J-01")
def test_a_view_lags_behind_but_loses_nothing(organiser, queue, submit, submitter, new_view, annotate, setting, server):
    setting(index_lag_seconds=60)
    first = submit(submitter)["id"]
    view = new_view("submissionview", [queue], SCORE)
    path = f"/entity/{view}/table/query/async"
    waiting = run(organiser, path, {"query": {"sql": f"SELECT id FROM {view}"}, "partMask": 0x1})
    assert waiting.status_code == 202
    assert waiting.json()["jobState"] == "PROCESSING"
    token = waiting.json()["jobId"]
    server.set_clock(offset_seconds=61)
    done = organiser("GET", f"{path}/get/{token}")
    assert done.status_code == 201
    assert [row["values"] for row in done.json()["queryResult"]["queryResults"]["rows"]] == [[first]]

    def seen():
        return dict(rows(organiser, view, "SELECT id, score FROM $"))

    annotate(first, score=0.5)
    second = submit(submitter)["id"]
    assert seen() == {first: None}
    server.set_clock(offset_seconds=100)
    annotate(first, score=0.75)
    assert seen() == {first: None}
    server.set_clock(offset_seconds=122)
    # The first change is due; it shows the row as it has become since.
    assert seen() == {first: "0.75", second: None}
    organiser.ok("DELETE", f"/evaluation/submission/{second}")
    assert set(seen()) == {first, second}
    server.set_clock(offset_seconds=190)
    assert seen() == {first: "0.75"}
    setting(index_lag_seconds=0)
    annotate(first, score=1.0)
    assert seen() == {first: "1"}


@pytest.mark.rule("W-07")
def test_a_clock_that_is_set_back_loses_nothing(organiser, queue, submission, new_view, annotate, server):
    view = new_view("submissionview", [queue], SCORE)
    assert rows(organiser, view, "SELECT score FROM $") == [[None]]
    server.set_clock(offset_seconds=10_000)
    annotate(submission, score=0.5)
    server.set_clock(offset_seconds=0)
    assert rows(organiser, view, "SELECT score FROM $") == [["0.5"]]


@pytest.mark.rule("J-10", "W-07")
def test_a_view_that_is_being_built_has_no_snapshot(organiser, queue, new_view, setting, server):
    setting(index_lag_seconds=60)
    view = new_view("submissionview", [queue])
    path = f"/entity/{view}/table/transaction/async"
    refused = run(organiser, path, {"createSnapshot": True})
    assert (refused.status_code, refused.json()["reason"]) == (
        400,
        "You cannot create a version of a view that is not available (Status: PROCESSING)",
    )
    server.set_clock(offset_seconds=61)
    assert run(organiser, path, {"createSnapshot": True}).json()["snapshotVersionNumber"] == 1


@pytest.fixture
def change(organiser):
    """Changes cells of one row of a view; returns the result for that row."""

    def change(view, row, etag, somebody=organiser, **cells):
        ids = {column["name"]: column["id"] for column in organiser.ok("GET", f"/entity/{view}/column")["results"]}
        values = [{"key": ids[name], "value": value} for name, value in cells.items()]
        partial = {"rowId": row, "values": values} | ({"etag": etag} if etag else {})
        rows = {"concreteType": f"{TABLE}PartialRowSet", "tableId": view, "rows": [partial]}
        append = {"concreteType": f"{TABLE}AppendableRowSetRequest", "entityId": view, "toAppend": rows}
        answer = run(somebody, f"/entity/{view}/table/transaction/async", {"entityId": view, "changes": [append]})
        assert answer.status_code == 201, answer.text
        result = answer.json()["results"][0]
        assert result["concreteType"] == f"{TABLE}EntityUpdateResults"
        return result["updateResults"][0]

    return change


@pytest.mark.rule("W-06")
def test_annotations_are_changed_through_a_submission_view(organiser, queue, submission, new_view, annotate, change):
    view = new_view("submissionview", [queue], SCORE, TEAM, ("ranks", "INTEGER_LIST", {}))
    before = annotate(submission, "SCORED", score=0.5, team="Red", kept="yes")
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
    assert rows(organiser, view, "SELECT score, team, ranks FROM $") == [["0.75", None, "[1, 2]"]]


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
    assert rows(organiser, view, "SELECT score FROM $") == [["1"]]


def test_rows_of_a_view_are_not_added_and_not_deleted(organiser, queue, submission, new_view, change):
    view = new_view("submissionview", [queue], SCORE)
    assert change(view, None, "etag", score="1")["failureCode"] == "ILLEGAL_ARGUMENT"
    etag = organiser.ok("GET", f"/evaluation/submission/{submission}/status")["etag"]
    assert change(view, submission, etag)["failureCode"] == "ILLEGAL_ARGUMENT"


def test_rows_of_a_view_are_changed_as_full_rows(organiser, queue, submission, new_view):
    view = new_view("submissionview", [queue], SCORE)
    found = bundle(organiser, view, "SELECT id, score FROM $", includeEntityEtag=True)["queryResult"]["queryResults"]
    found["rows"][0]["values"][1] = "0.125"
    append = {"concreteType": f"{TABLE}AppendableRowSetRequest", "toAppend": found}
    run(organiser, f"/entity/{view}/table/transaction/async", {"changes": [append]})
    assert rows(organiser, view, "SELECT score FROM $") == [["0.125"]]


def test_an_entity_view_shows_what_lies_in_its_scope(organiser, project, new_folder, new_file, new_view, unique):
    folder = new_folder(organiser, project)
    inner = new_folder(organiser, folder)
    file, handle = new_file(organiser, inner)
    other, _ = new_file(organiser, project)
    view = new_view("entityview", [folder.removeprefix("syn")], mask=0x9)
    found = rows(organiser, view, "SELECT id, type, parentId, projectId, benefactorId, dataFileHandleId FROM $")
    assert found == [
        [inner, "folder", folder, project, project, None],
        [file, "file", inner, project, project, handle],
    ]
    path = rows(organiser, view, f"SELECT path FROM $ WHERE id = '{file}'")[0][0]
    assert path.split("/")[-2:] == [organiser.ok("GET", f"/entity/{entity}")["name"] for entity in (inner, file)]
    assert organiser.ok("GET", f"/entity/{view}")["scopeIds"] == [folder.removeprefix("syn")]
    both = new_view("entityview", [project, folder], mask=0x1)
    assert rows(organiser, both, "SELECT id FROM $") == [[file], [other]]


def test_an_entity_view_of_projects_shows_its_scope(organiser, project, new_project, new_view):
    other = new_project(organiser)
    view = new_view("entityview", [project, other], mask=0x2)
    assert rows(organiser, view, "SELECT id, type FROM $") == [[project, "project"], [other, "project"]]


def test_an_entity_view_shows_tables_and_views_if_asked(organiser, project, queue, new_view):
    view = new_view("submissionview", [queue])
    table = organiser.ok("POST", "/entity", {"concreteType": f"{TABLE}TableEntity", "parentId": project})["id"]
    everything = new_view("entityview", [project], mask=0x4 | 0x10 | 0x40)
    found = dict(rows(organiser, everything, "SELECT id, type FROM $"))
    assert found == {view: "submissionview", table: "table", everything: "entityview"}


def test_entity_views_follow_what_they_show(organiser, project, new_folder, new_file, new_view, new_project):
    folder = new_folder(organiser, project)
    file, _ = new_file(organiser, folder)
    view = new_view("entityview", [folder], ("color", "STRING", {}), mask=0x1)

    def seen(columns="id, color"):
        return rows(organiser, view, f"SELECT {columns} FROM $")

    assert seen() == [[file, None]]
    etag = organiser.ok("GET", f"/entity/{file}")["etag"]
    values = {"color": {"type": "STRING", "value": ["red"]}}
    organiser.ok("PUT", f"/entity/{file}/annotations2", {"etag": etag, "annotations": values})
    assert seen() == [[file, "red"]]
    acl = organiser.ok("GET", f"/entity/{project}/acl")
    organiser.ok("POST", f"/entity/{folder}/acl", {"resourceAccess": acl["resourceAccess"]})
    assert seen("benefactorId") == [[folder]]
    target = new_project(organiser)
    organiser.ok("PUT", f"/entity/{folder}", organiser.ok("GET", f"/entity/{folder}") | {"parentId": target})
    assert seen("projectId") == [[target]]
    organiser.ok("DELETE", f"/entity/{file}")
    assert seen() == []


def test_rows_of_an_entity_view_are_seen_by_who_may_read_them(
    organiser, person, project, new_project, new_file, new_view, share
):
    hidden = new_project(organiser)
    seen, _ = new_file(organiser, project)
    new_file(organiser, hidden)
    view = new_view("entityview", [project, hidden], mask=0x1)
    reader = person()
    share(organiser, f"/entity/{project}", reader.id, "READ")
    assert rows(reader, view, "SELECT id FROM $") == [[seen]]
    assert rows(reader, view, "SELECT COUNT(*) FROM $") == [["1"]]
    assert len(rows(organiser, view, "SELECT id FROM $")) == 2


def test_annotations_are_changed_through_an_entity_view(organiser, project, new_folder, new_view, change):
    folder = new_folder(organiser, project)
    view = new_view("entityview", [project], ("color", "STRING", {}), mask=0x8)
    etag = organiser.ok("GET", f"/entity/{folder}")["etag"]
    row = int(folder.removeprefix("syn"))
    assert change(view, row, etag, color="blue", name="other name") == {"entityId": folder}
    assert change(view, row, etag, color="red")["failureCode"] == "CONCURRENT_UPDATE"
    found = organiser.ok("GET", f"/entity/{folder}/annotations2")["annotations"]
    assert found == {"color": {"type": "STRING", "value": ["blue"]}}
    assert rows(organiser, view, "SELECT color, name FROM $")[0][1] != "other name"


def test_the_sizes_of_files_are_summed(organiser, project, upload, new_view, unique):
    for content in (b"12345", b"123"):
        handle = upload(organiser, content)
        body = {"concreteType": "org.sagebionetworks.repo.model.FileEntity", "parentId": project}
        organiser.ok("POST", "/entity", body | {"dataFileHandleId": handle, "name": unique("File")})
    view = new_view("entityview", [project], mask=0x1)
    assert bundle(organiser, view, "SELECT id FROM $", 0x40)["sumFileSizes"] == {
        "sumFileSizesBytes": 8,
        "greaterThan": False,
    }
    sql = "SELECT id FROM $ WHERE dataFileSizeBytes > 3"
    assert bundle(organiser, view, sql, 0x40)["sumFileSizes"]["sumFileSizesBytes"] == 5


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


def test_old_names_of_view_types(organiser, project):
    body = {"concreteType": f"{TABLE}EntityView", "parentId": project, "type": "file_and_table"}
    assert organiser.ok("POST", "/entity", body)["viewTypeMask"] == 5


@pytest.fixture
def board(queue, submit, submitter, new_view, annotate):
    """A view of some scored submissions."""
    view = new_view(
        "submissionview",
        [queue],
        ("score", "DOUBLE", {"facetType": "range"}),
        ("team", "STRING", {"facetType": "enumeration"}),
        ("tags", "STRING_LIST", {"facetType": "enumeration"}),
    )
    for team, score, tags in (("Red", 0.5, ["a", "b"]), ("red", 0.75, ["b"]), ("Blue", 0.25, ["c"]), (None, None, [])):
        values = {"team": team, "score": score, "tags": tags}
        annotate(submit(submitter)["id"], "SCORED", **{name: value for name, value in values.items() if value})
    return view


@pytest.mark.rule("J-05")
def test_only_the_parts_that_are_asked_for_are_there(organiser, board):
    names = {
        0x1: "queryResult",
        0x2: "queryCount",
        0x4: "selectColumns",
        0x8: "maxRowsPerPage",
        0x10: "columnModels",
        0x20: "facets",
        0x40: "sumFileSizes",
        0x80: "lastUpdatedOn",
        0x100: "combinedSql",
    }
    for bit, name in names.items():
        assert set(bundle(organiser, board, "SELECT id FROM $", bit)) == {"concreteType", name}
    assert set(bundle(organiser, board, "SELECT id FROM $", 0x3)) == {"concreteType", "queryResult", "queryCount"}
    everything = bundle(organiser, board, "SELECT id FROM $", None)
    assert set(everything) == {"concreteType", *names.values()}
    assert everything["queryCount"] == 4
    assert [column["name"] for column in everything["selectColumns"]] == ["id"]
    assert len(everything["columnModels"]) == 19
    assert everything["lastUpdatedOn"].endswith("Z")
    asked = bundle(organiser, board, "SELECT id FROM $", 0x200, selectFileColumn=1)
    assert asked["actionsRequired"] == []


def facets(somebody, view, sql="SELECT id FROM $", **query):
    found = bundle(somebody, view, sql, 0x20, **query)["facets"]
    return {facet["columnName"]: facet for facet in found}


def counts(facet):
    return {value["value"].lower(): value["count"] for value in facet["facetValues"]}


@pytest.mark.rule("J-05")
def test_facets_count_values_and_find_ranges(organiser, board):
    found = facets(organiser, board)
    assert counts(found["team"]) == {"red": 2, "blue": 1, NOTHING.lower(): 1}
    assert counts(found["tags"]) == {"b": 2, "a": 1, "c": 1, NOTHING.lower(): 1}
    assert counts(found["status"]) == {"scored": 4}
    assert found["score"] == {
        "concreteType": f"{FACET}ResultRange",
        "columnName": "score",
        "facetType": "range",
        "columnMin": "0.25",
        "columnMax": "0.75",
    }


@pytest.mark.rule("J-05")
def test_a_chosen_facet_narrows_rows_and_the_other_facets(organiser, board):
    chosen = [{"concreteType": f"{FACET}ValuesRequest", "columnName": "team", "facetValues": ["Red"]}]
    assert len(rows(organiser, board, "SELECT id FROM $", selectedFacets=chosen)) == 2
    found = facets(organiser, board, selectedFacets=chosen)
    assert counts(found["team"]) == {"red": 2, "blue": 1, NOTHING.lower(): 1}
    assert counts(found["tags"]) == {"b": 2, "a": 1}
    assert (found["score"]["columnMin"], found["score"]["columnMax"]) == ("0.5", "0.75")
    nothing = [{"concreteType": f"{FACET}ValuesRequest", "columnName": "team", "facetValues": [NOTHING, "Blue"]}]
    assert len(rows(organiser, board, "SELECT id FROM $", selectedFacets=nothing)) == 2
    tags = [{"concreteType": f"{FACET}ValuesRequest", "columnName": "tags", "facetValues": ["b"]}]
    assert len(rows(organiser, board, "SELECT id FROM $ WHERE score > 0.6", selectedFacets=tags)) == 1
    between = [{"concreteType": f"{FACET}RangeRequest", "columnName": "score", "min": "0.3", "max": "0.6"}]
    assert rows(organiser, board, "SELECT score FROM $", selectedFacets=between) == [["0.5"]]
    assert facets(organiser, board, selectedFacets=between)["score"]["selectedMax"] == "0.6"


def test_facets_that_are_none_are_refused(organiser, board):
    chosen = [{"concreteType": f"{FACET}ValuesRequest", "columnName": "name", "facetValues": ["x"]}]
    body = {"query": {"sql": f"SELECT id FROM {board}", "selectedFacets": chosen}}
    assert run(organiser, f"/entity/{board}/table/query/async", body).status_code == 400


@pytest.mark.parametrize(
    ("condition", "scores"),
    [
        ({"columnName": "team", "operator": "EQUAL", "values": ["RED"]}, ["0.5", "0.75"]),
        ({"columnName": "team", "operator": "EQUAL", "values": ["red", "blue"]}, ["0.5", "0.75", "0.25"]),
        ({"columnName": "team", "operator": "LIKE", "values": ["b%"]}, ["0.25"]),
        ({"columnName": "score", "operator": "IN", "values": ["0.25", "0.5"]}, ["0.5", "0.25"]),
    ],
)
def test_filters_of_a_request_narrow_its_query(organiser, board, condition, scores):
    filters = [{"concreteType": f"{TABLE}ColumnSingleValueQueryFilter", **condition}]
    assert rows(organiser, board, "SELECT score FROM $", additionalFilters=filters) == [[score] for score in scores]


def test_filters_of_lists_and_of_full_texts(organiser, board):
    filters = [
        {
            "concreteType": f"{TABLE}ColumnMultiValueFunctionQueryFilter",
            "columnName": "tags",
            "function": "HAS",
            "values": ["B"],
        }
    ]
    assert rows(organiser, board, "SELECT score FROM $", additionalFilters=filters) == [["0.5"], ["0.75"]]
    texts = [{"concreteType": f"{TABLE}TextMatchesQueryFilter", "searchExpression": "x"}]
    body = {"query": {"sql": f"SELECT id FROM {board}", "additionalFilters": texts}}
    assert run(organiser, f"/entity/{board}/table/query/async", body).status_code == 501


def test_requests_sort_before_the_statement_does(organiser, board):
    order = [{"column": "score", "direction": "DESC"}]
    sql = "SELECT score FROM $ WHERE score IS NOT NULL ORDER BY id"
    assert rows(organiser, board, sql, sort=order) == [["0.75"], ["0.5"], ["0.25"]]
    assert rows(organiser, board, sql, sort=[{"column": "score"}], limit=1) == [["0.25"]]


def test_the_combined_statement_is_told_and_can_be_asked(organiser, board):
    chosen = [{"concreteType": f"{FACET}ValuesRequest", "columnName": "tags", "facetValues": ["b"]}]
    filters = [
        {
            "concreteType": f"{TABLE}ColumnSingleValueQueryFilter",
            "columnName": "team",
            "operator": "LIKE",
            "values": ["r%"],
        }
    ]
    query = {
        "selectedFacets": chosen,
        "additionalFilters": filters,
        "sort": [{"column": "score", "direction": "DESC"}],
        "limit": 1,
        "offset": 1,
    }
    sql = "SELECT score FROM $ WHERE status = 'SCORED'"
    combined = bundle(organiser, board, sql, 0x100, **query)["combinedSql"]
    assert rows(organiser, board, combined) == rows(organiser, board, sql, **query) == [["0.5"]]


def test_the_wider_rows_are_the_fewer_are_on_a_page(organiser, board):
    wide = organiser.ok("GET", f"/entity/{board}")
    more = [{"name": f"wide{number}", "columnType": "STRING", "maximumSize": 1000} for number in range(12)]
    ids = [column["id"] for column in organiser.ok("POST", "/column/batch", {"list": more})["list"]]
    organiser.ok("PUT", f"/entity/{board}", wide | {"columnIds": [*wide["columnIds"], *ids]})
    most = bundle(organiser, board, "SELECT * FROM $", 0x8)["maxRowsPerPage"]
    assert 5 < most < 20
    assert bundle(organiser, board, "SELECT id FROM $", 0x8)["maxRowsPerPage"] > 1000


@pytest.fixture
def scores(organiser, board):
    """A table of teams beside the view, with colours."""
    made = organiser.ok(
        "POST",
        "/column/batch",
        {"list": [{"name": "team", "columnType": "STRING"}, {"name": "points", "columnType": "INTEGER"}]},
    )["list"]
    project = organiser.ok("GET", f"/entity/{board}")["parentId"]
    ids = [column["id"] for column in made]
    body = {"concreteType": f"{TABLE}TableEntity", "parentId": project, "columnIds": ids}
    table = organiser.ok("POST", "/entity", body)["id"]
    values = [("Red", "1"), ("Blue", "2"), ("Blue", "3"), ("Green", None)]
    rows_ = {
        "concreteType": f"{TABLE}RowSet",
        "headers": [{"id": identity} for identity in ids],
        "rows": [{"values": list(pair)} for pair in values],
    }
    append = {"concreteType": f"{TABLE}AppendableRowSetRequest", "toAppend": rows_}
    assert run(organiser, f"/entity/{table}/table/transaction/async", {"changes": [append]}).status_code == 201
    return table


@pytest.fixture
def defined(organiser, board):
    """Makes a table that a query defines; returns its synID."""
    project = organiser.ok("GET", f"/entity/{board}")["parentId"]

    def defined(sql, kind="MaterializedView", somebody=organiser, **more):
        body = {"concreteType": f"{TABLE}{kind}", "parentId": project, "definingSQL": sql, **more}
        return somebody.ok("POST", "/entity", body)["id"]

    return defined


def test_a_materialized_view_joins_tables(organiser, board, scores, defined):
    view = defined(f"SELECT v.id, v.score, t.points AS p FROM {board} v JOIN {scores} t ON (v.team = t.team)")
    headers = bundle(organiser, view, "SELECT * FROM $", 0x4)["selectColumns"]
    assert [(header["name"], header["columnType"]) for header in headers] == [
        ("id", "SUBMISSIONID"),
        ("score", "DOUBLE"),
        ("p", "INTEGER"),
    ]
    assert rows(organiser, view, "SELECT score, p FROM $ ORDER BY score, p") == [
        ["0.25", "2"],
        ["0.25", "3"],
        ["0.5", "1"],
        ["0.75", "1"],
    ]
    assert rows(organiser, view, "SELECT p, COUNT(*) FROM $ GROUP BY p ORDER BY p") == [
        ["1", "2"],
        ["2", "1"],
        ["3", "1"],
    ]
    left = defined(f"SELECT t.team, v.score FROM {scores} t LEFT JOIN {board} v ON (v.team = t.team)")
    assert ["Green", None] in rows(organiser, left, "SELECT team, score FROM $")
    right = defined(f"SELECT t.team, v.score FROM {board} v RIGHT JOIN {scores} t ON (v.team = t.team)")
    assert rows(organiser, right, "SELECT COUNT(*) FROM $") == rows(organiser, left, "SELECT COUNT(*) FROM $")
    three = defined(
        f"SELECT a.points AS first, b.points AS second, c.team FROM {scores} a "
        f"JOIN {scores} b ON (a.points = b.points) RIGHT JOIN {scores} c ON (c.points = a.points AND b.points > 1)"
    )
    assert rows(organiser, three, "SELECT first, second, team FROM $ ORDER BY team, first") == [
        ["2", "2", "Blue"],
        ["3", "3", "Blue"],
        [None, None, "Green"],
        [None, None, "Red"],
    ]


def test_a_materialized_view_unites_and_groups_tables(organiser, scores, defined):
    both = defined(f"SELECT team FROM {scores} WHERE points = 1 UNION ALL SELECT team FROM {scores} WHERE points = 2")
    assert rows(organiser, both, "SELECT team FROM $") == [["Red"], ["Blue"]]
    once = defined(f"SELECT team FROM {scores} UNION SELECT team FROM {scores}")
    assert rows(organiser, once, "SELECT COUNT(*) FROM $") == [["3"]]
    sums = defined(f"SELECT team, SUM(points) AS total FROM {scores} GROUP BY team")
    assert rows(organiser, sums, "SELECT team, total FROM $ ORDER BY total DESC LIMIT 1") == [["Blue", "5"]]
    named = defined(f"WITH few AS (SELECT team FROM {scores} WHERE points < 3) SELECT team FROM few")
    assert rows(organiser, named, "SELECT COUNT(*) FROM $") == [["2"]]
    nested = defined(f"SELECT total FROM {sums} WHERE total > 1")
    assert rows(organiser, nested, "SELECT total FROM $") == [["5"]]


def test_a_materialized_view_follows_what_it_is_made_of(organiser, board, defined, annotate):
    view = defined(f"SELECT id, score FROM {board} WHERE score > 0.6")
    assert len(rows(organiser, view, "SELECT id FROM $")) == 1
    annotate(rows(organiser, board, "SELECT id FROM $ ORDER BY score")[0][0], score=0.99)
    assert len(rows(organiser, view, "SELECT id FROM $")) == 2


@pytest.mark.rule("J-07", "W-05")
def test_what_a_query_defines_is_protected_like_what_it_is_made_of(
    organiser, person, board, scores, defined, share, queue
):
    view = defined(f"SELECT v.id, t.points FROM {board} v JOIN {scores} t ON (v.team = t.team)")
    project = organiser.ok("GET", f"/entity/{view}")["parentId"]
    reader = person()
    share(organiser, f"/entity/{project}", reader.id, "READ")
    # The table among its sources needs DOWNLOAD.
    assert reason(reader, view, "SELECT id FROM $")[0] == 403
    share(organiser, f"/entity/{project}", reader.id, "READ", "DOWNLOAD")
    assert rows(reader, view, "SELECT id FROM $") == []
    share(organiser, f"/evaluation/{queue}", reader.id, "READ")
    assert len(rows(reader, view, "SELECT id FROM $")) == 4
    refused = organiser.refused(
        "POST",
        "/entity",
        {
            "concreteType": f"{TABLE}MaterializedView",
            "parentId": project,
            "definingSQL": f"SELECT team, COUNT(*) AS n FROM {board} GROUP BY team",
        },
    )
    assert refused[0] == 400
    assert "cannot include a group by clause" in refused[1]


def test_a_virtual_table_is_a_query_of_one_table(organiser, board, scores, defined):
    view = defined(f"SELECT team, points AS p FROM {scores} WHERE points > 1", "VirtualTable")
    assert rows(organiser, view, "SELECT p FROM $ ORDER BY p DESC") == [["3"], ["2"]]
    project = organiser.ok("GET", f"/entity/{view}")["parentId"]
    for sql in (
        f"SELECT a.team FROM {scores} a JOIN {scores} b ON a.team = b.team",
        f"SELECT team FROM {scores} UNION SELECT team FROM {scores}",
        f"WITH a AS (SELECT team FROM {scores}) SELECT team FROM a",
    ):
        body = {"concreteType": f"{TABLE}VirtualTable", "parentId": project, "definingSQL": sql}
        assert organiser.refused("POST", "/entity", body)[0] == 400


def test_definitions_that_lead_back_to_themselves_are_refused(organiser, scores, defined):
    view = defined(f"SELECT team FROM {scores}")
    entity = organiser.ok("GET", f"/entity/{view}")
    organiser.ok("PUT", f"/entity/{view}", entity | {"definingSQL": f"SELECT team FROM {view}"})
    assert reason(organiser, view, "SELECT team FROM $")[0] == 400


def test_what_a_query_defines_has_no_rows_of_its_own(organiser, scores, defined):
    view = defined(f"SELECT team FROM {scores}", columnIds=["1"])
    entity = organiser.ok("GET", f"/entity/{view}")
    assert entity["columnIds"] == [organiser.ok("GET", f"/entity/{scores}/column")["results"][0]["id"]]
    append = {
        "concreteType": f"{TABLE}AppendableRowSetRequest",
        "toAppend": {"concreteType": f"{TABLE}PartialRowSet", "rows": [{"values": []}]},
    }
    schema = {"concreteType": f"{TABLE}TableSchemaChangeRequest", "changes": []}
    path = f"/entity/{view}/table/transaction/async"
    for body in ({"changes": [append]}, {"changes": [schema]}, {"createSnapshot": True}):
        assert run(organiser, path, body).status_code == 400


def test_definitions_are_judged_beforehand(organiser, board, scores):
    def judged(sql, kind="materializedview"):
        return organiser.ok("POST", "/validateDefiningSql", {"definingSql": sql, "entityType": kind})

    assert judged(f"SELECT team FROM {scores}") == {"isValid": True}
    assert judged("SELECT team FROM nothing")["isValid"] is False
    joined = f"SELECT a.team FROM {scores} a JOIN {scores} b ON (a.team = b.team)"
    assert judged(joined) == {"isValid": True}
    assert judged(joined, "virtualtable") == {
        "isValid": False,
        "invalidReason": "The JOIN keyword is not supported in this context",
    }


@pytest.mark.rule("J-10", "E-04")
def test_a_snapshot_of_a_view_stays_as_it_was(organiser, person, project, queue, submission, new_view, annotate, share):
    view = new_view("submissionview", [queue], SCORE)
    annotate(submission, score=0.5)
    body = {"createSnapshot": True, "snapshotOptions": {"snapshotLabel": "first", "snapshotComment": "before"}}
    answer = run(organiser, f"/entity/{view}/table/transaction/async", body).json()
    assert answer["snapshotVersionNumber"] == 1
    annotate(submission, score=0.75)
    assert rows(organiser, view, "SELECT score FROM $") == [["0.75"]]
    assert rows(organiser, view, "SELECT score FROM $.1") == [["0.5"]]
    kept = organiser.ok("GET", f"/entity/{view}/version/1")
    assert (kept["versionLabel"], kept["versionComment"], kept["isLatestVersion"]) == ("first", "before", False)
    current = organiser.ok("GET", f"/entity/{view}")
    assert (current["versionNumber"], current["versionLabel"], current["isLatestVersion"]) == (2, "in progress", True)
    reader = person()
    share(organiser, f"/entity/{project}", reader.id, "READ")
    assert rows(reader, view, "SELECT score FROM $.1") == []
    again = run(organiser, f"/entity/{view}/table/transaction/async", body)
    assert (again.status_code, again.json()["reason"]) == (
        400,
        "The label 'first' has already been used for a version of this entity",
    )
    both = body | {"changes": [{"concreteType": f"{TABLE}TableSchemaChangeRequest", "changes": []}]}
    assert run(organiser, f"/entity/{view}/table/transaction/async", both).status_code == 400


def test_views_go_to_the_trash_and_come_back(organiser, queue, submission, new_view):
    view = new_view("submissionview", [queue])
    assert rows(organiser, view, "SELECT id FROM $") == [[submission]]
    organiser.ok("DELETE", f"/entity/{view}")
    assert reason(organiser, view, "SELECT id FROM $")[0] == 404
    organiser.ok("PUT", f"/trashcan/restore/{view}")
    assert rows(organiser, view, "SELECT id FROM $") == [[submission]]
