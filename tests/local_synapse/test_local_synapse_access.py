"""Sharing of entities: lists, inheritance, who may read what."""

from __future__ import annotations

import pytest

AUTHENTICATED, PUBLIC, ANONYMOUS = 273948, 273949, 273950
CREATORS_RIGHTS = {
    "READ", "DOWNLOAD", "UPDATE", "DELETE", "CREATE", "CHANGE_PERMISSIONS", "CHANGE_SETTINGS", "MODERATE",
}  # fmt: skip


@pytest.fixture
def folder(organiser, project, new_folder):
    return new_folder(organiser, project)


def rights(acl):
    return {row["principalId"]: set(row["accessType"]) for row in acl["resourceAccess"]}


@pytest.mark.rule("E-10")
def test_a_project_is_its_creators(organiser, project):
    assert rights(organiser.ok("GET", f"/entity/{project}/acl")) == {organiser.id: CREATORS_RIGHTS}


@pytest.mark.rule("E-08")
def test_nobody_else_reads_a_new_project(organiser, person, anonymous, project, folder):
    """Children inherit; the list itself may be read (E-09)."""
    stranger = person()
    for entity in (project, folder):
        status, reason = stranger.refused("GET", f"/entity/{entity}")
        assert (status, "READ" in reason) == (403, True)
        assert anonymous.refused("GET", f"/entity/{entity}")[0] == 403
    assert stranger.ok("GET", f"/entity/{project}/acl")


def test_synapseclient_meets_the_refusal(person, project):
    from synapseclient.core.exceptions import SynapseHTTPError
    from synapseclient.models import Project

    with pytest.raises(SynapseHTTPError, match="403"):
        Project(id=project).get(synapse_client=person().synapse)


@pytest.mark.rule("E-09", "P-12")
def test_an_inheriting_folder_tells_from_whom(organiser, project, folder):
    """Synapseclient matches on the text."""
    status, reason = organiser.refused("GET", f"/entity/{folder}/acl")
    assert status == 404
    assert reason.startswith("The requested ACL does not exist. This entity inherits its permissions from:")
    assert project in reason
    assert organiser.ok("GET", f"/entity/{folder}/benefactor")["id"] == project


@pytest.mark.rule("E-09")
def test_a_list_of_ones_own_comes_and_goes(organiser, person, project, folder):
    reader = person()
    body = {
        "id": folder,
        "resourceAccess": [
            {"principalId": organiser.id, "accessType": sorted(CREATORS_RIGHTS)},
            {"principalId": reader.id, "accessType": ["READ"]},
        ],
    }
    assert organiser.refused("PUT", f"/entity/{folder}/acl", body)[0] == 403
    assert organiser("POST", f"/entity/{folder}/acl", body).status_code == 201
    assert organiser.refused("POST", f"/entity/{folder}/acl", body)[0] == 403
    assert reader.ok("GET", f"/entity/{folder}")["id"] == folder
    assert reader.refused("GET", f"/entity/{project}")[0] == 403
    assert organiser("DELETE", f"/entity/{folder}/acl").status_code == 204
    assert organiser.refused("DELETE", f"/entity/{folder}/acl")[0] == 403
    assert organiser.refused("DELETE", f"/entity/{project}/acl")[0] == 403
    assert reader.refused("GET", f"/entity/{folder}")[0] == 403


@pytest.mark.rule("P-12")
def test_synapseclient_shares_a_folder(organiser, person, folder):
    """It copies the inherited list first."""
    from synapseclient.models import Folder

    reader = person()
    Folder(id=folder).set_permissions(
        principal_id=reader.id, access_type=["READ", "DOWNLOAD"], synapse_client=organiser.synapse
    )
    assert organiser.id in rights(organiser.ok("GET", f"/entity/{folder}/acl"))
    permissions = Folder(id=folder).get_permissions(synapse_client=reader.synapse)
    assert (permissions.can_view, permissions.can_download, permissions.can_edit) == (True, True, False)


@pytest.mark.rule("E-09", "G-15")
def test_a_list_changes_under_its_etag(organiser, person, project, share):
    old = organiser.ok("GET", f"/entity/{project}/acl")
    first = person()
    share(organiser, f"/entity/{project}", first.id, "READ")
    assert organiser.refused("PUT", f"/entity/{project}/acl", old)[0] == 412
    assert first.id in rights(organiser.ok("GET", f"/entity/{project}/acl"))


def test_only_with_change_permissions(organiser, person, project, share):
    editor = person()
    share(organiser, f"/entity/{project}", editor.id, "READ", "UPDATE", "CREATE")
    acl = editor.ok("GET", f"/entity/{project}/acl")
    assert editor.refused("PUT", f"/entity/{project}/acl", acl)[0] == 403


@pytest.mark.rule("G-14")
def test_a_team_opens_it_for_its_members(organiser, person, project, share, unique):
    """From joining until leaving."""
    captain, member = person(), person()
    team = int(captain.ok("POST", "/team", {"name": unique("Readers"), "canPublicJoin": True})["id"])
    share(organiser, f"/entity/{project}", team, "READ")
    assert member.refused("GET", f"/entity/{project}")[0] == 403
    member.ok("PUT", f"/team/{team}/member/{member.id}")
    assert member.ok("GET", f"/entity/{project}")["id"] == project
    member.ok("DELETE", f"/team/{team}/member/{member.id}")
    assert member.refused("GET", f"/entity/{project}")[0] == 403


@pytest.mark.rule("G-14")
def test_everybody_is_with_or_without_a_token(organiser, person, anonymous, project, share):
    share(organiser, f"/entity/{project}", AUTHENTICATED, "READ")
    assert person().ok("GET", f"/entity/{project}")
    assert anonymous.refused("GET", f"/entity/{project}")[0] == 403
    share(organiser, f"/entity/{project}", PUBLIC, "READ")
    assert anonymous.ok("GET", f"/entity/{project}")["id"] == project
    assert organiser.ok("GET", f"/entity/{project}/permissions")["canPublicRead"] is True


@pytest.mark.rule("V-12")
@pytest.mark.parametrize(
    ("principal", "kinds"),
    [(ANONYMOUS, ["READ"]), (PUBLIC, ["READ", "DOWNLOAD"]), (AUTHENTICATED, [])],
)
def test_what_no_list_may_hold(organiser, project, principal, kinds):
    acl = organiser.ok("GET", f"/entity/{project}/acl")
    acl["resourceAccess"].append({"principalId": principal, "accessType": kinds})
    assert organiser.refused("PUT", f"/entity/{project}/acl", acl)[0] == 400


@pytest.mark.rule("V-12")
def test_somebody_does_not_lock_themselves_out(organiser, person, project, share):
    helper = person()
    acl = share(organiser, f"/entity/{project}", helper.id, "READ", "CHANGE_PERMISSIONS")
    acl["resourceAccess"] = [row for row in acl["resourceAccess"] if row["principalId"] != helper.id]
    status, reason = helper.refused("PUT", f"/entity/{project}/acl", acl)
    assert (status, "revoke" in reason) == (400, True)


@pytest.mark.rule("V-12")
def test_the_owner_may_give_it_away(organiser, person, project):
    """The owner is no such case."""
    heir = person()
    acl = organiser.ok("GET", f"/entity/{project}/acl")
    acl["resourceAccess"] = [{"principalId": heir.id, "accessType": sorted(CREATORS_RIGHTS)}]
    assert organiser("PUT", f"/entity/{project}/acl", acl).status_code == 200
    assert organiser.refused("GET", f"/entity/{project}")[0] == 403
    assert heir.ok("GET", f"/entity/{project}")


@pytest.mark.rule("E-20")
def test_readers_without_download_see_no_file_handles(organiser, person, project, new_file, share):
    """No error in a bundle, just none."""
    file, handle = new_file(organiser, project)
    reader = person()
    share(organiser, f"/entity/{project}", reader.id, "READ")
    wish = {"includeEntity": True, "includeFileHandles": True}
    assert reader.ok("POST", f"/entity/{file}/bundle2", wish)["fileHandles"] == []
    assert reader.refused("GET", f"/entity/{file}/filehandles")[0] == 403
    share(organiser, f"/entity/{project}", reader.id, "READ", "DOWNLOAD")
    assert [found["id"] for found in reader.ok("POST", f"/entity/{file}/bundle2", wish)["fileHandles"]] == [handle]


@pytest.mark.rule("G-14")
def test_administrators_pass(admin, organiser, project, folder):
    assert admin.ok("GET", f"/entity/{project}")["id"] == project
    assert admin.ok("GET", f"/entity/{folder}/permissions")["canChangePermissions"] is True


def test_permissions_are_of_the_caller(organiser, person, project, share):
    helper = person()
    share(organiser, f"/entity/{project}", helper.id, "READ", "CREATE")
    found = helper.ok("GET", f"/entity/{project}/permissions")
    assert (found["canView"], found["canAddChild"]) == (True, True)
    for name in ("canEdit", "canDelete", "canDownload", "canChangePermissions", "canModerate", "canPublicRead"):
        assert found[name] is False
    assert found["ownerPrincipalId"] == organiser.id


def test_a_folder_with_sharing_is_made_at_once(organiser, person, project):
    """POST /entity/bundle2/create: never open for a moment."""
    reader = person()
    rows = [
        {"principalId": organiser.id, "accessType": ["READ", "CHANGE_PERMISSIONS"]},
        {"principalId": reader.id, "accessType": ["READ"]},
    ]
    body = {
        "entity": {"concreteType": "org.sagebionetworks.repo.model.Folder", "name": "Logs", "parentId": project},
        "accessControlList": {"resourceAccess": rows},
    }
    made = organiser.ok("POST", "/entity/bundle2/create", body)
    assert rights(made["accessControlList"])[reader.id] == {"READ"}
    assert reader.ok("GET", f"/entity/{made['entity']['id']}")["name"] == "Logs"
