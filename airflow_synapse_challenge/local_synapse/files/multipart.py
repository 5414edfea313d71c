"""Multipart upload: begin or resume, put parts to presigned addresses, add, complete."""

from __future__ import annotations

import hashlib
import shutil
import uuid
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from airflow_synapse_challenge.local_synapse.core.errors import Invalid, Missing, NotAllowed, require
from airflow_synapse_challenge.local_synapse.core.http import ANONYMOUS, Context, operation
from airflow_synapse_challenge.local_synapse.core.store import Json, Store, dump, load, tables

from . import handles

tables(
    """
    CREATE TABLE IF NOT EXISTS upload (
        id INTEGER PRIMARY KEY, user INTEGER NOT NULL, request_hash TEXT NOT NULL, request TEXT NOT NULL,
        parts TEXT NOT NULL, file_handle INTEGER, started_on TEXT NOT NULL);
    CREATE INDEX IF NOT EXISTS upload_hash ON upload (user, request_hash);
    """
)

SMALLEST_PART = 5 * 1024**2
LARGEST_PART = 5 * 1024**3
MOST_PARTS = 10_000
REQUEST_FIELDS = ("fileName", "contentType", "contentMD5Hex", "fileSizeBytes", "partSizeBytes", "storageLocationId")


def storage_routes(store: Store) -> list[Route]:
    """Return the route that takes parts."""

    async def put_part(request: Request) -> Response:
        upload, part = request.path_params["upload"], request.path_params["part"]
        if refusal := handles.verified(store, request, "PUT", f"parts/{upload}/{part}"):
            return refusal
        folder = store.files / "parts" / str(upload)
        folder.mkdir(parents=True, exist_ok=True)
        arriving = folder / f"{part}.{uuid.uuid4().hex}"
        digest = hashlib.md5(usedforsecurity=False)
        with arriving.open("wb") as target:
            async for chunk in request.stream():
                digest.update(chunk)
                target.write(chunk)
        arriving.replace(folder / str(part))
        (folder / f"{part}.md5").write_text(digest.hexdigest())
        return Response(headers={"ETag": f'"{digest.hexdigest()}"'})

    return [Route("/storage/parts/{upload:int}/{part:int}", put_part, methods=["PUT"])]


@operation("POST", "/file/v1/file/multipart", 200)
def begin(context: Context) -> Json:
    """Begin an upload, or go on with the one that an equal request began (F-01)."""
    store, body = context.store, context.body
    if context.user == ANONYMOUS:
        raise NotAllowed("Anonymous cannot upload files.")
    _check(body)
    wish = {key: body.get(key) for key in REQUEST_FIELDS}
    identity = hashlib.sha256(dump(wish).encode()).hexdigest()
    if context.query.get("forceRestart", "false").lower() == "true":
        store.run("DELETE FROM upload WHERE user = ? AND request_hash = ?", context.user, identity)
    row = store.one(
        "SELECT id FROM upload WHERE user = ? AND request_hash = ? ORDER BY id DESC", context.user, identity
    )
    if row is None:
        upload = store.next_id("upload")
        store.run(
            "INSERT INTO upload VALUES (?, ?, ?, ?, ?, NULL, ?)",
            upload,
            context.user,
            identity,
            dump(body),
            "0" * _count_parts(body),
            store.timestamp(),
        )
    else:
        upload = row["id"]
    return _status(store, upload)


def _check(body: Json) -> None:
    for name in ("fileName", "fileSizeBytes", "partSizeBytes", "contentMD5Hex"):
        require(body.get(name), f"MultipartUploadRequest.{name}")
    if body["fileSizeBytes"] < 1:
        raise Invalid("MultipartUploadRequest.fileSizeBytes must be at least 1 byte.")
    if not SMALLEST_PART <= body["partSizeBytes"] <= LARGEST_PART:
        raise Invalid(f"The part size must be between {SMALLEST_PART} and {LARGEST_PART} bytes.")
    if _count_parts(body) > MOST_PARTS:
        raise Invalid(f"File would need more than the maximum number of parts: {MOST_PARTS}")


def _count_parts(body: Json) -> int:
    return -(-int(body["fileSizeBytes"]) // int(body["partSizeBytes"]))


def _status(store: Store, upload: int) -> Json:
    row = store.one("SELECT * FROM upload WHERE id = ?", upload)
    if row is None:
        raise Missing(f"Cannot find an upload with id {upload}")
    return {
        "concreteType": f"{handles.MODEL}MultipartUploadStatus",
        "uploadId": str(upload),
        "startedBy": str(row["user"]),
        "startedOn": row["started_on"],
        "updatedOn": row["started_on"],
        "partsState": row["parts"],
        "state": "COMPLETED" if row["file_handle"] else "UPLOADING",
        "resultFileHandleId": str(row["file_handle"]) if row["file_handle"] else None,
    }


def _own(context: Context) -> tuple[int, Json, str]:
    upload = context.number("id")
    row = context.store.one("SELECT * FROM upload WHERE id = ?", upload)
    if row is None:
        raise Missing(f"Cannot find an upload with id {upload}")
    if row["user"] != context.user:
        raise NotAllowed("Only the user that started a multipart upload can get part upload pre-signed URLs")
    return upload, load(row["request"]), row["parts"]


def _checked_part(number: int, parts: str) -> int:
    if not 1 <= number <= len(parts):
        raise Invalid(f"Part numbers must be between 1 and {len(parts)}: {number}")
    return number


@operation("POST", "/file/v1/file/multipart/{id}/presigned/url/batch", 200)
def part_urls(context: Context) -> Json:
    """Return addresses for parts (F-03)."""
    upload, _, parts = _own(context)
    numbers = context.body.get("partNumbers") or []
    if not numbers:
        raise Invalid("BatchPresignedUploadUrlRequest.partNumbers must contain at least one value")
    return {
        "partPresignedUrls": [
            {
                "partNumber": _checked_part(number, parts),
                "uploadPresignedUrl": handles.presigned(
                    context.store, context.base, "PUT", f"parts/{upload}/{number}", handles.UPLOAD_SECONDS
                ),
                "signedHeaders": {},
            }
            for number in numbers
        ]
    }


@operation("PUT", "/file/v1/file/multipart/{id}/add/{part:int}", 201)
def add_part(context: Context) -> Json:
    """Count a part in if its content is what the caller says; a wrong MD5 is no HTTP error (F-03)."""
    upload, _, parts = _own(context)
    part = _checked_part(int(context.path["part"]), parts)
    found = _folder(context.store, upload) / f"{part}.md5"
    digest = found.read_text() if found.is_file() else None
    answer = {"uploadId": str(upload), "partNumber": part}
    if digest != context.query.get("partMD5Hex"):
        return answer | {
            "addPartState": "ADD_FAILED",
            "errorMessage": "The provided MD5 does not match the MD5 of the uploaded part."
            if digest
            else "The part was not uploaded.",
        }
    state = parts[: part - 1] + "1" + parts[part:]
    context.store.run("UPDATE upload SET parts = ? WHERE id = ?", state, upload)
    return answer | {"addPartState": "ADD_SUCCESS"}


@operation("PUT", "/file/v1/file/multipart/{id}/complete")
def complete(context: Context) -> Json:
    """Make the file of all parts (F-03)."""
    upload, request, parts = _own(context)
    missing = parts.count("0")
    if missing:
        raise Invalid(
            f"Missing {missing} part(s).  All parts must be successfully added before a file upload can be completed."
        )
    status = _status(context.store, upload)
    if status["state"] == "COMPLETED":
        return status
    path = _assembled(context.store, upload, len(parts))
    doc = {
        "concreteType": f"{handles.MODEL}S3FileHandle",
        "fileName": request["fileName"],
        "contentType": request.get("contentType") or "application/octet-stream",
        "contentMd5": request["contentMD5Hex"].lower(),
        "contentSize": path.stat().st_size,
        "storageLocationId": 1,
        "bucketName": "local-synapse",
        "key": path.name,
    }
    handle = handles.add(context.store, context.user, path, doc)
    context.store.run("UPDATE upload SET file_handle = ? WHERE id = ?", handle, upload)
    return _status(context.store, upload)


def _folder(store: Store, upload: int) -> Path:
    return store.files / "parts" / str(upload)


def _assembled(store: Store, upload: int, count: int) -> Path:
    folder = _folder(store, upload)
    path = store.files / f"{upload}-{uuid.uuid4().hex}"
    first = folder / "1"
    if not first.is_file():
        raise Invalid("The parts of this upload are gone; restart it with forceRestart=true.")
    first.replace(path)
    with path.open("ab") as target:
        for number in range(2, count + 1):
            with (folder / str(number)).open("rb") as source:
                shutil.copyfileobj(source, target)
    shutil.rmtree(folder)
    return path
