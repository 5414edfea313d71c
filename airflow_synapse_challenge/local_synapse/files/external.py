"""File handles of files that lie elsewhere (F-09), and copies of file handles (F-10)."""

from __future__ import annotations

from typing import Any, Literal
from urllib.parse import urlsplit

from airflow_synapse_challenge.local_synapse.core.bodies import Body, Long
from airflow_synapse_challenge.local_synapse.core.errors import Invalid, NotAllowed, NotServed, require
from airflow_synapse_challenge.local_synapse.core.http import ANONYMOUS, Context, operation
from airflow_synapse_challenge.local_synapse.core.store import Json

from . import downloads, handles, storage_locations

CHANGES = ("view", "modify")
#: What file handles say that were made without saying it.
NOT_SET = "NOT_SET"
CONTENT_FIELDS = ("fileName", "contentType", "contentMd5", "contentSize", "storageLocationId")


class ExternalBody(Body, total=False):
    """``ExternalFileHandle`` or ``ExternalObjectStoreFileHandle``."""

    concreteType: Literal[
        "org.sagebionetworks.repo.model.file.ExternalFileHandle",
        "org.sagebionetworks.repo.model.file.ExternalObjectStoreFileHandle",
        "org.sagebionetworks.repo.model.file.ProxyFileHandle",
    ]
    externalURL: str
    fileKey: str
    fileName: str
    contentType: str
    contentMd5: str
    contentSize: Long
    storageLocationId: Long


class S3Body(Body, total=False):
    """``S3FileHandle`` of an object that its owner has put into a bucket."""

    concreteType: Literal["org.sagebionetworks.repo.model.file.S3FileHandle"]
    bucketName: str
    key: str
    fileName: str
    contentType: str
    contentMd5: str
    contentSize: Long
    storageLocationId: Long


class CopyBody(Body, total=False):
    """``FileHandleCopyRequest``."""

    originalFile: downloads.AssociationBody
    newFileName: str
    newContentType: str


class CopiesBody(Body, total=False):
    """``BatchFileHandleCopyRequest``."""

    copyRequests: list[CopyBody]


def _require_somebody(context: Context) -> None:
    if context.user == ANONYMOUS:
        raise NotAllowed("Anonymous cannot create file handles.")


@operation("POST", "/file/v1/externalFileHandle", 200, body=ExternalBody, scopes=CHANGES)
def post_external(context: Context) -> Json:
    """Register a file that lies elsewhere; answers 200, not 201 (F-09)."""
    _require_somebody(context)
    body = context.body
    kind = body.get("concreteType", handles.EXTERNAL)
    doc = {"concreteType": kind, "fileName": NOT_SET, "contentType": NOT_SET}
    doc |= {key: body[key] for key in CONTENT_FIELDS if key in body}
    if kind == handles.EXTERNAL:
        require(body.get("externalURL"), "externalURL")
        doc["externalURL"] = _checked_url(body["externalURL"])
    elif kind == handles.OBJECT_STORE:
        doc |= _in_object_store(context)
    else:
        raise NotServed("The local Synapse has no files behind a proxy.")
    return handles.show(context.store, handles.add(context.store, context.user, None, doc))


def _checked_url(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise Invalid(f"The externalURL is not a valid url: {url}") from error
    if not parts.scheme or not (parts.netloc or parts.path):
        raise Invalid(f"The externalURL is not a valid url: {url}")
    return url


def _in_object_store(context: Context) -> dict[str, Any]:
    for name in ("fileKey", "storageLocationId", "contentMd5", "contentSize"):
        require(context.body.get(name), name)
    location = storage_locations.location_of(context.store, context.body["storageLocationId"])
    if location["concreteType"] != storage_locations.OBJECT_STORE:
        raise Invalid(f"The storage location {location['storageLocationId']} is not an external object store.")
    return {
        "fileKey": context.body["fileKey"],
        "bucket": location["bucket"],
        "endpointUrl": location["endpointUrl"],
    }


@operation("POST", "/file/v1/externalFileHandle/s3", 200, body=S3Body, scopes=CHANGES)
def post_external_s3(context: Context) -> Json:
    """Register an object that lies in the bucket of a storage location of the caller's; nobody looks there."""
    _require_somebody(context)
    body = context.body
    for name in ("bucketName", "key", "storageLocationId"):
        require(body.get(name), name)
    location = storage_locations.require_own(context.store, context.user, body["storageLocationId"])
    if location["concreteType"] != storage_locations.EXTERNAL_S3 or location["bucket"] != body["bucketName"]:
        raise Invalid("The file handle's bucket is not that of its external S3 storage location.")
    doc = {"concreteType": handles.S3, "fileName": body["key"].rpartition("/")[2], "contentType": NOT_SET}
    doc |= {key: body[key] for key in (*CONTENT_FIELDS, "bucketName", "key") if key in body}
    return handles.show(context.store, handles.add(context.store, context.user, None, doc))


@operation("POST", "/file/v1/filehandles/copy", 200, body=CopiesBody, scopes=CHANGES)
def copy_handles(context: Context) -> Json:
    """Make file handles of the caller's own for the content of others; each fails by itself (F-10)."""
    _require_somebody(context)
    wanted = context.body.get("copyRequests")
    require(wanted, "copyRequests")
    if len(wanted) > downloads.MOST_ITEMS:
        raise Invalid(f"Request exceeds the maximum number of files: {downloads.MOST_ITEMS}")
    for request in wanted:
        require(request.get("originalFile"), "originalFile")
    originals = [request["originalFile"].get("fileHandleId") for request in wanted]
    if len(set(originals)) < len(originals):
        raise Invalid("Request contains duplicated FileHandleId.")
    return {"copyResults": [_copied(context, request) for request in wanted]}


def _copied(context: Context, request: Json) -> Json:
    handle, failure = downloads.permitted(context, request["originalFile"])
    if failure:
        return {"originalFileHandleId": str(handle), "failureCode": failure}
    doc = handles.show(context.store, handle)
    doc |= {"fileName": request.get("newFileName") or doc.get("fileName")}
    doc |= {"contentType": request.get("newContentType") or doc.get("contentType")}
    doc.pop("previewId", None)
    copy = handles.add(context.store, context.user, handles.path_of(context.store, handle), doc)
    return {"originalFileHandleId": str(handle), "newFileHandle": handles.show(context.store, copy)}
