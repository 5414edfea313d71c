"""Bundles: only what was asked for, of the version that was asked for, written all or nothing."""

from __future__ import annotations

import pytest

PREFIX = "org.sagebionetworks.repo.model."
PARTS = {
    "includeEntity": "entity",
    "includeAnnotations": "annotations",
    "includePermissions": "permissions",
    "includeEntityPath": "path",
    "includeHasChildren": "hasChildren",
    "includeAccessControlList": "accessControlList",
    "includeFileHandles": "fileHandles",
    "includeBenefactorACL": "benefactorAcl",
    "includeFileName": "fileName",
    "includeRestrictionInformation": "restrictionInformation",
    "includeActivity": "activity",
}


@pytest.fixture
def file(organiser, project, new_file):
    return new_file(organiser, project)[0]


@pytest.mark.rule("E-18")
@pytest.mark.parametrize("wish", PARTS)
def test_nothing_comes_that_was_not_asked_for(organiser, file, wish):
    bundle = organiser.ok("POST", f"/entity/{file}/bundle2", {wish: True})
    expected = {PARTS[wish]} | ({"entityType"} if wish == "includeEntity" else set())
    # A file that inherits has no list, and nothing was said of what made it.
    assert set(bundle) == (expected - {"accessControlList", "activity"})


@pytest.mark.rule("E-18")
def test_everything_at_once(organiser, project, file):
    organiser.ok("PUT", f"/entity/{file}/generatedBy", None, generatedBy=organiser.ok("POST", "/activity", {})["id"])
    bundle = organiser.ok("POST", f"/entity/{file}/bundle2", dict.fromkeys(PARTS, True))
    assert bundle["entity"] == organiser.ok("GET", f"/entity/{file}")
    assert bundle["entityType"] == "file"
    assert bundle["annotations"] == organiser.ok("GET", f"/entity/{file}/annotations2")
    assert bundle["permissions"] == organiser.ok("GET", f"/entity/{file}/permissions")
    assert bundle["path"] == organiser.ok("GET", f"/entity/{file}/path")
    assert bundle["benefactorAcl"] == organiser.ok("GET", f"/entity/{project}/acl")
    assert bundle["fileHandles"] == organiser.ok("GET", f"/entity/{file}/filehandles")["list"]
    assert bundle["fileName"] == bundle["fileHandles"][0]["fileName"]
    assert bundle["activity"] == organiser.ok("GET", f"/entity/{file}/generatedBy")
    assert (bundle["hasChildren"], bundle["restrictionInformation"]["restrictionLevel"]) == (False, "OPEN")
    assert organiser.ok("POST", f"/entity/{project}/bundle2", {"includeHasChildren": True}) == {"hasChildren": True}


@pytest.mark.rule("E-18")
def test_a_folder_has_an_empty_list_of_file_handles(organiser, project, new_folder):
    folder = new_folder(organiser, project)
    wish = {"includeFileHandles": True, "includeFileName": True}
    assert organiser.ok("POST", f"/entity/{folder}/bundle2", wish) == {"fileHandles": []}
    assert organiser.refused("GET", f"/entity/{folder}/filehandles")[0] == 404


@pytest.mark.rule("E-18")
def test_reading_one_needs_read(person, file, anonymous):
    for somebody in (person(), anonymous):
        assert somebody.refused("POST", f"/entity/{file}/bundle2", {"includePermissions": True})[0] == 403
        assert somebody.refused("POST", f"/entity/{file}/version/1/bundle2", {"includeEntity": True})[0] == 403


@pytest.mark.rule("E-04", "E-18")
def test_the_bundle_of_an_old_version(organiser, file):
    path = f"/entity/{file}"
    first = organiser.ok("GET", path)
    organiser.ok("PUT", path, first | {"description": "later"}, newVersion="true")
    wish = {"includeEntity": True, "includeAnnotations": True, "includeFileHandles": True}
    bundle = organiser.ok("POST", f"{path}/version/1/bundle2", wish)
    assert {bundle["entity"]["etag"], bundle["annotations"]["etag"]} == {"00000000-0000-0000-0000-000000000000"}
    assert "description" not in bundle["entity"]
    assert bundle["fileHandles"][0]["id"] == first["dataFileHandleId"]
    assert organiser.ok("GET", f"{path}/version/1/annotations2") == bundle["annotations"]
    assert organiser.ok("GET", f"{path}/version/1/filehandles")["list"] == bundle["fileHandles"]
    for asked in ("bundle2", "annotations2"):
        method = "POST" if asked == "bundle2" else "GET"
        body = wish if asked == "bundle2" else None
        assert organiser.refused(method, f"{path}/version/9/{asked}", body)[0] == 404


@pytest.mark.rule("E-11", "E-18")
def test_a_bundle_is_written_with_everything(organiser, person, project):
    reader = person()
    rows = [
        {"principalId": organiser.id, "accessType": ["READ", "CHANGE_PERMISSIONS", "UPDATE"]},
        {"principalId": reader.id, "accessType": ["READ"]},
    ]
    activity = organiser.ok("POST", "/activity", {"name": "Made at once"})["id"]
    body = {
        "entity": {"concreteType": f"{PREFIX}Folder", "name": "Whole", "parentId": project},
        "annotations": {"annotations": {"a": {"type": "STRING", "value": ["1"]}}},
        "accessControlList": {"resourceAccess": rows},
    }
    made = organiser.ok("POST", "/entity/bundle2/create", body, generatedBy=activity)
    assert set(made) == {"entity", "entityType", "annotations", "accessControlList"}
    path = f"/entity/{made['entity']['id']}"
    assert reader.ok("GET", f"{path}/generatedBy")["id"] == activity
    changed = organiser.ok(
        "PUT",
        f"{path}/bundle2",
        {
            "entity": made["entity"] | {"name": "Renamed"},
            "annotations": {"annotations": {"b": {"type": "LONG", "value": [2]}}},
            "accessControlList": made["accessControlList"] | {"resourceAccess": rows[:1]},
        },
    )
    assert changed["entity"]["name"] == "Renamed"
    assert set(changed["annotations"]["annotations"]) == {"a", "b"}
    assert reader.refused("GET", path)[0] == 403


@pytest.mark.rule("E-18", "G-15")
def test_nothing_of_a_bundle_is_written_if_a_part_is_refused(organiser, project, new_folder):
    folder = new_folder(organiser, project)
    path = f"/entity/{folder}"
    before = organiser.ok("GET", path)
    refused = {
        400: {"annotations": {"annotations": {"no key": {"type": "STRING", "value": []}}}},
        403: {"accessControlList": {"resourceAccess": []}},
    }
    status, _ = organiser.refused("PUT", f"{path}/bundle2", {"entity": before | {"name": "New"}} | refused[400])
    assert status == 400
    assert organiser.ok("GET", path) == before
    stale = before | {"etag": "stale"}
    assert organiser.refused("PUT", f"{path}/bundle2", {"entity": stale})[0] == 412
    assert organiser.refused("PUT", f"{path}/bundle2", {"entity": before | {"id": "syn1"}})[0] == 400
    assert organiser.refused("POST", "/entity/bundle2/create", {})[0] == 400


@pytest.mark.rule("E-09", "G-15")
def test_a_bundle_changes_a_list_under_its_etag(organiser, project):
    acl = organiser.ok("GET", f"/entity/{project}/acl")
    organiser.ok("PUT", f"/entity/{project}/bundle2", {"accessControlList": acl})
    assert organiser.refused("PUT", f"/entity/{project}/bundle2", {"accessControlList": acl})[0] == 412
