"""The rows of entity views."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator

from airflow_synapse_challenge.local_synapse.content import entities
from airflow_synapse_challenge.local_synapse.core.store import Json, Store, load

from .cells import moment
from .view_rows import ViewRow

PREFIX = entities.PREFIX
PROJECT_MASK = 0x02
#: Types by their bits in ``viewTypeMask``.
MASKS = {
    0x01: entities.FILE,
    PROJECT_MASK: entities.PROJECT,
    0x04: f"{PREFIX}table.TableEntity",
    0x08: entities.FOLDER,
    0x10: f"{PREFIX}table.EntityView",
    0x20: f"{PREFIX}docker.DockerRepository",
    0x40: f"{PREFIX}table.SubmissionView",
    0x80: f"{PREFIX}table.Dataset",
    0x100: f"{PREFIX}table.DatasetCollection",
    0x200: f"{PREFIX}table.MaterializedView",
}
#: Everything in a scope, with what it has from the entities above it; what begins the scope is no part of it unless it
#: lies in another part of the scope. A view of projects alone is the exception.
TREE = """
    WITH RECURSIVE above(start, id, steps) AS (
        SELECT value, value, 0 FROM json_each(:scope)
        UNION ALL SELECT start, entity.parent, steps + 1 FROM above JOIN entity ON entity.id = above.id
        WHERE entity.trashed_by IS NULL AND entity.parent <> :root),
    beginning(id, inside, benefactor, project, path) AS (
        SELECT start, 0,
            (SELECT other.id FROM above AS other JOIN acl ON acl.kind = 'entity' AND acl.object = other.id
                WHERE other.start = above.start ORDER BY other.steps LIMIT 1),
            (SELECT other.id FROM above AS other WHERE other.start = above.start ORDER BY other.steps DESC LIMIT 1),
            (SELECT group_concat(name, '/') FROM (SELECT entity.name FROM above AS other JOIN entity ON
                entity.id = other.id WHERE other.start = above.start ORDER BY other.steps DESC))
        FROM above JOIN entity ON entity.id = above.id WHERE steps = 0 AND entity.trashed_by IS NULL),
    tree(id, inside, benefactor, project, path) AS (
        SELECT * FROM beginning
        UNION SELECT entity.id, 1, coalesce(acl.object, tree.benefactor), tree.project, tree.path || '/' || entity.name
        FROM tree JOIN entity ON entity.parent = tree.id AND entity.trashed_by IS NULL
        LEFT JOIN acl ON acl.kind = 'entity' AND acl.object = entity.id)
"""
STATE = "entity.etag || ' ' || tree.benefactor || ' ' || tree.project || ' ' || tree.path"
FOUND = "FROM tree JOIN entity ON entity.id = tree.id"
SHOWN = "WHERE tree.inside >= :inside AND entity.type IN (SELECT value FROM json_each(:types))"


def types_of(mask: int) -> list[str]:
    """Return the types that a mask means."""
    return [concrete for bit, concrete in MASKS.items() if mask & bit]


def _values(scope: Iterable[int], mask: int) -> Json:
    return {
        "scope": json.dumps(list(scope)),
        "root": entities.ROOT,
        "inside": 0 if mask == PROJECT_MASK else 1,
        "types": json.dumps(types_of(mask)),
    }


def states_of(store: Store, scope: Iterable[int], mask: int) -> dict[int, str]:
    """Return what tells of each entity in a scope whether its row is still the same."""
    found = store.connection.execute(f"{TREE} SELECT entity.id, {STATE} {FOUND} {SHOWN}", _values(scope, mask))
    return dict(found.fetchall())


def rows_of(store: Store, scope: Iterable[int], mask: int, only: Iterable[int] | None = None) -> Iterator[ViewRow]:
    """
    Yield the entities in a scope.

    :param scope: ids of the projects and folders that they lie in; for a view of projects alone, of the projects.
    :param mask: bits of the types.
    :param only: ids of entities; default: all.
    """
    values = _values(scope, mask)
    sql = (
        f"{TREE} SELECT entity.*, tree.benefactor, tree.project, tree.path, {STATE} AS state, file_handle.doc AS file "
        f"{FOUND} LEFT JOIN file_handle ON file_handle.id = CAST(json_extract(entity.doc, '$.dataFileHandleId') "
        f"AS INTEGER) {SHOWN}"
    )
    if only is not None:
        sql, values["only"] = f"{sql} AND entity.id IN (SELECT value FROM json_each(:only))", json.dumps(list(only))
    for row in store.connection.execute(sql, values):
        yield ViewRow(
            (row["id"], row["version"], row["etag"], row["benefactor"], row["state"]),
            _fields(row),
            load(row["annotations"]),
        )


def _fields(row: sqlite3.Row) -> dict[str, str | None]:
    doc = load(row["doc"])
    file = load(row["file"]) if row["file"] else {}
    return {
        "id": f"syn{row['id']}",
        "name": row["name"],
        "description": doc.get("description"),
        "createdOn": str(moment(doc["createdOn"])),
        "createdBy": doc["createdBy"],
        "etag": row["etag"],
        "modifiedOn": str(moment(doc["modifiedOn"])),
        "modifiedBy": doc["modifiedBy"],
        "path": row["path"],
        "type": entities.KINDS[row["type"]].short,
        "currentVersion": str(row["version"]),
        "parentId": f"syn{row['parent']}",
        "benefactorId": f"syn{row['benefactor']}",
        "projectId": f"syn{row['project']}",
        "dataFileHandleId": file.get("id"),
        "dataFileName": file.get("fileName"),
        "dataFileSizeBytes": None if "contentSize" not in file else str(file["contentSize"]),
        "dataFileMD5Hex": file.get("contentMd5"),
        "dataFileConcreteType": file.get("concreteType"),
        "dataFileBucket": file.get("bucketName"),
        "dataFileKey": file.get("key"),
    }


def may_read(store: Store, user: int, benefactor: int) -> bool:
    """Tell whether a user sees the rows whose rights an entity decides."""
    return entities.may(store, benefactor, user, "READ")
