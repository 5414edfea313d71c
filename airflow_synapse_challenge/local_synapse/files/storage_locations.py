"""Storage locations: where people want files to be kept, though uploads to them stay on this machine."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from pydantic import TypeAdapter

from airflow_synapse_challenge.local_synapse.core.bodies import Body, shaped
from airflow_synapse_challenge.local_synapse.core.errors import Invalid, Missing, NotAllowed, require
from airflow_synapse_challenge.local_synapse.core.http import ANONYMOUS, Context, operation
from airflow_synapse_challenge.local_synapse.core.store import Json, Store, dump, load, new_etag, tables
from airflow_synapse_challenge.local_synapse.people import access

from . import handles

tables(
    """
    CREATE TABLE IF NOT EXISTS storage_location (
        id INTEGER PRIMARY KEY, creator INTEGER NOT NULL, identity TEXT NOT NULL, doc TEXT NOT NULL,
        UNIQUE (creator, identity));
    """
)

CHANGES = ("view", "modify")
MODEL = "org.sagebionetworks.repo.model.project."
SHORTEST_SECRET = 36
LocationTypeName = Literal[
    "org.sagebionetworks.repo.model.project.S3StorageLocationSetting",
    "org.sagebionetworks.repo.model.project.ExternalS3StorageLocationSetting",
    "org.sagebionetworks.repo.model.project.ExternalGoogleCloudStorageLocationSetting",
    "org.sagebionetworks.repo.model.project.ExternalStorageLocationSetting",
    "org.sagebionetworks.repo.model.project.ExternalObjectStorageLocationSetting",
    "org.sagebionetworks.repo.model.project.ProxyStorageLocationSettings",
]
UploadType = Literal["S3", "GOOGLECLOUDSTORAGE", "SFTP", "HTTPS", "PROXYLOCAL", "NONE"]


class LocationBody(Body, total=False):
    """``StorageLocationSetting``: the fields of every type."""

    concreteType: LocationTypeName
    uploadType: UploadType
    banner: str
    description: str


class S3Body(LocationBody, total=False):
    """``S3StorageLocationSetting``."""

    baseKey: str
    stsEnabled: bool


class ExternalS3Body(S3Body, total=False):
    """``ExternalS3StorageLocationSetting``."""

    bucket: str
    endpointUrl: str


class GoogleBody(LocationBody, total=False):
    """``ExternalGoogleCloudStorageLocationSetting``."""

    bucket: str
    baseKey: str


class ExternalBody(LocationBody, total=False):
    """``ExternalStorageLocationSetting``."""

    url: str
    supportsSubfolders: bool


class ObjectStoreBody(LocationBody, total=False):
    """``ExternalObjectStorageLocationSetting``."""

    bucket: str
    endpointUrl: str


class ProxyBody(LocationBody, total=False):
    """``ProxyStorageLocationSettings``."""

    proxyUrl: str
    secretKey: str
    benefactorId: str


@dataclass(frozen=True)
class LocationType:
    """
    A type of storage location.

    :param body: its fields.
    :param required: those that it cannot be without.
    :param upload_type: unless the request says otherwise.
    :param handle: type of the file handles that uploads make; ``None`` where clients upload by themselves.
    """

    body: Any
    required: tuple[str, ...]
    upload_type: str
    handle: str | None = None
    shape: TypeAdapter[Any] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", TypeAdapter(self.body))


S3, EXTERNAL_S3, GOOGLE, EXTERNAL, OBJECT_STORE, PROXY = get_args(LocationTypeName)
TYPES = {
    S3: LocationType(S3Body, (), "S3", handles.S3),
    EXTERNAL_S3: LocationType(ExternalS3Body, ("bucket",), "S3", handles.S3),
    GOOGLE: LocationType(GoogleBody, ("bucket",), "GOOGLECLOUDSTORAGE", handles.GOOGLE),
    EXTERNAL: LocationType(ExternalBody, ("url",), "SFTP"),
    OBJECT_STORE: LocationType(ObjectStoreBody, ("bucket", "endpointUrl"), "S3"),
    PROXY: LocationType(ProxyBody, ("proxyUrl", "secretKey"), "SFTP"),
}
#: Synapse's own storage, which is nobody's.
DEFAULT: Json = {
    "concreteType": S3,
    "storageLocationId": handles.DEFAULT_LOCATION,
    "uploadType": "S3",
    "stsEnabled": False,
}


def location_of(store: Store, location: int) -> Json:
    """Return a storage location."""
    if location == handles.DEFAULT_LOCATION:
        return DEFAULT
    doc = store.value("SELECT doc FROM storage_location WHERE id = ?", location)
    if doc is None:
        raise Missing(f"The storage location with id {location} does not exist")
    return load(doc)


def require_own(store: Store, user: int, location: int) -> Json:
    """Return a storage location of the caller's."""
    doc = location_of(store, location)
    if doc.get("createdBy") != user and not access.is_admin(store, user):
        raise NotAllowed("Only the creator of a storage location can access its settings.")
    return doc


def place_of(store: Store, location: int) -> Json:
    """Return what file handles say of the place of an upload."""
    doc = location_of(store, location)
    kind = TYPES[doc["concreteType"]]
    if kind.handle is None:
        raise Invalid(f"Files of the storage location {location} are not uploaded through Synapse.")
    return {
        "concreteType": kind.handle,
        "bucketName": doc.get("bucket", handles.BUCKET),
        "baseKey": doc.get("baseKey"),
    }


@operation("POST", "/repo/v1/storageLocation", 201, body=LocationBody, scopes=CHANGES)
def post_location(context: Context) -> Json:
    """Register a storage location; an equal one of the same user is the same one."""
    store, user = context.store, context.user
    if user == ANONYMOUS:
        raise NotAllowed("Anonymous users cannot create storage locations.")
    doc = _checked(context.body)
    identity = hashlib.sha256(dump(dict(sorted(doc.items()))).encode()).hexdigest()
    known = store.value("SELECT doc FROM storage_location WHERE creator = ? AND identity = ?", user, identity)
    if known is not None:
        return load(known)
    location, now = store.next_id("storage_location"), store.now()
    if doc["concreteType"] == S3 and doc.get("stsEnabled"):
        doc["baseKey"] = f"{user}/{round(now.timestamp() * 1000)}"
    doc |= {"storageLocationId": location, "etag": new_etag(), "createdOn": store.timestamp(), "createdBy": user}
    store.run("INSERT INTO storage_location VALUES (?, ?, ?, ?)", location, user, identity, dump(doc))
    return doc


def _checked(body: Json) -> Json:
    """Return what a storage location keeps of a request."""
    require(body.get("concreteType"), "concreteType")
    kind = TYPES[body["concreteType"]]
    known = kind.body.__annotations__
    doc = {"uploadType": kind.upload_type}
    doc |= {key: value for key, value in shaped(kind.shape, body).items() if key in known}
    for name in kind.required:
        require(doc.get(name), name)
    if kind.body is ProxyBody and len(doc["secretKey"]) < SHORTEST_SECRET:
        raise Invalid(f"SecretKey must be at least: {SHORTEST_SECRET} characters but was: {len(doc['secretKey'])}")
    return doc


@operation("GET", "/repo/v1/storageLocation/{id}")
def get_location(context: Context) -> Json:
    """Read a storage location; only its creator may."""
    return require_own(context.store, context.user, context.number("id"))


@operation("GET", "/repo/v1/storageLocation")
def list_locations(context: Context) -> Json:
    """List the storage locations of the caller."""
    rows = context.store.all("SELECT doc FROM storage_location WHERE creator = ? ORDER BY id", context.user)
    return {"concreteType": f"{MODEL}StorageLocationSetting", "list": [load(row["doc"]) for row in rows]}
