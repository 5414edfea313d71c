"""Getting files: handles and addresses, one by one and in batches, and the storage that the addresses lead to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from airflow_synapse_challenge.local_synapse.core.bodies import Body
from airflow_synapse_challenge.local_synapse.core.errors import Invalid, Missing, NameTaken, NotAllowed, require
from airflow_synapse_challenge.local_synapse.core.http import Context, Redirect, as_id, error_response, operation
from airflow_synapse_challenge.local_synapse.core.store import Json, Store

from . import handles, presigned

MOST_ITEMS = 100
CHUNK = 1024 * 1024
ONE_RANGE = re.compile(r"bytes=(?:(\d+)-(\d*)|-(\d+))")


class AssociationBody(Body, total=False):
    """``FileHandleAssociation``."""

    fileHandleId: str
    associateObjectId: str
    associateObjectType: str


class BatchBody(Body, total=False):
    """``BatchFileRequest``."""

    requestedFiles: list[AssociationBody]
    includeFileHandles: bool
    includePreSignedURLs: bool
    includePreviewPreSignedURLs: bool


def storage_routes(store: Store) -> list[Route]:
    """Return the route that serves what is stored to presigned addresses."""

    async def get_file(request: Request) -> Response:
        handle = request.path_params["handle"]
        if refusal := presigned.verified(store, request, "GET", f"files/{handle}"):
            return refusal
        path = handles.path_of(store, handle)
        if path is None or not path.is_file():
            return error_response(404, "NoSuchKey")
        return _served(path, handles.show(store, handle), request)

    return [Route("/storage/files/{handle:int}", get_file, methods=["GET", "HEAD"])]


def _served(path: Path, doc: Json, request: Request) -> Response:
    size = path.stat().st_size
    name = doc.get("fileName", "file")
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": f'"{doc.get("contentMd5", "")}"',
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}",
    }
    start, end, status = 0, size - 1, 200
    if wanted := ONE_RANGE.fullmatch(request.headers.get("range", "")):
        start, end = _bounds(wanted, size)
        if start > end:
            return Response(status_code=416, headers={"Content-Range": f"bytes */{size}"})
        status = 206
        headers["Content-Range"] = f"bytes {start}-{end}/{size}"
    headers["Content-Length"] = str(end - start + 1)
    media_type = doc.get("contentType") or "application/octet-stream"
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers, media_type=media_type)
    return StreamingResponse(_chunks(path, start, end), status, headers=headers, media_type=media_type)


def _bounds(wanted: re.Match[str], size: int) -> tuple[int, int]:
    """Return the first and the last byte of a range; first after last if there is no such byte."""
    first, last, from_end = wanted.groups()
    if from_end is not None:
        return (max(0, size - int(from_end)), size - 1) if int(from_end) else (size, size - 1)
    end = min(int(last), size - 1) if last else size - 1
    return int(first), end


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


@operation("GET", "/file/v1/fileHandle/{handleId}")
def get_handle(context: Context) -> Json:
    """Read a file handle; only its creator may (F-07)."""
    return handles.show(context.store, _own_handle(context, "get the FileHandle"))


@operation("GET", "/file/v1/fileHandle/{handleId}/url", scopes=("download",))
def get_handle_url(context: Context) -> Redirect:
    """Find a file by its handle; only its creator may (F-07)."""
    handle = _own_handle(context, "get the URL of the file")
    return Redirect(handles.download_url(context.store, context.base, handle))


@operation("DELETE", "/file/v1/fileHandle/{handleId}", 200)
def delete_handle(context: Context) -> None:
    """Delete a file handle that nothing uses; nothing happens to an unknown one. Only its creator may."""
    store, handle = context.store, context.number("handleId")
    if store.one("SELECT 1 FROM file_handle WHERE id = ?", handle) is None:
        return
    _own_handle(context, "delete the FileHandle")
    if any(link(store, handle) for link in handles.LINKS):
        raise NameTaken(f"The file handle {handle} is in use.")
    path = handles.path_of(store, handle)
    store.run("DELETE FROM upload WHERE file_handle = ?", handle)
    store.run("DELETE FROM file_handle WHERE id = ?", handle)
    # Copies of a file handle share its content.
    if path and not store.one("SELECT 1 FROM file_handle WHERE path = ?", str(path.relative_to(store.files))):
        path.unlink(missing_ok=True)


def _own_handle(context: Context, what: str) -> int:
    handle = context.number("handleId")
    handles.show(context.store, handle)
    if not handles.is_own(context.store, context.user, handle):
        raise NotAllowed(f"Only the user that created the FileHandle can {what}.")
    return handle


@operation("GET", "/file/v1/file/{id}", scopes=("download",))
def get_associated(context: Context) -> Redirect:
    """Find a file through what it belongs to (F-07)."""
    handle = context.number("id")
    for name in ("fileAssociateType", "fileAssociateId"):
        require(context.query.get(name), name)
    handles.show(context.store, handle)
    object_id, kind = context.query["fileAssociateId"], context.query["fileAssociateType"]
    if not handles.may_download(context.store, context.user, handle, object_id, kind):
        raise NotAllowed(f"You are not authorized to access the FileHandle {handle}.")
    return Redirect(handles.download_url(context.store, context.base, handle))


@operation("POST", "/file/v1/fileHandle/batch", 201, body=BatchBody, scopes=("view", "download"), writes=False)
def get_batch(context: Context) -> Json:
    """Read handles and addresses of several files; each fails by itself (F-06)."""
    body = context.body
    wanted = body.get("requestedFiles")
    require(wanted, "requestedFiles")
    if len(wanted) > MOST_ITEMS:
        raise Invalid(f"Request exceeds the maximum number of files: {MOST_ITEMS}")
    if not any(body.get(f"include{part}") for part in ("FileHandles", "PreSignedURLs", "PreviewPreSignedURLs")):
        raise Invalid("Must include either FileHandles or pre-signed URLs or preview pre-signed URLs")
    return {"requestedFiles": [_batch_item(context, item) for item in wanted]}


def _batch_item(context: Context, item: Json) -> Json:
    handle, failure = permitted(context, item)
    if failure:
        return {"fileHandleId": str(handle), "failureCode": failure}
    result: Json = {"fileHandleId": str(handle)}
    if context.body.get("includeFileHandles"):
        result["fileHandle"] = handles.show(context.store, handle)
    if context.body.get("includePreSignedURLs"):
        result["preSignedURL"] = handles.download_url(context.store, context.base, handle)
    return result


def permitted(context: Context, item: Json) -> tuple[int, str | None]:
    """Return the file handle of a ``FileHandleAssociation`` and why the caller does not get it (F-06)."""
    for name in ("fileHandleId", "associateObjectId", "associateObjectType"):
        require(item.get(name), name)
    handle = as_id(item["fileHandleId"])
    try:
        handles.show(context.store, handle)
    except Missing:
        return handle, "NOT_FOUND"
    object_id, kind = item["associateObjectId"], item["associateObjectType"]
    if not handles.may_download(context.store, context.user, handle, object_id, kind):
        return handle, "UNAUTHORIZED"
    return handle, None
