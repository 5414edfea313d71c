"""The download list: what is put on it, what it brings, what is left."""

from __future__ import annotations

import csv
from pathlib import Path

import httpx
import pytest


@pytest.fixture
def collector(person, organiser, project, share):
    """Somebody with an empty list who may download."""
    somebody = person()
    share(organiser, f"/entity/{project}", somebody.id, "READ", "DOWNLOAD")
    return somebody


@pytest.fixture
def file(organiser, project, upload, unique):
    """Makes a file of some content; returns its synID."""

    def file(content, **annotations):
        body = {"concreteType": "org.sagebionetworks.repo.model.FileEntity", "name": unique("f"), "parentId": project}
        made = organiser.ok(
            "POST", "/entity", body | {"dataFileHandleId": upload(organiser, content, f"{unique('f')}.txt")}
        )
        values = {key: {"type": "STRING", "value": value} for key, value in annotations.items()}
        organiser.ok("PUT", f"/entity/{made['id']}/annotations2", {"etag": made["etag"], "annotations": values})
        return made["id"]

    return file


def items(*files):
    return [{"fileEntityId": file, "versionNumber": version} for file, version in files]


def manifest(somebody):
    token = somebody.ok("POST", "/download/list/manifest/async/start", {})["token"]
    answer = somebody("GET", f"/download/list/manifest/async/get/{token}")
    assert answer.status_code == 201, answer.text
    handle = answer.json()["resultFileHandleId"]
    url = somebody("GET", f"/fileHandle/{handle}/url", service="file", redirect="false").text
    return list(csv.DictReader(httpx.get(url, timeout=10).text.splitlines()))


def test_files_are_put_on_and_taken_off(collector, file, project):
    first, second = file(b"1"), file(b"2")
    wish = {"batchToAdd": items((first, 1), (second, None), (first, 1), (project, None), ("syn1", None))}
    assert collector.ok("POST", "/download/list/add", wish) == {"numberOfFilesAdded": 2}
    assert [line["ID"] for line in manifest(collector)] == [first, second]
    # Taken off as it was put on: with its version or without.
    for version, removed in ((1, 0), (None, 1)):
        wish = {"batchToRemove": items((second, version))}
        assert collector.ok("POST", "/download/list/remove", wish) == {"numberOfFilesRemoved": removed}
    assert [line["ID"] for line in manifest(collector)] == [first]
    assert collector("DELETE", "/download/list").status_code == 200
    assert refused_manifest(collector) == (400, "No files available for download.")


def refused_manifest(somebody):
    token = somebody.ok("POST", "/download/list/manifest/async/start", {})["token"]
    return somebody.refused("GET", f"/download/list/manifest/async/get/{token}")


def test_the_manifest_describes_each_file(organiser, collector, file):
    plain, annotated = file(b"12345"), file(b"1", colour=["red"], size=["1", "2"])
    collector.ok("POST", "/download/list/add", {"batchToAdd": items((plain, None), (annotated, 1))})
    first, second = manifest(collector)
    shown = organiser.ok("GET", f"/entity/{plain}")
    assert (first["name"], first["versionNumber"], first["dataFileSizeBytes"]) == (shown["name"], "1", "5")
    assert (first["createdBy"], first["parentId"], first["colour"]) == (str(organiser.id), shown["parentId"], "")
    assert (second["colour"], second["size"]) == ("red", '["1","2"]')


def test_what_one_may_not_download_is_left_out(organiser, collector, file, project, share):
    found = file(b"1")
    collector.ok("POST", "/download/list/add", {"batchToAdd": items((found, None))})
    share(organiser, f"/entity/{project}", collector.id, "READ")
    assert refused_manifest(collector)[0] == 400
    share(organiser, f"/entity/{project}", collector.id, "READ", "DOWNLOAD")
    assert len(manifest(collector)) == 1
    organiser.ok("DELETE", f"/entity/{found}")
    assert refused_manifest(collector)[0] == 400


def test_lists_are_everybodys_own(organiser, collector, anonymous, file):
    collector.ok("POST", "/download/list/add", {"batchToAdd": items((file(b"1"), None))})
    organiser.ok("DELETE", "/download/list")
    assert len(manifest(collector)) == 1
    assert anonymous.refused("POST", "/download/list/add", {"batchToAdd": items(("syn1", None))})[0] == 403


@pytest.mark.parametrize("batch", [[], [{}], [{"fileEntityId": "nonsense"}], items(("syn1", None)) * 1001])
def test_batches_that_are_refused(collector, batch):
    for path, name in (("add", "batchToAdd"), ("remove", "batchToRemove")):
        assert collector.refused("POST", f"/download/list/{path}", {name: batch})[0] == 400


def test_synapseclient_downloads_what_is_on_the_list(collector, file, tmp_path, monkeypatch):
    from synapseclient.operations import (
        DownloadListItem,
        download_list_add,
        download_list_files,
        download_list_manifest,
    )

    monkeypatch.chdir(tmp_path)
    synapse = collector.synapse
    files = [file(b"one"), file(b"two")]
    wish = [DownloadListItem(files[0], 1), DownloadListItem(files[1])]
    assert download_list_add(files=wish, synapse_client=synapse) == 2
    assert Path(download_list_manifest(synapse_client=synapse)).is_file()
    result = Path(download_list_files(download_location=str(tmp_path / "down"), synapse_client=synapse))
    lines = list(csv.DictReader(result.read_text().splitlines()))
    assert [Path(line["path"]).read_bytes() for line in lines] == [b"one", b"two"]
    assert [line["error"] for line in lines] == ["", ""]
    assert refused_manifest(collector)[0] == 400
