"""Content of entities: the file handles of a file and of its versions (E-20)."""

from __future__ import annotations

from airflow_synapse_challenge.local_synapse.core.bodies import Body
from airflow_synapse_challenge.local_synapse.core.errors import Invalid, Missing, Stale, require
from airflow_synapse_challenge.local_synapse.core.http import Context, operation
from airflow_synapse_challenge.local_synapse.core.store import Json, Store, dump, load
from airflow_synapse_challenge.local_synapse.files import handles

from . import changes, nodes, versions

CHANGES = ("view", "modify")


class FileHandleUpdateBody(Body, total=False):
    """``FileHandleUpdateRequest``."""

    oldFileHandleId: str
    newFileHandleId: str


@handles.association("FileEntity")
def _through_file(store: Store, user: int, handle: int, entity: int) -> bool:
    linked = store.one("SELECT 1 FROM entity_version WHERE entity = ? AND handle = ?", entity, handle)
    return linked is not None and nodes.may(store, entity, user, "DOWNLOAD")


@handles.linked_by
def _linked(store: Store, handle: int) -> bool:
    return store.one("SELECT 1 FROM entity_version WHERE handle = ?", handle) is not None


def file_handles_of(store: Store, shown: Json, entity: int, user: int) -> list[Json]:
    """Return the file handles of an entity, none without DOWNLOAD (E-20)."""
    handle = shown.get("dataFileHandleId")
    if handle is None or not nodes.may(store, entity, user, "DOWNLOAD"):
        return []
    return [handles.show(store, int(handle))]


def file_name_of(store: Store, shown: Json) -> str | None:
    """Return the name of a file's content."""
    handle = shown.get("dataFileHandleId")
    return handles.show(store, int(handle)).get("fileName") if handle else None


@operation("GET", "/repo/v1/entity/{id}/filehandles")
def list_file_handles(context: Context) -> Json:
    """Read the file handles of an entity; needs DOWNLOAD (E-20)."""
    row = nodes.require(context.store, context.number("id"), context.user, "DOWNLOAD")
    return _results(context, nodes.show(row))


@operation("GET", "/repo/v1/entity/{id}/version/{version}/filehandles")
def list_file_handles_of_version(context: Context) -> Json:
    """Read the file handles of a version of an entity; needs DOWNLOAD (E-20)."""
    row = nodes.require(context.store, context.number("id"), context.user, "DOWNLOAD")
    return _results(context, versions.version_of(context.store, row["id"], versions.asked_version(context)))


def _results(context: Context, shown: Json) -> Json:
    if "dataFileHandleId" not in shown:
        raise Missing(f"{shown['id']} has no file handle.")
    return {"list": [handles.show(context.store, int(shown["dataFileHandleId"]))]}


@operation("PUT", "/repo/v1/entity/{id}/version/{version}/filehandle", body=FileHandleUpdateBody, scopes=CHANGES)
def put_file_handle(context: Context) -> None:
    """Give a version of a file another file handle of the same content, which is how files move between storages."""
    store, entity, version = context.store, context.number("id"), versions.asked_version(context)
    old, new = context.body.get("oldFileHandleId"), context.body.get("newFileHandleId")
    require(old, "oldFileHandleId")
    require(new, "newFileHandleId")
    row = nodes.require(store, entity, context.user, "UPDATE")
    if row["type"] != nodes.FILE:
        raise Invalid(f"The entity with id syn{entity} is not a FileEntity.")
    doc = load(versions.kept_version(store, row, version)["doc"])
    if old != doc["dataFileHandleId"]:
        raise Stale(f"The file handle of syn{entity} in version {version} is not {old}.")
    changes.require_own_handle(store, context.user, str(new))
    if not changes.same_content(store, str(old), str(new)):
        raise Stale(f"The content of {new} is not that of {old}: a new version must be created.")
    doc["dataFileHandleId"] = new
    store.run(
        "UPDATE entity_version SET doc = ?, handle = ? WHERE entity = ? AND version = ?",
        dump(doc),
        new,
        entity,
        version,
    )
    if version == row["version"]:
        store.run("UPDATE entity SET doc = ? WHERE id = ?", dump(doc), entity)
    nodes.touch(store, entity)
