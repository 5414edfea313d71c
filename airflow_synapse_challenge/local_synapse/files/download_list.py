"""The download list: files that somebody has put aside to download them together."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any

from airflow_synapse_challenge.local_synapse.content import nodes, versions
from airflow_synapse_challenge.local_synapse.core.bodies import Body, Long
from airflow_synapse_challenge.local_synapse.core.errors import Invalid, Missing, NotAllowed, require
from airflow_synapse_challenge.local_synapse.core.http import ANONYMOUS, Context, as_id, operation
from airflow_synapse_challenge.local_synapse.core.jobs import job
from airflow_synapse_challenge.local_synapse.core.store import Json, dump, load, tables

from . import handles

tables(
    """
    CREATE TABLE IF NOT EXISTS download_list (user INTEGER, entity INTEGER, version INTEGER,
        PRIMARY KEY (user, entity, version)) WITHOUT ROWID;
    """
)

CHANGES = ("view", "modify")
MODEL = f"{nodes.PREFIX}download."
MOST_IN_BATCH = 1000
MOST_FILES = 100_000
#: Stands for whatever version is the current one.
CURRENT = 0
COLUMNS = (
    "ID", "name", "versionNumber", "contentType", "dataFileSizeBytes", "createdBy", "createdOn", "modifiedBy",
    "modifiedOn", "parentId", "synapseURL", "dataFileMD5Hex",
)  # fmt: skip


class ItemBody(Body, total=False):
    """``DownloadListItem``."""

    fileEntityId: str
    versionNumber: Long


class AddBody(Body, total=False):
    """``AddBatchOfFilesToDownloadListRequest``."""

    batchToAdd: list[ItemBody]


class RemoveBody(Body, total=False):
    """``RemoveBatchOfFilesFromDownloadListRequest``."""

    batchToRemove: list[ItemBody]


class CsvBody(Body, total=False):
    """``CsvTableDescriptor``."""

    separator: str
    quoteCharacter: str
    escapeCharacter: str
    lineEnd: str
    isFirstLineHeader: bool


class ManifestBody(Body, total=False):
    """``DownloadListManifestRequest``."""

    concreteType: str
    csvTableDescriptor: CsvBody


def _batch(context: Context, name: str) -> list[tuple[int, int]]:
    """Return the entities and versions that a request names."""
    if context.user == ANONYMOUS:
        raise NotAllowed("You must login to access your download list")
    items = context.body.get(name)
    if not items:
        raise Invalid(f"{name} is required and must not be empty.")
    if len(items) > MOST_IN_BATCH:
        raise Invalid(f"Exceeded the maximum number of {MOST_IN_BATCH} files per batch.")
    for item in items:
        require(item.get("fileEntityId"), "fileEntityId")
    return [(as_id(item["fileEntityId"]), item.get("versionNumber", CURRENT)) for item in items]


@operation("POST", "/repo/v1/download/list/add", 200, body=AddBody, scopes=CHANGES)
def add_to_list(context: Context) -> Json:
    """Put files on the caller's list; what is no file is left out."""
    store, wanted = context.store, _batch(context, "batchToAdd")
    if store.value("SELECT count(*) FROM download_list WHERE user = ?", context.user) + len(wanted) > MOST_FILES:
        raise Invalid(f"Exceeded the maximum number of {MOST_FILES} files on a user's download list.")
    added = 0
    for entity, version in wanted:
        if store.one("SELECT 1 FROM entity WHERE id = ? AND type = ?", entity, nodes.FILE):
            added += store.run("INSERT OR IGNORE INTO download_list VALUES (?, ?, ?)", context.user, entity, version)
    return {"numberOfFilesAdded": added}


@operation("POST", "/repo/v1/download/list/remove", 200, body=RemoveBody, scopes=CHANGES)
def remove_from_list(context: Context) -> Json:
    """Take files off the caller's list; a version is only taken off as it was put on."""
    taken = "DELETE FROM download_list WHERE user = ? AND entity = ? AND version = ?"
    removed = [context.store.run(taken, context.user, *item) for item in _batch(context, "batchToRemove")]
    return {"numberOfFilesRemoved": sum(removed)}


@operation("DELETE", "/repo/v1/download/list", 200, scopes=CHANGES)
def clear_list(context: Context) -> None:
    """Empty the caller's list."""
    context.store.run("DELETE FROM download_list WHERE user = ?", context.user)


@job(
    "/repo/v1/download/list/manifest/async",
    request=f"{MODEL}DownloadListManifestRequest",
    response=f"{MODEL}DownloadListManifestResponse",
    body=ManifestBody,
    scopes=("view", "modify", "download"),
)
def make_manifest(context: Context) -> Json:
    """Write a table of the files on the caller's list that they may download."""
    files = list(_downloadable(context))
    if not files:
        raise Invalid("No files available for download.")
    text = _table(context.body.get("csvTableDescriptor") or {}, files)
    handle = handles.add_content(context.store, context.user, "manifest.csv", "text/csv", text.encode())
    return {"resultFileHandleId": str(handle)}


def _downloadable(context: Context) -> Iterable[tuple[Json, Json]]:
    """Return a manifest's line and the annotations of each file on the caller's list that they may download."""
    store, user = context.store, context.user
    for item in store.all("SELECT * FROM download_list WHERE user = ? ORDER BY entity, version", user):
        if not nodes.may(store, item["entity"], user, "DOWNLOAD"):
            continue
        row = nodes.row_of(store, item["entity"])
        version = item["version"] or row["version"]
        try:
            kept = versions.kept_version(store, row, version)
        except Missing:
            continue
        shown = nodes.show_version(row, load(kept["doc"]), version)
        file = handles.show(store, int(shown["dataFileHandleId"]))
        values = {
            "ID": shown["id"],
            "synapseURL": f"{context.base}/Synapse:{shown['id']}.{version}",
            "contentType": file.get("contentType"),
            "dataFileSizeBytes": file.get("contentSize"),
            "dataFileMD5Hex": file.get("contentMd5"),
        }
        yield {key: values.get(key, shown.get(key)) for key in COLUMNS}, load(kept["annotations"])


def _table(wish: Json, files: list[tuple[Json, Json]]) -> str:
    keys = sorted({key for _, more in files for key in more})
    text = io.StringIO()
    options: dict[str, Any] = {
        "delimiter": wish.get("separator", ","),
        "quotechar": wish.get("quoteCharacter", '"'),
        "lineterminator": wish.get("lineEnd", "\n"),
    }
    try:
        writer = csv.writer(text, **options)
    except TypeError as error:
        raise Invalid(f"csvTableDescriptor: {error}") from error
    if wish.get("isFirstLineHeader", True):
        writer.writerow([*COLUMNS, *keys])
    for line, more in files:
        values = [more.get(key, {}).get("value", []) for key in keys]
        writer.writerow([*line.values(), *(found[0] if len(found) == 1 else _many(found) for found in values)])
    return text.getvalue()


def _many(values: list[str]) -> str:
    return dump(values) if values else ""
