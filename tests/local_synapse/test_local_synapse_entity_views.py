"""Entity views: what lies in a scope, seen by who may read it."""

from __future__ import annotations

import pytest

TABLE = "org.sagebionetworks.repo.model.table."


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


def test_an_entity_view_shows_what_lies_in_its_scope(organiser, project, new_folder, new_file, new_view, unique):
    folder = new_folder(organiser, project)
    inner = new_folder(organiser, folder)
    file, handle = new_file(organiser, inner)
    other, _ = new_file(organiser, project)
    view = new_view("entityview", [folder.removeprefix("syn")], mask=0x9)
    found = organiser.rows(view, "SELECT id, type, parentId, projectId, benefactorId, dataFileHandleId FROM $")
    assert found == [
        [inner, "folder", folder, project, project, None],
        [file, "file", inner, project, project, handle],
    ]
    path = organiser.rows(view, f"SELECT path FROM $ WHERE id = '{file}'")[0][0]
    assert path.split("/")[-2:] == [organiser.ok("GET", f"/entity/{entity}")["name"] for entity in (inner, file)]
    assert organiser.ok("GET", f"/entity/{view}")["scopeIds"] == [folder.removeprefix("syn")]
    both = new_view("entityview", [project, folder], mask=0x1)
    assert organiser.rows(both, "SELECT id FROM $") == [[file], [other]]


def test_an_entity_view_of_projects_shows_its_scope(organiser, project, new_project, new_view):
    other = new_project(organiser)
    view = new_view("entityview", [project, other], mask=0x2)
    assert organiser.rows(view, "SELECT id, type FROM $") == [[project, "project"], [other, "project"]]


def test_an_entity_view_shows_tables_and_views_if_asked(organiser, project, queue, new_view):
    view = new_view("submissionview", [queue])
    table = organiser.ok("POST", "/entity", {"concreteType": f"{TABLE}TableEntity", "parentId": project})["id"]
    everything = new_view("entityview", [project], mask=0x4 | 0x10 | 0x40)
    found = dict(organiser.rows(everything, "SELECT id, type FROM $"))
    assert found == {view: "submissionview", table: "table", everything: "entityview"}


def test_entity_views_follow_what_they_show(organiser, project, new_folder, new_file, new_view, new_project):
    folder = new_folder(organiser, project)
    file, _ = new_file(organiser, folder)
    view = new_view("entityview", [folder], ("color", "STRING", {}), mask=0x1)

    def seen(columns="id, color"):
        return organiser.rows(view, f"SELECT {columns} FROM $")

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
    assert reader.rows(view, "SELECT id FROM $") == [[seen]]
    assert reader.rows(view, "SELECT COUNT(*) FROM $") == [["1"]]
    assert len(organiser.rows(view, "SELECT id FROM $")) == 2


def test_annotations_are_changed_through_an_entity_view(organiser, project, new_folder, new_view, change):
    folder = new_folder(organiser, project)
    view = new_view("entityview", [project], ("color", "STRING", {}), mask=0x8)
    etag = organiser.ok("GET", f"/entity/{folder}")["etag"]
    row = int(folder.removeprefix("syn"))
    assert change(view, row, etag, color="blue", name="other name") == {"entityId": folder}
    assert change(view, row, etag, color="red")["failureCode"] == "CONCURRENT_UPDATE"
    found = organiser.ok("GET", f"/entity/{folder}/annotations2")["annotations"]
    assert found == {"color": {"type": "STRING", "value": ["blue"]}}
    assert organiser.rows(view, "SELECT color, name FROM $")[0][1] != "other name"


def test_the_sizes_of_files_are_summed(organiser, project, upload, new_view, unique):
    for content in (b"12345", b"123"):
        handle = upload(organiser, content)
        body = {"concreteType": "org.sagebionetworks.repo.model.FileEntity", "parentId": project}
        organiser.ok("POST", "/entity", body | {"dataFileHandleId": handle, "name": unique("File")})
    view = new_view("entityview", [project], mask=0x1)
    assert organiser.bundle(view, "SELECT id FROM $", 0x40)["sumFileSizes"] == {
        "sumFileSizesBytes": 8,
        "greaterThan": False,
    }
    sql = "SELECT id FROM $ WHERE dataFileSizeBytes > 3"
    assert organiser.bundle(view, sql, 0x40)["sumFileSizes"]["sumFileSizesBytes"] == 5


def test_old_names_of_view_types(organiser, project):
    body = {"concreteType": f"{TABLE}EntityView", "parentId": project, "type": "file_and_table"}
    assert organiser.ok("POST", "/entity", body)["viewTypeMask"] == 5
