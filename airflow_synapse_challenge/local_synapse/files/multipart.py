"""Multipart upload and copy: begin or resume, put parts to presigned addresses, add, complete (F-01 to F-04)."""

from __future__ import annotations

import hashlib
import sqlite3
import uuid
from typing import Literal

from airflow_synapse_challenge.local_synapse.core.bodies import Body, Long
from airflow_synapse_challenge.local_synapse.core.errors import Invalid, Missing, NotAllowed, require
from airflow_synapse_challenge.local_synapse.core.http import ANONYMOUS, Context, operation
from airflow_synapse_challenge.local_synapse.core.store import Json, Store, dump, load

from . import downloads, handles, parts, storage_locations

CHANGES = ("view", "modify")
SMALLEST_PART = 5 * 1024**2
LARGEST_PART = 5 * 1024**3
MOST_PARTS = 10_000
LARGEST_FILE = 5_497_558_138_880
UPLOAD, COPY = (f"{handles.MODEL}Multipart{name}Request" for name in ("Upload", "UploadCopy"))


class MultipartBody(Body, total=False):
    """``MultipartUploadRequest`` or ``MultipartUploadCopyRequest``."""

    concreteType: Literal[
        "org.sagebionetworks.repo.model.file.MultipartUploadRequest",
        "org.sagebionetworks.repo.model.file.MultipartUploadCopyRequest",
    ]
    fileName: str
    contentType: str
    contentMD5Hex: str
    fileSizeBytes: Long
    partSizeBytes: Long
    storageLocationId: Long
    generatePreview: bool
    sourceFileHandleAssociation: downloads.AssociationBody


class PartNumbersBody(Body, total=False):
    """``BatchPresignedUploadUrlRequest``."""

    uploadId: str
    partNumbers: list[Long]
    contentType: str


@operation("POST", "/file/v1/file/multipart", 201, body=MultipartBody, scopes=CHANGES)
def begin(context: Context) -> Json:
    """Begin an upload or a copy, or go on with the one that an equal request began (F-01)."""
    store, user = context.store, context.user
    if user == ANONYMOUS:
        raise NotAllowed("Anonymous cannot upload files.")
    wish = {"concreteType": UPLOAD} | {
        key: context.body[key] for key in MultipartBody.__annotations__ if key in context.body
    }
    plan = _planned_copy(context, wish) if wish["concreteType"] == COPY else _planned_upload(store, wish)
    identity = hashlib.sha256(dump(wish).encode()).hexdigest()
    if context.flag("forceRestart"):
        _forget(store, user, identity)
    begun = store.value("SELECT id FROM upload WHERE user = ? AND request_hash = ?", user, identity)
    return _status(store, begun or _begun(store, user, identity, plan))


def _planned_upload(store: Store, wish: Json) -> Json:
    """Return what an upload will make, if the request is one that may be made (F-02)."""
    for name in ("fileName", "fileSizeBytes", "partSizeBytes", "contentMD5Hex"):
        require(wish.get(name), f"MultipartUploadRequest.{name}")
    if wish["fileSizeBytes"] < 1:
        raise Invalid("MultipartUploadRequest.fileSizeBytes must be at least 1 byte.")
    plan = {
        "fileName": wish["fileName"],
        "contentType": wish.get("contentType") or "application/octet-stream",
        "contentMd5": wish["contentMD5Hex"].lower(),
        "contentSize": wish["fileSizeBytes"],
    }
    return _with_place(store, wish, plan)


def _planned_copy(context: Context, wish: Json) -> Json:
    """Return what a copy will make; the caller needs the source's content and an own place for it."""
    store, association = context.store, wish.get("sourceFileHandleAssociation")
    require(association, "MultipartUploadCopyRequest.sourceFileHandleAssociation")
    require(wish.get("partSizeBytes"), "MultipartUploadCopyRequest.partSizeBytes")
    handle, failure = downloads.permitted(context, association or {})
    if failure == "NOT_FOUND":
        raise Missing(f"FileHandle with id {handle} does not exist")
    if failure:
        raise NotAllowed(f"You are not authorized to access the FileHandle {handle}.")
    if handles.path_of(store, handle) is None:
        raise Invalid(f"The file handle {handle} is not stored here and cannot be copied.")
    location = wish.get("storageLocationId", handles.DEFAULT_LOCATION)
    if location != handles.DEFAULT_LOCATION:
        storage_locations.require_own(store, context.user, location)
    source = handles.show(store, handle)
    plan = {key: source[key] for key in ("fileName", "contentType", "contentMd5", "contentSize")}
    return _with_place(store, wish, plan | {"fileName": wish.get("fileName") or source["fileName"], "source": handle})


def _with_place(store: Store, wish: Json, plan: Json) -> Json:
    """Add where the content goes and how long its parts are (F-02)."""
    size, part_size = plan["contentSize"], wish["partSizeBytes"]
    if not SMALLEST_PART <= part_size <= LARGEST_PART:
        raise Invalid(f"The part size must be between {SMALLEST_PART} and {LARGEST_PART} bytes.")
    if size > LARGEST_FILE:
        raise Invalid(f"The maximum file size is {LARGEST_FILE} bytes.")
    if -(-size // part_size) > MOST_PARTS:
        raise Invalid(f"File would need more than the maximum number of parts: {MOST_PARTS}")
    location = wish.get("storageLocationId", handles.DEFAULT_LOCATION)
    return plan | storage_locations.place_of(store, location) | {"partSize": part_size, "storageLocationId": location}


def _begun(store: Store, user: int, identity: str, plan: Json) -> int:
    upload, now = store.next_id("upload"), store.timestamp()
    store.run(
        "INSERT INTO upload VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, ?, ?)",
        upload,
        user,
        identity,
        dump(plan),
        uuid.uuid4().hex,
        plan["contentSize"],
        plan["partSize"],
        plan.get("source"),
        "0" * -(-plan["contentSize"] // plan["partSize"]),
        now,
        now,
    )
    return upload


def _forget(store: Store, user: int, identity: str) -> None:
    """Forget the uploads that an equal request began; what they have made stays."""
    for row in store.all("SELECT * FROM upload WHERE user = ? AND request_hash = ?", user, identity):
        parts.end(row["id"])
        store.run("DELETE FROM upload_part WHERE upload = ?", row["id"])
        store.run("DELETE FROM upload WHERE id = ?", row["id"])
        if row["file_handle"] is None:
            (store.files / row["path"]).unlink(missing_ok=True)


def _status(store: Store, upload: int) -> Json:
    row = store.one("SELECT * FROM upload WHERE id = ?", upload)
    assert row is not None
    return {
        "uploadId": str(upload),
        "startedBy": str(row["user"]),
        "startedOn": row["started_on"],
        "updatedOn": row["updated_on"],
        "partsState": row["parts"],
        "state": "COMPLETED" if row["file_handle"] else "UPLOADING",
        "resultFileHandleId": str(row["file_handle"]) if row["file_handle"] else None,
    }


def _own(context: Context) -> sqlite3.Row:
    upload = context.number("id")
    row = context.store.one("SELECT * FROM upload WHERE id = ?", upload)
    if row is None:
        raise Missing(f"Cannot find an upload with id {upload}")
    if row["user"] != context.user:
        raise NotAllowed("Only the user that started a multipart upload can get part upload pre-signed URLs")
    return row


def _checked_part(number: int, states: str) -> int:
    if not 1 <= number <= len(states):
        raise Invalid(f"Part numbers must be between 1 and {len(states)}: {number}")
    return number


@operation(
    "POST",
    "/file/v1/file/multipart/{id}/presigned/url/batch",
    201,
    body=PartNumbersBody,
    scopes=CHANGES,
    writes=False,
)
def part_urls(context: Context) -> Json:
    """Return addresses for parts (F-03)."""
    row, numbers = _own(context), context.body.get("partNumbers")
    if not numbers:
        raise Invalid("BatchPresignedUploadUrlRequest.partNumbers must contain at least one value")
    content_type = context.body.get("contentType")
    headers = {"Content-Type": content_type} if content_type else {}
    return {
        "partPresignedUrls": [
            {
                "partNumber": _checked_part(number, row["parts"]),
                "uploadPresignedUrl": handles.presigned(
                    context.store,
                    context.base,
                    "PUT",
                    f"parts/{row['id']}/{number}",
                    handles.UPLOAD_SECONDS,
                    content_type,
                ),
                "signedHeaders": headers,
            }
            for number in numbers
        ]
    }


@operation("PUT", "/file/v1/file/multipart/{id}/add/{part}", 201, scopes=CHANGES)
def add_part(context: Context) -> Json:
    """Count a part in if its content is what the caller says; a wrong MD5 is no HTTP error (F-03)."""
    row = _own(context)
    number = _checked_part(context.number("part"), row["parts"])
    wanted = context.query.get("partMD5Hex")
    require(wanted, "partMD5Hex")
    if row["file_handle"] is not None:
        raise Invalid("Cannot add parts to completed file upload.")
    md5 = context.store.value("SELECT md5 FROM upload_part WHERE upload = ? AND number = ?", row["id"], number)
    answer = {"uploadId": str(row["id"]), "partNumber": number}
    if md5 is None:
        return answer | {"addPartState": "ADD_FAILED", "errorMessage": "The part was not uploaded."}
    if md5 != str(wanted).lower():
        reason = "The provided MD5 does not match the MD5 of the uploaded part."
        return answer | {"addPartState": "ADD_FAILED", "errorMessage": reason}
    parts.set_part(context.store, row["id"], row["parts"], number, "1")
    return answer | {"addPartState": "ADD_SUCCESS"}


@operation("PUT", "/file/v1/file/multipart/{id}/complete", 201, scopes=CHANGES)
def complete(context: Context) -> Json:
    """Make the file of all parts (F-03)."""
    store, row = context.store, _own(context)
    if row["file_handle"] is not None:
        return _status(store, row["id"])
    if missing := row["parts"].count("0"):
        raise Invalid(
            f"Missing {missing} part(s).  All parts must be successfully added before a file upload can be completed."
        )
    doc = {key: value for key, value in load(row["request"]).items() if key not in ("partSize", "source")}
    doc["key"] = "/".join(filter(None, [doc.pop("baseKey", None), row["path"]]))
    handle = handles.add(store, context.user, store.files / row["path"], doc)
    parts.end(row["id"])
    store.run("DELETE FROM upload_part WHERE upload = ?", row["id"])
    store.run("UPDATE upload SET file_handle = ?, updated_on = ? WHERE id = ?", handle, store.timestamp(), row["id"])
    return _status(store, row["id"])
