"""Materialized views and virtual tables: tables that queries define."""

from __future__ import annotations

import pytest

TABLE = "org.sagebionetworks.repo.model.table."


@pytest.fixture
def board(queue, submit, submitter, new_view, annotate_submission):
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
        annotate_submission(
            submit(submitter)["id"], "SCORED", **{name: value for name, value in values.items() if value}
        )
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
    assert organiser.job(f"/entity/{table}/table/transaction/async", {"changes": [append]}).status_code == 201
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
    headers = organiser.bundle(view, "SELECT * FROM $", 0x4)["selectColumns"]
    assert [(header["name"], header["columnType"]) for header in headers] == [
        ("id", "SUBMISSIONID"),
        ("score", "DOUBLE"),
        ("p", "INTEGER"),
    ]
    assert organiser.rows(view, "SELECT score, p FROM $ ORDER BY score, p") == [
        ["0.25", "2"],
        ["0.25", "3"],
        ["0.5", "1"],
        ["0.75", "1"],
    ]
    assert organiser.rows(view, "SELECT p, COUNT(*) FROM $ GROUP BY p ORDER BY p") == [
        ["1", "2"],
        ["2", "1"],
        ["3", "1"],
    ]
    left = defined(f"SELECT t.team, v.score FROM {scores} t LEFT JOIN {board} v ON (v.team = t.team)")
    assert ["Green", None] in organiser.rows(left, "SELECT team, score FROM $")
    right = defined(f"SELECT t.team, v.score FROM {board} v RIGHT JOIN {scores} t ON (v.team = t.team)")
    assert organiser.rows(right, "SELECT COUNT(*) FROM $") == organiser.rows(left, "SELECT COUNT(*) FROM $")
    three = defined(
        f"SELECT a.points AS first, b.points AS second, c.team FROM {scores} a "
        f"JOIN {scores} b ON (a.points = b.points) RIGHT JOIN {scores} c ON (c.points = a.points AND b.points > 1)"
    )
    assert organiser.rows(three, "SELECT first, second, team FROM $ ORDER BY team, first") == [
        ["2", "2", "Blue"],
        ["3", "3", "Blue"],
        [None, None, "Green"],
        [None, None, "Red"],
    ]


def test_a_materialized_view_unites_and_groups_tables(organiser, scores, defined):
    both = defined(f"SELECT team FROM {scores} WHERE points = 1 UNION ALL SELECT team FROM {scores} WHERE points = 2")
    assert organiser.rows(both, "SELECT team FROM $") == [["Red"], ["Blue"]]
    once = defined(f"SELECT team FROM {scores} UNION SELECT team FROM {scores}")
    assert organiser.rows(once, "SELECT COUNT(*) FROM $") == [["3"]]
    sums = defined(f"SELECT team, SUM(points) AS total FROM {scores} GROUP BY team")
    assert organiser.rows(sums, "SELECT team, total FROM $ ORDER BY total DESC LIMIT 1") == [["Blue", "5"]]
    named = defined(f"WITH few AS (SELECT team FROM {scores} WHERE points < 3) SELECT team FROM few")
    assert organiser.rows(named, "SELECT COUNT(*) FROM $") == [["2"]]
    nested = defined(f"SELECT total FROM {sums} WHERE total > 1")
    assert organiser.rows(nested, "SELECT total FROM $") == [["5"]]


def test_a_materialized_view_follows_what_it_is_made_of(organiser, board, defined, annotate_submission):
    view = defined(f"SELECT id, score FROM {board} WHERE score > 0.6")
    assert len(organiser.rows(view, "SELECT id FROM $")) == 1
    annotate_submission(organiser.rows(board, "SELECT id FROM $ ORDER BY score")[0][0], score=0.99)
    assert len(organiser.rows(view, "SELECT id FROM $")) == 2


@pytest.mark.rule("J-07", "W-05")
def test_what_a_query_defines_is_protected_like_what_it_is_made_of(
    organiser, person, board, scores, defined, share, queue
):
    view = defined(f"SELECT v.id, t.points FROM {board} v JOIN {scores} t ON (v.team = t.team)")
    project = organiser.ok("GET", f"/entity/{view}")["parentId"]
    reader = person()
    share(organiser, f"/entity/{project}", reader.id, "READ")
    # The table among its sources needs DOWNLOAD.
    assert reader.query_refused(view, "SELECT id FROM $")[0] == 403
    share(organiser, f"/entity/{project}", reader.id, "READ", "DOWNLOAD")
    assert reader.rows(view, "SELECT id FROM $") == []
    share(organiser, f"/evaluation/{queue}", reader.id, "READ")
    assert len(reader.rows(view, "SELECT id FROM $")) == 4
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
    assert organiser.rows(view, "SELECT p FROM $ ORDER BY p DESC") == [["3"], ["2"]]
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
    assert organiser.query_refused(view, "SELECT team FROM $")[0] == 400


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
        assert organiser.job(path, body).status_code == 400


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
