"""Tables and views with the real synapseclient: its models, its older calls, its command line."""

from __future__ import annotations

import subprocess
import sys

import pandas as pd
import pytest
from synapseclient.models import (
    Activity,
    Column,
    ColumnType,
    EntityView,
    Folder,
    MaterializedView,
    SchemaStorageStrategy,
    SubmissionView,
    Table,
    ViewTypeMask,
    VirtualTable,
    query,
    query_part_mask,
)

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def synapse(organiser):
    return organiser.synapse


@pytest.fixture
def columns():
    return [
        Column(name="team", column_type=ColumnType.STRING, maximum_size=40),
        Column(name="points", column_type=ColumnType.INTEGER),
        Column(name="share", column_type=ColumnType.DOUBLE),
        Column(name="tags", column_type=ColumnType.STRING_LIST, maximum_size=20, maximum_list_length=3),
    ]


@pytest.fixture
def table(synapse, project, unique, columns):
    """A table with three rows, stored by the client."""
    table = Table(name=unique("Teams"), parent_id=project, columns=columns).store(synapse_client=synapse)
    rows = {
        "team": ["Red", 'Blue "B"', "Green, it's"],
        "points": [3, 2, 1],
        "share": [0.5, 0.25, float("inf")],
        "tags": [["a", "b"], [], ["c"]],
    }
    table.store_rows(values=pd.DataFrame(rows), synapse_client=synapse)
    return table


@pytest.fixture
def scored(organiser, queue, submit, submitter):
    """Submissions with scores as the newer annotations."""
    made = []
    for score in (0.5, 0.75, None):
        submission = submit(submitter)["id"]
        status = organiser.ok("GET", f"/evaluation/submission/{submission}/status")
        if score is not None:
            status["status"] = "SCORED"
            status["submissionAnnotations"] = {"annotations": {"score": {"type": "DOUBLE", "value": [score]}}}
            organiser.ok("PUT", f"/evaluation/submission/{submission}/status", status)
        made.append(submission)
    return made


def test_a_table_is_stored_filled_and_queried(synapse, table):
    found = query(f"SELECT * FROM {table.id} ORDER BY points DESC", synapse_client=synapse)
    assert found["team"].tolist() == ["Red", 'Blue "B"', "Green, it's"]
    assert found["points"].tolist() == [3, 2, 1]
    assert found["tags"].tolist() == [["a", "b"], [], ["c"]]
    assert found["ROW_ID"].tolist() == [1, 2, 3]
    again = Table(id=table.id).get(synapse_client=synapse)
    assert list(again.columns) == ["team", "points", "share", "tags"]
    assert again.columns["team"].maximum_size == 40


def test_a_query_is_downloaded_as_a_file(synapse, table, tmp_path):
    path = query(
        f"SELECT team, points FROM {table.id}", download_location=str(tmp_path / "here"), synapse_client=synapse
    )
    assert pd.read_csv(path, escapechar="\\")["team"].tolist() == ["Red", 'Blue "B"', "Green, it's"]


def test_rows_are_upserted(synapse, table):
    values = pd.DataFrame({"team": ["Red", "Yellow"], "points": [30, 4]})
    table.upsert_rows(values=values, primary_keys=["team"], synapse_client=synapse)
    found = query(f"SELECT team, points FROM {table.id}", synapse_client=synapse)
    assert dict(zip(found["team"], found["points"], strict=True)) == {
        "Red": 30,
        'Blue "B"': 2,
        "Green, it's": 1,
        "Yellow": 4,
    }
    table.upsert_rows(
        values=pd.DataFrame({"team": ["Green, it's"], "points": [5], "share": [0.125]}),
        primary_keys=["team"],
        synapse_client=synapse,
    )
    sql = f"SELECT points, share FROM {table.id} WHERE team = 'Green, it''s'"
    assert query(sql, synapse_client=synapse)[["points", "share"]].values.tolist() == [[5, 0.125]]


def test_rows_are_deleted(synapse, table):
    table.delete_rows(query=f"SELECT ROW_ID, ROW_VERSION FROM {table.id} WHERE points > 2", synapse_client=synapse)
    assert query(f"SELECT team FROM {table.id}", synapse_client=synapse)["team"].tolist() == [
        'Blue "B"',
        "Green, it's",
    ]
    rest = query(f"SELECT * FROM {table.id}", synapse_client=synapse)
    table.delete_rows(df=rest[["ROW_ID", "ROW_VERSION"]], synapse_client=synapse)
    assert len(query(f"SELECT * FROM {table.id}", synapse_client=synapse)) == 0


def test_columns_are_inferred_added_renamed_and_deleted(synapse, project, unique, tmp_path):
    table = Table(name=unique("Inferred"), parent_id=project).store(synapse_client=synapse)
    values = pd.DataFrame({"word": ["a", "b"], "number": [1, 2], "when": pd.to_datetime(["2024-01-01", "2024-01-02"])})
    table.store_rows(
        values=values, schema_storage_strategy=SchemaStorageStrategy.INFER_FROM_DATA, synapse_client=synapse
    )
    assert {name: column.column_type for name, column in table.columns.items()} == {
        "word": ColumnType.STRING,
        "number": ColumnType.INTEGER,
        "when": ColumnType.DATE,
    }
    table.columns["number"].name = "amount"
    table.delete_column(name="when")
    table.add_column(Column(name="extra", column_type=ColumnType.BOOLEAN))
    table.store(synapse_client=synapse)
    (tmp_path / "more.csv").write_text("word,amount,extra\nc,3,true\n")
    table.store_rows(values=str(tmp_path / "more.csv"), synapse_client=synapse)
    found = query(f"SELECT * FROM {table.id}", include_row_id_and_row_version=False, synapse_client=synapse)
    assert found["amount"].tolist() == [1, 2, 3]
    assert found["extra"].tolist() == [None, None, True]


@pytest.mark.rule("J-10", "E-04")
def test_a_snapshot_of_a_table(synapse, table):
    table.activity = Activity(name="Counted")
    table.store(synapse_client=synapse)
    made = table.snapshot(comment="first", label="v1", synapse_client=synapse)
    assert made["snapshotVersionNumber"] == 1
    table.delete_rows(query=f"SELECT ROW_ID, ROW_VERSION FROM {table.id}", synapse_client=synapse)
    assert len(query(f"SELECT * FROM {table.id}.1", synapse_client=synapse)) == 3
    kept = Table(id=table.id, version_number=1).get(include_activity=True, synapse_client=synapse)
    assert (kept.version_label, kept.version_comment, kept.activity.name) == ("v1", "first", "Counted")


@pytest.mark.rule("J-05", "P-22")
def test_the_parts_of_a_result(synapse, table):
    found = query_part_mask(f"SELECT team FROM {table.id}", part_mask=0x1 | 0x2 | 0x40 | 0x80, synapse_client=synapse)
    assert found.result["team"].tolist() == ["Red", 'Blue "B"', "Green, it's"]
    assert found.count == 3
    assert found.sum_file_sizes.sum_file_size_bytes == 0
    assert found.last_updated_on.endswith("Z")


@pytest.mark.rule("W-01", "J-09")
def test_a_submission_view_is_stored_and_queried(synapse, project, queue, unique, scored, organiser):
    view = SubmissionView(
        name=unique("Board"),
        parent_id=project,
        scope_ids=[queue],
        columns=[Column(name="score", column_type=ColumnType.DOUBLE)],
    ).store(synapse_client=synapse)
    assert view.scope_ids == [queue]
    assert {"score", "id", "status", "evaluationid", "submitterid"} <= set(view.columns)
    sql = f"SELECT id, score FROM {view.id} WHERE status = 'SCORED' ORDER BY score DESC"
    assert query(sql, synapse_client=synapse)["id"].tolist() == [scored[1], scored[0]]
    view.columns["score"].facet_type = "range"
    view.reorder_column(name="score", index=0)
    view.store(synapse_client=synapse)
    again = SubmissionView(id=view.id).get(synapse_client=synapse)
    assert next(iter(again.columns)) == "score"
    parts = query_part_mask(f"SELECT * FROM {view.id}", part_mask=0x3, synapse_client=synapse)
    assert parts.count == 3
    assert parts.result["score"].tolist()[:2] == [0.5, 0.75]


@pytest.mark.rule("J-10")
def test_a_snapshot_of_a_submission_view(synapse, project, queue, unique, scored):
    view = SubmissionView(name=unique("Kept"), parent_id=project, scope_ids=[queue]).store(synapse_client=synapse)
    assert view.snapshot(label="v1", synapse_client=synapse).snapshot_version_number == 1
    assert view.version_number == 2
    assert len(query(f"SELECT id FROM {view.id}.1", synapse_client=synapse)) == 3


@pytest.mark.rule("W-06")
def test_an_entity_view_is_stored_queried_and_written_through(synapse, project, unique):
    folders = [
        Folder(name=unique("Folder"), parent_id=project, annotations={"color": ["red"]}).store(synapse_client=synapse)
        for _ in range(2)
    ]
    view = EntityView(
        name=unique("Folders"),
        parent_id=project,
        scope_ids=[project],
        view_type_mask=ViewTypeMask.FOLDER,
        columns=[Column(name="color", column_type=ColumnType.STRING)],
    ).store(synapse_client=synapse)
    found = query(f"SELECT id, color FROM {view.id}", synapse_client=synapse)
    assert found[["id", "color"]].values.tolist() == [[folder.id, "red"] for folder in folders]
    view.update_rows(
        values=pd.DataFrame({"id": [folders[1].id], "color": ["blue"]}),
        primary_keys=["id"],
        wait_for_eventually_consistent_view=True,
        synapse_client=synapse,
    )
    assert Folder(id=folders[1].id).get(synapse_client=synapse).annotations["color"] == ["blue"]
    assert query(f"SELECT id FROM {view.id} WHERE color = 'blue'", synapse_client=synapse)["id"].tolist() == [
        folders[1].id
    ]


def test_tables_that_queries_define(synapse, project, unique, table):
    view = MaterializedView(
        name=unique("Joined"), parent_id=project, defining_sql=f"SELECT team, points FROM {table.id} WHERE points > 2"
    ).store(synapse_client=synapse)
    assert list(MaterializedView(id=view.id).get(synapse_client=synapse).columns) == ["team", "points"]
    assert query(f"SELECT team FROM {view.id}", synapse_client=synapse)["team"].tolist() == ["Red"]
    virtual = VirtualTable(
        name=unique("Virtual"), parent_id=project, defining_sql=f"SELECT MAX(points) AS most FROM {table.id}"
    ).store(synapse_client=synapse)
    assert query(f"SELECT most FROM {virtual.id}", synapse_client=synapse)["most"].tolist() == [3]
    view.delete(synapse_client=synapse)


def test_the_older_calls_make_tables_and_fill_them(synapse, project, unique):
    import synapseclient

    made = [
        synapseclient.Column(name="word", columnType="STRING", maximumSize=20),
        synapseclient.Column(name="number", columnType="INTEGER"),
    ]
    schema = synapse.store(synapseclient.Schema(name=unique("Older"), columns=made, parent=project))
    assert [column["name"] for column in synapse.getTableColumns(schema)] == ["word", "number"]
    synapse.store(synapseclient.RowSet(schema=schema, rows=[synapseclient.Row(["a", 1]), synapseclient.Row(["b", 2])]))
    synapse.store(synapseclient.Table(schema, [["c, d", 3]]))
    found = synapse.tableQuery(f"select word, number from {schema.id} where number > 1", resultsAs="rowset")
    assert [row["values"] for row in found] == [["b", 2], ["c, d", 3]]
    as_file = synapse.tableQuery(f"select * from {schema.id}")
    frame = as_file.asDataFrame()
    assert frame["word"].tolist() == ["a", "b", "c, d"]
    frame.loc[frame["word"] == "b", "number"] = 20
    synapse.store(synapseclient.Table(schema, frame, etag=as_file.etag))
    found = synapse.tableQuery(f"select number from {schema.id} where word = 'b'", resultsAs="rowset")
    synapse.delete(found.asRowSet())
    assert synapse.tableQuery(f"select count(*) as n from {schema.id}").asDataFrame()["n"].tolist() == [2]
    assert synapse.create_snapshot_version(schema.id, label="kept") == 1
    synapse.delete(schema)


def test_the_older_rowset_goes_from_page_to_page(synapse, organiser, project, unique):
    import synapseclient

    made = [synapseclient.Column(name="text", columnType="STRING", maximumSize=1000)]
    schema = synapse.store(synapseclient.Schema(name=unique("Pages"), columns=made, parent=project))
    synapse.store(synapseclient.Table(schema, [[f"row {number}"] for number in range(300)]))
    found = synapse.tableQuery(f"select text from {schema.id}", resultsAs="rowset")
    assert len(found) < 300
    assert found.asDataFrame()["text"].tolist() == [f"row {number}" for number in range(300)]


@pytest.mark.rule("W-03", "W-05")
def test_the_older_views_find_columns_for_annotations(synapse, project, queue, unique, scored):
    import synapseclient

    schema = synapseclient.SubmissionViewSchema(name=unique("Older board"), parent=project, scopes=[queue])
    view = synapse.store(schema)
    names = [column["name"] for column in synapse.getColumns(view.columnIds)]
    assert names[0] == "id"
    assert "score" in names
    found = synapse.tableQuery(f"select * from {view.id} where score > 0.6").asDataFrame()
    assert found["score"].tolist() == [0.75]
    entities = synapse.store(
        synapseclient.EntityViewSchema(
            name=unique("Older view"),
            parent=project,
            scopes=[project],
            includeEntityTypes=[synapseclient.EntityViewType.SUBMISSION_VIEW],
        )
    )
    assert synapse.tableQuery(f"select id from {entities.id}").asDataFrame()["id"].tolist() == [view.id]


@pytest.mark.rule("W-06")
def test_the_older_calls_write_through_a_view(synapse, project, queue, unique, scored):
    import synapseclient

    schema = synapseclient.SubmissionViewSchema(name=unique("Written"), parent=project, scopes=[queue])
    view = synapse.store(schema)
    found = synapse.tableQuery(f"select id, score from {view.id}", resultsAs="rowset")
    change = synapseclient.PartialRowset.from_mapping({int(scored[2]): {"score": 0.9}}, found)
    synapse.store(change)
    with pytest.raises(synapseclient.core.exceptions.SynapseError, match="CONCURRENT_UPDATE"):
        synapse.store(change)
    frame = synapse.tableQuery(f"select id, score from {view.id}").asDataFrame()
    assert frame["score"].tolist() == [0.5, 0.75, 0.9]
    frame["score"] = [0.1, 0.2, 0.3]
    synapse.store(synapseclient.Table(view.id, frame))
    assert synapse.tableQuery(f"select score from {view.id}").asDataFrame()["score"].tolist() == [0.1, 0.2, 0.3]


def test_the_command_line_queries(organiser, server, table, tmp_path):
    (tmp_path / "config").write_text(
        f"[default]\nauthtoken={organiser.token}\n[endpoints]\nrepoEndpoint={server.endpoints['repo']}\n"
        f"authEndpoint={server.endpoints['auth']}\nfileHandleEndpoint={server.endpoints['file']}\n"
        f"portalEndpoint={server.url}\n"
    )
    command = [sys.executable, "-m", "synapseclient", "--skip-checks", "-c", str(tmp_path / "config")]
    done = subprocess.run(
        [*command, "query", f"select team, points from {table.id} where points > 2"],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=tmp_path,
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    heading, row = (line.split("\t") for line in done.stdout.splitlines()[-2:])
    assert heading == ["ROW_ID", "ROW_VERSION", "team", "points"]
    assert [row[0], *row[2:]] == ["1", "Red", "3"]
