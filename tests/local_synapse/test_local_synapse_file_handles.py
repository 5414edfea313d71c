"""File handles: of files elsewhere, copied, deleted, found through what they belong to."""

from __future__ import annotations

import hashlib

import httpx
import pytest

MODEL = "org.sagebionetworks.repo.model.file."


@pytest.fixture
def file(organiser, project, upload, unique):
    """A file entity whose content was uploaded."""
    body = {
        "concreteType": "org.sagebionetworks.repo.model.FileEntity",
        "name": unique("File"),
        "parentId": project,
        "dataFileHandleId": upload(organiser, unique("content").encode(), "original.txt"),
    }
    return organiser.ok("POST", "/entity", body)


def association(file, **changes):
    return {
        "fileHandleId": file["dataFileHandleId"],
        "associateObjectId": file["id"],
        "associateObjectType": "FileEntity",
    } | changes


def content(somebody, handle):
    url = somebody("GET", f"/fileHandle/{handle}/url", service="file", redirect="false").text
    return httpx.get(url, timeout=10)


@pytest.mark.rule("F-10")
def test_whoever_copies_owns_the_copy(organiser, person, project, share, file):
    reader = person()
    share(organiser, f"/entity/{project}", reader.id, "READ", "DOWNLOAD")
    wish = {"originalFile": association(file), "newFileName": "copy.csv", "newContentType": "text/csv"}
    result = reader.ok("POST", "/filehandles/copy", {"copyRequests": [wish]}, "file")["copyResults"][0]
    copy = result["newFileHandle"]
    assert result["originalFileHandleId"] == file["dataFileHandleId"] != copy["id"]
    assert (copy["fileName"], copy["contentType"], copy["createdBy"]) == ("copy.csv", "text/csv", str(reader.id))
    assert content(reader, copy["id"]).content == content(organiser, file["dataFileHandleId"]).content
    same = reader.ok("POST", "/filehandles/copy", {"copyRequests": [{"originalFile": association(file)}]}, "file")
    assert same["copyResults"][0]["newFileHandle"]["fileName"] == "original.txt"


@pytest.mark.rule("F-10", "F-06")
def test_copies_fail_item_by_item(organiser, person, file):
    wishes = [{"originalFile": association(file)}, {"originalFile": association(file, fileHandleId="1")}]
    results = person().ok("POST", "/filehandles/copy", {"copyRequests": wishes}, "file")["copyResults"]
    assert [each["failureCode"] for each in results] == ["UNAUTHORIZED", "NOT_FOUND"]
    assert all("newFileHandle" not in each for each in results)


@pytest.mark.rule("F-10")
def test_what_copies_may_not_be_asked_for(organiser, anonymous, file):
    wish = {"originalFile": association(file)}
    status, reason = organiser.refused("POST", "/filehandles/copy", {"copyRequests": [wish, wish]}, "file")
    assert (status, reason) == (400, "Request contains duplicated FileHandleId.")
    many = [{"originalFile": association(file, fileHandleId=str(number))} for number in range(101)]
    assert organiser.refused("POST", "/filehandles/copy", {"copyRequests": many}, "file")[0] == 400
    assert len(organiser.ok("POST", "/filehandles/copy", {"copyRequests": many[:100]}, "file")["copyResults"]) == 100
    assert anonymous.refused("POST", "/filehandles/copy", {"copyRequests": [wish]}, "file")[0] == 403
    for wrong in ({}, {"copyRequests": [{}]}):
        assert organiser.refused("POST", "/filehandles/copy", wrong, "file")[0] == 400


def test_synapseutils_copies_files(organiser, project, file, new_folder):
    import synapseutils

    target = new_folder(organiser, project)
    copied = synapseutils.copy(organiser.synapse, file["id"], target)
    assert organiser.ok("GET", f"/entity/{copied[file['id']]}")["parentId"] == target
    results = synapseutils.copyFileHandles(
        organiser.synapse, [file["dataFileHandleId"]], ["FileEntity"], [file["id"]], ["text/plain"], ["again.txt"]
    )
    assert results[0]["newFileHandle"]["fileName"] == "again.txt"
    changed = synapseutils.changeFileMetaData(organiser.synapse, file["id"], downloadAs="renamed.txt")
    handle = organiser.ok("GET", f"/fileHandle/{changed['dataFileHandleId']}", service="file")
    assert handle["fileName"] == "renamed.txt"


def test_content_goes_with_its_last_handle(organiser, upload, unique):
    handle = upload(organiser, unique("shared").encode())
    entity = {"fileHandleId": handle, "associateObjectId": "syn1", "associateObjectType": "FileEntity"}
    wish = {"copyRequests": [{"originalFile": entity}]}
    copy = organiser.ok("POST", "/filehandles/copy", wish, "file")["copyResults"][0]["newFileHandle"]["id"]
    organiser.ok("DELETE", f"/fileHandle/{handle}", service="file")
    assert organiser.refused("GET", f"/fileHandle/{handle}", service="file")[0] == 404
    assert content(organiser, copy).status_code == 200
    url = organiser("GET", f"/fileHandle/{copy}/url", service="file", redirect="false").text
    organiser.ok("DELETE", f"/fileHandle/{copy}", service="file")
    assert httpx.get(url, timeout=10).status_code == 404


def test_only_unused_handles_are_deleted_and_only_by_their_creator(organiser, person, file, upload, unique):
    assert organiser.refused("DELETE", f"/fileHandle/{file['dataFileHandleId']}", service="file")[0] == 409
    handle = upload(organiser, unique("own").encode())
    assert person().refused("DELETE", f"/fileHandle/{handle}", service="file")[0] == 403
    assert organiser("DELETE", "/fileHandle/1", service="file").status_code == 200


def test_what_was_submitted_or_sent_stays(submitter, submit, new_file, upload, unique):
    """Also when the entity that it came from is gone for good."""
    file, handle = new_file(submitter, submitter.home)
    submit(submitter, file)
    submitter.ok("DELETE", f"/entity/{file}")
    submitter.ok("PUT", f"/trashcan/purge/{file}")
    assert submitter.refused("DELETE", f"/fileHandle/{handle}", service="file")[0] == 409
    text = upload(submitter, unique("text").encode())
    submitter.ok("POST", "/message", {"recipients": [str(submitter.id)], "subject": "S", "fileHandleId": text})
    assert submitter.refused("DELETE", f"/fileHandle/{text}", service="file")[0] == 409


@pytest.mark.rule("F-09")
def test_a_file_elsewhere_keeps_what_was_said_of_it(organiser, anonymous):
    body = {
        "concreteType": f"{MODEL}ExternalFileHandle",
        "externalURL": "file:///data/measured.csv",
        "fileName": "measured.csv",
        "contentType": "text/csv",
        "contentMd5": "0" * 32,
        "contentSize": 17,
    }
    made = organiser.ok("POST", "/externalFileHandle", body, "file")
    assert made | body == made
    assert (made["createdBy"], made["status"]) == (str(organiser.id), "AVAILABLE")
    assert anonymous.refused("POST", "/externalFileHandle", body, "file")[0] == 403
    for wrong in ("", "no address", "https://["):
        assert organiser.refused("POST", "/externalFileHandle", body | {"externalURL": wrong}, "file")[0] == 400
    assert organiser.refused("POST", "/externalFileHandle", body | {"concreteType": f"{MODEL}No"}, "file")[0] == 400


@pytest.fixture
def buckets(organiser):
    """An external S3 location and an object store of the organiser's."""
    model = "org.sagebionetworks.repo.model.project."
    return [
        organiser.ok("POST", "/storageLocation", {"concreteType": model + kind, **fields})["storageLocationId"]
        for kind, fields in (
            ("ExternalS3StorageLocationSetting", {"bucket": "s3"}),
            ("ExternalObjectStorageLocationSetting", {"bucket": "store", "endpointUrl": "https://o.example.org/"}),
        )
    ]


def test_an_object_in_a_bucket_of_ones_own(organiser, person, buckets):
    body = {"concreteType": f"{MODEL}S3FileHandle", "bucketName": "s3", "key": "folder/object.bin", "contentSize": 5}
    body |= {"storageLocationId": buckets[0], "contentMd5": "0" * 32}
    made = organiser.ok("POST", "/externalFileHandle/s3", body, "file")
    assert (made | body, made["fileName"]) == (made, "object.bin")
    assert content(organiser, made["id"]).status_code == 404
    assert person().refused("POST", "/externalFileHandle/s3", body, "file")[0] == 403
    for wrong in ({"bucketName": "another"}, {"storageLocationId": buckets[1]}):
        assert organiser.refused("POST", "/externalFileHandle/s3", body | wrong, "file")[0] in (400, 403)
    for missing in ("bucketName", "key", "storageLocationId"):
        less = {key: value for key, value in body.items() if key != missing}
        assert organiser.refused("POST", "/externalFileHandle/s3", less, "file")[0] == 400


def test_an_object_in_a_store_that_the_client_reads_itself(organiser, buckets, tmp_path):
    import asyncio

    from synapseclient.api import post_external_object_store_filehandle

    (tmp_path / "data.bin").write_bytes(b"12345")
    made = asyncio.run(
        post_external_object_store_filehandle(
            "key/data.bin", str(tmp_path / "data.bin"), buckets[1], synapse_client=organiser.synapse
        )
    )
    assert (made["bucket"], made["endpointUrl"], made["contentSize"]) == ("store", "https://o.example.org/", 5)
    assert made["contentMd5"] == hashlib.md5(b"12345").hexdigest()
    url = organiser("GET", f"/fileHandle/{made['id']}/url", service="file", redirect="false").text
    assert url == "https://o.example.org/store/key/data.bin"
    body = {key: made[key] for key in ("concreteType", "fileKey", "contentMd5", "contentSize")}
    assert organiser.refused("POST", "/externalFileHandle", body | {"storageLocationId": buckets[0]}, "file")[0] == 400
    assert organiser.refused("POST", "/externalFileHandle", body, "file")[0] == 400


@pytest.mark.rule("F-05")
def test_every_version_of_a_file_gives_its_own_content(organiser, person, project, share, file, upload, unique):
    reader = person()
    share(organiser, f"/entity/{project}", reader.id, "READ", "DOWNLOAD")
    newer = upload(organiser, unique("newer").encode())
    organiser.ok("PUT", f"/entity/{file['id']}", file | {"dataFileHandleId": newer})
    for handle in (file["dataFileHandleId"], newer):
        query = {"fileAssociateType": "FileEntity", "fileAssociateId": file["id"]}
        assert reader("GET", f"/file/{handle}", service="file", **query).status_code == 307


@pytest.mark.rule("F-05")
@pytest.mark.parametrize("kind", ["TableEntity", "FormData", "VerificationSubmission", "WikiAttachment"])
def test_an_association_that_is_not_there_gives_nothing(person, file, kind):
    wish = {"includeFileHandles": True, "requestedFiles": [association(file, associateObjectType=kind)]}
    assert person().ok("POST", "/fileHandle/batch", wish, "file")["requestedFiles"][0]["failureCode"] == "UNAUTHORIZED"


@pytest.mark.rule("F-05", "F-06")
def test_a_type_of_association_that_does_not_exist(organiser, file):
    wish = {"includeFileHandles": True, "requestedFiles": [association(file, associateObjectType="Nonsense")]}
    assert organiser.refused("POST", "/fileHandle/batch", wish, "file")[0] == 400
    query = {"fileAssociateType": "Nonsense", "fileAssociateId": file["id"]}
    assert organiser.refused("GET", f"/file/{file['dataFileHandleId']}", service="file", **query)[0] == 400
    assert organiser.refused("GET", f"/file/{file['dataFileHandleId']}", service="file")[0] == 400


@pytest.mark.rule("F-06")
def test_a_batch_holds_what_was_asked_for(organiser, file):
    wish = {"requestedFiles": [association(file)]}
    for part, field in (("includeFileHandles", "fileHandle"), ("includePreSignedURLs", "preSignedURL")):
        answer = organiser("POST", "/fileHandle/batch", wish | {part: True}, "file")
        assert answer.status_code == 201
        assert set(answer.json()["requestedFiles"][0]) == {"fileHandleId", field}
    status, reason = organiser.refused("POST", "/fileHandle/batch", wish, "file")
    assert (status, reason) == (
        400,
        "Must include either FileHandles or pre-signed URLs or preview pre-signed URLs",
    )
    assert organiser.refused("POST", "/fileHandle/batch", {"includeFileHandles": True}, "file")[0] == 400


@pytest.mark.rule("F-07")
def test_the_words_for_somebody_else_s_handle(person, file):
    path = f"/fileHandle/{file['dataFileHandleId']}"
    status, reason = person().refused("GET", f"{path}/url", service="file")
    assert (status, reason) == (403, "Only the user that created the FileHandle can get the URL of the file.")
    assert person().refused("GET", "/fileHandle/1", service="file")[0] == 404


@pytest.mark.rule("G-12")
def test_an_address_as_a_redirect_or_as_text(organiser, file):
    query = {"fileAssociateType": "FileEntity", "fileAssociateId": file["id"]}
    path = f"/file/{file['dataFileHandleId']}"
    for more in ({}, {"redirect": "true"}):
        answer = organiser("GET", path, service="file", **query, **more)
        assert (answer.status_code, answer.headers["Location"].startswith("http")) == (307, True)
    plain = organiser("GET", path, service="file", **query, redirect="false")
    assert (plain.status_code, plain.headers["Content-Type"].split(";")[0]) == (200, "text/plain")
    assert httpx.get(plain.text, timeout=10).status_code == 200


@pytest.mark.rule("F-08")
def test_a_head_tells_what_a_download_would_bring(organiser, file):
    url = organiser("GET", f"/fileHandle/{file['dataFileHandleId']}/url", service="file", redirect="false").text
    head, whole = httpx.head(url, timeout=10), httpx.get(url, timeout=10)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("Content-Length", "ETag", "Accept-Ranges", "Content-Type"):
        assert head.headers[name] == whole.headers[name]
    part = httpx.head(url, headers={"Range": "bytes=1-3"}, timeout=10)
    assert (part.status_code, part.headers["Content-Length"]) == (206, "3")


@pytest.mark.rule("F-08")
@pytest.mark.parametrize("wanted", ["bytes=0-1,4-5", "lines=1-2", "bytes=x-y", "bytes=-"])
def test_other_ranges_bring_everything(organiser, file, wanted):
    url = organiser("GET", f"/fileHandle/{file['dataFileHandleId']}/url", service="file", redirect="false").text
    answer = httpx.get(url, headers={"Range": wanted}, timeout=10)
    assert (answer.status_code, answer.content) == (200, httpx.get(url, timeout=10).content)


@pytest.mark.rule("P-18")
def test_everything_that_may_be_of_several_types_says_of_which_it_is(organiser, project, file, new_file):
    elsewhere = new_file(organiser, project)[1]
    kinds = [
        organiser.ok("GET", f"/entity/{project}")["concreteType"],
        organiser.ok("GET", f"/fileHandle/{file['dataFileHandleId']}", service="file")["concreteType"],
        organiser.ok("GET", f"/fileHandle/{elsewhere}", service="file")["concreteType"],
        organiser("GET", "/entity/syn1").json()["concreteType"],
    ]
    prefix = "org.sagebionetworks.repo.model."
    names = ("Project", "file.S3FileHandle", "file.ExternalFileHandle", "ErrorResponse")
    assert kinds == [f"{prefix}{name}" for name in names]


@pytest.mark.rule("P-06")
def test_answers_say_that_they_are_json(organiser, project):
    for answer in (organiser("GET", f"/entity/{project}"), organiser("GET", "/entity/syn1")):
        assert answer.headers["Content-Type"].split(";")[0] == "application/json"
    assert organiser("GET", "/entity/syn1").json()["reason"] == "Resource: 'syn1' does not exist"
