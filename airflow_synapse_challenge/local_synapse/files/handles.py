"""File handles, who may download them, and presigned URLs."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from airflow_synapse_challenge.local_synapse.content import entities
from airflow_synapse_challenge.local_synapse.core.errors import Invalid, Missing, NotAllowed
from airflow_synapse_challenge.local_synapse.core.http import Context, Redirect, Text, as_id, error_response, operation
from airflow_synapse_challenge.local_synapse.core.store import Json, Store, dump, load, tables
from airflow_synapse_challenge.local_synapse.people import access

tables(
    """
    CREATE TABLE IF NOT EXISTS file_handle (id INTEGER PRIMARY KEY, creator INTEGER NOT NULL, path TEXT,
        doc TEXT NOT NULL);
    """
)

MODEL = "org.sagebionetworks.repo.model.file."
DOWNLOAD_SECONDS = 30
UPLOAD_SECONDS = 900
MOST_ITEMS = 100
CHUNK = 1024 * 1024


def show(store: Store, handle: int) -> Json:
    """Return a file handle as Synapse shows it."""
    row = store.one("SELECT doc FROM file_handle WHERE id = ?", handle)
    if row is None:
        raise Missing(f"FileHandle with id {handle} does not exist")
    return load(row["doc"])


def add(store: Store, creator: int, path: Path | None, doc: Json) -> int:
    """Store a file handle."""
    handle = store.next_id("file_handle")
    stored = {
        **doc,
        "id": str(handle),
        "etag": hashlib.md5(str(handle).encode(), usedforsecurity=False).hexdigest(),
        "createdBy": str(creator),
        "createdOn": store.timestamp(),
        "status": "AVAILABLE",
        "isPreview": False,
    }
    relative = str(path.relative_to(store.files)) if path else None
    store.run("INSERT INTO file_handle VALUES (?, ?, ?, ?)", handle, creator, relative, dump(stored))
    return handle


#: Gets the store, the user, the file handle and the object that it belongs to.
Association = Callable[[Store, int, int, int], bool]
ASSOCIATIONS: dict[str, Association] = {}


def association(kind: str) -> Callable[[Association], Association]:
    """Register the function that tells who may download files that belong to a kind of object (F-05)."""

    def register(check: Association) -> Association:
        ASSOCIATIONS[kind] = check
        return check

    return register


def may_download(store: Store, user: int, handle: int, object_id: Any, kind: str) -> bool:
    """Tell whether an association gives a user a file (F-05)."""
    if store.value("SELECT creator FROM file_handle WHERE id = ?", handle) == user or access.is_admin(store, user):
        return True
    if object_id is None:
        return False
    check = ASSOCIATIONS.get(kind)
    if check is None:
        raise Invalid(f"Unsupported associateObjectType: {kind}")
    return check(store, user, handle, as_id(object_id))


@association("FileEntity")
def _through_file(store: Store, user: int, handle: int, entity: int) -> bool:
    versions = store.all("SELECT doc FROM entity_version WHERE entity = ?", entity)
    linked = any(load(row["doc"]).get("dataFileHandleId") == str(handle) for row in versions)
    return linked and entities.may(store, entity, user, "DOWNLOAD")


@association("SubmissionAttachment")
def _through_submission(store: Store, user: int, handle: int, submission: int) -> bool:
    row = store.one("SELECT evaluation, files FROM submission WHERE id = ?", submission)
    if row is None or str(handle) not in load(row["files"]):
        return False
    return access.allowed(store, "evaluation", row["evaluation"], user, "READ_PRIVATE_SUBMISSION")


@association("MessageAttachment")
def _through_message(store: Store, user: int, handle: int, message: int) -> bool:
    row = store.one("SELECT sender, doc FROM message WHERE id = ?", message)
    if row is None or load(row["doc"]).get("fileHandleId") != str(handle):
        return False
    delivered = store.one("SELECT 1 FROM delivery WHERE message = ? AND principal = ?", message, user)
    return row["sender"] == user or delivered is not None


def presigned(store: Store, base: str, verb: str, target: str, seconds: int) -> str:
    """Return an address that works without a token for a while (F-08)."""
    now = store.now()
    query = {
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Date": now.strftime("%Y%m%dT%H%M%SZ"),
        "X-Amz-Expires": str(seconds),
        "X-Amz-SignedHeaders": "host",
        "expires": str(int((now + timedelta(seconds=seconds)).timestamp())),
    }
    query["X-Amz-Signature"] = _signature(store, verb, target, query["expires"])
    return f"{base}/storage/{target}?{urlencode(query)}"


def _signature(store: Store, verb: str, target: str, expires: str) -> str:
    secret = store.setting("storage_secret") or ""
    return hmac.new(secret.encode(), f"{verb}\n{target}\n{expires}".encode(), hashlib.sha256).hexdigest()


def download_url(store: Store, base: str, handle: int) -> str:
    """Return where a file is for the next seconds; external files are where they are."""
    doc = show(store, handle)
    if "externalURL" in doc:
        return str(doc["externalURL"])
    return presigned(store, base, "GET", f"files/{handle}", DOWNLOAD_SECONDS)


def verified(store: Store, request: Request, verb: str, target: str) -> Response | None:
    """Return the refusal of a presigned address, ``None`` for a good one."""
    expires = request.query_params.get("expires", "0")
    good = hmac.compare_digest(
        _signature(store, verb, target, expires), request.query_params.get("X-Amz-Signature", "")
    )
    if not good:
        return error_response(403, "SignatureDoesNotMatch")
    if store.now().timestamp() > int(expires):
        return error_response(403, "AccessDenied: Request has expired")
    return None


def storage_routes(store: Store) -> list[Route]:
    """Return the routes that stand for Synapse's object store."""

    async def get_file(request: Request) -> Response:
        handle = int(request.path_params["handle"])
        if refusal := verified(store, request, "GET", f"files/{handle}"):
            return refusal
        row = store.one("SELECT path, doc FROM file_handle WHERE id = ?", handle)
        if row is None or row["path"] is None:
            return error_response(404, "NoSuchKey")
        return _served(store.files / row["path"], load(row["doc"]), request.headers.get("range"))

    return [Route("/storage/files/{handle:int}", get_file, methods=["GET"])]


def _served(path: Path, doc: Json, wanted: str | None) -> Response:
    size = path.stat().st_size
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": f'"{doc.get("contentMd5", "")}"',
        "Content-Disposition": f'attachment; filename="{doc.get("fileName", "file")}"'.encode(
            "ascii", "replace"
        ).decode(),
    }
    start, end, status = 0, size - 1, 200
    if wanted and wanted.startswith("bytes="):
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        start = int(first) if first else max(0, size - int(last))
        end = min(int(last), size - 1) if first and last else size - 1
        if start > end:
            return Response(status_code=416, headers={"Content-Range": f"bytes */{size}"})
        status = 206
        headers["Content-Range"] = f"bytes {start}-{end}/{size}"
    headers["Content-Length"] = str(end - start + 1)
    media_type = doc.get("contentType") or "application/octet-stream"
    return StreamingResponse(_chunks(path, start, end), status, headers=headers, media_type=media_type)


def _chunks(path: Path, start: int, end: int) -> Iterator[bytes]:
    with path.open("rb") as source:
        source.seek(start)
        left = end - start + 1
        while left > 0:
            chunk = source.read(min(CHUNK, left))
            if not chunk:
                return
            left -= len(chunk)
            yield chunk


@operation("GET", "/file/v1/fileHandle/{id}")
@operation("GET", "/repo/v1/fileHandle/{id}")
def get_handle(context: Context) -> Json:
    """Read a file handle; only its creator may (F-07)."""
    return _own_handle(context, "get the FileHandle")


@operation("GET", "/file/v1/fileHandle/{id}/url")
@operation("GET", "/repo/v1/fileHandle/{id}/url")
def get_handle_url(context: Context) -> Redirect:
    """Find a file by its handle; only its creator may (F-07)."""
    handle = _own_handle(context, "get the URL of the file")
    return Redirect(download_url(context.store, context.base, int(handle["id"])))


def _own_handle(context: Context, what: str) -> Json:
    handle = show(context.store, context.number("id"))
    if handle["createdBy"] != str(context.user) and not access.is_admin(context.store, context.user):
        raise NotAllowed(f"Only the user that created the FileHandle can {what}.")
    return handle


@operation("GET", "/file/v1/file/{id}")
def get_associated(context: Context) -> Redirect:
    """Find a file through what it belongs to (F-07)."""
    handle = context.number("id")
    show(context.store, handle)
    if not may_download(
        context.store,
        context.user,
        handle,
        context.query.get("fileAssociateId"),
        context.query.get("fileAssociateType", ""),
    ):
        raise NotAllowed(f"You are not authorized to access the FileHandle {handle}.")
    return Redirect(download_url(context.store, context.base, handle))


@operation("POST", "/file/v1/fileHandle/batch", 201)
def get_batch(context: Context) -> Json:
    """Read handles and addresses of several files; each fails by itself (F-06)."""
    body = context.body
    wanted = body.get("requestedFiles") or []
    if len(wanted) > MOST_ITEMS:
        raise Invalid(f"Request exceeds the maximum number of files: {MOST_ITEMS}")
    with_handles, with_urls = body.get("includeFileHandles"), body.get("includePreSignedURLs")
    if not (with_handles or with_urls or body.get("includePreviewPreSignedURLs")):
        raise Invalid("Must include either FileHandles or pre-signed URLs or preview pre-signed URLs")
    return {"requestedFiles": [_batch_item(context, item, with_handles, with_urls) for item in wanted]}


def _batch_item(context: Context, item: Json, with_handle: Any, with_url: Any) -> Json:
    handle = as_id(item["fileHandleId"])
    result: Json = {"fileHandleId": str(handle)}
    try:
        doc = show(context.store, handle)
    except Missing:
        return result | {"failureCode": "NOT_FOUND"}
    kind = item.get("associateObjectType", "")
    if not may_download(context.store, context.user, handle, item.get("associateObjectId"), kind):
        return result | {"failureCode": "UNAUTHORIZED"}
    if with_handle:
        result["fileHandle"] = doc
    if with_url:
        result["preSignedURL"] = download_url(context.store, context.base, handle)
    return result


@operation("POST", "/file/v1/externalFileHandle", 200)
def post_external(context: Context) -> Json:
    """Register a file that lies elsewhere; answers 200, not 201 (F-09)."""
    if "externalURL" not in context.body:
        raise Invalid("externalURL is required.")
    doc = {"concreteType": f"{MODEL}ExternalFileHandle", **context.body}
    return show(context.store, add(context.store, context.user, None, doc))


@operation("GET", "/file/v1/entity/{id}/uploadDestination")
def get_destination(context: Context) -> Json:
    """Where files of a project go: Synapse's own storage (F-09)."""
    return {
        "concreteType": f"{MODEL}S3UploadDestination",
        "storageLocationId": 1,
        "uploadType": "S3",
        "banner": "",
        "stsEnabled": False,
    }


@operation("GET", "/file/v1/entity/{id}/uploadDestinationLocations")
def get_locations(context: Context) -> Json:
    """The storage locations of a project."""
    return {"list": [{"storageLocationId": 1, "uploadType": "S3"}]}


@operation("GET", "/file/v1/entity/{id}/uploadDestination/{location}")
def get_destination_by_location(context: Context) -> Json:
    """A storage location of a project."""
    if context.path["location"] != "1":
        raise Missing(f"Storage location {context.path['location']} does not exist")
    destination: Json = get_destination(context)
    return destination


__all__ = ["Text", "add", "download_url", "may_download", "show", "storage_routes"]
