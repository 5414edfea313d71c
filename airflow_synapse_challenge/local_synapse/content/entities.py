"""Projects, folders, files and links: creation, versions, names, moves, trash."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from airflow_synapse_challenge.local_synapse.core.errors import Invalid, Missing, NameTaken, NotAllowed, Stale
from airflow_synapse_challenge.local_synapse.core.http import ANONYMOUS, Context, as_id, operation, paginated
from airflow_synapse_challenge.local_synapse.core.store import Json, Store, dump, load, new_etag, tables
from airflow_synapse_challenge.local_synapse.people import access

from . import annotation_rules

tables(
    """
    CREATE TABLE IF NOT EXISTS entity (
        id INTEGER PRIMARY KEY, parent INTEGER NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL, etag TEXT NOT NULL,
        version INTEGER NOT NULL, trashed_by INTEGER, doc TEXT NOT NULL, annotations TEXT NOT NULL DEFAULT '{}');
    CREATE UNIQUE INDEX IF NOT EXISTS entity_name ON entity (parent, name) WHERE trashed_by IS NULL;
    CREATE TABLE IF NOT EXISTS entity_version (
        entity INTEGER, version INTEGER, doc TEXT NOT NULL, annotations TEXT NOT NULL, activity TEXT,
        PRIMARY KEY (entity, version));
    CREATE TABLE IF NOT EXISTS activity (id TEXT PRIMARY KEY, creator INTEGER, doc TEXT NOT NULL);
    """
)

ROOT = 4489
ZERO_ETAG = "00000000-0000-0000-0000-000000000000"
PREFIX = "org.sagebionetworks.repo.model."
PROJECT, FOLDER, FILE, LINK = (f"{PREFIX}{name}" for name in ("Project", "Folder", "FileEntity", "Link"))
NAME = re.compile(r"[a-zA-Z0-9,_. \-+()']{1,256}")
MOST_CHILDREN = 10_000
SERVER_FIELDS = (
    "id", "etag", "createdOn", "createdBy", "modifiedOn", "modifiedBy", "versionNumber", "isLatestVersion", "uri",
    "accessControlList", "entityType",
)  # fmt: skip


Check = Callable[[Store, int, Json, Json | None], None]


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
    """

    short: str
    parents: tuple[str, ...] = (PROJECT, FOLDER)
    versioned: bool = False
    counted: bool = False
    check: Check | None = None


#: Every type of entity by its concrete type; other modules add theirs.
KINDS: dict[str, Kind] = {
    PROJECT: Kind("project", ("root",)),
    FOLDER: Kind("folder", counted=True),
    LINK: Kind("link", counted=True),
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
    current = entity
    while current != ROOT:
        if store.one("SELECT 1 FROM acl WHERE kind = 'entity' AND object = ?", current):
            return current
        current = int(store.value("SELECT parent FROM entity WHERE id = ?", current))
    return ROOT


def may(store: Store, entity: int, user: int, kind: str) -> bool:
    """Tell whether a user has an access type on an entity (E-19)."""
    if kind == "DOWNLOAD" and user == ANONYMOUS:
        return False
    return access.allowed(store, "entity", benefactor(store, entity), user, kind)


def require(store: Store, entity: int, user: int, kind: str) -> sqlite3.Row:
    """Return an entity's row, or refuse: existence first, then permission (E-08, E-19)."""
    row = row_of(store, entity)
    if kind in ("UPDATE", "CREATE", "DELETE") and row["type"] != PROJECT:
        access.require_certified(store, user)
    if not may(store, entity, user, kind):
        raise NotAllowed(f"You lack {kind} access to the requested entity.")
    return row


def show(row: sqlite3.Row) -> Json:
    """Return an entity as Synapse shows it."""
    doc = load(row["doc"])
    shown = {
        **doc,
        "id": f"syn{row['id']}",
        "name": row["name"],
        "etag": row["etag"],
        "concreteType": row["type"],
        "parentId": f"syn{row['parent']}",
        "uri": f"/repo/v1/entity/syn{row['id']}",
    }
    if KINDS[row["type"]].versioned:
        shown |= {
            "versionNumber": row["version"],
            "versionLabel": doc.get("versionLabel", str(row["version"])),
            "isLatestVersion": True,
        }
    return shown


def create(store: Store, user: int, body: Json) -> int:
    """Make an entity as a user (E-01, E-02, E-05, E-06, E-07)."""
    kind = body.get("concreteType") or body.get("entityType")
    if kind not in KINDS:
        raise Invalid(f"Unknown or unsupported concreteType: {kind}")
    if user == ANONYMOUS:
        raise NotAllowed("Anonymous users cannot create entities.")
    parent = _checked_parent(store, user, kind, body.get("parentId"))
    entity = store.next_id("entity")
    name = checked_name(body.get("name") or f"syn{entity}")
    _require_free_name(store, parent, name)
    now = store.timestamp()
    doc = {key: value for key, value in body.items() if key not in (*SERVER_FIELDS, "name", "parentId", "concreteType")}
    doc |= {"createdOn": now, "createdBy": str(user), "modifiedOn": now, "modifiedBy": str(user)}
    _check(kind, store, user, doc, None)
    store.run(
        "INSERT INTO entity (id, parent, name, type, etag, version, doc) VALUES (?, ?, ?, ?, ?, 1, ?)",
        entity,
        parent,
        name,
        kind,
        new_etag(),
        dump(doc),
    )
    if kind == PROJECT:
        access.write_acl(store, "entity", entity, [{"principalId": user, "accessType": access.ENTITY_ADMIN}])
    keep_version(store, entity)
    return entity


def _check(kind: str, store: Store, user: int, doc: Json, old: Json | None) -> None:
    if check := KINDS[kind].check:
        check(store, user, doc, old)


def _checked_parent(store: Store, user: int, kind: str, parent_id: Any) -> int:
    if kind == PROJECT:
        if parent_id not in (None, f"syn{ROOT}"):
            raise Invalid("Entity type: project cannot have a parent other than the root.")
        return ROOT
    access.require_certified(store, user)
    if parent_id is None:
        raise Invalid("parentId is required.")
    parent = require(store, as_id(parent_id), user, "CREATE")
    if parent["type"] not in KINDS[kind].parents:
        raise Invalid(f"Entity type: {KINDS[kind].short} cannot have a parent of type: {KINDS[parent['type']].short}")
    children = store.value("SELECT count(*) FROM entity WHERE parent = ? AND trashed_by IS NULL", parent["id"])
    if KINDS[kind].counted and children >= MOST_CHILDREN:
        raise Invalid(f"Limit of {MOST_CHILDREN} children exceeded for parent: syn{parent['id']}")
    return int(parent["id"])


def checked_name(name: str) -> str:
    """Return a name that an entity or an evaluation may have (E-01)."""
    name = str(name).strip()
    if not NAME.fullmatch(name):
        raise Invalid(
            f"Invalid Name: '{name}'. Names may only contain: letters, numbers, spaces, underscores, hyphens, periods, "
            "plus signs, apostrophes, and parentheses"
        )
    return name


def _require_free_name(store: Store, parent: int, name: str, but: int | None = None) -> None:
    taken = store.value("SELECT id FROM entity WHERE parent = ? AND name = ? AND trashed_by IS NULL", parent, name)
    if taken not in (None, but):
        raise NameTaken(f"An entity with the name: {name} already exists with a parentId: syn{parent}")


def _check_file(store: Store, user: int, doc: Json, old: Json | None) -> None:
    """A file's content belongs to whoever sets it (E-05)."""
    handle = doc.get("dataFileHandleId")
    if old is not None and handle == old.get("dataFileHandleId"):
        return
    if handle is None:
        raise Invalid("FileEntity.dataFileHandleId cannot be null")
    creator = store.value("SELECT creator FROM file_handle WHERE id = ?", as_id(handle))
    if creator is None:
        raise Missing(f"FileHandle with id {handle} does not exist")
    if creator != user and not access.is_admin(store, user):
        raise NotAllowed(f"Only the creator of a FileHandle can assign it to an Entity. FileHandle {handle}")


KINDS[FILE] = Kind("file", versioned=True, counted=True, check=_check_file)


def keep_version(store: Store, entity: int) -> None:
    """Remember the current state as its version's state."""
    row = row_of(store, entity)
    store.run(
        "INSERT INTO entity_version VALUES (?, ?, ?, ?, NULL) ON CONFLICT (entity, version) "
        "DO UPDATE SET doc = excluded.doc, annotations = excluded.annotations",
        entity,
        row["version"],
        dump(load(row["doc"]) | {"name": row["name"]}),
        row["annotations"],
    )


def touch(store: Store, entity: int) -> str:
    """Give an entity a new etag, as every change around it does (E-03)."""
    etag = new_etag()
    store.run("UPDATE entity SET etag = ? WHERE id = ?", etag, entity)
    return etag


def update(store: Store, user: int, entity: int, body: Json, *, new_version: bool) -> Json:
    """Replace an entity under its etag (E-03, E-04, E-15)."""
    row = require(store, entity, user, "UPDATE")
    if body.get("etag") != row["etag"]:
        raise Stale(
            f"Object: syn{entity} was updated since you last fetched it, retrieve it again and re-apply the update"
        )
    old = load(row["doc"])
    parent = as_id(body["parentId"]) if "parentId" in body else row["parent"]
    if parent != row["parent"]:
        _require_move(store, user, entity, parent)
    name = checked_name(body.get("name") or row["name"])
    _require_free_name(store, parent, name, but=entity)
    doc = {key: value for key, value in body.items() if key not in (*SERVER_FIELDS, "name", "parentId", "concreteType")}
    doc |= {"createdOn": old["createdOn"], "createdBy": old["createdBy"]}
    doc |= {"modifiedOn": store.timestamp(), "modifiedBy": str(user)}
    _check(row["type"], store, user, doc, old)
    version = row["version"]
    if row["type"] == FILE:
        changed = doc.get("dataFileHandleId") != old.get("dataFileHandleId")
        if new_version or (changed and not _same_content(store, old, doc)):
            version = 1 + store.value("SELECT max(version) FROM entity_version WHERE entity = ?", entity)
            if doc.get("versionLabel") == old.get("versionLabel", str(row["version"])):
                doc.pop("versionLabel", None)
                doc.pop("versionComment", None)
    store.run(
        "UPDATE entity SET parent = ?, name = ?, etag = ?, version = ?, doc = ? WHERE id = ?",
        parent,
        name,
        new_etag(),
        version,
        dump(doc),
        entity,
    )
    keep_version(store, entity)
    return show(row_of(store, entity))


def _require_move(store: Store, user: int, entity: int, parent: int) -> None:
    row_of(store, parent)
    if not may(store, parent, user, "CREATE"):
        raise NotAllowed("You cannot move content into the new location, you lack CREATE access there.")
    if not may(store, entity, user, "CHANGE_PERMISSIONS"):
        raise NotAllowed("CHANGE_PERMISSIONS is required to move to a new location")


def _same_content(store: Store, old: Json, new: Json) -> bool:
    sums = [
        load(store.value("SELECT doc FROM file_handle WHERE id = ?", as_id(doc["dataFileHandleId"]))).get("contentMd5")
        for doc in (old, new)
    ]
    return sums[0] is not None and sums[0] == sums[1]


def version_of(store: Store, entity: int, version: int) -> Json:
    """Return an entity as it was in a version; old versions have the zero etag (E-04)."""
    row = row_of(store, entity)
    if version == row["version"]:
        return show(row)
    found = store.one("SELECT doc FROM entity_version WHERE entity = ? AND version = ?", entity, version)
    if found is None:
        raise Missing(f"Cannot find a node with id {entity} and version {version}")
    return {
        **show(row),
        **load(found["doc"]),
        "etag": ZERO_ETAG,
        "versionNumber": version,
        "isLatestVersion": False,
    }


@operation("POST", "/repo/v1/entity", 201)
def post_entity(context: Context) -> Json:
    """Make an entity."""
    entity = create(context.store, context.user, context.body)
    if generated := context.query.get("generatedBy"):
        set_activity(context.store, entity, generated)
    return show(row_of(context.store, entity))


@operation("GET", "/repo/v1/entity/{id}")
def get_entity(context: Context) -> Json:
    """Read an entity."""
    return show(require(context.store, context.number("id"), context.user, "READ"))


@operation("GET", "/repo/v1/entity/{id}/version/{version:int}")
def get_version(context: Context) -> Json:
    """Read a version of an entity."""
    require(context.store, context.number("id"), context.user, "READ")
    return version_of(context.store, context.number("id"), int(context.path["version"]))


@operation("GET", "/repo/v1/entity/{id}/version")
def list_versions(context: Context) -> Json:
    """List the versions of an entity, newest first."""
    entity = context.number("id")
    row = require(context.store, entity, context.user, "READ")
    offset, limit = context.page()
    rows = context.store.all(
        "SELECT version, doc FROM entity_version WHERE entity = ? ORDER BY version DESC LIMIT ? OFFSET ?",
        entity,
        limit,
        offset,
    )
    versions = [
        {
            "id": f"syn{entity}",
            "name": row["name"],
            "versionNumber": found["version"],
            "versionLabel": load(found["doc"]).get("versionLabel", str(found["version"])),
            "modifiedOn": load(found["doc"])["modifiedOn"],
            "isLatestVersion": found["version"] == row["version"],
        }
        for found in rows
    ]
    return paginated(versions, offset, limit)


@operation("PUT", "/repo/v1/entity/{id}")
def put_entity(context: Context) -> Json:
    """Replace an entity."""
    entity = context.number("id")
    shown = update(
        context.store,
        context.user,
        entity,
        context.body,
        new_version=context.query.get("newVersion", "false").lower() == "true",
    )
    if generated := context.query.get("generatedBy"):
        set_activity(context.store, entity, generated)
        shown = show(row_of(context.store, entity))
    return shown


@operation("DELETE", "/repo/v1/entity/{id}", 204)
def delete_entity(context: Context) -> None:
    """Move an entity with everything below it to the trash; nothing happens to unknown ones (E-12)."""
    store, entity = context.store, context.number("id")
    row = store.one("SELECT * FROM entity WHERE id = ? AND trashed_by IS NULL", entity)
    if row is None:
        return
    require(store, entity, context.user, "DELETE")
    pending = [entity]
    while pending:
        current = pending.pop()
        store.run("UPDATE entity SET trashed_by = ? WHERE id = ?", context.user, current)
        store.run("DELETE FROM acl WHERE kind = 'entity' AND object = ?", current)
        pending += [
            child["id"] for child in store.all("SELECT id FROM entity WHERE parent = ? AND trashed_by IS NULL", current)
        ]


@operation("POST", "/repo/v1/entity/child", 200)
def find_child(context: Context) -> Json:
    """Look a child up by name; no parent means projects (E-13)."""
    store = context.store
    parent_id, name = context.body.get("parentId"), context.body.get("entityName")
    parent = as_id(parent_id) if parent_id else ROOT
    if parent != ROOT:
        require(store, parent, context.user, "READ")
    child = store.value("SELECT id FROM entity WHERE parent = ? AND name = ? AND trashed_by IS NULL", parent, name)
    if child is None:
        raise Missing(f"Child not found for parent: '{parent_id}' with name: '{name}'")
    require(store, int(child), context.user, "READ")
    return {"id": f"syn{child}"}


@operation("POST", "/repo/v1/entity/children", 200)
def list_children(context: Context) -> Json:
    """List the children that the caller may read (E-14)."""
    store, body = context.store, context.body
    if not body.get("includeTypes"):
        raise Invalid("EntityChildrenRequest.includeTypes must include at least one type")
    parent = as_id(body["parentId"]) if "parentId" in body else ROOT
    if parent != ROOT:
        require(store, parent, context.user, "READ")
    limit, offset = 50, 0
    if token := body.get("nextPageToken"):
        limit, offset = (int(part) for part in token.split("a"))
    wanted = [name for name, kind in KINDS.items() if kind.short in body["includeTypes"]]
    rows = store.all(
        f"SELECT * FROM entity WHERE parent = ? AND trashed_by IS NULL AND type IN ({','.join('?' * len(wanted))}) "
        f"ORDER BY {'id' if body.get('sortBy') == 'CREATED_ON' else 'name'} "
        f"{'DESC' if body.get('sortDirection') == 'DESC' else 'ASC'}",
        parent,
        *wanted,
    )
    visible = [row for row in rows if may(store, row["id"], context.user, "READ")]
    page = visible[offset : offset + limit]
    answer: Json = {"page": [entity_header(store, row) for row in page]}
    if len(visible) > offset + limit:
        answer["nextPageToken"] = f"{limit}a{offset + limit}"
    if body.get("includeTotalChildCount"):
        answer["totalChildCount"] = len(visible)
    return answer


def entity_header(store: Store, row: sqlite3.Row) -> Json:
    """Return ``EntityHeader``."""
    doc = load(row["doc"])
    return {
        "id": f"syn{row['id']}",
        "name": row["name"],
        "type": row["type"],
        "versionNumber": row["version"],
        "versionLabel": doc.get("versionLabel", str(row["version"])),
        "isLatestVersion": True,
        "benefactorId": benefactor(store, row["id"]),
        "createdOn": doc["createdOn"],
        "modifiedOn": doc["modifiedOn"],
        "createdBy": doc["createdBy"],
        "modifiedBy": doc["modifiedBy"],
    }


@operation("GET", "/repo/v1/entity/{id}/type")
def get_type(context: Context) -> Json:
    """Read what kind of entity it is."""
    return entity_header(context.store, require(context.store, context.number("id"), context.user, "READ"))


@operation("GET", "/repo/v1/entity/{id}/path")
def get_path(context: Context) -> Json:
    """Read the way from the root."""
    store = context.store
    row = require(store, context.number("id"), context.user, "READ")
    path = [entity_header(store, row)]
    while row["parent"] != ROOT:
        row = row_of(store, row["parent"])
        path.insert(0, entity_header(store, row))
    return {"path": path}


@operation("GET", "/repo/v1/entity/{id}/annotations2")
def get_annotations(context: Context) -> Json:
    """Read annotations (E-11)."""
    return annotations_of(require(context.store, context.number("id"), context.user, "READ"))


@operation("PUT", "/repo/v1/entity/{id}/annotations2")
def put_annotations(context: Context) -> Json:
    """Replace all annotations under the entity's etag (E-11)."""
    store, entity = context.store, context.number("id")
    row = require(store, entity, context.user, "UPDATE")
    if context.body.get("etag") != row["etag"]:
        raise Stale(
            f"Object: syn{entity} was updated since you last fetched it, retrieve it again and re-apply the update"
        )
    write_annotations(store, entity, context.body.get("annotations") or {})
    return annotations_of(row_of(store, entity))


def annotations_of(row: sqlite3.Row) -> Json:
    """Return the annotations of an entity as Synapse shows them."""
    return {"id": f"syn{row['id']}", "etag": row["etag"], "annotations": load(row["annotations"])}


def write_annotations(store: Store, entity: int, values: Json) -> None:
    """Store annotations of an entity."""
    store.run("UPDATE entity SET annotations = ? WHERE id = ?", dump(annotation_rules.checked(values)), entity)
    touch(store, entity)
    keep_version(store, entity)


def set_activity(store: Store, entity: int, activity: str) -> None:
    """Say what made the current version of an entity."""
    if not store.one("SELECT 1 FROM activity WHERE id = ?", activity):
        raise Missing(f"Activity {activity} does not exist")
    row = row_of(store, entity)
    store.run(
        "UPDATE entity_version SET activity = ? WHERE entity = ? AND version = ?", activity, entity, row["version"]
    )
    touch(store, entity)


@operation("POST", "/repo/v1/activity", 201)
def post_activity(context: Context) -> Json:
    """Describe how something was made."""
    store = context.store
    identity = str(store.next_id("request"))
    now = store.timestamp()
    doc = {
        **context.body,
        "id": identity,
        "etag": new_etag(),
        "createdOn": now,
        "createdBy": str(context.user),
        "modifiedOn": now,
        "modifiedBy": str(context.user),
    }
    store.run("INSERT INTO activity VALUES (?, ?, ?)", identity, context.user, dump(doc))
    return doc


@operation("GET", "/repo/v1/activity/{id}")
def get_activity(context: Context) -> Json:
    """Read how something was made."""
    found = context.store.value("SELECT doc FROM activity WHERE id = ?", context.path["id"])
    if found is None:
        raise Missing(f"Activity {context.path['id']} does not exist")
    return load(found)


@operation("GET", "/repo/v1/entity/{id}/generatedBy")
def get_generated_by(context: Context) -> Json:
    """Read how the current version of an entity was made."""
    entity = context.number("id")
    row = require(context.store, entity, context.user, "READ")
    found = context.store.value(
        "SELECT activity.doc FROM entity_version JOIN activity ON activity.id = activity "
        "WHERE entity = ? AND version = ?",
        entity,
        row["version"],
    )
    if found is None:
        raise Missing(f"No activity found for entity syn{entity}")
    return load(found)


@operation("PUT", "/repo/v1/entity/{id}/generatedBy")
def put_generated_by(context: Context) -> Json:
    """Set how the current version of an entity was made."""
    entity = context.number("id")
    require(context.store, entity, context.user, "UPDATE")
    set_activity(context.store, entity, context.query.get("generatedBy", ""))
    made: Json = get_generated_by(context)
    return made
