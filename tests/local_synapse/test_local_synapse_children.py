"""Finding entities: children in every order, paths, headers, files by their sum, projects by their alias."""

from __future__ import annotations

import hashlib
import uuid

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

PREFIX = "org.sagebionetworks.repo.model."
ROOT = "syn4489"


def children(somebody, parent, *types, **wish):
    """All children, page by page."""
    body = {"parentId": parent, "includeTypes": list(types) or ["folder", "file", "link"], **wish}
    found = []
    while True:
        answer = somebody.ok("POST", "/entity/children", body)
        found += answer["page"]
        if "nextPageToken" not in answer:
            return [child["id"] for child in found]
        body["nextPageToken"] = answer["nextPageToken"]


@pytest.mark.rule("E-14")
def test_children_come_in_the_order_that_was_asked_for(organiser, project, new_folder):
    made = [new_folder(organiser, project, name) for name in ("b", "c", "a")]
    organiser.ok("PUT", f"/entity/{made[0]}", organiser.ok("GET", f"/entity/{made[0]}"))
    by_name, by_change = [made[2], made[0], made[1]], [made[1], made[2], made[0]]
    for order, expected in (("NAME", by_name), ("CREATED_ON", made), ("MODIFIED_ON", by_change)):
        assert children(organiser, project, sortBy=order, sortDirection="ASC") == expected
        assert children(organiser, project, sortBy=order, sortDirection="DESC") == expected[::-1]


@pytest.mark.rule("E-14")
def test_children_are_of_the_types_that_were_asked_for(organiser, project, new_folder, new_file):
    folder, file = new_folder(organiser, project), new_file(organiser, project)[0]
    assert children(organiser, project, "folder") == [folder]
    assert children(organiser, project, "file") == [file]
    assert children(organiser, project, "link", "recordset") == []
    status, reason = organiser.refused("POST", "/entity/children", {"parentId": project, "includeTypes": ["nonsense"]})
    assert (status, "nonsense" in reason) == (400, True)
    assert organiser.refused("POST", "/entity/children", {"parentId": project, "includeTypes": []})[0] == 400


@pytest.mark.rule("E-14")
def test_counts_and_sizes_only_on_request(organiser, project, upload, new_folder, unique):
    new_folder(organiser, project)
    for size in (3, 4):
        handle = upload(organiser, uuid.uuid4().bytes[:size])
        body = {"concreteType": f"{PREFIX}FileEntity", "name": unique("f"), "parentId": project}
        organiser.ok("POST", "/entity", body | {"dataFileHandleId": handle})
    wish = {"parentId": project, "includeTypes": ["file", "folder"]}
    assert set(organiser.ok("POST", "/entity/children", wish)) == {"page"}
    both = organiser.ok(
        "POST", "/entity/children", wish | {"includeTotalChildCount": True, "includeSumFileSizes": True}
    )
    assert (both["totalChildCount"], both["sumFileSizesBytes"]) == (3, 7)


@pytest.mark.rule("E-14", "G-09")
@pytest.mark.parametrize("token", ["nonsense", "10", "aa", "50a-1", "a10"])
def test_page_tokens_that_are_none(organiser, project, token):
    wish = {"parentId": project, "includeTypes": ["folder"], "nextPageToken": token}
    assert organiser.refused("POST", "/entity/children", wish)[0] == 400


@pytest.mark.rule("E-14")
def test_projects_are_the_children_of_nothing(organiser, person, new_project, share):
    reader = person()
    seen, hidden = new_project(organiser), new_project(organiser)
    share(organiser, f"/entity/{seen}", reader.id, "READ")
    found = children(reader, None, "project")
    assert seen in found
    assert hidden not in found
    assert {seen, hidden} <= set(children(organiser, None, "project"))


@pytest.mark.rule("E-14")
def test_pages_count_what_one_may_read(organiser, person, project, new_folder, share):
    """What is hidden leaves no gaps, on no page."""
    reader = person()
    share(organiser, f"/entity/{project}", reader.id, "READ")
    made = [new_folder(organiser, project, f"f{number:03d}") for number in range(110)]
    own = [{"principalId": organiser.id, "accessType": ["READ", "CHANGE_PERMISSIONS"]}]
    for folder in made[::10]:
        organiser.ok("POST", f"/entity/{folder}/acl", {"id": folder, "resourceAccess": own})
    visible = [folder for position, folder in enumerate(made) if position % 10]
    assert children(reader, project) == visible
    wish = {"parentId": project, "includeTypes": ["folder"], "includeTotalChildCount": True}
    first = reader.ok("POST", "/entity/children", wish)
    assert (len(first["page"]), first["nextPageToken"], first["totalChildCount"]) == (50, "50a50", len(visible))


@pytest.mark.rule("E-14")
def test_whoever_may_not_read_the_parent_sees_nothing(organiser, person, project, new_folder):
    stranger = person()
    new_folder(organiser, project)
    wish = {"parentId": project, "includeTypes": ["folder"]}
    assert stranger.refused("POST", "/entity/children", wish)[0] == 403
    assert stranger.refused("POST", "/entity/children", wish | {"parentId": "syn1"})[0] == 404


@pytest.mark.rule("E-13")
def test_a_project_by_its_name(organiser, person, unique):
    name = unique("Named")
    project = organiser.ok("POST", "/entity", {"concreteType": f"{PREFIX}Project", "name": name})["id"]
    assert organiser.ok("POST", "/entity/child", {"entityName": name}) == {"id": project}
    assert person().refused("POST", "/entity/child", {"entityName": name})[0] == 403
    status, reason = organiser.refused("POST", "/entity/child", {"parentId": project, "entityName": "none"})
    assert (status, reason) == (404, f"Child not found for parent: '{project}' with name: 'none'")
    assert organiser.refused("POST", "/entity/child", {"parentId": project})[0] == 400


@pytest.mark.rule("E-13")
def test_a_child_that_one_may_not_read(organiser, person, project, new_folder, share):
    reader = person()
    share(organiser, f"/entity/{project}", reader.id, "READ")
    folder = new_folder(organiser, project, "Closed")
    own = [{"principalId": organiser.id, "accessType": ["READ", "CHANGE_PERMISSIONS"]}]
    organiser.ok("POST", f"/entity/{folder}/acl", {"id": folder, "resourceAccess": own})
    assert reader.refused("POST", "/entity/child", {"parentId": project, "entityName": "Closed"})[0] == 403


def test_the_path_begins_at_the_root(organiser, project, new_folder, new_file):
    folder = new_folder(organiser, project)
    file, _ = new_file(organiser, folder)
    path = organiser.ok("GET", f"/entity/{file}/path")["path"]
    assert [step["id"] for step in path] == [ROOT, project, folder, file]
    assert [step["type"].rpartition(".")[2] for step in path] == ["Folder", "Project", "Folder", "FileEntity"]
    assert path[-1]["benefactorId"] == int(project.removeprefix("syn"))


def test_headers_of_several(organiser, person, project, new_folder, new_file):
    folder, (file, _) = new_folder(organiser, project), new_file(organiser, project)
    organiser.ok("PUT", f"/entity/{file}", organiser.ok("GET", f"/entity/{file}"), newVersion="true")
    wish = [
        {"targetId": folder},
        {"targetId": file, "targetVersionNumber": 1},
        {"targetId": file},
        {"targetId": "syn1"},
    ]
    found = organiser.ok("POST", "/entity/header", {"references": wish})
    shown = [(each["id"], each["versionNumber"], each["isLatestVersion"]) for each in found["results"]]
    assert shown == [(folder, 1, True), (file, 1, False), (file, 2, True)]
    assert found["totalNumberOfResults"] == 3
    assert person().ok("POST", "/entity/header", {"references": wish})["results"] == []
    several = organiser.ok("GET", "/entity/type", batch=f"{project},{file}")["results"]
    assert [each["id"] for each in several] == [project, file]
    assert organiser.ok("GET", f"/entity/{file}/type")["type"] == f"{PREFIX}FileEntity"
    for method, path in (("POST", "/entity/header"), ("GET", "/entity/type")):
        assert organiser.refused(method, path, {} if method == "POST" else None)[0] == 400


def test_files_by_their_sum(organiser, person, project, upload, unique, tmp_path):
    content = unique("summed").encode()
    handle = upload(organiser, content)
    body = {"concreteType": f"{PREFIX}FileEntity", "name": "summed", "parentId": project, "dataFileHandleId": handle}
    file = organiser.ok("POST", "/entity", body)["id"]
    path = f"/entity/md5/{hashlib.md5(content).hexdigest()}"
    assert [each["id"] for each in organiser.ok("GET", path)["results"]] == [file]
    assert person().ok("GET", path)["results"] == []
    (tmp_path / "local").write_bytes(content)
    found = organiser.synapse.get(str(tmp_path / "local"), limitSearch=project)
    assert found.id == file
    organiser.ok("DELETE", f"/entity/{file}")
    assert organiser.ok("GET", path)["results"] == []


@pytest.mark.rule("E-17")
def test_a_project_s_alias_is_its_own(organiser, person, new_project, unique):
    alias = f"alias_{uuid.uuid4().hex}"
    project = organiser.ok("GET", f"/entity/{new_project(organiser)}")
    organiser.ok("PUT", f"/entity/{project['id']}", project | {"alias": alias})
    assert person().ok("GET", f"/entity/alias/{alias}") == {"id": project["id"]}
    assert organiser.refused("GET", "/entity/alias/nobodys")[0] == 404
    body = {"concreteType": f"{PREFIX}Project", "name": unique("Another")}
    status, reason = organiser.refused("POST", "/entity", body | {"alias": alias.upper()})
    assert status == 409
    assert reason == (f"The friendly url name (alias): {alias.upper()} is already taken.  Please select another.")
    for wrong in ("with space", "dash-ed", ""):
        assert organiser.refused("POST", "/entity", body | {"alias": wrong})[0] == 400
    organiser.ok("DELETE", f"/entity/{project['id']}")
    assert organiser.refused("GET", f"/entity/alias/{alias}")[0] == 404


@pytest.mark.rule("E-17", "E-19")
def test_changing_an_alias_needs_the_right_to_change_settings(organiser, person, new_project, share):
    """Whoever made a project has that right without being listed."""
    editor = person()
    project = new_project(organiser)
    share(organiser, f"/entity/{project}", editor.id, "READ", "UPDATE")
    found = editor.ok("GET", f"/entity/{project}")
    changed = found | {"alias": f"alias_{uuid.uuid4().hex}"}
    status, reason = editor.refused("PUT", f"/entity/{project}", changed)
    assert (status, reason) == (403, "You lack CHANGE_SETTINGS access to the requested entity.")
    share(organiser, f"/entity/{project}", organiser.id, "READ", "UPDATE", "CHANGE_PERMISSIONS")
    again = organiser.ok("GET", f"/entity/{project}")
    assert organiser.ok("PUT", f"/entity/{project}", again | {"alias": changed["alias"]})["alias"] == changed["alias"]
    kept = editor.ok("GET", f"/entity/{project}")
    assert editor.ok("PUT", f"/entity/{project}", kept | {"description": "new"})["alias"] == changed["alias"]


@pytest.mark.rule("E-01")
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(st.characters(codec="utf-8"), min_size=1, max_size=300))
def test_any_name_is_taken_trimmed_or_refused(organiser, project, name):
    """A name that is taken comes back as it was looked for; another is refused in Synapse's words."""
    allowed = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789,_. -+()'")
    trimmed = name.strip()
    answer = organiser("POST", "/entity", {"concreteType": f"{PREFIX}Folder", "parentId": project, "name": name})
    if trimmed and len(trimmed) <= 256 and set(trimmed) <= allowed:
        assert answer.status_code in (201, 409)
        if answer.status_code == 201:
            assert answer.json()["name"] == trimmed
    else:
        assert answer.status_code == 400
        assert answer.json()["reason"].startswith("Invalid Name: ")
