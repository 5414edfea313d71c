"""What keeps people from content, or from changing it, beside lists: locks, certificates, names of rights."""

from __future__ import annotations

import httpx
import pytest

PREFIX = "org.sagebionetworks.repo.model."


@pytest.fixture
def file(organiser, project, upload):
    body = {"concreteType": f"{PREFIX}FileEntity", "name": "data", "parentId": project}
    return organiser.ok("POST", "/entity", body | {"dataFileHandleId": upload(organiser, b"locked away")})


@pytest.fixture
def reader(organiser, person, project, share):
    """Somebody who may download."""
    somebody = person()
    share(organiser, f"/entity/{project}", somebody.id, "READ", "DOWNLOAD")
    return somebody


@pytest.fixture
def download(file):
    """The status of downloading the file."""

    def download(somebody):
        query = {"fileAssociateType": "FileEntity", "fileAssociateId": file["id"], "redirect": "false"}
        return somebody("GET", f"/file/{file['dataFileHandleId']}", service="file", **query).status_code

    return download


@pytest.fixture
def as_default_client():
    """Makes a client the one that synapseclient uses where it forgets the one that it was given."""
    from synapseclient import Synapse

    yield Synapse.set_client
    Synapse.set_client(None)


@pytest.mark.rule("X-07", "E-16")
def test_what_is_locked_is_not_downloaded(organiser, admin, reader, file, download):
    assert download(reader) == 200
    answer = organiser("POST", f"/entity/{file['id']}/lockAccessRequirement")
    assert answer.status_code == 201
    lock = answer.json()
    assert (lock["concreteType"], lock["accessType"]) == (f"{PREFIX}LockAccessRequirement", "DOWNLOAD")
    assert lock["subjectIds"] == [{"id": file["id"], "type": "ENTITY"}]
    assert download(reader) == 403
    assert reader.refused("GET", f"/entity/{file['id']}/filehandles")[0] == 403
    assert reader.ok("GET", f"/entity/{file['id']}/permissions")["canDownload"] is False
    bundle = reader.ok("POST", f"/entity/{file['id']}/bundle2", {"includeFileHandles": True, "includeEntity": True})
    assert (bundle["fileHandles"], bundle["entity"]["id"]) == ([], file["id"])
    assert download(admin) == 200
    assert reader.refused("DELETE", f"/accessRequirement/{lock['id']}")[0] == 403
    assert admin("DELETE", f"/accessRequirement/{lock['id']}").status_code == 200
    assert download(reader) == 200
    assert organiser.refused("GET", f"/accessRequirement/{lock['id']}")[0] == 404


@pytest.mark.rule("X-07")
def test_an_entity_is_locked_once(organiser, file):
    organiser.ok("POST", f"/entity/{file['id']}/lockAccessRequirement")
    status, reason = organiser.refused("POST", f"/entity/{file['id']}/lockAccessRequirement")
    assert (status, reason) == (400, f"Entity {file['id']} is already restricted.")


@pytest.mark.rule("X-07")
@pytest.mark.parametrize("rights", [("READ",), ("READ", "CREATE"), ("READ", "UPDATE")])
def test_locking_needs_create_and_update(organiser, person, project, share, file, rights):
    helper = person()
    share(organiser, f"/entity/{project}", helper.id, *rights)
    assert helper.refused("POST", f"/entity/{file['id']}/lockAccessRequirement")[0] == 403
    share(organiser, f"/entity/{project}", helper.id, "READ", "CREATE", "UPDATE")
    assert helper.ok("POST", f"/entity/{file['id']}/lockAccessRequirement")["createdBy"] == str(helper.id)


def test_a_lock_holds_for_what_lies_below(organiser, project, file, reader, download):
    lock = organiser.ok("POST", f"/entity/{project}/lockAccessRequirement")
    assert download(reader) == 403
    found = organiser.ok("GET", f"/entity/{file['id']}/accessRequirement", offset=0, limit=10)
    assert found == {"results": [lock], "totalNumberOfResults": 1}
    assert organiser.ok("GET", f"/accessRequirement/{lock['id']}") == lock
    assert organiser.ok("GET", f"/entity/{file['id']}/accessRequirement", offset=1)["results"] == []


def test_restriction_information(organiser, reader, file, project):
    wish = {"objectId": file["id"], "restrictableObjectType": "ENTITY"}
    before = reader.ok("POST", "/restrictionInformation", wish)
    assert (before["restrictionLevel"], before["hasUnmetAccessRequirement"]) == ("OPEN", False)
    lock = organiser.ok("POST", f"/entity/{file['id']}/lockAccessRequirement")
    after = reader.ok("POST", "/restrictionInformation", wish)
    assert (after["restrictionLevel"], after["hasUnmetAccessRequirement"]) == ("CONTROLLED_BY_ACT", True)
    assert [each["accessRequirementId"] for each in after["restrictionDetails"]] == [lock["id"]]
    both = {"objectIds": [file["id"], project], "restrictableObjectType": "ENTITY"}
    levels = [
        each["restrictionLevel"]
        for each in reader.ok("POST", "/restrictionInformation/batch", both)["restrictionInformation"]
    ]
    assert levels == ["CONTROLLED_BY_ACT", "OPEN"]
    team = {"objectId": "3379097", "restrictableObjectType": "TEAM"}
    assert reader.ok("POST", "/restrictionInformation", team)["restrictionLevel"] == "OPEN"
    many = {"objectIds": ["1"] * 51, "restrictableObjectType": "TEAM"}
    for wrong in (many, many | {"objectIds": []}):
        assert reader.refused("POST", "/restrictionInformation/batch", wrong)[0] == 400


@pytest.mark.rule("X-07")
def test_synapseclient_stores_a_restricted_file(organiser, reader, project, tmp_path, as_default_client):
    from synapseclient.core.exceptions import SynapseUnmetAccessRestrictions
    from synapseclient.models import File

    (tmp_path / "secret.txt").write_text("secret")
    as_default_client(organiser.synapse)
    stored = File(path=str(tmp_path / "secret.txt"), parent_id=project, is_restricted=True).store(
        synapse_client=organiser.synapse
    )
    assert len(organiser.ok("GET", f"/entity/{stored.id}/accessRequirement")["results"]) == 1
    with pytest.raises(SynapseUnmetAccessRestrictions):
        File(id=stored.id, path=str(tmp_path / "down")).get(synapse_client=reader.synapse)


@pytest.mark.rule("E-16", "E-19")
def test_nobody_in_particular_downloads_nothing(organiser, project, share, file, anonymous, download):
    share(organiser, f"/entity/{project}", 273949, "READ")
    assert anonymous.ok("GET", f"/entity/{file['id']}")["id"] == file["id"]
    assert download(anonymous) == 403
    permissions = anonymous.ok("GET", f"/entity/{project}/permissions")
    assert permissions["canView"] is True
    for name in ("canEdit", "canDownload", "canAddChild", "canUpload", "isCertifiedUser", "canCertifiedUserEdit"):
        assert permissions[name] is False
    body = {"concreteType": f"{PREFIX}Project", "name": "Nobody's"}
    assert anonymous.refused("POST", "/entity", body)[0] == 403


@pytest.mark.rule("E-07", "E-19")
def test_who_is_not_certified_changes_projects_only(organiser, person, project, share, new_folder, new_project):
    novice = person(certified=False)
    folder = new_folder(organiser, project)
    share(organiser, f"/entity/{project}", novice.id, "READ", "CREATE", "UPDATE")
    found = novice.ok("GET", f"/entity/{folder}")
    status, reason = novice.refused("PUT", f"/entity/{folder}", found)
    assert (status, reason) == (403, "Only certified users may create or update content in Synapse.")
    changes = {"etag": found["etag"], "annotations": {}}
    assert novice.refused("PUT", f"/entity/{folder}/annotations2", changes)[0] == 403
    home = novice.ok("GET", f"/entity/{new_project(novice)}")
    assert novice.ok("PUT", f"/entity/{home['id']}", home | {"description": "mine"})["description"] == "mine"
    permissions = novice.ok("GET", f"/entity/{folder}/permissions")
    assert {name: permissions[name] for name in ("canEdit", "canCertifiedUserEdit", "canCertifiedUserAddChild")} == {
        "canEdit": False,
        "canCertifiedUserEdit": True,
        "canCertifiedUserAddChild": True,
    }


@pytest.mark.rule("E-19")
def test_making_something_gives_no_right_to_it(organiser, person, project, share):
    """What whoever made it may do, the list says, but for the settings."""
    helper = person()
    share(organiser, f"/entity/{project}", helper.id, "READ", "CREATE")
    folder = helper.ok("POST", "/entity", {"concreteType": f"{PREFIX}Folder", "parentId": project})
    assert helper.refused("PUT", f"/entity/{folder['id']}", folder)[0] == 403
    assert helper.refused("DELETE", f"/entity/{folder['id']}")[0] == 403
    permissions = helper.ok("GET", f"/entity/{folder['id']}/permissions")
    assert (permissions["canEdit"], permissions["canChangeSettings"]) == (False, True)
    assert permissions["ownerPrincipalId"] == helper.id


@pytest.mark.rule("E-08")
@pytest.mark.parametrize(
    ("method", "path", "right"),
    [
        ("GET", "", "READ"),
        ("PUT", "", "UPDATE"),
        ("DELETE", "", "DELETE"),
        ("GET", "/filehandles", "DOWNLOAD"),
        ("DELETE", "/acl", "CHANGE_PERMISSIONS"),
    ],
)
def test_a_refusal_names_the_right(person, project, method, path, right):
    status, reason = person().refused(method, f"/entity/{project}{path}", {} if method == "PUT" else None)
    assert (status, reason) == (403, f"You lack {right} access to the requested entity.")


def test_asking_for_one_right(organiser, reader, project):
    for kind, expected in (("READ", True), ("UPDATE", False)):
        assert reader.ok("GET", f"/entity/{project}/access", accessType=kind) == {"result": expected}
    assert reader.refused("GET", f"/entity/{project}/access", accessType="NONSENSE")[0] == 400
    assert organiser.refused("GET", "/entity/syn1/access", accessType="READ")[0] == 404


def test_permissions_have_what_synapseclient_reads(organiser, reader, project):
    from synapseclient.models import Project

    own = Project(id=project).get_permissions(synapse_client=organiser.synapse)
    assert set(own.access_types) == {
        "READ", "UPDATE", "CREATE", "DELETE", "DOWNLOAD", "MODERATE", "CHANGE_PERMISSIONS", "CHANGE_SETTINGS",
    }  # fmt: skip
    assert (own.can_move, own.can_upload, own.is_certified_user, own.is_entity_open_data) == (False, True, True, False)
    assert Project(id=project).get_permissions(synapse_client=reader.synapse).access_types == ["READ", "DOWNLOAD"]


def test_nothing_has_a_doi(organiser, project):
    query = {"id": project, "type": "ENTITY"}
    assert organiser.refused("GET", "/doi/association", **query)[0] == 404


@pytest.mark.rule("F-08")
def test_an_address_works_for_whoever_has_it(reader, file):
    query = {"fileAssociateType": "FileEntity", "fileAssociateId": file["id"], "redirect": "false"}
    url = reader("GET", f"/file/{file['dataFileHandleId']}", service="file", **query).text
    assert httpx.get(url, timeout=10).content == b"locked away"
