"""File handles: what they are, whose they are, who may download them, where they can be downloaded."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from airflow_synapse_challenge.local_synapse.core.errors import Invalid, Missing
from airflow_synapse_challenge.local_synapse.core.http import ANONYMOUS, as_id
from airflow_synapse_challenge.local_synapse.core.store import Json, Store, dump, load, tables
from airflow_synapse_challenge.local_synapse.people import access

from .presigned import DOWNLOAD_SECONDS, UPLOAD_SECONDS, presigned, verified

tables(
    """
    CREATE TABLE IF NOT EXISTS file_handle (id INTEGER PRIMARY KEY, creator INTEGER NOT NULL, path TEXT, md5 TEXT,
        doc TEXT NOT NULL);
    CREATE INDEX IF NOT EXISTS file_handle_md5 ON file_handle (md5) WHERE md5 IS NOT NULL;
    CREATE INDEX IF NOT EXISTS file_handle_path ON file_handle (path) WHERE path IS NOT NULL;
    """
)

MODEL = "org.sagebionetworks.repo.model.file."
S3, GOOGLE, EXTERNAL, OBJECT_STORE = (
    f"{MODEL}{name}FileHandle" for name in ("S3", "GoogleCloud", "External", "ExternalObjectStore")
)
BUCKET = "local-synapse"
DEFAULT_LOCATION = 1
ASSOCIATE_TYPES = (
    "FileEntity", "TableEntity", "WikiAttachment", "WikiMarkdown", "UserProfileAttachment", "MessageAttachment",
    "TeamAttachment", "SubmissionAttachment", "VerificationSubmission", "AccessRequirementAttachment",
    "DataAccessRequestAttachment", "DataAccessSubmissionAttachment", "FormData",
)  # fmt: skip


def show(store: Store, handle: int) -> Json:
    """Return a file handle as Synapse shows it."""
    doc = store.value("SELECT doc FROM file_handle WHERE id = ?", handle)
    if doc is None:
        raise Missing(f"FileHandle with id {handle} does not exist")
    return load(doc)


def add(store: Store, creator: int, path: Path | None, doc: Json) -> int:
    """
    Store a file handle.

    :param path: where its content is, below the store's files; ``None`` if it is elsewhere.
    """
    handle, now = store.next_id("file_handle"), store.timestamp()
    stored = {
        **doc,
        "id": str(handle),
        "etag": str(uuid.uuid4()),
        "createdBy": str(creator),
        "createdOn": now,
        "modifiedOn": now,
        "status": "AVAILABLE",
    }
    if stored["concreteType"] in (S3, GOOGLE):
        stored["isPreview"] = False
    relative = str(path.relative_to(store.files)) if path else None
    md5 = stored["contentMd5"].lower() if stored.get("contentMd5") else None
    store.run("INSERT INTO file_handle VALUES (?, ?, ?, ?, ?)", handle, creator, relative, md5, dump(stored))
    return handle


def add_content(store: Store, creator: int, name: str, content_type: str, content: bytes) -> int:
    """Store content that the server made itself; return its file handle."""
    path = store.files / uuid.uuid4().hex
    path.write_bytes(content)
    doc = {
        "concreteType": S3,
        "fileName": name,
        "contentType": content_type,
        "contentMd5": hashlib.md5(content, usedforsecurity=False).hexdigest(),
        "contentSize": len(content),
        "storageLocationId": DEFAULT_LOCATION,
        "bucketName": BUCKET,
        "key": path.name,
    }
    return add(store, creator, path, doc)


def path_of(store: Store, handle: int) -> Path | None:
    """Return where the content of a file handle is, ``None`` if it is elsewhere."""
    relative = store.value("SELECT path FROM file_handle WHERE id = ?", handle)
    return store.files / relative if relative else None


#: Gets the store, the user, the file handle and the object that it belongs to.
Association = Callable[[Store, int, int, int], bool]
ASSOCIATIONS: dict[str, Association] = {}

#: Tells whether something uses a file handle.
Link = Callable[[Store, int], bool]
LINKS: list[Link] = []


def association(kind: str) -> Callable[[Association], Association]:
    """Register the function that tells who may download files that belong to a kind of object (F-05)."""

    def register(check: Association) -> Association:
        ASSOCIATIONS[kind] = check
        return check

    return register


def linked_by(check: Link) -> Link:
    """Register a function that tells whether a file handle is in use, so that it cannot be deleted."""
    LINKS.append(check)
    return check


def may_download(store: Store, user: int, handle: int, object_id: Any, kind: str) -> bool:
    """Tell whether a user has a file: as its creator, or through an association (F-05)."""
    if kind and kind not in ASSOCIATE_TYPES:
        raise Invalid(f"Unsupported associateObjectType: {kind}")
    creator = store.value("SELECT creator FROM file_handle WHERE id = ?", handle)
    if (creator == user and user != ANONYMOUS) or access.is_admin(store, user):
        return True
    check = ASSOCIATIONS.get(kind)
    if object_id is None or check is None:
        return False
    return check(store, user, handle, as_id(object_id))


def is_own(store: Store, user: int, handle: int) -> bool:
    """Tell whether a user made a file handle; administrators pass for everybody."""
    creator = store.value("SELECT creator FROM file_handle WHERE id = ?", handle)
    return creator == user or access.is_admin(store, user)


def download_url(store: Store, base: str, handle: int) -> str:
    """Return where a file is for the next seconds; external files are where they are."""
    doc = show(store, handle)
    if doc["concreteType"] == EXTERNAL:
        return str(doc["externalURL"])
    if doc["concreteType"] == OBJECT_STORE:
        return f"{doc['endpointUrl'].rstrip('/')}/{doc['bucket']}/{doc['fileKey']}"
    return presigned(store, base, "GET", f"files/{handle}", DOWNLOAD_SECONDS)


@association("SubmissionAttachment")
def _through_submission(store: Store, user: int, handle: int, submission: int) -> bool:
    row = store.one("SELECT evaluation, files FROM submission WHERE id = ?", submission)
    if row is None or str(handle) not in load(row["files"]):
        return False
    return access.allowed(store, "evaluation", row["evaluation"], user, "READ_PRIVATE_SUBMISSION")


@linked_by
def _submitted(store: Store, handle: int) -> bool:
    found = "SELECT 1 FROM submission, json_each(submission.files) AS file WHERE file.value = ? LIMIT 1"
    return store.one(found, str(handle)) is not None


__all__ = [
    "DOWNLOAD_SECONDS",
    "UPLOAD_SECONDS",
    "add",
    "add_content",
    "association",
    "download_url",
    "linked_by",
    "may_download",
    "path_of",
    "presigned",
    "show",
    "verified",
]
