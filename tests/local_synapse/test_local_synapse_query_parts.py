"""The parts of a query's result, and what a request adds to its query."""

from __future__ import annotations

import pytest

TABLE = "org.sagebionetworks.repo.model.table."
FACET = f"{TABLE}FacetColumn"
NOTHING = "org.sagebionetworks.UNDEFINED_NULL_NOTNULL"


@pytest.fixture
def board(organiser, project):
    """A table of scores with facets."""
    columns = {
        "id": {"columnType": "SUBMISSIONID"},
        "status": {"columnType": "STRING", "facetType": "enumeration"},
        "score": {"columnType": "DOUBLE", "facetType": "range"},
        "team": {"columnType": "STRING", "facetType": "enumeration"},
        "tags": {"columnType": "STRING_LIST", "facetType": "enumeration"},
    }
    made = organiser.ok("POST", "/column/batch", {"list": [{"name": name, **more} for name, more in columns.items()]})
    ids = [column["id"] for column in made["list"]]
    body = {"concreteType": f"{TABLE}TableEntity", "parentId": project, "columnIds": ids}
    table = organiser.ok("POST", "/entity", body)["id"]
    values = [
        ["1", "SCORED", "0.5", "Red", '["a", "b"]'],
        ["2", "SCORED", "0.75", "red", '["b"]'],
        ["3", "SCORED", "0.25", "Blue", '["c"]'],
        ["4", "SCORED", None, None, None],
    ]
    rows_ = {
        "concreteType": f"{TABLE}RowSet",
        "headers": [{"id": identity} for identity in ids],
        "rows": [{"values": row} for row in values],
    }
    change = {"concreteType": f"{TABLE}AppendableRowSetRequest", "toAppend": rows_}
    assert organiser.job(f"/entity/{table}/table/transaction/async", {"changes": [change]}).status_code == 201
    return table


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
        assert set(organiser.bundle(board, "SELECT id FROM $", bit)) == {"concreteType", name}
    assert set(organiser.bundle(board, "SELECT id FROM $", 0x3)) == {"concreteType", "queryResult", "queryCount"}
    everything = organiser.bundle(board, "SELECT id FROM $", None)
    assert set(everything) == {"concreteType", *names.values()}
    assert everything["queryCount"] == 4
    assert [column["name"] for column in everything["selectColumns"]] == ["id"]
    assert len(everything["columnModels"]) == 5
    assert everything["lastUpdatedOn"].endswith("Z")
    asked = organiser.bundle(board, "SELECT id FROM $", 0x200, selectFileColumn=1)
    assert asked["actionsRequired"] == []


def facets(somebody, view, sql="SELECT id FROM $", **query):
    found = somebody.bundle(view, sql, 0x20, **query)["facets"]
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
    assert len(organiser.rows(board, "SELECT id FROM $", selectedFacets=chosen)) == 2
    found = facets(organiser, board, selectedFacets=chosen)
    assert counts(found["team"]) == {"red": 2, "blue": 1, NOTHING.lower(): 1}
    assert counts(found["tags"]) == {"b": 2, "a": 1}
    assert (found["score"]["columnMin"], found["score"]["columnMax"]) == ("0.5", "0.75")
    nothing = [{"concreteType": f"{FACET}ValuesRequest", "columnName": "team", "facetValues": [NOTHING, "Blue"]}]
    assert len(organiser.rows(board, "SELECT id FROM $", selectedFacets=nothing)) == 2
    tags = [{"concreteType": f"{FACET}ValuesRequest", "columnName": "tags", "facetValues": ["b"]}]
    assert len(organiser.rows(board, "SELECT id FROM $ WHERE score > 0.6", selectedFacets=tags)) == 1
    between = [{"concreteType": f"{FACET}RangeRequest", "columnName": "score", "min": "0.3", "max": "0.6"}]
    assert organiser.rows(board, "SELECT score FROM $", selectedFacets=between) == [["0.5"]]
    assert facets(organiser, board, selectedFacets=between)["score"]["selectedMax"] == "0.6"


def test_facets_that_are_none_are_refused(organiser, board):
    chosen = [{"concreteType": f"{FACET}ValuesRequest", "columnName": "id", "facetValues": ["x"]}]
    body = {"query": {"sql": f"SELECT id FROM {board}", "selectedFacets": chosen}}
    assert organiser.job(f"/entity/{board}/table/query/async", body).status_code == 400


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
    assert organiser.rows(board, "SELECT score FROM $", additionalFilters=filters) == [[score] for score in scores]


def test_filters_of_lists_and_of_full_texts(organiser, board):
    filters = [
        {
            "concreteType": f"{TABLE}ColumnMultiValueFunctionQueryFilter",
            "columnName": "tags",
            "function": "HAS",
            "values": ["B"],
        }
    ]
    assert organiser.rows(board, "SELECT score FROM $", additionalFilters=filters) == [["0.5"], ["0.75"]]
    texts = [{"concreteType": f"{TABLE}TextMatchesQueryFilter", "searchExpression": "x"}]
    body = {"query": {"sql": f"SELECT id FROM {board}", "additionalFilters": texts}}
    assert organiser.job(f"/entity/{board}/table/query/async", body).status_code == 501


def test_requests_sort_before_the_statement_does(organiser, board):
    order = [{"column": "score", "direction": "DESC"}]
    sql = "SELECT score FROM $ WHERE score IS NOT NULL ORDER BY id"
    assert organiser.rows(board, sql, sort=order) == [["0.75"], ["0.5"], ["0.25"]]
    assert organiser.rows(board, sql, sort=[{"column": "score"}], limit=1) == [["0.25"]]


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
    combined = organiser.bundle(board, sql, 0x100, **query)["combinedSql"]
    assert organiser.rows(board, combined) == organiser.rows(board, sql, **query) == [["0.5"]]


def test_the_wider_rows_are_the_fewer_are_on_a_page(organiser, board):
    wide = organiser.ok("GET", f"/entity/{board}")
    more = [{"name": f"wide{number}", "columnType": "STRING", "maximumSize": 1000} for number in range(12)]
    ids = [column["id"] for column in organiser.ok("POST", "/column/batch", {"list": more})["list"]]
    organiser.ok("PUT", f"/entity/{board}", wide | {"columnIds": [*wide["columnIds"], *ids]})
    most = organiser.bundle(board, "SELECT * FROM $", 0x8)["maxRowsPerPage"]
    assert 5 < most < 20
    assert organiser.bundle(board, "SELECT id FROM $", 0x8)["maxRowsPerPage"] > 1000
