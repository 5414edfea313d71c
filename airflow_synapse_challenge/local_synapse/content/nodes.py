"""What every entity is: a row with a type, a place, an etag and versions; and who may do what with it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter

from airflow_synapse_challenge.local_synapse.core.bodies import Body, Long, shaped
from airflow_synapse_challenge.local_synapse.core.errors import Missing, NotAllowed, Refused
from airflow_synapse_challenge.local_synapse.core.http import ANONYMOUS
from airflow_synapse_challenge.local_synapse.core.store import Json, Store, dump, load, new_etag, tables
from airflow_synapse_challenge.local_synapse.people import access

from . import requirements

tables(
    """
    CREATE TABLE IF NOT EXISTS entity (
        id INTEGER PRIMARY KEY, parent INTEGER NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL, etag TEXT NOT NULL,
        version INTEGER NOT NULL, trashed_by INTEGER, doc TEXT NOT NULL, annotations TEXT NOT NULL DEFAULT '{}',
        last_version INTEGER NOT NULL DEFAULT 1);
    CREATE UNIQUE INDEX IF NOT EXISTS entity_name ON entity (parent, name) WHERE trashed_by IS NULL;
    CREATE INDEX IF NOT EXISTS entity_parent ON entity (parent, id);
    CREATE INDEX IF NOT EXISTS entity_modified ON entity (parent, json_extract(doc, '$.modifiedOn'), id);
    CREATE UNIQUE INDEX IF NOT EXISTS entity_alias ON entity (json_extract(doc, '$.alias') COLLATE NOCASE)
        WHERE json_extract(doc, '$.alias') IS NOT NULL AND trashed_by IS NULL;
    CREATE TABLE IF NOT EXISTS entity_version (
        entity INTEGER, version INTEGER, label TEXT NOT NULL, handle INTEGER, doc TEXT NOT NULL,
        annotations TEXT NOT NULL, activity TEXT, PRIMARY KEY (entity, version));
    CREATE UNIQUE INDEX IF NOT EXISTS entity_version_label ON entity_version (entity, label);
    CREATE INDEX IF NOT EXISTS entity_version_handle ON entity_version (handle) WHERE handle IS NOT NULL;
    CREATE INDEX IF NOT EXISTS entity_version_activity ON entity_version (activity) WHERE activity IS NOT NULL;
    """
)

ROOT = 4489
ZERO_ETAG = "00000000-0000-0000-0000-000000000000"
PREFIX = "org.sagebionetworks.repo.model."
PROJECT, FOLDER, FILE, LINK = (f"{PREFIX}{name}" for name in ("Project", "Folder", "FileEntity", "Link"))

#: Names of types that requests may hold, also of those that this Synapse does not have.
ENTITY_TYPES = (
    "project", "folder", "file", "table", "link", "entityview", "dockerrepo", "submissionview", "dataset",
    "datasetcollection", "materializedview", "virtualtable", "recordset", "searchindex",
)  # fmt: skip
#: Fields of every entity that are no part of its document: columns, or set by the server.
SERVER_FIELDS = (
    "id", "name", "parentId", "concreteType", "entityType", "etag", "createdOn", "createdBy", "modifiedOn",
    "modifiedBy", "versionNumber", "isLatestVersion", "uri", "accessControlList",
)  # fmt: skip
COMMON_FIELDS = ("description",)
VERSION_FIELDS = ("versionLabel", "versionComment")

Check = Callable[[Store, int, Json, Json | None], None]


class ReferenceBody(Body, total=False):
    """``Reference``: an entity, perhaps in a version."""

    targetId: str
    targetVersionNumber: Long


class ProjectBody(Body, total=False):
    """What a project has beside the fields of every entity."""

    alias: str


class FolderBody(Body, total=False):
    """A folder has nothing beside the fields of every entity."""


class LinkBody(Body, total=False):
    """What a link has beside the fields of every entity."""

    linksTo: ReferenceBody
    linksToClassName: str


class FileBody(Body, total=False):
    """What a file has beside the fields of every entity."""

    dataFileHandleId: str
    fileNameOverride: str


@dataclass(frozen=True)
class Kind:
    """
    A type of entity.

    :param short: name in ``EntityType``, for example ``file``.
    :param parents: concrete types that it may lie in; ``root`` stands for no parent (E-06).
    :param versioned: shows version fields.
    :param counted: counts toward the most children that a container has.
    :param check: refuses a body that the type cannot have; gets the store, the caller, the new document and the old
        one, ``None`` on creation.
    :param body: the fields that it has beside those of every entity, as a ``Body``; others are left out. Without it
        every field of a request is kept.
    """

    short: str
    parents: tuple[str, ...] = (PROJECT, FOLDER)
    versioned: bool = False
    counted: bool = False
    check: Check | None = None
    body: Any = None
    shape: TypeAdapter[Any] | None = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", TypeAdapter(self.body) if self.body is not None else None)

    def document(self, body: Json) -> Json:
        """Return what an entity of this type keeps of a request's body."""
        if self.shape is None:
            return {key: value for key, value in body.items() if key not in SERVER_FIELDS}
        known = {*self.body.__annotations__, *COMMON_FIELDS, *(VERSION_FIELDS if self.versioned else ())}
        return {key: value for key, value in shaped(self.shape, body).items() if key in known}


#: Every type of entity by its concrete type; other modules add theirs.
KINDS: dict[str, Kind] = {
    PROJECT: Kind("project", ("root",), body=ProjectBody),
    FOLDER: Kind("folder", counted=True, body=FolderBody),
    LINK: Kind("link", counted=True, body=LinkBody),
}


def row_of(store: Store, entity: int) -> sqlite3.Row:
    """Return the row of an entity that is there (E-08)."""
    row = store.one("SELECT * FROM entity WHERE id = ?", entity)
    if row is None:
        raise Missing(f"Resource: 'syn{entity}' does not exist")
    if row["trashed_by"] is not None:
        raise Missing(f"Entity syn{entity} is in trash can.")
    return row


def benefactor(store: Store, entity: int) -> int:
    """Return the entity whose list applies to this one."""
    found = store.value(
        "WITH RECURSIVE above(id, steps) AS (SELECT ?, 0 UNION ALL "
        "SELECT parent, steps + 1 FROM above JOIN entity ON entity.id = above.id) "
        "SELECT above.id FROM above JOIN acl ON kind = 'entity' AND object = above.id ORDER BY steps LIMIT 1",
        entity,
    )
    return ROOT if found is None else int(found)


def below(store: Store, entity: int) -> list[tuple[int, int]]:
    """Return everything below an entity that is not in the trash, with the number of steps to it."""
    rows = store.all(
        "WITH RECURSIVE below(id, steps) AS (SELECT ?, 0 UNION ALL SELECT entity.id, steps + 1 FROM below "
        "JOIN entity ON entity.parent = below.id AND trashed_by IS NULL) SELECT * FROM below WHERE steps > 0",
        entity,
    )
    return [(row["id"], row["steps"]) for row in rows]


def refusal(store: Store, row: sqlite3.Row, user: int, kind: str) -> Refused | None:
    """Return why a user lacks an access type on an entity that is there, ``None`` if they have it (E-16, E-19)."""
    try:
        if kind == "CREATE" or (kind == "UPDATE" and row["type"] != PROJECT):
            _require_known(user, kind)
            access.require_certified(store, user)
        _require_listed(store, row, user, kind)
    except Refused as refused:
        return refused
    return None


def _require_known(user: int, kind: str) -> None:
    if user == ANONYMOUS and kind != "READ":
        raise NotAllowed("Anonymous users have only READ access permission.")


def _require_listed(store: Store, row: sqlite3.Row, user: int, kind: str) -> None:
    if access.is_admin(store, user):
        return
    if kind == "DOWNLOAD" and requirements.rows_of(store, row["id"]):
        raise NotAllowed("There are unmet access requirements that must be met to read content in this container.")
    _require_known(user, kind)
    if kind == "CHANGE_SETTINGS" and load(row["doc"])["createdBy"] == str(user):
        return
    if not access.allowed(store, "entity", benefactor(store, row["id"]), user, kind):
        raise NotAllowed(f"You lack {kind} access to the requested entity.")


def passes(store: Store, entity: int, user: int, kind: str) -> bool:
    """Tell whether an entity is there and a user passes every check of an access type, the certificate too (E-19)."""
    row = store.one("SELECT * FROM entity WHERE id = ? AND trashed_by IS NULL", entity)
    return row is not None and refusal(store, row, user, kind) is None


def may(store: Store, entity: int, user: int, kind: str) -> bool:
    """Tell whether an entity is there and a user, certified or not, has an access type on it (E-16, E-19)."""
    row = store.one("SELECT * FROM entity WHERE id = ? AND trashed_by IS NULL", entity)
    if row is None:
        return False
    try:
        _require_listed(store, row, user, kind)
    except NotAllowed:
        return False
    return True


def require(store: Store, entity: int, user: int, kind: str) -> sqlite3.Row:
    """Return an entity's row, or refuse: existence first, then permission (E-08, E-19)."""
    row = row_of(store, entity)
    if refused := refusal(store, row, user, kind):
        raise refused
    return row


def show(row: sqlite3.Row) -> Json:
    """Return an entity as Synapse shows it."""
    return show_version(row, load(row["doc"]), row["version"])


def show_version(row: sqlite3.Row, doc: Json, version: int) -> Json:
    """Return an entity as it was in a version; old versions have the zero etag (E-04)."""
    latest = version == row["version"]
    shown = {
        **doc,
        "id": f"syn{row['id']}",
        "name": row["name"],
        "etag": row["etag"] if latest else ZERO_ETAG,
        "concreteType": row["type"],
        "parentId": f"syn{row['parent']}",
    }
    if KINDS[row["type"]].versioned:
        shown |= {"versionNumber": version, "versionLabel": label_of(doc, version), "isLatestVersion": latest}
    return shown


def label_of(doc: Json, version: int) -> str:
    """Return the label of a version; without one of its own it is the number (E-04)."""
    return str(doc.get("versionLabel") or version)


def keep_version(store: Store, entity: int) -> None:
    """Remember the current state as its version's state."""
    row = row_of(store, entity)
    doc = load(row["doc"])
    store.run(
        "INSERT INTO entity_version (entity, version, label, handle, doc, annotations) VALUES (?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (entity, version) DO UPDATE SET label = excluded.label, handle = excluded.handle, "
        "doc = excluded.doc, annotations = excluded.annotations",
        entity,
        row["version"],
        label_of(doc, row["version"]),
        doc.get("dataFileHandleId"),
        row["doc"],
        row["annotations"],
    )
    store.run("UPDATE entity SET last_version = max(last_version, version) WHERE id = ?", entity)


def write_doc(store: Store, entity: int, doc: Json) -> None:
    """Replace the document of the current version; the entity gets a new etag (E-03)."""
    store.run("UPDATE entity SET doc = ?, etag = ? WHERE id = ?", dump(doc), new_etag(), entity)
    keep_version(store, entity)


def touch(store: Store, entity: int) -> str:
    """Give an entity a new etag, as every change around it does (E-03)."""
    etag = new_etag()
    store.run("UPDATE entity SET etag = ? WHERE id = ?", etag, entity)
    return etag


def header(store: Store, row: sqlite3.Row, shared_by: int | None = None) -> Json:
    """
    Return ``EntityHeader`` of the current version.

    :param shared_by: the entity whose list applies, if the caller knows it already.
    """
    return header_of_version(store, row, load(row["doc"]), row["version"], shared_by)


def header_of_version(store: Store, row: sqlite3.Row, doc: Json, version: int, shared_by: int | None = None) -> Json:
    """Return ``EntityHeader`` of a version."""
    return {
        "id": f"syn{row['id']}",
        "name": row["name"],
        "type": row["type"],
        "versionNumber": version,
        "versionLabel": label_of(doc, version),
        "isLatestVersion": version == row["version"],
        "benefactorId": benefactor(store, row["id"]) if shared_by is None else shared_by,
        "createdOn": doc["createdOn"],
        "modifiedOn": doc["modifiedOn"],
        "createdBy": doc["createdBy"],
        "modifiedBy": doc["modifiedBy"],
    }
