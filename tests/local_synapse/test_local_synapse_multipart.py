"""Uploads and copies in parts: resumed, refused, replaced, cut short, interrupted."""

from __future__ import annotations

import hashlib
import os
import re

import httpx
import pytest

from airflow_synapse_challenge.local_synapse.server import LocalSynapse

PART = 5 * 2**20
MODEL = "org.sagebionetworks.repo.model.file."


def md5(content):
    return hashlib.md5(content).hexdigest()


def wish(content, **changes):
    return {
        "concreteType": f"{MODEL}MultipartUploadRequest",
        "fileName": "data.bin",
        "contentType": "application/octet-stream",
        "contentMD5Hex": md5(content),
        "fileSizeBytes": len(content),
        "partSizeBytes": PART,
        "generatePreview": False,
    } | changes


def parts_of(content):
    return [content[start : start + PART] for start in range(0, len(content), PART)]


@pytest.fixture
def put_part(organiser):
    """Puts a part where its address says; returns the storage's answer."""

    def put_part(upload, number, content, **wish):
        batch = {"uploadId": upload, "partNumbers": [number], **wish}
        answer = organiser("POST", f"/file/multipart/{upload}/presigned/url/batch", batch, "file")
        assert answer.status_code == 201
        part = answer.json()["partPresignedUrls"][0]
        return httpx.put(part["uploadPresignedUrl"], content=content, headers=part["signedHeaders"], timeout=30)

    return put_part


@pytest.fixture
def add(organiser):
    """Adds a part; returns the server's answer."""

    def add(upload, number, content):
        answer = organiser("PUT", f"/file/multipart/{upload}/add/{number}", None, "file", partMD5Hex=md5(content))
        assert answer.status_code == 201
        return answer.json()

    return add


@pytest.fixture
def content_of(organiser):
    """The bytes of a file handle."""

    def content_of(handle):
        return httpx.get(organiser("GET", f"/fileHandle/{handle}/url", service="file", redirect="false").text).content

    return content_of


@pytest.mark.rule("F-01", "F-03")
def test_parts_may_come_in_any_order(organiser, put_part, add, content_of):
    content = os.urandom(2 * PART + 1)
    answer = organiser("POST", "/file/multipart", wish(content), "file")
    assert answer.status_code == 201
    upload = answer.json()["uploadId"]
    for number in (3, 1, 2):
        part = parts_of(content)[number - 1]
        assert put_part(upload, number, part).headers["ETag"] == f'"{md5(part)}"'
        assert add(upload, number, part)["addPartState"] == "ADD_SUCCESS"
        state = organiser.ok("POST", "/file/multipart", wish(content), "file")
        assert state["partsState"].count("1") == {3: 1, 1: 2, 2: 3}[number]
    done = organiser("PUT", f"/file/multipart/{upload}/complete", None, "file")
    assert (done.status_code, done.json()["state"]) == (201, "COMPLETED")
    assert content_of(done.json()["resultFileHandleId"]) == content
    again = organiser.ok("PUT", f"/file/multipart/{upload}/complete", None, "file")
    assert again["resultFileHandleId"] == done.json()["resultFileHandleId"]


@pytest.mark.rule("F-03")
def test_a_part_that_comes_again_has_to_be_added_again(organiser, put_part, add, content_of, unique):
    right, wrong = unique("right").encode(), unique("wrong").encode()
    wrong = wrong[: len(right)].ljust(len(right), b"!")
    upload = organiser.ok("POST", "/file/multipart", wish(right), "file")["uploadId"]
    put_part(upload, 1, right)
    add(upload, 1, right)
    put_part(upload, 1, wrong)
    assert organiser.refused("PUT", f"/file/multipart/{upload}/complete", None, "file")[0] == 400
    assert add(upload, 1, right)["addPartState"] == "ADD_FAILED"
    put_part(upload, 1, right)
    add(upload, 1, right)
    handle = organiser.ok("PUT", f"/file/multipart/{upload}/complete", None, "file")["resultFileHandleId"]
    assert content_of(handle) == right


@pytest.mark.rule("F-03")
@pytest.mark.parametrize("change", [lambda part: part[:-1], lambda part: part + b"!", lambda part: b""])
def test_a_part_of_another_length_is_none(organiser, put_part, add, unique, change):
    content = unique("measured").encode()
    upload = organiser.ok("POST", "/file/multipart", wish(content), "file")["uploadId"]
    assert put_part(upload, 1, change(content)).status_code == 400
    failed = add(upload, 1, content)
    assert (failed["addPartState"], "not uploaded" in failed["errorMessage"]) == ("ADD_FAILED", True)


@pytest.mark.rule("F-03")
def test_after_completion_nothing_is_added(organiser, put_part, add, content_of, unique):
    content = unique("finished").encode()
    upload = organiser.ok("POST", "/file/multipart", wish(content), "file")["uploadId"]
    batch = {"uploadId": upload, "partNumbers": [1]}
    urls = organiser.ok("POST", f"/file/multipart/{upload}/presigned/url/batch", batch, "file")
    put_part(upload, 1, content)
    add(upload, 1, content)
    handle = organiser.ok("PUT", f"/file/multipart/{upload}/complete", None, "file")["resultFileHandleId"]
    late = httpx.put(urls["partPresignedUrls"][0]["uploadPresignedUrl"], content=b"x" * len(content), timeout=10)
    assert late.status_code == 404
    assert content_of(handle) == content
    assert organiser.refused("PUT", f"/file/multipart/{upload}/add/1", None, "file", partMD5Hex=md5(content))[0] == 400


@pytest.mark.rule("F-02")
@pytest.mark.parametrize("numbers", [[], [0], [2], [-1]])
def test_numbers_that_no_part_has(organiser, unique, numbers):
    upload = organiser.ok("POST", "/file/multipart", wish(unique("numbered").encode()), "file")["uploadId"]
    path = f"/file/multipart/{upload}"
    assert organiser.refused("POST", f"{path}/presigned/url/batch", {"partNumbers": numbers}, "file")[0] == 400
    for number in numbers:
        assert organiser.refused("PUT", f"{path}/add/{number}", None, "file", partMD5Hex="0")[0] == 400


@pytest.mark.rule("F-02", "G-07")
@pytest.mark.parametrize("field", ["fileName", "fileSizeBytes", "partSizeBytes", "contentMD5Hex"])
def test_what_a_request_has_to_say(organiser, field):
    body = {key: value for key, value in wish(b"x").items() if key != field}
    status, reason = organiser.refused("POST", "/file/multipart", body, "file")
    assert (status, reason) == (400, f"MultipartUploadRequest.{field} is required.")


@pytest.mark.rule("F-02")
@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"partSizeBytes": PART - 1}, 400),
        ({"partSizeBytes": PART}, 201),
        ({"partSizeBytes": 5 * 2**30}, 201),
        ({"partSizeBytes": 5 * 2**30 + 1}, 400),
        ({"fileSizeBytes": PART * 10_000}, 201),
        ({"fileSizeBytes": PART * 10_000 + 1}, 400),
        ({"fileSizeBytes": 0}, 400),
        ({"fileSizeBytes": 5_497_558_138_881, "partSizeBytes": 2**30}, 400),
        ({"concreteType": f"{MODEL}Nonsense"}, 400),
        ({"storageLocationId": 999999}, 404),
    ],
)
def test_sizes_at_the_bounds(organiser, changes, status):
    assert organiser("POST", "/file/multipart", wish(b"x", **changes), service="file").status_code == status


@pytest.mark.rule("F-04")
def test_everything_about_an_upload_is_its_starters(organiser, person, unique):
    upload = organiser.ok("POST", "/file/multipart", wish(unique("own").encode()), "file")["uploadId"]
    other, path = person(), f"/file/multipart/{upload}"
    assert other.refused("POST", f"{path}/presigned/url/batch", {"partNumbers": [1]}, "file")[0] == 403
    assert other.refused("PUT", f"{path}/add/1", None, "file", partMD5Hex="0")[0] == 403
    assert other.refused("PUT", f"{path}/complete", None, "file")[0] == 403
    assert other.refused("PUT", "/file/multipart/1/complete", None, "file")[0] == 404


def test_a_part_says_what_its_content_is_if_its_address_does(organiser, put_part, unique):
    content = unique("typed").encode()
    upload = organiser.ok("POST", "/file/multipart", wish(content), "file")["uploadId"]
    assert put_part(upload, 1, content, contentType="text/plain").status_code == 200
    batch = {"uploadId": upload, "partNumbers": [1], "contentType": "text/plain"}
    urls = organiser.ok("POST", f"/file/multipart/{upload}/presigned/url/batch", batch, "file")
    url = urls["partPresignedUrls"][0]["uploadPresignedUrl"]
    assert httpx.put(url, content=content, timeout=10).status_code == 403


@pytest.mark.rule("F-01")
def test_an_upload_goes_on_after_the_server_was_killed(tmp_path):
    content = os.urandom(PART + 3)
    first, second = parts_of(content)
    with LocalSynapse.start(tmp_path) as own:
        headers = {"Authorization": f"Bearer {own.token('challenge-service')}"}
        with httpx.Client(base_url=f"{own.url}/file/v1", headers=headers, timeout=30) as http:

            def put(upload, number, part):
                batch = {"uploadId": upload, "partNumbers": [number]}
                answer = http.post(f"/file/multipart/{upload}/presigned/url/batch", json=batch).json()
                url = answer["partPresignedUrls"][0]["uploadPresignedUrl"]
                httpx.put(url, content=part, timeout=30).raise_for_status()
                added = http.put(f"/file/multipart/{upload}/add/{number}", params={"partMD5Hex": md5(part)}).json()
                assert added["addPartState"] == "ADD_SUCCESS"

            upload = http.post("/file/multipart", json=wish(content)).json()["uploadId"]
            put(upload, 2, second)
            own.kill()
            own.restart()
            resumed = http.post("/file/multipart", json=wish(content)).json()
            assert (resumed["uploadId"], resumed["partsState"]) == (upload, "01")
            put(upload, 1, first)
            handle = http.put(f"/file/multipart/{upload}/complete").json()["resultFileHandleId"]
            own.kill()
            own.restart()
            again = http.post("/file/multipart", json=wish(content)).json()
            assert (again["state"], again["resultFileHandleId"]) == ("COMPLETED", handle)
            url = http.get(f"/fileHandle/{handle}/url", params={"redirect": "false"}).text
            assert httpx.get(url, timeout=30).content == content


@pytest.mark.rule("F-01")
def test_a_deleted_file_is_uploaded_anew(organiser, upload, unique):
    content = unique("deleted").encode()
    handle = upload(organiser, content)
    assert upload(organiser, content) == handle
    assert organiser("DELETE", f"/fileHandle/{handle}", service="file").status_code == 200
    assert upload(organiser, content) not in (handle, None)


@pytest.fixture
def source(organiser, project, upload, unique):
    """A file entity of two parts, with its content."""
    content = os.urandom(PART + 11)
    body = {
        "concreteType": "org.sagebionetworks.repo.model.FileEntity",
        "name": unique("Source"),
        "parentId": project,
        "dataFileHandleId": upload(organiser, content, "source.bin"),
    }
    return organiser.ok("POST", "/entity", body), content


def copy_wish(file, **changes):
    association = {
        "fileHandleId": file["dataFileHandleId"],
        "associateObjectId": file["id"],
        "associateObjectType": "FileEntity",
    }
    return {
        "concreteType": f"{MODEL}MultipartUploadCopyRequest",
        "partSizeBytes": PART,
        "sourceFileHandleAssociation": association,
    } | changes


@pytest.mark.rule("F-01", "F-03")
def test_a_copy_is_made_without_sending_anything(organiser, put_part, source, content_of):
    file, content = source
    begun = organiser.ok("POST", "/file/multipart", copy_wish(file, fileName="copy.bin"), "file")
    assert begun["partsState"] == "00"
    path = f"/file/multipart/{begun['uploadId']}"
    for number, part in enumerate(parts_of(content), 1):
        etag = re.search("<ETag>&quot;(.*)&quot;</ETag>", put_part(begun["uploadId"], number, b"").text)[1]
        assert etag == md5(part)
        organiser.ok("PUT", f"{path}/add/{number}", None, "file", partMD5Hex=etag)
    handle = organiser.ok("PUT", f"{path}/complete", None, "file")["resultFileHandleId"]
    shown = organiser.ok("GET", f"/fileHandle/{handle}", service="file")
    assert (shown["fileName"], shown["contentMd5"], shown["contentSize"]) == ("copy.bin", md5(content), len(content))
    assert content_of(handle) == content
    assert organiser.ok("POST", "/file/multipart", copy_wish(file, fileName="copy.bin"), "file")["state"] == "COMPLETED"


def test_only_what_one_may_download_is_copied(organiser, person, project, share, source, new_file):
    file, _ = source
    reader = person()
    share(organiser, f"/entity/{project}", reader.id, "READ")
    assert reader.refused("POST", "/file/multipart", copy_wish(file), "file")[0] == 403
    elsewhere = organiser.ok("GET", f"/entity/{new_file(organiser, project)[0]}")
    assert organiser.refused("POST", "/file/multipart", copy_wish(elsewhere), "file")[0] == 400
    missing = copy_wish(file | {"dataFileHandleId": "1"})
    assert organiser.refused("POST", "/file/multipart", missing, "file")[0] == 404
    location = organiser.ok("POST", "/storageLocation", {
        "concreteType": "org.sagebionetworks.repo.model.project.ExternalS3StorageLocationSetting", "bucket": "mine",
    })["storageLocationId"]  # fmt: skip
    share(organiser, f"/entity/{project}", reader.id, "READ", "DOWNLOAD")
    assert reader.refused("POST", "/file/multipart", copy_wish(file, storageLocationId=location), "file")[0] == 403
    assert reader.ok("POST", "/file/multipart", copy_wish(file), "file")["state"] == "UPLOADING"


def test_synapseclient_copies_in_parts(organiser, source, content_of):
    import asyncio

    from synapseclient.core.upload.multipart_upload_async import multipart_copy_async

    file, content = source
    association = copy_wish(file)["sourceFileHandleAssociation"]
    handle = asyncio.run(
        multipart_copy_async(organiser.synapse, association, dest_file_name="by the client", part_size=PART)
    )
    assert content_of(handle) == content
