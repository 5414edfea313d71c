"""Storage of uploads: each part goes to its own place in the file that becomes the content, so that none is copied."""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from airflow_synapse_challenge.local_synapse.core.http import error_response
from airflow_synapse_challenge.local_synapse.core.store import Store, tables

from . import handles, presigned

tables(
    """
    CREATE TABLE IF NOT EXISTS upload (
        id INTEGER PRIMARY KEY, user INTEGER NOT NULL, request_hash TEXT NOT NULL, request TEXT NOT NULL,
        path TEXT NOT NULL, size INTEGER NOT NULL, part_size INTEGER NOT NULL, source INTEGER, parts TEXT NOT NULL,
        file_handle INTEGER, started_on TEXT NOT NULL, updated_on TEXT NOT NULL);
    CREATE INDEX IF NOT EXISTS upload_hash ON upload (user, request_hash);
    CREATE TABLE IF NOT EXISTS upload_part (upload INTEGER, number INTEGER, md5 TEXT NOT NULL,
        PRIMARY KEY (upload, number));
    """
)

CHUNK = 1024 * 1024

#: Who writes each part of each upload now: a later request for the same part takes it over from an earlier one.
WRITERS: defaultdict[int, dict[int, PartWriter]] = defaultdict(dict)


class PartWriter:
    """
    Writes one part to its place.

    :param path: of the whole file.
    :param offset: where the part begins.
    :param length: how long it has to be.
    """

    def __init__(self, upload: int, number: int, path: Path, offset: int, length: int) -> None:
        self.upload, self.number, self._offset, self.length = upload, number, offset, length
        self.written = 0
        self._digest = hashlib.md5(usedforsecurity=False)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        WRITERS[upload][number] = self

    @property
    def md5(self) -> str:
        """Sum of what is written."""
        return self._digest.hexdigest()

    @property
    def superseded(self) -> bool:
        """Somebody else writes the part now, or the upload has ended."""
        return WRITERS[self.upload].get(self.number) is not self

    def write(self, chunk: bytes) -> bool:
        """Write what comes next; return whether it was part of this part."""
        if self.superseded or self.written + len(chunk) > self.length:
            return False
        view, position = memoryview(chunk), self._offset + self.written
        while view:
            done = os.pwrite(self._file, view, position)
            view, position = view[done:], position + done
        self._digest.update(chunk)
        self.written += len(chunk)
        return True

    def copy_from(self, source: Path) -> bool:
        """Write the same place of another file; return whether all of it was there."""
        with source.open("rb") as content:
            content.seek(self._offset)
            while self.written < self.length:
                chunk = content.read(min(CHUNK, self.length - self.written))
                if not (chunk and self.write(chunk)):
                    return False
        return True

    def close(self) -> None:
        """Let go of the file and of the part."""
        os.close(self._file)
        if not self.superseded:
            del WRITERS[self.upload][self.number]


def end(upload: int) -> None:
    """Take an upload from whoever writes to it still."""
    WRITERS.pop(upload, None)


def storage_routes(store: Store) -> list[Route]:
    """Return the route that takes parts, or copies them from another file."""

    async def put_part(request: Request) -> Response:
        upload, number = request.path_params["upload"], request.path_params["part"]
        if refusal := presigned.verified(store, request, "PUT", f"parts/{upload}/{number}"):
            return refusal
        writer = _begin(store, upload, number)
        if writer is None:
            return error_response(404, "NoSuchUpload")
        try:
            source = store.value("SELECT source FROM upload WHERE id = ?", upload)
            if source is not None:
                complete = await _copied(store, writer, source)
            else:
                complete = await _received(request, writer)
            if not complete:
                return error_response(400, f"Part {number} has to have {writer.length} bytes, written at once.")
            _keep(store, writer)
        finally:
            writer.close()
        if source is None:
            return Response(headers={"ETag": f'"{writer.md5}"'})
        return Response(_copy_result(store, writer.md5), media_type="application/xml")

    return [Route("/storage/parts/{upload:int}/{part:int}", put_part, methods=["PUT"])]


def _begin(store: Store, upload: int, number: int) -> PartWriter | None:
    """Return the writer of a part that has to be added anew, ``None`` if there is no such part to write."""
    row = store.one("SELECT * FROM upload WHERE id = ? AND file_handle IS NULL", upload)
    if row is None or not 1 <= number <= len(row["parts"]):
        return None
    with store.transaction():
        store.run("DELETE FROM upload_part WHERE upload = ? AND number = ?", upload, number)
        set_part(store, upload, row["parts"], number, "0")
    offset = (number - 1) * row["part_size"]
    length = min(row["part_size"], row["size"] - offset)
    return PartWriter(upload, number, store.files / row["path"], offset, length)


def set_part(store: Store, upload: int, parts: str, number: int, state: str) -> None:
    """Write down whether a part is added."""
    changed = parts[: number - 1] + state + parts[number:]
    store.run("UPDATE upload SET parts = ?, updated_on = ? WHERE id = ?", changed, store.timestamp(), upload)


async def _received(request: Request, writer: PartWriter) -> bool:
    async for chunk in request.stream():
        if chunk and not writer.write(chunk):
            return False
    return writer.written == writer.length and not writer.superseded


async def _copied(store: Store, writer: PartWriter, source: int) -> bool:
    path = handles.path_of(store, source)
    return path is not None and await run_in_threadpool(writer.copy_from, path) and not writer.superseded


def _keep(store: Store, writer: PartWriter) -> None:
    with store.transaction():
        store.run("INSERT OR REPLACE INTO upload_part VALUES (?, ?, ?)", writer.upload, writer.number, writer.md5)


def _copy_result(store: Store, md5: str) -> str:
    """Return what the storage says of a copied part; clients read the sum from it."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<CopyPartResult>'
        f"<LastModified>{store.timestamp()}</LastModified><ETag>&quot;{md5}&quot;</ETag></CopyPartResult>"
    )
