"""Where the files of a project or a folder go: its setting, and what clients are told before they upload (F-09)."""

from __future__ import annotations

import sqlite3
import uuid
from typing import Any, Literal
from urllib.parse import quote

from airflow_synapse_challenge.local_synapse.content import changes, nodes
from airflow_synapse_challenge.local_synapse.core.bodies import Body, Long
from airflow_synapse_challenge.local_synapse.core.errors import Invalid, Missing, NotServed, Stale, require
from airflow_synapse_challenge.local_synapse.core.http import Context, as_id, operation
from airflow_synapse_challenge.local_synapse.core.store import Json, Store, dump, load, new_etag, tables

from . import handles, storage_locations

tables(
    """
    CREATE TABLE IF NOT EXISTS project_setting (id INTEGER PRIMARY KEY, entity INTEGER NOT NULL UNIQUE,
        doc TEXT NOT NULL);
    """
)

CHANGES = ("view", "modify")
SETTING = f"{storage_locations.MODEL}UploadDestinationListSetting"
TYPE = "upload"
MOST_LOCATIONS = 10


class SettingBody(Body, total=False):
    """``UploadDestinationListSetting``."""

    concreteType: Literal["org.sagebionetworks.repo.model.project.UploadDestinationListSetting"]
    id: str
    etag: str
    projectId: str
    settingsType: Literal["upload"]
    locations: list[Long]


def locations_of(store: Store, entity: int) -> list[int]:
    """Return the storage locations of an entity, the default one first: its own setting or the nearest above it."""
    for place in changes.ancestors(store, entity):
        doc = store.value("SELECT doc FROM project_setting WHERE entity = ?", place)
        if doc is not None:
            return list(load(doc)["locations"])
    return [handles.DEFAULT_LOCATION]


@operation("POST", "/repo/v1/projectSettings", 201, body=SettingBody, scopes=CHANGES)
def post_setting(context: Context) -> Json:
    """Set where the files of a project or a folder go."""
    store, body = context.store, context.body
    require(body.get("projectId"), "projectId")
    row = nodes.require(store, as_id(body["projectId"]), context.user, "CREATE")
    if row["type"] not in (nodes.PROJECT, nodes.FOLDER):
        raise Invalid("The id is not the id of a project or folder entity")
    if store.one("SELECT 1 FROM project_setting WHERE entity = ?", row["id"]):
        raise Invalid(f"A project setting of type '{TYPE}' for project syn{row['id']} already exists.")
    identity = store.next_id("project_setting")
    doc = {
        "concreteType": SETTING,
        "id": str(identity),
        "etag": new_etag(),
        "projectId": f"syn{row['id']}",
        "settingsType": TYPE,
        "locations": _checked_locations(store, body),
    }
    store.run("INSERT INTO project_setting VALUES (?, ?, ?)", identity, row["id"], dump(doc))
    return doc


def _checked_locations(store: Store, body: Json) -> list[int]:
    locations: list[int] = body.get("locations") or []
    if not locations:
        raise Invalid("locations is required and must not be empty.")
    if len(locations) > MOST_LOCATIONS:
        raise Invalid(f"The maximum number of locations is: {MOST_LOCATIONS}")
    for location in locations:
        storage_locations.location_of(store, location)
    return locations


@operation("PUT", "/repo/v1/projectSettings", 200, body=SettingBody, scopes=CHANGES)
def put_setting(context: Context) -> None:
    """Change where the files of a project or a folder go, under the setting's etag."""
    store, body = context.store, context.body
    require(body.get("id"), "id")
    row = _row_of(store, as_id(body["id"]))
    nodes.require(store, row["entity"], context.user, "UPDATE")
    old = load(row["doc"])
    if as_id(body.get("projectId", old["projectId"])) != row["entity"]:
        raise Invalid("The project of a setting cannot change.")
    if body.get("etag") != old["etag"]:
        raise Stale(f"Project setting: {old['id']} has been updated since you last fetched it; retrieve it again")
    doc = old | {"etag": new_etag(), "locations": _checked_locations(store, body)}
    store.run("UPDATE project_setting SET doc = ? WHERE id = ?", dump(doc), row["id"])


def _row_of(store: Store, setting: int) -> sqlite3.Row:
    row = store.one("SELECT * FROM project_setting WHERE id = ?", setting)
    if row is None:
        raise Missing(f"The project setting with id {setting} does not exist")
    return row


@operation("GET", "/repo/v1/projectSettings/{id}")
def get_setting(context: Context) -> Json:
    """Read a setting."""
    row = _row_of(context.store, context.number("id"))
    nodes.require(context.store, row["entity"], context.user, "READ")
    return load(row["doc"])


@operation("GET", "/repo/v1/projectSettings/{projectId}/type/{type}")
def get_setting_of(context: Context) -> Json | None:
    """Read the setting that applies to a project or a folder, its own or the nearest above it; nothing without one."""
    if context.path["type"] != TYPE:
        raise Invalid(f"{context.path['type']} is not a type of project settings.")
    row = nodes.require(context.store, context.number("projectId"), context.user, "READ")
    for place in changes.ancestors(context.store, row["id"]):
        doc = context.store.value("SELECT doc FROM project_setting WHERE entity = ?", place)
        if doc is not None:
            return load(doc)
    return None


@operation("DELETE", "/repo/v1/projectSettings/{id}", 204)
def delete_setting(context: Context) -> None:
    """Let the files of a project or a folder go where they would without the setting."""
    row = _row_of(context.store, context.number("id"))
    nodes.require(context.store, row["entity"], context.user, "DELETE")
    context.store.run("DELETE FROM project_setting WHERE id = ?", row["id"])


@operation("GET", "/file/v1/entity/{id}/uploadDestination")
def get_destination(context: Context) -> Json:
    """Tell where files that are put into an entity go (F-09)."""
    return _destination(context, _locations(context)[0])


@operation("GET", "/file/v1/entity/{id}/uploadDestination/{storageLocationId}")
def get_destination_of_location(context: Context) -> Json:
    """Tell where files go that are put into one of an entity's storage locations."""
    _locations(context)
    return _destination(context, context.number("storageLocationId"))


@operation("GET", "/file/v1/entity/{id}/uploadDestinations")
def list_destinations(context: Context) -> Json:
    """List where files that are put into an entity may go."""
    found = [_destination(context, location) for location in _locations(context)]
    return {"concreteType": f"{handles.MODEL}UploadDestination", "list": found}


@operation("GET", "/file/v1/entity/{id}/uploadDestinationLocations")
def list_locations(context: Context) -> Json:
    """List the storage locations of an entity."""
    found = [storage_locations.location_of(context.store, location) for location in _locations(context)]
    shown = [{key: doc.get(key) for key in ("storageLocationId", "uploadType", "description")} for doc in found]
    return {"concreteType": f"{handles.MODEL}UploadDestinationLocation", "list": shown}


def _locations(context: Context) -> list[int]:
    row = nodes.require(context.store, context.number("id"), context.user, "READ")
    return locations_of(context.store, row["id"])


def _destination(context: Context, location: int) -> Json:
    """Return ``UploadDestination``."""
    doc = storage_locations.location_of(context.store, location)
    shown = {key: doc.get(key) for key in ("storageLocationId", "uploadType", "banner")}
    name, own = _own_fields(context, doc)
    return shown | {"concreteType": f"{handles.MODEL}{name}UploadDestination"} | own


def _own_fields(context: Context, doc: Json) -> tuple[str, dict[str, Any]]:
    """Return the name of a destination's type, and its fields beside those of every destination."""
    match doc["concreteType"]:
        case storage_locations.S3:
            return "S3", {"baseKey": doc.get("baseKey"), "stsEnabled": doc.get("stsEnabled", False)}
        case storage_locations.EXTERNAL_S3:
            fields = {key: doc.get(key) for key in ("bucket", "baseKey", "endpointUrl")}
            return "ExternalS3", {**fields, "stsEnabled": doc.get("stsEnabled", False)}
        case storage_locations.GOOGLE:
            return "ExternalGoogleCloud", {key: doc.get(key) for key in ("bucket", "baseKey")}
        case storage_locations.OBJECT_STORE:
            fields = {key: doc.get(key) for key in ("bucket", "endpointUrl")}
            return "ExternalObjectStore", {**fields, "keyPrefixUUID": str(uuid.uuid4())}
        case storage_locations.EXTERNAL:
            return "External", {"url": _external_url(context, doc)}
    raise NotServed("The local Synapse has no uploads through a proxy.")


def _external_url(context: Context, doc: Json) -> str:
    """Return a new address below that of a storage location, in a folder for each that the entity lies in if asked."""
    steps = []
    if doc.get("supportsSubfolders"):
        places = reversed(changes.ancestors(context.store, context.number("id")))
        steps = [quote(nodes.row_of(context.store, place)["name"]) for place in places]
    return "/".join([doc["url"].rstrip("/"), *steps, str(uuid.uuid4())])
