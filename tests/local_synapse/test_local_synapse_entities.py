"""Projects, folders and files: names, versions, places, the trash."""

from __future__ import annotations

import re

import httpx
import pytest

from airflow_synapse_challenge.local_synapse.server import LocalSynapse

PREFIX = "org.sagebionetworks.repo.model."
ZERO_ETAG = "00000000-0000-0000-0000-000000000000"


def test_synapseclient_makes_finds_lists_and_deletes(organiser, unique):
    from synapseclient.core.exceptions import SynapseHTTPError
    from synapseclient.models import Folder, Project

    synapse, name = organiser.synapse, unique("By the client")
    project = Project(name=name).store(synapse_client=synapse)
    folders = [Folder(name=letter, parent_id=project.id).store(synapse_client=synapse) for letter in "cab"]
    assert [child["name"] for child in synapse.getChildren(project.id)] == ["a", "b", "c"]
    assert synapse.findEntityId("a", parent=project.id) == folders[1].id
    assert synapse.findEntityId(name) == project.id
    assert synapse.findEntityId("d", parent=project.id) is None
    folders[0].delete(synapse_client=synapse)
    assert [child["name"] for child in synapse.getChildren(project.id)] == ["a", "b"]
    with pytest.raises(SynapseHTTPError, match="trash can"):
        Folder(id=folders[0].id).get(synapse_client=synapse)


@pytest.mark.rule("E-02", "P-11")
def test_storing_again_updates_the_one_of_that_name(organiser, project):
    """The client meets 409 and goes on with what is there."""
    from synapseclient.models import Folder

    first = Folder(name="Same", parent_id=project).store(synapse_client=organiser.synapse)
    second = Folder(name="Same", parent_id=project, description="new").store(synapse_client=organiser.synapse)
    assert first.id == second.id
    assert organiser.ok("GET", f"/entity/{first.id}")["description"] == "new"


@pytest.mark.rule("E-01")
def test_names_are_trimmed_and_of_few_letters(organiser, project):
    body = {"concreteType": f"{PREFIX}Folder", "parentId": project}
    assert organiser.ok("POST", "/entity", body | {"name": "  Name (1), it's +-_.  "})["name"] == "Name (1), it's +-_."
    for name in ("a/b", "a:b", "x" * 257, "ü"):
        status, reason = organiser.refused("POST", "/entity", body | {"name": name})
        assert status == 400
        assert "Invalid Name" in reason
    nameless = organiser.ok("POST", "/entity", body)
    assert nameless["name"] == nameless["id"]


@pytest.mark.rule("E-02")
def test_names_are_unique_below_a_parent_and_for_projects_everywhere(organiser, person, project, new_folder, unique):
    new_folder(organiser, project, "Twice")
    body = {"concreteType": f"{PREFIX}Folder", "parentId": project, "name": "Twice"}
    assert organiser.refused("POST", "/entity", body)[0] == 409
    elsewhere = new_folder(organiser, project)
    assert new_folder(organiser, elsewhere, "Twice")
    name = unique("Only one")
    organiser.ok("POST", "/entity", {"concreteType": f"{PREFIX}Project", "name": name})
    assert person().refused("POST", "/entity", {"concreteType": f"{PREFIX}Project", "name": name})[0] == 409


@pytest.mark.rule("E-03")
def test_an_old_etag_is_refused(organiser, project, new_folder):
    """Every write needs the last etag."""
    folder = new_folder(organiser, project)
    old = organiser.ok("GET", f"/entity/{folder}")
    new = organiser.ok("PUT", f"/entity/{folder}", old | {"name": "First"})
    status, reason = organiser.refused("PUT", f"/entity/{folder}", old | {"name": "Second"})
    assert status == 412
    assert folder in reason
    assert organiser.ok("GET", f"/entity/{folder}") == new
    assert new["name"] == "First"


@pytest.mark.rule("E-03")
def test_what_is_around_an_entity_changes_its_etag(organiser, project, new_folder):
    """Annotations and sharing do."""
    folder = new_folder(organiser, project)
    etags = [organiser.ok("GET", f"/entity/{folder}")["etag"]]

    def changed():
        etags.append(organiser.ok("GET", f"/entity/{folder}")["etag"])
        return etags[-1] != etags[-2]

    organiser.ok("PUT", f"/entity/{folder}/annotations2", {"etag": etags[0], "annotations": {}})
    assert changed()
    rows = [{"principalId": organiser.id, "accessType": ["READ", "CHANGE_PERMISSIONS"]}]
    acl = organiser.ok("POST", f"/entity/{folder}/acl", {"id": folder, "resourceAccess": rows})
    assert changed()
    organiser.ok("PUT", f"/entity/{folder}/acl", acl)
    assert changed()
    organiser.ok("DELETE", f"/entity/{folder}/acl")
    assert changed()


@pytest.mark.rule("E-04")
def test_a_changed_file_is_a_new_version_and_the_old_one_stays(organiser, project, upload):
    first, same, second = (
        upload(organiser, content, name) for content, name in ((b"one", "a"), (b"one", "b"), (b"two", "a"))
    )
    body = {"concreteType": f"{PREFIX}FileEntity", "parentId": project, "name": "data", "dataFileHandleId": first}
    made = organiser.ok("POST", "/entity", body)
    path = f"/entity/{made['id']}"
    relabelled = organiser.ok("PUT", path, made | {"dataFileHandleId": same})
    assert relabelled["versionNumber"] == 1
    changed = organiser.ok("PUT", path, relabelled | {"dataFileHandleId": second})
    assert (changed["versionNumber"], changed["versionLabel"]) == (2, "2")
    forced = organiser.ok("PUT", path, changed, newVersion="true")
    assert forced["versionNumber"] == 3
    old = organiser.ok("GET", f"{path}/version/1")
    assert (old["dataFileHandleId"], old["etag"], old["isLatestVersion"]) == (same, ZERO_ETAG, False)
    versions = organiser.ok("GET", f"{path}/version")["results"]
    assert [version["versionNumber"] for version in versions] == [3, 2, 1]
    assert organiser.refused("GET", f"{path}/version/9")[0] == 404


@pytest.mark.rule("E-18")
def test_an_old_version_keeps_its_annotations(organiser, project, new_file):
    """The bundle of a version describes that version."""
    file, _ = new_file(organiser, project)
    path = f"/entity/{file}"
    for number in ("1", "2"):
        entity = organiser.ok("GET", path)
        if number == "2":
            entity = organiser.ok("PUT", path, entity, newVersion="true")
        values = {"number": {"type": "LONG", "value": [number]}}
        organiser.ok("PUT", f"{path}/annotations2", {"etag": entity["etag"], "annotations": values})
    bundles = [
        organiser.ok("POST", f"{path}/version/{version}/bundle2", {"includeAnnotations": True}) for version in (1, 2)
    ]
    assert [bundle["annotations"]["annotations"]["number"]["value"] for bundle in bundles] == [["1"], ["2"]]


@pytest.mark.rule("E-05")
def test_only_the_one_who_uploaded_makes_an_entity_of_it(organiser, person, project, upload, new_project):
    handle = upload(organiser, b"mine")
    other = person()
    body = {"concreteType": f"{PREFIX}FileEntity", "name": "stolen", "parentId": new_project(other)}
    assert other.refused("POST", "/entity", body | {"dataFileHandleId": handle})[0] == 403
    assert other.refused("POST", "/entity", body)[0] == 400
    assert other.refused("POST", "/entity", body | {"dataFileHandleId": "1"})[0] == 404


@pytest.mark.rule("E-06")
def test_what_may_be_where(organiser, project, new_file, unique):
    file, _ = new_file(organiser, project)
    misplaced = (("Folder", None), ("Folder", file), ("Folder", "syn4489"), ("Project", project), ("FileEntity", file))
    for kind, parent in misplaced:
        body = {"concreteType": f"{PREFIX}{kind}", "name": unique("Misplaced")} | (
            {"parentId": parent} if parent else {}
        )
        assert organiser.refused("POST", "/entity", body)[0] == 400
    assert organiser.refused("POST", "/entity", {"concreteType": f"{PREFIX}Nonsense", "name": "x"})[0] == 400


@pytest.mark.rule("E-07")
def test_people_without_certificate_make_projects_only(person, new_project):
    novice = person(certified=False)
    home = new_project(novice)
    answer = novice("POST", "/entity", {"concreteType": f"{PREFIX}Folder", "name": "No", "parentId": home})
    assert answer.status_code == 403
    assert answer.json()["errorCode"] == "USER_CERTIFICATION_REQUIRED"


@pytest.mark.rule("E-08")
def test_it_is_looked_for_before_it_is_judged(person, project):
    """Unknown 404, known but closed 403."""
    stranger = person()
    assert stranger.refused("GET", "/entity/syn1")[0] == 404
    assert stranger.refused("GET", f"/entity/{project}")[0] == 403
    assert stranger.refused("GET", "/entity/nonsense")[0] == 400


@pytest.mark.rule("G-11")
@pytest.mark.parametrize("spelling", ["{}", "SYN{}", "syn{}"])
def test_the_prefix_of_an_id_is_optional(organiser, project, spelling):
    found = organiser.ok("GET", f"/entity/{spelling.format(project.removeprefix('syn'))}")
    assert found["id"] == project


@pytest.mark.rule("E-12")
def test_a_deleted_folder_takes_its_content_along(organiser, project, new_folder):
    """204, a second time too; the name is free again."""
    folder = new_folder(organiser, project, "Gone")
    inside = new_folder(organiser, folder)
    assert organiser("DELETE", f"/entity/{folder}").status_code == 204
    assert organiser("DELETE", f"/entity/{folder}").status_code == 204
    for entity in (folder, inside):
        status, reason = organiser.refused("GET", f"/entity/{entity}")
        assert (status, "trash can" in reason) == (404, True)
    assert new_folder(organiser, project, "Gone") != folder


def test_others_may_not_delete(organiser, person, project, share):
    reader = person()
    share(organiser, f"/entity/{project}", reader.id, "READ", "DOWNLOAD")
    assert reader.refused("DELETE", f"/entity/{project}")[0] == 403
    assert organiser("GET", f"/entity/{project}").status_code == 200


@pytest.mark.rule("E-13")
def test_a_child_by_name(organiser, person, project, new_folder):
    folder = new_folder(organiser, project, "Here")
    wish = {"parentId": project, "entityName": "Here"}
    assert organiser.ok("POST", "/entity/child", wish) == {"id": folder}
    assert organiser.refused("POST", "/entity/child", wish | {"entityName": "there"})[0] == 404
    assert person().refused("POST", "/entity/child", wish)[0] == 403


@pytest.mark.rule("E-14", "G-09")
def test_lists_of_children_come_in_pages(organiser, project, new_folder):
    """Pages of 50, each child once."""
    made = [new_folder(organiser, project, f"f{number:03d}") for number in range(53)]
    wish = {"parentId": project, "includeTypes": ["folder"], "includeTotalChildCount": True}
    first = organiser.ok("POST", "/entity/children", wish)
    second = organiser.ok("POST", "/entity/children", wish | {"nextPageToken": first["nextPageToken"]})
    assert [child["id"] for child in first["page"] + second["page"]] == made
    assert (first["totalChildCount"], "nextPageToken" in second) == (53, False)
    assert organiser.ok("POST", "/entity/children", wish | {"includeTypes": ["file"]})["page"] == []
    assert organiser.refused("POST", "/entity/children", {"parentId": project})[0] == 400
    assert [child["id"] for child in organiser.synapse.getChildren(project)] == made


@pytest.mark.rule("E-14")
def test_children_that_one_may_not_read_are_left_out(organiser, person, project, new_folder, share):
    reader = person()
    share(organiser, f"/entity/{project}", reader.id, "READ")
    seen, hidden = new_folder(organiser, project), new_folder(organiser, project)
    own = [{"principalId": organiser.id, "accessType": ["READ", "CHANGE_PERMISSIONS"]}]
    organiser.ok("POST", f"/entity/{hidden}/acl", {"id": hidden, "resourceAccess": own})
    page = reader.ok("POST", "/entity/children", {"parentId": project, "includeTypes": ["folder"]})["page"]
    assert [child["id"] for child in page] == [seen]


@pytest.mark.rule("E-15")
def test_moving_needs_rights_at_both_ends(organiser, person, project, new_folder, new_project, share):
    helper = person()
    target = new_project(helper)
    folder = new_folder(organiser, project)
    share(organiser, f"/entity/{project}", helper.id, "READ", "UPDATE", "CREATE")
    found = helper.ok("GET", f"/entity/{folder}")
    status, reason = helper.refused("PUT", f"/entity/{folder}", found | {"parentId": target})
    assert (status, "CHANGE_PERMISSIONS" in reason) == (403, True)
    status, reason = organiser.refused("PUT", f"/entity/{folder}", found | {"parentId": target})
    assert (status, "CREATE" in reason) == (403, True)
    inside = new_folder(organiser, project)
    assert organiser.ok("PUT", f"/entity/{folder}", found | {"parentId": inside})["parentId"] == inside
    path = organiser.ok("GET", f"/entity/{folder}/path")["path"]
    assert [step["id"] for step in path] == ["syn4489", project, inside, folder]


@pytest.mark.rule("E-06", "E-15")
def test_moving_obeys_what_may_be_where(organiser, project, new_folder, new_file):
    """A file holds nothing, however it comes in."""
    folder = new_folder(organiser, project)
    file, _ = new_file(organiser, project)
    found = organiser.ok("GET", f"/entity/{folder}")
    assert organiser.refused("PUT", f"/entity/{folder}", found | {"parentId": file})[0] == 400


def test_a_folder_cannot_move_into_itself(tmp_path):
    """A server of its own: one that runs in circles would take the other tests along."""
    with LocalSynapse.start(tmp_path) as own:
        headers = {"Authorization": f"Bearer {own.token('challenge-service')}"}
        with httpx.Client(base_url=f"{own.url}/repo/v1", headers=headers, timeout=3) as http:
            parent = http.post("/entity", json={"concreteType": f"{PREFIX}Project", "name": "P"}).json()["id"]
            outer, inner = "", ""
            for name in ("outer", "inner"):
                body = {"concreteType": f"{PREFIX}Folder", "name": name, "parentId": inner or parent}
                outer, inner = inner, http.post("/entity", json=body).json()["id"]
            found = http.get(f"/entity/{outer}").json()
            try:
                moved = http.put(f"/entity/{outer}", json=found | {"parentId": inner}).status_code
                path = [step["id"] for step in http.get(f"/entity/{inner}/path").json()["path"]]
            except httpx.TimeoutException:
                own.kill()
                pytest.fail("the server runs in circles")
    assert moved in (400, 403)
    assert path == ["syn4489", parent, outer, inner]


def test_how_something_was_made(organiser, project, new_file):
    from synapseclient import Activity

    source, _ = new_file(organiser, project)
    result, _ = new_file(organiser, project)
    synapse = organiser.synapse
    synapse.setProvenance(result, Activity(name="Scoring", used=[source]))
    activity = synapse.getProvenance(result)
    assert activity["name"] == "Scoring"
    assert activity["used"][0]["reference"]["targetId"] == source
    assert organiser.refused("GET", f"/entity/{source}/generatedBy")[0] == 404


@pytest.mark.rule("E-03")
def test_a_move_changes_the_etag(organiser, project, new_folder):
    folder, target = new_folder(organiser, project), new_folder(organiser, project)
    found = organiser.ok("GET", f"/entity/{folder}")
    assert organiser.ok("PUT", f"/entity/{folder}", found | {"parentId": target})["etag"] != found["etag"]
    status, reason = organiser.refused("PUT", f"/entity/{folder}", found | {"parentId": project})
    assert status == 412
    assert reason == (
        f"Object: {folder} was updated since you last fetched it, retrieve it again and re-apply the update"
    )


@pytest.mark.rule("E-02", "E-15")
def test_a_move_meets_a_name_that_is_taken(organiser, project, new_folder):
    folder, target = new_folder(organiser, project, "Wanderer"), new_folder(organiser, project)
    new_folder(organiser, target, "Wanderer")
    found = organiser.ok("GET", f"/entity/{folder}")
    status, reason = organiser.refused("PUT", f"/entity/{folder}", found | {"parentId": target})
    assert (status, reason) == (
        409,
        f"An entity with the name: Wanderer already exists with a parentId: {target}",
    )


@pytest.mark.rule("E-15")
def test_what_moves_is_shared_as_its_new_place_is(organiser, person, project, new_folder, new_project, share):
    reader = person()
    target = new_project(organiser)
    share(organiser, f"/entity/{target}", reader.id, "READ")
    outer = new_folder(organiser, project)
    inner = new_folder(organiser, outer)
    assert reader.refused("GET", f"/entity/{inner}")[0] == 403
    found = organiser.ok("GET", f"/entity/{outer}")
    organiser.ok("PUT", f"/entity/{outer}", found | {"parentId": target})
    assert reader.ok("GET", f"/entity/{inner}")["parentId"] == outer
    assert organiser.ok("GET", f"/entity/{inner}/benefactor")["id"] == target


@pytest.mark.rule("E-06")
def test_nothing_lies_deeper_than_fifty(organiser, project, new_folder):
    step = project
    for _ in range(48):
        step = new_folder(organiser, step)
    body = {"concreteType": f"{PREFIX}Folder", "parentId": new_folder(organiser, step)}
    assert organiser.refused("POST", "/entity", body)[0] == 400
    with_content = new_folder(organiser, project)
    new_folder(organiser, with_content)
    found = organiser.ok("GET", f"/entity/{with_content}")
    assert organiser.refused("PUT", f"/entity/{with_content}", found | {"parentId": step})[0] == 400


@pytest.mark.rule("E-05")
def test_what_a_file_may_not_say(organiser, project, new_file):
    file, handle = new_file(organiser, project)
    body = {"concreteType": f"{PREFIX}FileEntity", "name": "other", "parentId": project, "dataFileHandleId": handle}
    assert organiser.refused("POST", "/entity", body | {"fileNameOverride": "x"})[0] == 400
    found = organiser.ok("GET", f"/entity/{file}")
    without = {key: value for key, value in found.items() if key != "dataFileHandleId"}
    assert organiser.refused("PUT", f"/entity/{file}", without)[0] == 400


@pytest.mark.rule("E-05")
def test_a_file_keeps_a_handle_that_another_person_brought(organiser, person, project, new_file, share, upload):
    editor = person()
    share(organiser, f"/entity/{project}", editor.id, "READ", "UPDATE")
    file, _ = new_file(organiser, project)
    found = editor.ok("GET", f"/entity/{file}")
    changed = editor.ok("PUT", f"/entity/{file}", found | {"description": "edited"})
    assert changed["modifiedBy"] == str(editor.id)
    foreign = upload(organiser, b"foreign")
    status, reason = editor.refused("PUT", f"/entity/{file}", changed | {"dataFileHandleId": foreign})
    assert (status, "Only the creator of a FileHandle" in reason) == (403, True)


@pytest.mark.rule("G-06")
def test_what_synapse_does_not_know_is_not_kept(organiser, project):
    body = {"concreteType": f"{PREFIX}Folder", "parentId": project, "madeUp": 1, "description": None, "name": 5}
    made = organiser.ok("POST", "/entity", body)
    assert set(made) == {
        "id", "name", "etag", "parentId", "concreteType", "createdOn", "createdBy", "modifiedOn", "modifiedBy",
    }  # fmt: skip
    assert made["name"] == "5"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", made["createdOn"])


@pytest.mark.parametrize(
    "field", [{"name": ["a"]}, {"description": {"a": 1}}, {"parentId": True}, {"dataFileHandleId": []}, {"etag": {}}]
)
@pytest.mark.rule("G-06")
def test_fields_of_another_type(organiser, project, field):
    body = {"concreteType": f"{PREFIX}FileEntity", "parentId": project, "dataFileHandleId": "1"}
    status, reason = organiser.refused("POST", "/entity", body | field)
    assert (status, next(iter(field)) in reason) == (400, True)


@pytest.mark.rule("G-16")
def test_the_older_name_of_the_type(organiser, project):
    made = organiser.ok("POST", "/entity", {"entityType": f"{PREFIX}Folder", "parentId": project})
    assert (made["concreteType"], "entityType" in made) == (f"{PREFIX}Folder", False)
    change = {"entityType": f"{PREFIX}Folder", "etag": made["etag"], "name": "By the older name"}
    assert organiser.ok("PUT", f"/entity/{made['id']}", change)["name"] == "By the older name"
    wrong = {"concreteType": f"{PREFIX}Project", "etag": organiser.ok("GET", f"/entity/{made['id']}")["etag"]}
    assert organiser.refused("PUT", f"/entity/{made['id']}", wrong)[0] == 400


def test_descriptions_have_a_thousand_characters(organiser, project):
    body = {"concreteType": f"{PREFIX}Folder", "parentId": project}
    assert len(organiser.ok("POST", "/entity", body | {"description": "ü" * 1000})["description"]) == 1000
    assert organiser.refused("POST", "/entity", body | {"description": "ü" * 1001})[0] == 400


@pytest.mark.rule("E-09", "E-10")
def test_a_creation_that_is_refused_leaves_nothing(organiser, project, unique):
    name = unique("Half made")
    body = {"concreteType": f"{PREFIX}Project", "name": name}
    assert organiser.refused("POST", "/entity", body, generatedBy="1")[0] == 404
    assert organiser.refused("POST", "/entity/child", {"entityName": name})[0] == 404


def test_links_lead_synapseclient_to_their_target(organiser, project, new_folder, upload):
    from synapseclient.models import File, Link

    synapse = organiser.synapse
    body = {"concreteType": f"{PREFIX}FileEntity", "name": "target", "parentId": project}
    file = organiser.ok("POST", "/entity", body | {"dataFileHandleId": upload(organiser, b"the target")})["id"]
    link = Link(name="Shortcut", parent_id=project, target_id=file, target_version_number=1).store(
        synapse_client=synapse
    )
    stored = organiser.ok("GET", f"/entity/{link.id}")
    assert stored["linksTo"] == {"targetId": file, "targetVersionNumber": 1}
    assert isinstance(Link(id=link.id).get(follow_link=True, synapse_client=synapse), File)
    folder = new_folder(organiser, project)
    import synapseclient

    older = synapse.store(synapseclient.Link(file, parent=folder))
    assert older.linksToClassName == f"{PREFIX}FileEntity"
    assert synapse.get(older.id, followLink=True, downloadFile=False).id == file
    assert [child["id"] for child in synapse.getChildren(folder, includeTypes=["link"])] == [older.id]
    assert organiser.refused("PUT", f"/entity/{older.id}", {"etag": older.etag, "linksTo": "nonsense"})[0] == 400


@pytest.mark.parametrize(
    "path", ["/version/{}", "/version/{}/annotations2", "/version/{}/generatedBy", "/version/{}/filehandles"]
)
@pytest.mark.parametrize("version", ["false", "-1", "1.5", "9" * 30])
def test_versions_are_whole_numbers(organiser, project, path, version):
    assert organiser.refused("GET", f"/entity/{project}{path.format(version)}")[0] == 400


def test_types_that_synapse_has_and_this_one_does_not(organiser, project):
    body = {"name": "Collected", "parentId": project}
    for kind, status in (("table.DatasetCollection", 501), ("RecordSet", 501), ("Nonsense", 400)):
        assert organiser.refused("POST", "/entity", body | {"concreteType": f"{PREFIX}{kind}"})[0] == status


@pytest.mark.rule("E-08", "E-19")
def test_a_place_is_looked_for_before_the_certificate_is(person, organiser, project, new_folder):
    novice = person(certified=False)
    body = {"concreteType": f"{PREFIX}Folder", "name": "No"}
    assert novice.refused("POST", "/entity", body | {"parentId": "syn1"})[0] == 404
    gone = new_folder(organiser, project)
    organiser.ok("DELETE", f"/entity/{gone}")
    status, reason = novice.refused("POST", "/entity", body | {"parentId": gone})
    assert (status, reason) == (404, f"Entity {gone} is in trash can.")
    answer = novice("POST", "/entity", body | {"parentId": project})
    assert (answer.status_code, answer.json()["errorCode"]) == (403, "USER_CERTIFICATION_REQUIRED")
