"""The trash can: what comes back, for whom, where, and what is gone."""

from __future__ import annotations

import pytest

ADMIN = {"READ", "DOWNLOAD", "UPDATE", "DELETE", "CREATE", "CHANGE_PERMISSIONS", "CHANGE_SETTINGS", "MODERATE"}


@pytest.fixture
def thrown(organiser, project, new_folder):
    """A folder in the trash, with a folder in it."""
    folder = new_folder(organiser, project)
    inside = new_folder(organiser, folder, "Inside")
    organiser.ok("DELETE", f"/entity/{folder}")
    return folder, inside


def in_trash(somebody):
    return [each["entityId"] for each in somebody.ok("GET", "/trashcan/view", limit=1000)["results"]]


@pytest.mark.rule("E-12")
def test_the_one_who_deleted_it_gets_it_back_with_its_content(organiser, project, thrown):
    folder, inside = thrown
    assert organiser("PUT", f"/trashcan/restore/{folder}").status_code == 200
    assert organiser.ok("GET", f"/entity/{folder}")["parentId"] == project
    assert organiser.ok("GET", f"/entity/{inside}")["parentId"] == folder
    assert folder not in in_trash(organiser)
    assert organiser.refused("PUT", f"/trashcan/restore/{folder}")[0] == 404


@pytest.mark.rule("E-12")
def test_nobody_else_does(organiser, person, thrown, project, share):
    folder, _ = thrown
    other = person()
    share(organiser, f"/entity/{project}", other.id, *sorted(ADMIN))
    status, reason = other.refused("PUT", f"/trashcan/restore/{folder}")
    assert status == 403
    assert reason == f"User {other.id} not allowed to restore {folder}. The node was deleted by a different user."
    assert other.refused("PUT", f"/trashcan/purge/{folder}")[0] == 403
    assert in_trash(other) == []


@pytest.mark.rule("E-12")
def test_the_list_tells_what_it_was(organiser, project, thrown):
    folder, inside = thrown
    entries = {entry["entityId"]: entry for entry in organiser.ok("GET", "/trashcan/view", limit=1000)["results"]}
    assert inside not in entries
    entry = entries[folder]
    assert (entry["entityType"], entry["originalParentId"]) == ("folder", project)
    assert entry["deletedByPrincipalId"] == str(organiser.id)
    assert entry["deletedOn"].endswith("Z")


@pytest.mark.rule("E-12")
def test_sharing_is_lost_in_the_trash(organiser, person, project, new_folder):
    reader = person()
    folder = new_folder(organiser, project)
    inside = new_folder(organiser, folder)
    rows = [
        {"principalId": organiser.id, "accessType": sorted(ADMIN)},
        {"principalId": reader.id, "accessType": ["READ"]},
    ]
    for entity in (folder, inside):
        organiser.ok("POST", f"/entity/{entity}/acl", {"id": entity, "resourceAccess": rows})
    organiser.ok("DELETE", f"/entity/{folder}")
    organiser.ok("PUT", f"/trashcan/restore/{folder}")
    for entity in (folder, inside):
        assert organiser.refused("GET", f"/entity/{entity}/acl")[0] == 404
        assert organiser.ok("GET", f"/entity/{entity}/benefactor")["id"] == project
        assert reader.refused("GET", f"/entity/{entity}")[0] == 403


@pytest.mark.rule("E-12")
def test_a_project_comes_back_to_whoever_restores_it(organiser, person, new_project, share):
    reader = person()
    project = new_project(organiser)
    share(organiser, f"/entity/{project}", reader.id, "READ")
    organiser.ok("DELETE", f"/entity/{project}")
    organiser.ok("PUT", f"/trashcan/restore/{project}")
    rows = organiser.ok("GET", f"/entity/{project}/acl")["resourceAccess"]
    assert [(row["principalId"], set(row["accessType"])) for row in rows] == [(organiser.id, ADMIN)]


@pytest.mark.rule("E-12")
def test_what_lay_there_before_stays_there(organiser, project, new_folder):
    outer = new_folder(organiser, project)
    early, late = new_folder(organiser, outer), new_folder(organiser, outer)
    organiser.ok("DELETE", f"/entity/{early}")
    organiser.ok("DELETE", f"/entity/{outer}")
    status, _ = organiser.refused("PUT", f"/trashcan/restore/{early}")
    assert status == 403
    organiser.ok("PUT", f"/trashcan/restore/{outer}")
    assert organiser.ok("GET", f"/entity/{late}")["parentId"] == outer
    assert organiser.refused("GET", f"/entity/{early}")[0] == 404
    organiser.ok("PUT", f"/trashcan/restore/{early}")
    assert organiser.ok("GET", f"/entity/{early}")["parentId"] == outer


@pytest.mark.rule("E-12")
def test_coming_back_needs_the_right_to_put_something_there(person, organiser, project, new_folder, share):
    helper = person()
    folder = new_folder(organiser, project)
    share(organiser, f"/entity/{project}", helper.id, "READ", "DELETE")
    helper.ok("DELETE", f"/entity/{folder}")
    status, reason = helper.refused("PUT", f"/trashcan/restore/{folder}")
    assert (status, "CREATE" in reason) == (403, True)


@pytest.mark.rule("E-12", "E-02")
def test_the_name_may_have_been_given_away(organiser, project, new_folder):
    folder = new_folder(organiser, project, "Coveted")
    organiser.ok("DELETE", f"/entity/{folder}")
    new_folder(organiser, project, "Coveted")
    assert organiser.refused("PUT", f"/trashcan/restore/{folder}")[0] == 409
    elsewhere = new_folder(organiser, project)
    organiser.ok("PUT", f"/trashcan/restore/{folder}/{elsewhere}")
    found = organiser.ok("GET", f"/entity/{folder}")
    assert (found["name"], found["parentId"]) == ("Coveted", elsewhere)


@pytest.mark.rule("E-06", "E-12")
def test_it_comes_back_only_where_it_may_lie(organiser, project, thrown, new_file):
    folder, _ = thrown
    file, _ = new_file(organiser, project)
    assert organiser.refused("PUT", f"/trashcan/restore/{folder}/{file}")[0] == 400
    assert organiser.refused("PUT", f"/trashcan/restore/{folder}/syn4489")[0] == 400
    assert organiser.refused("PUT", f"/trashcan/restore/{folder}/syn1")[0] == 404


def test_what_is_purged_is_gone(organiser, thrown):
    folder, inside = thrown
    assert organiser("PUT", f"/trashcan/purge/{folder}").status_code == 200
    for entity in (folder, inside):
        status, reason = organiser.refused("GET", f"/entity/{entity}")
        assert (status, reason) == (404, f"Resource: '{entity}' does not exist")
    assert organiser.refused("PUT", f"/trashcan/restore/{folder}")[0] == 404
    assert folder not in in_trash(organiser)


def test_the_older_service_throws_away_too(organiser, person, project, new_folder):
    folder = new_folder(organiser, project)
    assert person().refused("PUT", f"/trashcan/trash/{folder}")[0] == 403
    assert organiser("PUT", f"/trashcan/trash/{folder}").status_code == 200
    assert folder in in_trash(organiser)


@pytest.mark.rule("E-12")
def test_an_unknown_one_is_no_error(organiser, thrown):
    for entity in ("syn1", thrown[0]):
        assert organiser("DELETE", f"/entity/{entity}").status_code == 204


@pytest.mark.rule("E-19")
def test_who_is_not_certified_may_still_delete(person, organiser, project, new_folder, share):
    novice = person(certified=False)
    folder = new_folder(organiser, project)
    share(organiser, f"/entity/{project}", novice.id, "READ", "DELETE")
    assert novice("DELETE", f"/entity/{folder}").status_code == 204
