"""Materialized views and virtual tables: tables that queries define."""

from __future__ import annotations

import pytest

TABLE = "org.sagebionetworks.repo.model.table."


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
