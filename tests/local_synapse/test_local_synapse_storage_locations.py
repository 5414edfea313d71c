"""Where files go: storage locations, settings of projects and folders, what clients are told before they upload."""

from __future__ import annotations

import httpx
import pytest

PROJECT_MODEL = "org.sagebionetworks.repo.model.project."
FILE_MODEL = "org.sagebionetworks.repo.model.file."
TYPES = {
    "S3StorageLocationSetting": {},
    "ExternalS3StorageLocationSetting": {"bucket": "a-bucket", "baseKey": "a/key", "endpointUrl": "https://s3.example.org"},
    "ExternalGoogleCloudStorageLocationSetting": {"bucket": "g-bucket", "baseKey": "g"},
    "ExternalStorageLocationSetting": {"url": "sftp://files.example.org/base", "uploadType": "SFTP"},
    "ExternalObjectStorageLocationSetting": {"bucket": "o-bucket", "endpointUrl": "https://o.example.org"},
    "ProxyStorageLocationSettings": {"proxyUrl": "https://p.example.org", "secretKey": "s" * 36, "uploadType": "SFTP"},
}  # fmt: skip


@pytest.fixture
def location(organiser):
    """Registers a storage location; returns it."""

    def location(kind, **fields):
        body = {"concreteType": PROJECT_MODEL + kind, **TYPES[kind], **fields}
        answer = organiser("POST", "/storageLocation", body)
        assert answer.status_code == 201
        return answer.json()

    return location


@pytest.fixture
def use(organiser):
    """Lets the files of an entity go to storage locations; returns the setting."""

    def use(entity, *locations):
        body = {
            "concreteType": f"{PROJECT_MODEL}UploadDestinationListSetting",
            "projectId": entity,
            "settingsType": "upload",
            "locations": [each["storageLocationId"] for each in locations],
        }
        answer = organiser("POST", "/projectSettings", body)
        assert answer.status_code == 201
        return answer.json()

    return use


@pytest.mark.parametrize("kind", TYPES)
def test_a_location_is_kept_as_it_was_registered(organiser, location, kind):
    made = location(kind, description="for tests", banner="Careful")
    assert made | TYPES[kind] == made
    assert (made["description"], made["banner"], made["createdBy"]) == ("for tests", "Careful", organiser.id)
    assert organiser.ok("GET", f"/storageLocation/{made['storageLocationId']}") == made


def test_an_equal_location_is_the_same_one(organiser, person, location):
    first = location("ExternalS3StorageLocationSetting", bucket="same")
    assert location("ExternalS3StorageLocationSetting", bucket="same") == first
    assert location("ExternalS3StorageLocationSetting", bucket="other") != first
    own = person().ok("POST", "/storageLocation", {
        "concreteType": f"{PROJECT_MODEL}ExternalS3StorageLocationSetting",
        **TYPES["ExternalS3StorageLocationSetting"], "bucket": "same",
    })  # fmt: skip
    assert own["storageLocationId"] != first["storageLocationId"]
    assert first in organiser.ok("GET", "/storageLocation")["list"]


def test_a_location_is_its_creators(person, anonymous, location):
    made = location("S3StorageLocationSetting")
    assert person().refused("GET", f"/storageLocation/{made['storageLocationId']}")[0] == 403
    assert person().refused("GET", "/storageLocation/1")[0] == 403
    assert person().refused("GET", "/storageLocation/999999")[0] == 404
    assert anonymous.refused("POST", "/storageLocation", {"concreteType": made["concreteType"]})[0] == 403


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("Nonsense", {}),
        ("ExternalS3StorageLocationSetting", {}),
        ("ExternalStorageLocationSetting", {}),
        ("ExternalObjectStorageLocationSetting", {"bucket": "b"}),
        ("ProxyStorageLocationSettings", {"proxyUrl": "https://p.example.org", "secretKey": "short"}),
        ("S3StorageLocationSetting", {"uploadType": "PIGEON"}),
        ("S3StorageLocationSetting", {"stsEnabled": "perhaps"}),
    ],
)
def test_locations_that_are_none(organiser, kind, fields):
    assert organiser.refused("POST", "/storageLocation", {"concreteType": PROJECT_MODEL + kind, **fields})[0] == 400


@pytest.mark.rule("F-09", "P-18")
def test_without_a_setting_files_go_to_synapse(organiser, project, new_folder, person):
    folder = new_folder(organiser, project)
    destination = organiser.ok("GET", f"/entity/{folder}/uploadDestination", service="file")
    assert destination == {
        "concreteType": f"{FILE_MODEL}S3UploadDestination",
        "storageLocationId": 1,
        "uploadType": "S3",
        "stsEnabled": False,
    }
    assert organiser.ok("GET", f"/entity/{folder}/uploadDestination/1", service="file") == destination
    assert organiser.ok("GET", f"/entity/{folder}/uploadDestinations", service="file")["list"] == [destination]
    locations = organiser.ok("GET", f"/entity/{folder}/uploadDestinationLocations", service="file")
    assert locations["concreteType"] == f"{FILE_MODEL}UploadDestinationLocation"
    assert locations["list"] == [{"storageLocationId": 1, "uploadType": "S3"}]
    assert organiser("GET", f"/projectSettings/{folder}/type/upload").text == ""
    assert person().refused("GET", f"/entity/{folder}/uploadDestination", service="file")[0] == 403


@pytest.mark.parametrize(
    ("kind", "destination", "fields"),
    [
        ("ExternalS3StorageLocationSetting", "ExternalS3", {"bucket", "baseKey", "endpointUrl", "stsEnabled"}),
        ("ExternalGoogleCloudStorageLocationSetting", "ExternalGoogleCloud", {"bucket", "baseKey"}),
        ("ExternalObjectStorageLocationSetting", "ExternalObjectStore", {"bucket", "endpointUrl", "keyPrefixUUID"}),
        ("ExternalStorageLocationSetting", "External", {"url"}),
    ],
)
def test_clients_are_told_where_files_go(organiser, project, location, use, kind, destination, fields):
    made = location(kind, banner="Careful")
    use(project, made)
    told = organiser.ok("GET", f"/entity/{project}/uploadDestination", service="file")
    assert told["concreteType"] == f"{FILE_MODEL}{destination}UploadDestination"
    assert set(told) == {"concreteType", "storageLocationId", "uploadType", "banner"} | fields
    assert told["storageLocationId"] == made["storageLocationId"]


def test_addresses_follow_the_folders_if_asked(organiser, project, new_folder, location, use):
    folder = new_folder(organiser, project, "A folder")
    name = organiser.ok("GET", f"/entity/{project}")["name"].replace(" ", "%20")
    use(project, location("ExternalStorageLocationSetting", supportsSubfolders=True))
    urls = [organiser.ok("GET", f"/entity/{folder}/uploadDestination", service="file")["url"] for _ in range(2)]
    assert urls[0] != urls[1]
    assert urls[0].startswith(f"sftp://files.example.org/base/{name}/A%20folder/")


def test_a_setting_holds_for_what_lies_below(organiser, project, new_folder, location, use):
    outer = new_folder(organiser, project)
    inner = new_folder(organiser, outer)
    first, second = location("S3StorageLocationSetting", banner="1"), location("S3StorageLocationSetting", banner="2")
    setting = use(project, first, second)
    assert organiser.ok("GET", f"/projectSettings/{inner}/type/upload") == setting
    own = use(outer, second)
    assert organiser.ok("GET", f"/entity/{inner}/uploadDestination", service="file")["banner"] == "2"
    assert organiser("DELETE", f"/projectSettings/{own['id']}").status_code == 204
    destinations = organiser.ok("GET", f"/entity/{inner}/uploadDestinations", service="file")["list"]
    assert [each["banner"] for each in destinations] == ["1", "2"]
    assert organiser.refused("GET", f"/projectSettings/{own['id']}")[0] == 404


@pytest.mark.rule("G-15")
def test_a_setting_changes_under_its_etag(organiser, project, location, use):
    first, second = location("S3StorageLocationSetting", banner="1"), location("S3StorageLocationSetting", banner="2")
    setting = use(project, first)
    changed = setting | {"locations": [second["storageLocationId"]]}
    assert organiser("PUT", "/projectSettings", changed).content == b""
    assert organiser.refused("PUT", "/projectSettings", changed)[0] == 412
    found = organiser.ok("GET", f"/projectSettings/{setting['id']}")
    assert (found["locations"], found["etag"] != setting["etag"]) == ([second["storageLocationId"]], True)
    assert organiser.refused("PUT", "/projectSettings", found | {"projectId": "syn1"})[0] == 400


def test_settings_that_are_refused(organiser, person, project, new_file, location, use):
    made = location("S3StorageLocationSetting")
    body = {"projectId": project, "settingsType": "upload", "locations": [made["storageLocationId"]]}
    file, _ = new_file(organiser, project)
    for wrong in ({"projectId": file}, {"locations": []}, {"locations": [1] * 11}, {"settingsType": "download"}):
        assert organiser.refused("POST", "/projectSettings", body | wrong)[0] == 400
    assert organiser.refused("POST", "/projectSettings", body | {"locations": [999999]})[0] == 404
    stranger = person()
    assert stranger.refused("POST", "/projectSettings", body)[0] == 403
    setting = use(project, made)
    assert organiser.refused("POST", "/projectSettings", body)[0] == 400
    assert stranger.refused("PUT", "/projectSettings", setting)[0] == 403
    for method, path in (("GET", setting["id"]), ("DELETE", setting["id"]), ("GET", f"{project}/type/upload")):
        assert stranger.refused(method, f"/projectSettings/{path}")[0] == 403
    assert organiser.refused("GET", f"/projectSettings/{project}/type/download")[0] == 400


def test_uploads_say_where_they_are(organiser, project, location, use, tmp_path):
    """Of a bucket of somebody's own; only, the content is here all the same."""
    from synapseclient.models import File

    made = location("ExternalS3StorageLocationSetting")
    use(project, made)
    (tmp_path / "data.txt").write_text("kept here")
    file = File(path=str(tmp_path / "data.txt"), parent_id=project).store(synapse_client=organiser.synapse)
    handle = organiser.ok("GET", f"/fileHandle/{file.data_file_handle_id}", service="file")
    assert (handle["storageLocationId"], handle["bucketName"]) == (made["storageLocationId"], "a-bucket")
    assert handle["key"].startswith("a/key/")
    url = organiser("GET", f"/fileHandle/{handle['id']}/url", service="file", redirect="false").text
    assert httpx.get(url, timeout=10).text == "kept here"


def test_other_locations_take_no_uploads(organiser, location):
    made = location("ExternalStorageLocationSetting")
    body = {
        "fileName": "x",
        "contentMD5Hex": "0" * 32,
        "fileSizeBytes": 1,
        "partSizeBytes": 5 * 2**20,
        "storageLocationId": made["storageLocationId"],
    }
    assert organiser.refused("POST", "/file/multipart", body, "file")[0] == 400


def test_there_is_no_made_up_upload_through_a_proxy(organiser, project, location, use):
    use(project, location("ProxyStorageLocationSettings"))
    assert organiser.refused("GET", f"/entity/{project}/uploadDestination", service="file")[0] == 501
    assert organiser.refused("GET", f"/entity/{project}/sts", permission="read_only")[0] == 501


def test_synapseclient_sets_up_a_folder(organiser, project):
    from synapseclient.models import Folder, ProjectSetting, StorageLocation, StorageLocationType

    synapse = organiser.synapse
    made = StorageLocation(
        storage_type=StorageLocationType.EXTERNAL_S3, bucket="by-the-client", base_key="k", description="d"
    ).store(synapse_client=synapse)
    found = StorageLocation(storage_location_id=made.storage_location_id).get(synapse_client=synapse)
    assert (found.bucket, found.base_key, found.storage_type) == ("by-the-client", "k", StorageLocationType.EXTERNAL_S3)
    folder = Folder(name="Elsewhere", parent_id=project).store(synapse_client=synapse)
    assert ProjectSetting(project_id=folder.id).get(synapse_client=synapse) is None
    folder.set_storage_location(storage_location_id=made.storage_location_id, synapse_client=synapse)
    setting = folder.get_project_setting(synapse_client=synapse)
    assert setting.locations == [made.storage_location_id]
    setting.locations = [1]
    assert setting.store(synapse_client=synapse).locations == [1]
    folder.delete_project_setting(setting_id=setting.id, synapse_client=synapse)
    assert ProjectSetting(project_id=folder.id).get(synapse_client=synapse) is None
