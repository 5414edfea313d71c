"""Uploads in parts, presigned addresses, and who may have which file."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import httpx
import pytest

PART = 5 * 2**20


def wish(content, name="data.bin", **changes):
    """The request that begins an upload."""
    return {
        "fileName": name,
        "contentType": "text/plain",
        "contentMD5Hex": hashlib.md5(content).hexdigest(),
        "fileSizeBytes": len(content),
        "partSizeBytes": PART,
    } | changes


@pytest.fixture
def text_url(organiser, upload):
    """Makes a presigned address of a new file."""

    def text_url(content=b"0123456789"):
        handle = upload(organiser, content, f"{hashlib.md5(content).hexdigest()}.txt")
        return organiser("GET", f"/fileHandle/{handle}/url", service="file", redirect="false").text

    return text_url


def test_a_small_file_comes_back_under_its_name(organiser, project, tmp_path):
    from synapseclient.models import File

    (tmp_path / "räte & co.csv").write_text("id,p\n1,0.5\n")
    stored = File(path=str(tmp_path / "räte & co.csv"), name="table", parent_id=project).store(
        synapse_client=organiser.synapse
    )
    found = File(id=stored.id, path=str(tmp_path / "down")).get(synapse_client=organiser.synapse)
    assert Path(found.path).name == "räte & co.csv"
    assert Path(found.path).read_text() == "id,p\n1,0.5\n"
    assert found.file_handle.content_md5 == hashlib.md5(b"id,p\n1,0.5\n").hexdigest()


@pytest.mark.rule("F-02", "F-03", "F-08")
def test_twelve_megabytes_go_up_and_come_down_in_parts(server, organiser, project, tmp_path):
    """The client asks for ranges of files beyond 8 MB."""
    from synapseclient.models import File

    content = os.urandom(12 * 2**20)
    (tmp_path / "large.bin").write_bytes(content)
    server.reset_calls()
    stored = File(path=str(tmp_path / "large.bin"), parent_id=project).store(synapse_client=organiser.synapse)
    assert server.calls()["PUT /file/v1/file/multipart/{id}/add/{part}"] >= 2
    found = File(id=stored.id, path=str(tmp_path / "down")).get(synapse_client=organiser.synapse)
    assert Path(found.path).read_bytes() == content


def test_parts_that_are_not_full_are_put_together(organiser, upload):
    content = os.urandom(2 * PART + 17)
    handle = upload(organiser, content)
    url = organiser("GET", f"/fileHandle/{handle}/url", service="file", redirect="false").text
    assert httpx.get(url, timeout=30).content == content


@pytest.mark.rule("F-08")
@pytest.mark.parametrize(
    ("wanted", "content", "range_"),
    [
        ("bytes=0-3", b"0123", "bytes 0-3/10"),
        ("bytes=7-", b"789", "bytes 7-9/10"),
        ("bytes=-2", b"89", "bytes 8-9/10"),
        ("bytes=8-99", b"89", "bytes 8-9/10"),
    ],
)
def test_ranges_of_a_presigned_address(text_url, wanted, content, range_):
    answer = httpx.get(text_url(), headers={"Range": wanted}, timeout=10)
    assert (answer.status_code, answer.content, answer.headers["Content-Range"]) == (206, content, range_)


def test_a_range_beyond_the_end(text_url):
    answer = httpx.get(text_url(), headers={"Range": "bytes=10-"}, timeout=10)
    assert (answer.status_code, answer.headers["Content-Range"]) == (416, "bytes */10")


@pytest.mark.rule("F-08")
def test_a_presigned_address_needs_no_token_and_ends(server, text_url):
    """30 seconds, told to the client as X-Amz-Expires from X-Amz-Date."""
    url = text_url()
    parameters = httpx.URL(url).params
    assert parameters["X-Amz-Expires"] == "30"
    assert "X-Amz-Date" in parameters
    server.set_clock(offset_seconds=25)
    assert httpx.get(url, timeout=10).status_code == 200
    server.set_clock(offset_seconds=35)
    answer = httpx.get(url, timeout=10)
    assert (answer.status_code, "expired" in answer.text) == (403, True)


def test_a_presigned_address_is_for_one_file_and_time(text_url):
    url = httpx.URL(text_url(b"mine"))
    later = url.copy_set_param("expires", str(int(url.params["expires"]) + 1000))
    other = url.copy_with(path=httpx.URL(text_url(b"another")).path)
    assert [httpx.get(forged, timeout=10).status_code for forged in (later, other)] == [403, 403]


@pytest.mark.rule("F-08")
def test_the_address_of_a_part_ends_later(server, organiser):
    """15 minutes."""
    upload = organiser.ok("POST", "/file/multipart", wish(b"parts", "part.txt"), "file")["uploadId"]
    urls = organiser.ok("POST", f"/file/multipart/{upload}/presigned/url/batch", {"partNumbers": [1]}, "file")
    url = urls["partPresignedUrls"][0]["uploadPresignedUrl"]
    server.set_clock(offset_seconds=890)
    assert httpx.put(url, content=b"parts", timeout=10).status_code == 200
    server.set_clock(offset_seconds=910)
    assert httpx.put(url, content=b"parts", timeout=10).status_code == 403
    assert httpx.get(url, timeout=10).status_code in (403, 404, 405, 501)


@pytest.mark.rule("F-01")
def test_an_equal_request_goes_on_with_the_same_upload(organiser, person, unique):
    """For each user; after completion it tells the file handle."""
    content = unique("resumed").encode()
    begun = organiser.ok("POST", "/file/multipart", wish(content), "file")
    assert (begun["state"], begun["partsState"]) == ("UPLOADING", "0")
    assert organiser.ok("POST", "/file/multipart", wish(content), "file")["uploadId"] == begun["uploadId"]
    assert person().ok("POST", "/file/multipart", wish(content), "file")["uploadId"] != begun["uploadId"]
    restarted = organiser.ok("POST", "/file/multipart", wish(content), "file", forceRestart="true")
    assert restarted["uploadId"] != begun["uploadId"]


@pytest.mark.rule("F-01")
def test_the_same_content_gives_the_same_handle(organiser, upload, unique):
    """What a message's identity rests on."""
    content = unique("same").encode()
    first = upload(organiser, content, "a.txt")
    done = organiser.ok(
        "POST", "/file/multipart", wish(content, "a.txt", contentType="application/octet-stream"), "file"
    )
    assert (done["state"], done["resultFileHandleId"]) == ("COMPLETED", first)
    assert upload(organiser, content, "b.txt") != first


@pytest.mark.rule("F-03")
def test_a_part_counts_when_its_sum_is_right(organiser, unique):
    """A wrong sum is told in the answer, not by the status."""
    content = unique("sums").encode()
    upload = organiser.ok("POST", "/file/multipart", wish(content), "file")["uploadId"]
    path = f"/file/multipart/{upload}"
    missing = organiser("PUT", f"{path}/add/1", None, "file", partMD5Hex=hashlib.md5(content).hexdigest())
    assert (missing.status_code, missing.json()["addPartState"]) == (201, "ADD_FAILED")
    urls = organiser.ok("POST", f"{path}/presigned/url/batch", {"partNumbers": [1]}, "file")
    httpx.put(urls["partPresignedUrls"][0]["uploadPresignedUrl"], content=content, timeout=10)
    wrong = organiser("PUT", f"{path}/add/1", None, "file", partMD5Hex="0" * 32)
    assert (wrong.status_code, wrong.json()["addPartState"]) == (201, "ADD_FAILED")
    status, reason = organiser.refused("PUT", f"{path}/complete", None, "file")
    assert (status, "Missing 1 part(s)" in reason) == (400, True)
    right = organiser("PUT", f"{path}/add/1", None, "file", partMD5Hex=hashlib.md5(content).hexdigest())
    assert right.json()["addPartState"] == "ADD_SUCCESS"
    assert organiser.ok("PUT", f"{path}/complete", None, "file")["state"] == "COMPLETED"
    assert organiser.refused("PUT", f"{path}/add/2", None, "file", partMD5Hex="")[0] == 400


@pytest.mark.rule("F-02")
@pytest.mark.parametrize(
    "change", [{"fileSizeBytes": 0}, {"partSizeBytes": 1024}, {"partSizeBytes": PART, "fileSizeBytes": PART * 10_001}]
)
def test_sizes_that_are_refused(organiser, change):
    assert organiser.refused("POST", "/file/multipart", wish(b"x", **change), "file")[0] == 400


@pytest.mark.rule("F-04")
def test_an_upload_belongs_to_who_began_it(organiser, person, anonymous, unique):
    content = unique("own").encode()
    upload = organiser.ok("POST", "/file/multipart", wish(content), "file")["uploadId"]
    assert person().refused("PUT", f"/file/multipart/{upload}/complete", None, "file")[0] == 403
    assert anonymous.refused("POST", "/file/multipart", wish(content), "file")[0] == 403


@pytest.mark.rule("F-07")
def test_a_handle_alone_is_for_its_creator(organiser, person, upload):
    handle = upload(organiser, b"closed")
    other = person()
    for path in (f"/fileHandle/{handle}", f"/fileHandle/{handle}/url"):
        assert other.refused("GET", path, service="file")[0] == 403
    assert organiser.ok("GET", f"/fileHandle/{handle}", service="file")["contentSize"] == 6


@pytest.mark.rule("F-05", "F-06", "E-16")
def test_a_batch_fails_item_by_item(organiser, person, project, upload, share):
    """READ is not enough for the content."""
    handle = upload(organiser, b"shared")
    body = {
        "concreteType": "org.sagebionetworks.repo.model.FileEntity",
        "name": "shared.txt",
        "parentId": project,
        "dataFileHandleId": handle,
    }
    entity = organiser.ok("POST", "/entity", body)["id"]
    reader = person()
    files = [
        {"fileHandleId": handle, "associateObjectId": entity, "associateObjectType": "FileEntity"},
        {"fileHandleId": "1", "associateObjectId": entity, "associateObjectType": "FileEntity"},
    ]
    request = {"requestedFiles": files, "includeFileHandles": True, "includePreSignedURLs": True}
    share(organiser, f"/entity/{project}", reader.id, "READ")
    codes = [item["failureCode"] for item in reader.ok("POST", "/fileHandle/batch", request, "file")["requestedFiles"]]
    assert codes == ["UNAUTHORIZED", "NOT_FOUND"]
    query = {"fileAssociateType": "FileEntity", "fileAssociateId": entity}
    assert reader.refused("GET", f"/file/{handle}", service="file", **query)[0] == 403
    share(organiser, f"/entity/{project}", reader.id, "READ", "DOWNLOAD")
    item = reader.ok("POST", "/fileHandle/batch", request, "file")["requestedFiles"][0]
    assert httpx.get(item["preSignedURL"], timeout=10).content == b"shared"
    redirect = reader("GET", f"/file/{handle}", service="file", **query)
    assert (redirect.status_code, httpx.get(redirect.headers["Location"], timeout=10).content) == (307, b"shared")


@pytest.mark.rule("F-05")
def test_an_association_gives_only_its_own_file(organiser, person, project, new_file, upload, share):
    """An entity that one may download opens no other file."""
    reader = person()
    share(organiser, f"/entity/{project}", reader.id, "READ", "DOWNLOAD")
    entity, _ = new_file(organiser, project)
    secret = upload(organiser, b"secret")
    query = {"fileAssociateType": "FileEntity", "fileAssociateId": entity}
    assert reader.refused("GET", f"/file/{secret}", service="file", **query)[0] == 403


@pytest.mark.rule("F-06")
def test_what_a_batch_may_ask(organiser):
    item = {"fileHandleId": "1", "associateObjectId": "syn1", "associateObjectType": "FileEntity"}
    assert organiser.refused("POST", "/fileHandle/batch", {"requestedFiles": [item]}, "file")[0] == 400
    many = {"requestedFiles": [item] * 101, "includeFileHandles": True}
    assert organiser.refused("POST", "/fileHandle/batch", many, "file")[0] == 400


@pytest.mark.rule("F-09", "G-12")
def test_a_file_that_lies_elsewhere(organiser, project, new_file):
    _, handle = new_file(organiser, project)
    plain = organiser("GET", f"/fileHandle/{handle}/url", service="file", redirect="false")
    assert (plain.status_code, plain.text) == (200, "https://example.org/data.csv")
    answer = organiser("POST", "/externalFileHandle", {"externalURL": "https://example.org/"}, "file")
    assert answer.status_code == 200
    assert organiser.refused("POST", "/externalFileHandle", {}, "file")[0] == 400
