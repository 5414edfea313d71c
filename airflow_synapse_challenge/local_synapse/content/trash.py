"""The trash can: what was deleted and by whom, restored by them or purged (E-12)."""

from __future__ import annotations

import sqlite3

from airflow_synapse_challenge.local_synapse.core.errors import Invalid, Missing, NameTaken, NotAllowed
from airflow_synapse_challenge.local_synapse.core.http import Context, as_id, operation, paginated
from airflow_synapse_challenge.local_synapse.core.store import Json, Store, load, tables
from airflow_synapse_challenge.local_synapse.people import access

from . import changes, nodes

tables(
    """
    CREATE TABLE IF NOT EXISTS trash (entity INTEGER PRIMARY KEY, deleted_by INTEGER NOT NULL,
        deleted_on TEXT NOT NULL);
    CREATE INDEX IF NOT EXISTS trash_of_user ON trash (deleted_by, entity);
    """
)

#: What was thrown away together: not what lay in the trash before, which has an entry of its own.
TOGETHER = (
    "WITH RECURSIVE together(id) AS (SELECT ? UNION ALL SELECT entity.id FROM together "
    "JOIN entity ON entity.parent = together.id AND entity.id NOT IN (SELECT entity FROM trash)) "
    "SELECT id FROM together"
)


def throw_away(store: Store, user: int, entity: int) -> None:
    """Move an entity with everything below it to the trash; nothing happens to what is unknown or there (E-12)."""
    if store.one("SELECT 1 FROM entity WHERE id = ? AND trashed_by IS NULL", entity) is None:
        return
    nodes.require(store, entity, user, "DELETE")
    store.run(f"DELETE FROM acl WHERE kind = 'entity' AND object IN ({TOGETHER})", entity)
    store.run(f"UPDATE entity SET trashed_by = ? WHERE id IN ({TOGETHER})", user, entity)
    store.run("INSERT INTO trash VALUES (?, ?, ?)", entity, user, store.timestamp())


def purge(store: Store, entity: int) -> None:
    """Delete what was thrown away together for good; its ids are never used again."""
    gone = [row["id"] for row in store.all(TOGETHER, entity)]
    for table, column in (("entity_version", "entity"), ("trash", "entity"), ("entity", "id")):
        store.connection.executemany(f"DELETE FROM {table} WHERE {column} = ?", [(identity,) for identity in gone])


def _own(context: Context, what: str) -> sqlite3.Row:
    """Return the entry of something that the caller threw away."""
    entity = context.number("id")
    row = context.store.one("SELECT trash.*, entity.* FROM trash JOIN entity ON id = entity WHERE entity = ?", entity)
    if row is None:
        raise Missing(f"The entity syn{entity} is not in the trash can.")
    if row["deleted_by"] != context.user and not access.is_admin(context.store, context.user):
        raise NotAllowed(
            f"User {context.user} not allowed to {what} syn{entity}. The node was deleted by a different user."
        )
    return row


@operation("PUT", "/repo/v1/trashcan/trash/{id}")
def put_trash(context: Context) -> None:
    """Move an entity to the trash."""
    throw_away(context.store, context.user, context.number("id"))


@operation("GET", "/repo/v1/trashcan/view")
def list_trash(context: Context) -> Json:
    """List what the caller threw away."""
    offset, limit = context.page()
    rows = context.store.all(
        "SELECT trash.*, entity.* FROM trash JOIN entity ON id = entity WHERE deleted_by = ? "
        "ORDER BY trash.entity LIMIT ? OFFSET ?",
        context.user,
        limit,
        offset,
    )
    return paginated([_trashed(row) for row in rows], offset, limit)


def _trashed(row: sqlite3.Row) -> Json:
    return {
        "entityId": f"syn{row['id']}",
        "entityName": row["name"],
        "entityType": nodes.KINDS[row["type"]].short,
        "deletedByPrincipalId": str(row["deleted_by"]),
        "deletedOn": row["deleted_on"],
        "originalParentId": f"syn{row['parent']}",
    }


@operation("PUT", "/repo/v1/trashcan/restore/{id}")
def restore(context: Context) -> None:
    """Put an entity back where it was (E-12)."""
    row = _own(context, "restore")
    _restore(context, row, row["parent"])


@operation("PUT", "/repo/v1/trashcan/restore/{id}/{parent}")
def restore_elsewhere(context: Context) -> None:
    """Put an entity into another place than where it was."""
    _restore(context, _own(context, "restore"), as_id(context.path["parent"]))


def _restore(context: Context, row: sqlite3.Row, parent: int) -> None:
    store, entity = context.store, row["id"]
    _check_parent(context, row, parent)
    alias = load(row["doc"]).get("alias")
    if alias and changes.project_with_alias(store, alias) is not None:
        raise NameTaken(f"The friendly url name (alias): {alias} is already taken.  Please select another.")
    changes.require_free_name(store, parent, row["name"])
    store.run("UPDATE entity SET parent = ? WHERE id = ?", parent, entity)
    together = [found["id"] for found in store.all(TOGETHER, entity)]
    store.connection.executemany(
        "UPDATE entity SET trashed_by = NULL WHERE id = ?", [(identity,) for identity in together]
    )
    store.run("DELETE FROM trash WHERE entity = ?", entity)
    nodes.touch(store, entity)
    if row["type"] == nodes.PROJECT:
        rights = [{"principalId": context.user, "accessType": access.ENTITY_ADMIN}]
        access.write_acl(store, "entity", entity, rights)


def _check_parent(context: Context, row: sqlite3.Row, parent: int) -> None:
    kind = nodes.KINDS[row["type"]]
    if parent == nodes.ROOT:
        if "root" not in kind.parents:
            raise Invalid(f"Entity type: {kind.short} cannot have the root as its parent.")
        return
    found = context.store.one("SELECT trashed_by FROM entity WHERE id = ?", parent)
    if found is not None and found["trashed_by"] is not None:
        raise NotAllowed(f"Cannot restore syn{row['id']}: its parent syn{parent} is in the trash can.")
    changes.check_place(context.store, row["type"], nodes.require(context.store, parent, context.user, "CREATE"))


@operation("PUT", "/repo/v1/trashcan/purge/{id}")
def put_purge(context: Context) -> None:
    """Delete something in the trash for good."""
    purge(context.store, _own(context, "purge")["id"])
