"""Versions of entities: reading, listing, adding and deleting them (E-04)."""

from __future__ import annotations

import sqlite3

from airflow_synapse_challenge.local_synapse.core.errors import Invalid, Missing
from airflow_synapse_challenge.local_synapse.core.http import Context, operation, paginated
from airflow_synapse_challenge.local_synapse.core.store import Json, Store, dump, load, new_etag

from . import changes, nodes

LONGEST_NUMBER = 18


def asked_version(context: Context) -> int:
    """Return the version that a request's path names."""
    text = context.path["version"]
    if not (text.isascii() and text.isdecimal() and len(text) <= LONGEST_NUMBER):
        raise Invalid(f"version must be a whole number, not {text!r}")
    return int(text)


def kept_version(store: Store, row: sqlite3.Row, version: int) -> sqlite3.Row:
    """Return what is kept of a version of an entity."""
    found = store.one("SELECT * FROM entity_version WHERE entity = ? AND version = ?", row["id"], version)
    if found is None:
        raise Missing(f"Cannot find a node with id {row['id']} and version {version}")
    return found


def version_of(store: Store, entity: int, version: int) -> Json:
    """Return an entity as it was in a version; old versions have the zero etag (E-04)."""
    row = nodes.row_of(store, entity)
    return nodes.show_version(row, load(kept_version(store, row, version)["doc"]), version)


def add_version(store: Store, user: int, entity: int, fields: Json) -> int:
    """
    Begin a new version that holds the current state; return its number.

    :param fields: what is different in it; a field whose value is ``None`` is left out.
    """
    row = nodes.row_of(store, entity)
    version = changes.next_version(store, row)
    now = {"modifiedOn": store.timestamp(), "modifiedBy": str(user)}
    doc = {key: value for key, value in (load(row["doc"]) | fields | now).items() if value is not None}
    changes.require_free_label(store, entity, version, nodes.label_of(doc, version))
    store.run("UPDATE entity SET version = ?, etag = ?, doc = ? WHERE id = ?", version, new_etag(), dump(doc), entity)
    nodes.keep_version(store, entity)
    return version


@operation("GET", "/repo/v1/entity/{id}/version/{version}")
def get_version(context: Context) -> Json:
    """Read a version of an entity."""
    nodes.require(context.store, context.number("id"), context.user, "READ")
    return version_of(context.store, context.number("id"), asked_version(context))


@operation("GET", "/repo/v1/entity/{id}/version")
def list_versions(context: Context) -> Json:
    """List the versions of an entity, newest first."""
    store, entity = context.store, context.number("id")
    row = nodes.require(store, entity, context.user, "READ")
    offset, limit = context.page()
    rows = store.all(
        "SELECT version, label, entity_version.doc, file_handle.doc AS file, principal.name AS author "
        "FROM entity_version LEFT JOIN file_handle ON file_handle.id = handle "
        "LEFT JOIN principal ON principal.id = CAST(json_extract(entity_version.doc, '$.modifiedBy') AS INTEGER) "
        "WHERE entity = ? ORDER BY version DESC LIMIT ? OFFSET ?",
        entity,
        limit,
        offset,
    )
    return paginated([_version_info(row, found) for found in rows], offset, limit)


def _version_info(row: sqlite3.Row, found: sqlite3.Row) -> Json:
    doc, file = load(found["doc"]), load(found["file"] or "{}")
    return {
        "id": f"syn{row['id']}",
        "versionNumber": found["version"],
        "versionLabel": found["label"],
        "versionComment": doc.get("versionComment"),
        "isLatestVersion": found["version"] == row["version"],
        "modifiedBy": found["author"],
        "modifiedByPrincipalId": doc["modifiedBy"],
        "modifiedOn": doc["modifiedOn"],
        "contentMd5": file.get("contentMd5"),
        "contentSize": str(file["contentSize"]) if "contentSize" in file else None,
    }


@operation("DELETE", "/repo/v1/entity/{id}/version/{version}", 204)
def delete_version(context: Context) -> None:
    """Delete a version for good; the newest that is left becomes the current one (E-04)."""
    store, entity, version = context.store, context.number("id"), asked_version(context)
    row = nodes.require(store, entity, context.user, "DELETE")
    kept_version(store, row, version)
    if store.value("SELECT count(*) FROM entity_version WHERE entity = ?", entity) == 1:
        raise Invalid("Cannot delete the last version of a node")
    store.run("DELETE FROM entity_version WHERE entity = ? AND version = ?", entity, version)
    if version == row["version"]:
        store.run(
            "UPDATE entity SET (version, doc, annotations) = (SELECT version, doc, annotations FROM entity_version "
            "WHERE entity = id ORDER BY version DESC LIMIT 1) WHERE id = ?",
            entity,
        )
    nodes.touch(store, entity)
