"""Versions of files: when there is a new one, their labels, what becomes of deleted ones."""

from __future__ import annotations

import pytest

FILE = "org.sagebionetworks.repo.model.FileEntity"
ZERO_ETAG = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def file(organiser, project, upload, unique):
    """A file whose content was uploaded."""
    handle = upload(organiser, unique("content").encode())
    body = {"concreteType": FILE, "name": unique("File"), "parentId": project, "dataFileHandleId": handle}
    return organiser.ok("POST", "/entity", body)


@pytest.fixture
def raise_version(organiser):
    """Begins a new version of a file; returns it."""

    def raise_version(file, **fields):
        current = organiser.ok("GET", f"/entity/{file['id']}")
        return organiser.ok("PUT", f"/entity/{file['id']}", current | fields, newVersion="true")

    return raise_version


def numbers(organiser, file):
    return [each["versionNumber"] for each in organiser.ok("GET", f"/entity/{file['id']}/version")["results"]]


@pytest.mark.rule("E-04")
def test_other_content_is_a_new_version_whose_label_and_comment_are_reset(organiser, file, upload, unique):
    path = f"/entity/{file['id']}"
    labelled = organiser.ok("PUT", path, file | {"versionLabel": "first", "versionComment": "as it was"})
    assert (labelled["versionNumber"], labelled["versionLabel"]) == (1, "first")
    other = upload(organiser, unique("other").encode())
    changed = organiser.ok("PUT", path, labelled | {"dataFileHandleId": other}, newVersion="false")
    assert (changed["versionNumber"], changed["versionLabel"], changed["isLatestVersion"]) == (2, "2", True)
    assert "versionComment" not in changed
    old = organiser.ok("GET", f"{path}/version/1")
    assert (old["versionLabel"], old["versionComment"], old["etag"]) == ("first", "as it was", ZERO_ETAG)


@pytest.mark.rule("E-04")
def test_the_same_content_under_another_handle_is_no_new_version(organiser, file, unique):
    copies = {"copyRequests": [{"originalFile": association(file), "newFileName": unique("renamed")}]}
    copy = organiser.ok("POST", "/filehandles/copy", copies, "file")["copyResults"][0]["newFileHandle"]
    changed = organiser.ok("PUT", f"/entity/{file['id']}", file | {"dataFileHandleId": copy["id"]})
    assert (changed["versionNumber"], changed["dataFileHandleId"]) == (1, copy["id"])


def association(file):
    return {
        "fileHandleId": file["dataFileHandleId"],
        "associateObjectId": file["id"],
        "associateObjectType": "FileEntity",
    }


@pytest.mark.rule("E-04")
def test_labels_are_unique_within_an_entity(organiser, file, raise_version):
    raise_version(file, versionLabel="gold")
    third = raise_version(file, versionLabel="silver")
    path = f"/entity/{file['id']}"
    for query in ({}, {"newVersion": "true"}):
        status, reason = organiser.refused("PUT", path, third | {"versionLabel": "gold"}, **query)
        assert status == 400
        assert reason == "The label 'gold' has already been used for a version of this entity"
    assert numbers(organiser, file) == [3, 2, 1]
    # Another entity may have it.
    assert raise_version(file, versionLabel="bronze")["versionLabel"] == "bronze"


@pytest.mark.rule("E-04")
def test_numbers_of_deleted_versions_are_not_used_again(organiser, file, raise_version):
    path = f"/entity/{file['id']}"
    for label in ("second", "third"):
        raise_version(file, versionLabel=label, description=label)
    assert organiser("DELETE", f"{path}/version/3").status_code == 204
    current = organiser.ok("GET", path)
    assert (current["versionNumber"], current["description"], current["isLatestVersion"]) == (2, "second", True)
    assert raise_version(file, versionLabel="fourth")["versionNumber"] == 4
    assert numbers(organiser, file) == [4, 2, 1]
    assert organiser.refused("GET", f"{path}/version/3")[0] == 404
    assert organiser.refused("DELETE", f"{path}/version/3")[0] == 404


@pytest.mark.rule("E-04")
def test_the_last_version_stays(organiser, file, raise_version, person, project, share):
    path = f"/entity/{file['id']}"
    assert organiser.refused("DELETE", f"{path}/version/1")[0] == 400
    raise_version(file)
    assert organiser("DELETE", f"{path}/version/1").status_code == 204
    assert numbers(organiser, file) == [2]
    helper = person()
    share(organiser, f"/entity/{project}", helper.id, "READ", "UPDATE")
    assert helper.refused("DELETE", f"{path}/version/2")[0] == 403


@pytest.mark.rule("E-03", "E-04")
def test_deleting_a_version_changes_the_etag(organiser, file, raise_version):
    second = raise_version(file)
    organiser("DELETE", f"/entity/{file['id']}/version/1")
    assert organiser.ok("GET", f"/entity/{file['id']}")["etag"] != second["etag"]


def test_the_list_of_versions_tells_who_and_what(organiser, file, raise_version):
    raise_version(file, versionComment="again")
    newest, oldest = organiser.ok("GET", f"/entity/{file['id']}/version")["results"]
    assert (newest["versionComment"], newest["isLatestVersion"], oldest["isLatestVersion"]) == ("again", True, False)
    assert (newest["modifiedBy"], newest["modifiedByPrincipalId"]) == (organiser.name, str(organiser.id))
    handle = organiser.ok("GET", f"/fileHandle/{file['dataFileHandleId']}", service="file")
    assert (newest["contentMd5"], newest["contentSize"]) == (handle["contentMd5"], str(handle["contentSize"]))


@pytest.mark.rule("G-08", "G-10")
def test_versions_come_in_pages(organiser, file, raise_version):
    for _ in range(11):
        raise_version(file)
    path = f"/entity/{file['id']}/version"
    first = organiser.ok("GET", path)
    assert [each["versionNumber"] for each in first["results"]] == list(range(12, 2, -1))
    assert first["totalNumberOfResults"] == 11
    second = organiser.ok("GET", path, offset=10, limit=10)
    assert ([each["versionNumber"] for each in second["results"]], second["totalNumberOfResults"]) == ([2, 1], 12)


def test_folders_and_projects_have_no_versions(organiser, project, new_folder):
    folder = organiser.ok("GET", f"/entity/{new_folder(organiser, project)}")
    for field in ("versionNumber", "versionLabel", "isLatestVersion"):
        assert field not in folder
    assert organiser.ok("PUT", f"/entity/{folder['id']}", folder, newVersion="true")["id"] == folder["id"]
    assert numbers(organiser, folder) == [1]


@pytest.mark.rule("P-20")
def test_everything_has_a_version_one(organiser, project):
    """Clients submit projects and folders as version 1."""
    assert organiser.ok("GET", f"/entity/{project}/version/1") == organiser.ok("GET", f"/entity/{project}")
    bundle = organiser.ok("POST", f"/entity/{project}/version/1/bundle2", {"includeEntity": True})
    assert bundle["entity"]["id"] == project


def test_a_version_moves_to_another_handle_of_its_content(organiser, person, file, raise_version, upload, unique):
    """How files get into another storage: no new version, and only for who brought the other handle."""
    second = raise_version(file)
    copies = {"copyRequests": [{"originalFile": association(file)}]}
    copy = organiser.ok("POST", "/filehandles/copy", copies, "file")["copyResults"][0]["newFileHandle"]["id"]
    path = f"/entity/{file['id']}/version/1/filehandle"
    change = {"oldFileHandleId": file["dataFileHandleId"], "newFileHandleId": copy}
    assert organiser("PUT", path, change).status_code == 200
    assert organiser.ok("GET", f"/entity/{file['id']}/version/1")["dataFileHandleId"] == copy
    assert organiser.ok("GET", f"/entity/{file['id']}")["dataFileHandleId"] == second["dataFileHandleId"]
    assert organiser.refused("PUT", path, change)[0] == 412
    other = upload(organiser, unique("other").encode())
    assert organiser.refused("PUT", path, {"oldFileHandleId": copy, "newFileHandleId": other})[0] == 412
    stranger = person()
    assert stranger.refused("PUT", path, change)[0] == 403
    assert organiser.refused("PUT", path, {"oldFileHandleId": copy})[0] == 400


def test_synapseclient_raises_labels_and_deletes_versions(organiser, project, tmp_path):
    from synapseclient.models import File

    (tmp_path / "data.txt").write_text("one")
    synapse = organiser.synapse
    first = File(path=str(tmp_path / "data.txt"), parent_id=project).store(synapse_client=synapse)
    first.version_label, first.version_comment = "release", "for everybody"
    second = first.store(synapse_client=synapse)
    assert (second.version_number, second.version_label) == (2, "release")
    (tmp_path / "newer.txt").write_text("two")
    third = File(id=first.id, path=str(tmp_path / "newer.txt")).store(synapse_client=synapse)
    assert third.version_number == 3
    File(id=third.id, version_number=3).delete(version_only=True, synapse_client=synapse)
    assert File(id=third.id, download_file=False).get(synapse_client=synapse).version_label == "release"
    old = File(id=third.id, version_number=1, path=str(tmp_path / "old")).get(synapse_client=synapse)
    assert (tmp_path / "old" / "data.txt").read_text() == "one"
    assert old.version_number == 1
