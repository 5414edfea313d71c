"""Column models, the columns of tables and views, and those that views begin with."""

from __future__ import annotations

import pytest

TABLE = "org.sagebionetworks.repo.model.table."
MODEL = f"{TABLE}ColumnModel"


@pytest.fixture
def column(organiser):
    """Makes a column; returns it."""
    return lambda name, kind="STRING", **more: organiser.ok(
        "POST", "/column", {"name": name, "columnType": kind, **more}
    )


@pytest.mark.rule("J-09")
def test_equal_columns_are_one(organiser, person, column, unique):
    name = unique("word")
    made = column(name, maximumSize=30)
    assert column(name, maximumSize=30) == made
    assert column(f" {name} ", maximumSize="30")["id"] == made["id"]
    assert column(name, maximumSize=31)["id"] != made["id"]
    assert column(name, "LARGETEXT")["id"] != made["id"]
    body = {"name": name, "columnType": "STRING", "maximumSize": 30}
    assert person().ok("POST", "/column", body)["id"] == made["id"]
    assert organiser.ok("GET", f"/column/{made['id']}") == made


@pytest.mark.rule("J-09")
def test_a_batch_gives_the_columns_in_their_order(organiser, unique):
    names = [unique("c"), unique("b"), unique("a")]
    body = {"list": [{"name": name, "columnType": "INTEGER"} for name in names]}
    first = organiser.ok("POST", "/column/batch", body)
    assert first["concreteType"] == MODEL
    assert [column["name"] for column in first["list"]] == names
    assert organiser.ok("POST", "/column/batch", body) == first
    assert organiser.refused("POST", "/column/batch", {"list": []})[0] == 400


def test_sizes_have_defaults(column):
    assert column("text")["maximumSize"] == 50
    assert "maximumSize" not in column("number", "INTEGER", maximumSize=7)
    assert column("texts", "STRING_LIST")["maximumListLength"] == 100
    assert column("choice", enumValues=["b", "a", "b"])["enumValues"] == ["b", "a"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": "a"},
        {"columnType": "STRING"},
        {"name": "", "columnType": "STRING"},
        {"name": "a", "columnType": "TEXT"},
        {"name": "a;b", "columnType": "STRING"},
        {"name": "row_id", "columnType": "STRING"},
        {"name": "a", "columnType": "STRING", "maximumSize": 1001},
        {"name": "a", "columnType": "STRING", "maximumSize": "many"},
        {"name": "a", "columnType": "STRING", "facetType": "circle"},
        {"name": "a", "columnType": "STRING_LIST", "maximumListLength": 101},
        {"name": "a", "columnType": "INTEGER", "defaultValue": "x"},
        {"name": "a", "columnType": "USERID", "defaultValue": "1"},
        {"name": "a", "columnType": "STRING", "enumValues": [str(number) for number in range(101)]},
    ],
)
def test_what_is_no_column_is_refused(organiser, body):
    assert organiser.refused("POST", "/column", body)[0] == 400


def test_unknown_columns_are_not_found(organiser):
    assert organiser.refused("GET", "/column/1")[0] == 404


def test_columns_are_listed_by_the_beginning_of_their_names(organiser, column, unique):
    prefix = unique("prefix")
    made = [column(f"{prefix} {number}") for number in range(3)]
    page = organiser.ok("GET", "/column", prefix=prefix.upper(), limit=2)
    assert page == {"results": made[:2], "totalNumberOfResults": 3}
    assert organiser.ok("GET", "/column", prefix=prefix, limit=2, offset=2)["results"] == made[2:]
    assert organiser.refused("GET", "/column", limit=0)[0] == 400


def test_synapseclient_lists_and_reads_columns(organiser, column, unique):
    from synapseclient.models import Column

    prefix = unique("listed").replace(" ", "_")
    made = [column(f"{prefix}_{number}") for number in range(2)]
    found = list(Column.list(prefix=prefix, synapse_client=organiser.synapse))
    assert [each.id for each in found] == [each["id"] for each in made]
    assert Column(id=made[0]["id"]).get(synapse_client=organiser.synapse).name == made[0]["name"]


@pytest.mark.rule("J-09")
def test_a_table_has_152_columns_at_most(organiser, project, unique):
    name = unique("many").replace(" ", "")
    body = {"list": [{"name": f"{name}{number}", "columnType": "INTEGER"} for number in range(153)]}
    ids = [column["id"] for column in organiser.ok("POST", "/column/batch", body)["list"]]
    table = {"concreteType": f"{TABLE}TableEntity", "parentId": project, "columnIds": ids[:152]}
    assert organiser.ok("POST", "/entity", table)["columnIds"] == ids[:152]
    status, reason = organiser.refused("POST", "/entity", table | {"columnIds": ids})
    assert (status, reason) == (400, "Too many columns. The limit is 152 columns per table")


@pytest.mark.parametrize(
    ("kinds", "words"),
    [
        ([("same", "STRING"), ("same", "INTEGER")], "Duplicate column name: 'same'"),
        ([(f"wide{number}", "STRING") for number in range(17)], "Too much data per column"),
    ],
)
def test_columns_that_do_not_go_together(organiser, project, column, kinds, words):
    ids = [column(name, kind, maximumSize=1000)["id"] for name, kind in kinds]
    body = {"concreteType": f"{TABLE}TableEntity", "parentId": project, "columnIds": ids}
    status, reason = organiser.refused("POST", "/entity", body)
    assert status == 400
    assert words in reason


def test_the_columns_of_a_table(organiser, project, column, person):
    ids = [column("b")["id"], column("a")["id"]]
    body = {"concreteType": f"{TABLE}TableEntity", "parentId": project, "columnIds": ids}
    table = organiser.ok("POST", "/entity", body)["id"]
    found = organiser.ok("GET", f"/entity/{table}/column")
    assert [each["name"] for each in found["results"]] == ["b", "a"]
    assert found["totalNumberOfResults"] == 2
    assert person().refused("GET", f"/entity/{table}/column")[0] == 403
    assert organiser.refused("GET", f"/entity/{project}/column")[0] == 400
    bundle = organiser.ok("POST", f"/entity/{table}/bundle2", {"includeTableBundle": True})["tableBundle"]
    assert [each["id"] for each in bundle["columnModels"]] == ids
    assert bundle["maxRowsPerPage"] > 100
    assert organiser.refused("POST", "/entity", body | {"columnIds": ["1"]})[0] == 404


@pytest.mark.rule("W-01", "W-02", "W-08")
def test_a_submission_view_begins_with_what_a_submission_is(organiser):
    found = organiser.ok("GET", "/column/tableview/defaults", viewEntityType="submissionview")
    assert found["concreteType"] == MODEL
    statuses = [
        "OPEN", "CLOSED", "SCORED", "INVALID", "VALIDATED", "EVALUATION_IN_PROGRESS", "RECEIVED", "REJECTED",
        "ACCEPTED",
    ]  # fmt: skip
    keys = ("name", "columnType", "maximumSize", "facetType", "enumValues")
    assert [tuple(column.get(key) for key in keys) for column in found["list"]] == [
        ("id", "SUBMISSIONID", None, None, None),
        ("name", "STRING", 256, None, None),
        ("createdOn", "DATE", None, "range", None),
        ("createdBy", "USERID", None, "enumeration", None),
        ("etag", "STRING", 36, None, None),
        ("modifiedOn", "DATE", None, "range", None),
        ("projectId", "ENTITYID", None, "enumeration", None),
        ("status", "STRING", 50, "enumeration", statuses),
        ("evaluationid", "EVALUATIONID", None, "enumeration", None),
        ("evaluationroundid", "INTEGER", None, "enumeration", None),
        ("submitterid", "USERID", None, "enumeration", None),
        ("submitteralias", "STRING", 500, "enumeration", None),
        ("entityid", "ENTITYID", None, "enumeration", None),
        ("entityversion", "INTEGER", None, "enumeration", None),
        ("dockerrepositoryname", "STRING", 400, None, None),
        ("dockerdigest", "STRING", 200, None, None),
    ]


def test_an_entity_view_begins_with_what_its_types_have(organiser):
    def names(**query):
        return [column["name"] for column in organiser.ok("GET", "/column/tableview/defaults", **query)["list"]]

    assert names() == names(viewEntityType="entityview", viewTypeMask=1)
    assert {"id", "name", "type", "parentId", "benefactorId", "projectId", "dataFileHandleId"} <= set(names())
    assert not [name for name in names(viewTypeMask=2) if name.startswith("dataFile")]
    old = organiser.ok("GET", "/column/tableview/defaults/project")["list"]
    assert [column["name"] for column in old] == names(viewTypeMask=2)
    assert organiser.refused("GET", "/column/tableview/defaults", viewEntityType="folderview")[0] == 400
    assert organiser.refused("GET", "/column/tableview/defaults", viewEntityType="dataset")[0] == 501
    assert organiser.refused("POST", "/column/view/scope", {})[0] == 410


@pytest.fixture
def suggested(organiser):
    """The columns that are suggested for a scope."""

    def suggested(**scope):
        path = "/column/view/scope/async"
        token = organiser.ok("POST", f"{path}/start", {"viewScope": scope})["token"]
        found = organiser.ok("GET", f"{path}/get/{token}")["results"]
        return {column.pop("name"): column for column in found}

    return suggested


def test_annotations_of_entities_suggest_columns(organiser, project, new_folder, suggested):
    for text, number in (("short", ["1"]), ("a longer one", ["1", "2"])):
        folder = new_folder(organiser, project)
        values = {
            "text": {"type": "STRING", "value": [text]},
            "number": {"type": "LONG", "value": number},
            "when": {"type": "TIMESTAMP_MS", "value": ["0"]},
            "name": {"type": "STRING", "value": ["hidden by the name"]},
        }
        etag = organiser.ok("GET", f"/entity/{folder}")["etag"]
        organiser.ok("PUT", f"/entity/{folder}/annotations2", {"etag": etag, "annotations": values})
    assert suggested(scope=[project], viewEntityType="entityview", viewTypeMask=8) == {
        "text": {"columnType": "STRING", "maximumSize": 12},
        "number": {"columnType": "INTEGER_LIST", "maximumListLength": 2},
        "when": {"columnType": "DATE"},
    }
    assert suggested(scope=[project], viewTypeMask=1) == {}


def test_annotations_of_submissions_suggest_columns(organiser, queue, submission, suggested):
    status = organiser.ok("GET", f"/evaluation/submission/{submission}/status")
    status["submissionAnnotations"] = {"annotations": {"score": {"type": "DOUBLE", "value": [0.5]}}}
    status["annotations"] = {"stringAnnos": [{"key": "old", "value": "x"}]}
    organiser.ok("PUT", f"/evaluation/submission/{submission}/status", status)
    assert suggested(scope=[queue], viewEntityType="submissionview") == {"score": {"columnType": "DOUBLE"}}
