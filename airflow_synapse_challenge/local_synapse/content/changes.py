"""Making, changing and moving entities: names, places, labels, what each type may hold."""

from __future__ import annotations

import re
import sqlite3
from typing import Any

from airflow_synapse_challenge.local_synapse.core.errors import (
    Invalid,
    Missing,
    NameTaken,
    NotAllowed,
    NotServed,
    Stale,
)
from airflow_synapse_challenge.local_synapse.core.http import ANONYMOUS, as_id
from airflow_synapse_challenge.local_synapse.core.store import Json, Store, dump, load, new_etag
from airflow_synapse_challenge.local_synapse.people import access

from . import nodes
from .nodes import FILE, KINDS, PREFIX, PROJECT, ROOT, FileBody, Kind

NAME = re.compile(r"[a-zA-Z0-9,_. \-+()']{1,256}")
ALIAS = re.compile(r"[a-zA-Z0-9_]+")
LONGEST_DESCRIPTION = 1000
MOST_CHILDREN = 10_000
MOST_VERSIONS = 15_000
DEEPEST = 50
#: Types of entities that Synapse has and that need not be here.
OTHER_TYPES = {
    f"{PREFIX}{name}"
    for name in (
        "RecordSet",
        "docker.DockerRepository",
        "table.Dataset",
        "table.DatasetCollection",
        "table.EntityView",
        "table.MaterializedView",
        "table.SubmissionView",
        "table.TableEntity",
        "table.VirtualTable",
    )
}


def create(store: Store, user: int, body: Json, entity: int | None = None) -> int:
    """
    Make an entity as a user (E-01, E-02, E-05, E-06, E-07).

    :param entity: the id that it gets; default: a new one.
    """
    kind = known_type(body.get("concreteType") or body.get("entityType"))
    if kind not in KINDS:
        raise NotServed(f"The local Synapse has no entities of this type: {kind}")
    if user == ANONYMOUS:
        raise NotAllowed("Anonymous users cannot create entities.")
    parent = _parent_of_new(store, user, kind, body.get("parentId"))
    entity = store.next_id("entity") if entity is None else entity
    name = checked_name(body.get("name") or f"syn{entity}")
    require_free_name(store, parent, name)
    now = store.timestamp()
    doc = _checked_document(store, user, kind, body, None)
    _check_alias(store, entity, doc)
    doc |= {"createdOn": now, "createdBy": str(user), "modifiedOn": now, "modifiedBy": str(user)}
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
    nodes.keep_version(store, entity)
    return entity


def update(store: Store, user: int, entity: int, body: Json, *, new_version: bool) -> Json:
    """Replace an entity under its etag (E-03, E-04, E-15)."""
    row = nodes.require(store, entity, user, "UPDATE")
    require_etag(row, body.get("etag"))
    if (body.get("concreteType") or body.get("entityType") or row["type"]) != row["type"]:
        raise Invalid(f"The type of syn{entity} cannot change.")
    parent = as_id(body["parentId"]) if "parentId" in body else row["parent"]
    if parent != row["parent"]:
        _check_move(store, user, row, parent)
    name = checked_name(body.get("name") or row["name"])
    require_free_name(store, parent, name, but=entity)
    old = load(row["doc"])
    doc = _checked_document(store, user, row["type"], body, old)
    if doc.get("alias") != old.get("alias"):
        nodes.require(store, entity, user, "CHANGE_SETTINGS")
        _check_alias(store, entity, doc)
    doc |= {"createdOn": old["createdOn"], "createdBy": old["createdBy"]}
    doc |= {"modifiedOn": store.timestamp(), "modifiedBy": str(user)}
    version = _version_of_update(store, row, old, doc, new_version=new_version)
    store.run(
        "UPDATE entity SET parent = ?, name = ?, etag = ?, version = ?, doc = ? WHERE id = ?",
        parent,
        name,
        new_etag(),
        version,
        dump(doc),
        entity,
    )
    nodes.keep_version(store, entity)
    return nodes.show(nodes.row_of(store, entity))


def known_type(kind: str | None) -> str:
    """
    Return the name of a type of entities.

    :raises Invalid: Synapse has no such type.
    """
    if kind not in KINDS and kind not in OTHER_TYPES:
        raise Invalid(f"Unknown concreteType: {kind}")
    return kind


def require_etag(row: sqlite3.Row, etag: Any) -> None:
    """Refuse a change of something that has changed meanwhile (E-03)."""
    if etag != row["etag"]:
        raise Stale(
            f"Object: syn{row['id']} was updated since you last fetched it, retrieve it again and re-apply the update"
        )


def checked_name(name: str) -> str:
    """Return a name that an entity or an evaluation may have (E-01)."""
    name = str(name).strip()
    if not NAME.fullmatch(name):
        raise Invalid(
            f"Invalid Name: '{name}'. Names may only contain: letters, numbers, spaces, underscores, hyphens, periods, "
            "plus signs, apostrophes, and parentheses"
        )
    return name


def require_free_label(store: Store, entity: int, version: int, label: str) -> None:
    """Refuse a label that another version of an entity has (E-04)."""
    taken = "SELECT 1 FROM entity_version WHERE entity = ? AND label = ? AND version <> ?"
    if store.one(taken, entity, label, version):
        raise Invalid(f"The label '{label}' has already been used for a version of this entity")


def check_place(store: Store, kind: str, parent: sqlite3.Row, height: int = 0) -> None:
    """
    Refuse a place where a type may not lie, or that is full or too deep (E-06).

    :param height: how many levels come along below the entity.
    """
    if parent["type"] not in KINDS[kind].parents:
        raise Invalid(f"Entity type: {KINDS[kind].short} cannot have a parent of type: {KINDS[parent['type']].short}")
    counted = [name for name, other in KINDS.items() if other.counted]
    of_these = f"type IN ({','.join('?' * len(counted))})"
    children = store.value(
        f"SELECT count(*) FROM entity WHERE parent = ? AND trashed_by IS NULL AND {of_these}", parent["id"], *counted
    )
    if KINDS[kind].counted and children >= MOST_CHILDREN:
        raise Invalid(f"Limit of {MOST_CHILDREN} children exceeded for parent: syn{parent['id']}")
    if len(ancestors(store, parent["id"])) + 1 + height > DEEPEST:
        raise Invalid(f"Depth limit of {DEEPEST} exceeded for parent: syn{parent['id']}")


def ancestors(store: Store, entity: int) -> list[int]:
    """Return an entity and everything above it but the root, the topmost last."""
    rows = store.all(
        "WITH RECURSIVE above(id, steps) AS (SELECT ?, 0 UNION ALL SELECT parent, steps + 1 FROM above "
        "JOIN entity ON entity.id = above.id) SELECT above.id FROM above JOIN entity ON entity.id = above.id "
        "WHERE above.id <> ? ORDER BY steps",
        entity,
        ROOT,
    )
    return [int(row["id"]) for row in rows]


def _parent_of_new(store: Store, user: int, kind: str, parent_id: Any) -> int:
    if kind == PROJECT:
        if parent_id is not None and as_id(parent_id) != ROOT:
            raise Invalid("Entity type: project cannot have a parent other than the root.")
        return ROOT
    if parent_id is None:
        raise Invalid("parentId is required.")
    if as_id(parent_id) == ROOT:
        raise Invalid(f"Entity type: {KINDS[kind].short} cannot have the root as its parent.")
    parent = nodes.require(store, as_id(parent_id), user, "CREATE")
    check_place(store, kind, parent)
    return int(parent["id"])


def _check_move(store: Store, user: int, row: sqlite3.Row, parent: int) -> None:
    """Refuse a move that lacks a right at either end or leads nowhere (E-06, E-15)."""
    target = nodes.row_of(store, parent)
    if not nodes.may(store, parent, user, "CREATE"):
        raise NotAllowed("You cannot move content into the new location, you lack CREATE access there.")
    if not nodes.may(store, row["id"], user, "CHANGE_PERMISSIONS"):
        raise NotAllowed("CHANGE_PERMISSIONS is required to move to a new location")
    if row["id"] in ancestors(store, parent):
        raise Invalid(f"syn{row['id']} cannot be moved into itself or into what lies in it.")
    height = max((steps for _, steps in nodes.below(store, row["id"])), default=0)
    check_place(store, row["type"], target, height)


def require_free_name(store: Store, parent: int, name: str, but: int | None = None) -> None:
    """Refuse a name that something else in the same place has (E-02)."""
    taken = store.value("SELECT id FROM entity WHERE parent = ? AND name = ? AND trashed_by IS NULL", parent, name)
    if taken not in (None, but):
        raise NameTaken(f"An entity with the name: {name} already exists with a parentId: syn{parent}")


def _checked_document(store: Store, user: int, kind: str, body: Json, old: Json | None) -> Json:
    doc = KINDS[kind].document(body)
    if len(doc.get("description", "")) > LONGEST_DESCRIPTION:
        raise Invalid(f"The description must be {LONGEST_DESCRIPTION} characters or less.")
    if check := KINDS[kind].check:
        check(store, user, doc, old)
    return doc


def _check_alias(store: Store, entity: int, doc: Json) -> None:
    """A project's alias belongs to one project (E-17)."""
    alias = doc.get("alias")
    if alias is None:
        return
    if not ALIAS.fullmatch(alias):
        raise Invalid("A project alias may only contain letters, numbers and underscores.")
    if project_with_alias(store, alias) not in (None, entity):
        raise NameTaken(f"The friendly url name (alias): {alias} is already taken.  Please select another.")


def project_with_alias(store: Store, alias: str) -> int | None:
    """Return the project that has an alias (E-17)."""
    found: int | None = store.value(
        "SELECT id FROM entity WHERE json_extract(doc, '$.alias') = ? COLLATE NOCASE AND trashed_by IS NULL "
        "AND json_extract(doc, '$.alias') IS NOT NULL",
        alias,
    )
    return found


def _version_of_update(store: Store, row: sqlite3.Row, old: Json, doc: Json, *, new_version: bool) -> int:
    """Return the version that an update writes; only files get new ones by it (E-04, J-10)."""
    version = int(row["version"])
    if row["type"] == FILE:
        other_content = doc["dataFileHandleId"] != old["dataFileHandleId"] and not same_content(
            store, old["dataFileHandleId"], doc["dataFileHandleId"]
        )
        if other_content and not new_version:
            doc.pop("versionLabel", None)
            doc.pop("versionComment", None)
        if other_content or new_version:
            if doc.get("versionLabel") == nodes.label_of(old, version):
                del doc["versionLabel"]
            version = next_version(store, row)
    require_free_label(store, row["id"], version, nodes.label_of(doc, version))
    return version


def next_version(store: Store, row: sqlite3.Row) -> int:
    """Return the number of an entity's next version; numbers are never used again (E-04)."""
    kept = store.value("SELECT count(*) FROM entity_version WHERE entity = ?", row["id"])
    if kept >= MOST_VERSIONS:
        raise Invalid(f"Exceeded the maximum number of versions: {MOST_VERSIONS}")
    return int(row["last_version"]) + 1


def same_content(store: Store, first: str, second: str) -> bool:
    """Tell whether two file handles have the same MD5, known for both (E-04)."""
    sums = [store.value("SELECT md5 FROM file_handle WHERE id = ?", as_id(handle)) for handle in (first, second)]
    return sums[0] is not None and sums[0] == sums[1]


def check_file(store: Store, user: int, doc: Json, old: Json | None) -> None:
    """A file's content belongs to whoever sets it (E-05)."""
    if "fileNameOverride" in doc:
        raise Invalid("fileNameOverride field is deprecated and can not be set.")
    handle = doc.get("dataFileHandleId")
    if handle is None:
        raise Invalid("FileEntity.dataFileHandleId cannot be null")
    if old is None or handle != old["dataFileHandleId"]:
        require_own_handle(store, user, handle)


def require_own_handle(store: Store, user: int, handle: str) -> None:
    """Refuse a file handle that somebody else made (E-05)."""
    creator = store.value("SELECT creator FROM file_handle WHERE id = ?", as_id(handle))
    if creator is None:
        raise Missing(f"FileHandle with id {handle} does not exist")
    if creator != user and not access.is_admin(store, user):
        raise NotAllowed(f"Only the creator of a FileHandle can assign it to an Entity. FileHandle {handle}")


KINDS[FILE] = Kind("file", versioned=True, counted=True, check=check_file, body=FileBody)
