"""Finding entities: children by name and page by page, paths, headers, files by their MD5."""

from __future__ import annotations

from typing import Any, Literal

from airflow_synapse_challenge.local_synapse.core.bodies import Body
from airflow_synapse_challenge.local_synapse.core.errors import Invalid, Missing, require
from airflow_synapse_challenge.local_synapse.core.http import Context, as_id, operation
from airflow_synapse_challenge.local_synapse.core.store import Json, Store, load
from airflow_synapse_challenge.local_synapse.people import access

from . import changes, nodes, versions

PAGE = 50
ADMIN_USER = 1
MOST_BY_MD5 = 200
ORDERS = {
    "NAME": "entity.name",
    "CREATED_ON": "entity.id",
    "MODIFIED_ON": "json_extract(entity.doc, '$.modifiedOn')",
}


class LookupBody(Body, total=False):
    """``EntityLookupRequest``."""

    parentId: str
    entityName: str


class ChildrenBody(Body, total=False):
    """``EntityChildrenRequest``."""

    parentId: str
    nextPageToken: str
    includeTypes: list[str]
    sortBy: Literal["NAME", "CREATED_ON", "MODIFIED_ON"]
    sortDirection: Literal["ASC", "DESC"]
    includeTotalChildCount: bool
    includeSumFileSizes: bool


class ReferencesBody(Body, total=False):
    """``ReferenceList``."""

    references: list[nodes.ReferenceBody]


@operation("POST", "/repo/v1/entity/child", 200, body=LookupBody, scopes=("view",), writes=False)
def find_child(context: Context) -> Json:
    """Look a child up by name; no parent means projects (E-13)."""
    store = context.store
    parent_id, name = context.body.get("parentId"), context.body.get("entityName")
    require(name, "entityName")
    parent = as_id(parent_id) if parent_id else nodes.ROOT
    if parent != nodes.ROOT:
        nodes.require(store, parent, context.user, "READ")
    child = store.value("SELECT id FROM entity WHERE parent = ? AND name = ? AND trashed_by IS NULL", parent, name)
    if child is None:
        raise Missing(f"Child not found for parent: '{parent_id}' with name: '{name}'")
    nodes.require(store, int(child), context.user, "READ")
    return {"id": f"syn{child}"}


@operation("POST", "/repo/v1/entity/children", 200, body=ChildrenBody, scopes=("view",), writes=False)
def list_children(context: Context) -> Json:
    """List the children that the caller may read (E-14)."""
    store, body = context.store, context.body
    parent = as_id(body["parentId"]) if "parentId" in body else nodes.ROOT
    shared_by = nodes.ROOT
    types = _types(body)
    if parent != nodes.ROOT:
        nodes.require(store, parent, context.user, "READ")
        shared_by = nodes.benefactor(store, parent)
    limit, offset = _position(body.get("nextPageToken"))
    chosen, values = _readable(store, context.user, parent, types)
    order, direction = ORDERS[body.get("sortBy", "NAME")], body.get("sortDirection", "ASC")
    rows = store.all(
        f"SELECT entity.*, acl.object AS own_list {chosen} ORDER BY {order} {direction}, entity.id LIMIT ? OFFSET ?",
        *values,
        limit + 1,
        offset,
    )
    answer: Json = {"page": [nodes.header(store, row, row["own_list"] or shared_by) for row in rows[:limit]]}
    if len(rows) > limit:
        answer["nextPageToken"] = f"{limit}a{offset + limit}"
    if body.get("includeTotalChildCount"):
        answer["totalChildCount"] = store.value(f"SELECT count(*) {chosen}", *values)
    if body.get("includeSumFileSizes"):
        answer["sumFileSizesBytes"] = _sum_of_sizes(store, chosen, values)
    return answer


def _types(body: Json) -> list[str]:
    """Return the concrete types that a request wants."""
    wanted = body.get("includeTypes")
    if not wanted:
        raise Invalid("EntityChildrenRequest.includeTypes must include at least one type")
    if unknown := [name for name in wanted if name not in nodes.ENTITY_TYPES]:
        raise Invalid(f"{unknown[0]} is not an EntityType.")
    return [name for name, kind in nodes.KINDS.items() if kind.short in wanted]


def _position(token: str | None) -> tuple[int, int]:
    """Return limit and offset of a page token (G-09)."""
    limit, between, offset = (token or f"{PAGE}a0").partition("a")
    if not (between and limit.isdecimal() and offset.isdecimal()):
        raise Invalid(f"Unknown next page token: {token}")
    return min(int(limit), PAGE), int(offset)


def _readable(store: Store, user: int, parent: int, types: list[str]) -> tuple[str, list[Any]]:
    """Return the part of a query from FROM on that finds the children that a user may read, and its values."""
    chosen = (
        "FROM entity LEFT JOIN acl ON acl.kind = 'entity' AND acl.object = entity.id "
        f"WHERE parent = ? AND trashed_by IS NULL AND type IN ({','.join('?' * len(types))})"
    )
    values: list[Any] = [parent, *types]
    if access.is_admin(store, user):
        return chosen, values
    # What has no list of its own is shared as its parent is, which the caller may read; that of a project is its own.
    mine = sorted(access.principals_of(store, user))
    listed = (
        "EXISTS (SELECT 1 FROM json_each(acl.doc, '$.resourceAccess') AS entry, "
        "json_each(entry.value, '$.accessType') AS kind WHERE kind.value = 'READ' "
        f"AND json_extract(entry.value, '$.principalId') IN ({','.join('?' * len(mine))}))"
    )
    inherits = "FALSE" if parent == nodes.ROOT else "acl.object IS NULL"
    return f"{chosen} AND ({inherits} OR {listed})", [*values, *mine]


def _sum_of_sizes(store: Store, chosen: str, values: list[Any]) -> int:
    handle = "CAST(json_extract(entity.doc, '$.dataFileHandleId') AS INTEGER)"
    size = f"(SELECT json_extract(file_handle.doc, '$.contentSize') FROM file_handle WHERE file_handle.id = {handle})"
    return int(store.value(f"SELECT coalesce(sum({size}), 0) {chosen}", *values))


@operation("GET", "/repo/v1/entity/{id}/type")
def get_type(context: Context) -> Json:
    """Read what kind of entity it is."""
    return nodes.header(context.store, nodes.require(context.store, context.number("id"), context.user, "READ"))


@operation("GET", "/repo/v1/entity/type")
def list_types(context: Context) -> Json:
    """Read what kinds of entities several are, those that the caller may read."""
    require(context.query.get("batch"), "batch")
    return _headers(context, [{"targetId": identity} for identity in context.query["batch"].split(",")])


@operation("POST", "/repo/v1/entity/header", 200, body=ReferencesBody, scopes=("view",), writes=False)
def list_headers(context: Context) -> Json:
    """Read the headers of entities or of versions of them, those that the caller may read."""
    references = context.body.get("references")
    if not references:
        raise Invalid("references is required and must not be empty.")
    return _headers(context, references)


def _headers(context: Context, references: list[Json]) -> Json:
    found = [header for reference in references if (header := _header(context, reference)) is not None]
    return {"results": found, "totalNumberOfResults": len(found)}


def _header(context: Context, reference: Json) -> Json | None:
    store, entity = context.store, as_id(reference.get("targetId"))
    if not nodes.may(store, entity, context.user, "READ"):
        return None
    row = nodes.row_of(store, entity)
    try:
        kept = versions.kept_version(store, row, reference.get("targetVersionNumber") or row["version"])
    except Missing:
        return None
    return nodes.header_of_version(store, row, load(kept["doc"]), kept["version"])


@operation("GET", "/repo/v1/entity/{id}/path")
def get_path(context: Context) -> Json:
    """Read the way from the root."""
    row = nodes.require(context.store, context.number("id"), context.user, "READ")
    return path_of(context.store, row["id"])


def path_of(store: Store, entity: int) -> Json:
    """Return ``EntityPath``: headers from the root to an entity."""
    steps = [nodes.row_of(store, step) for step in reversed(changes.ancestors(store, entity))]
    return {"path": [_root(store), *(nodes.header(store, step) for step in steps)]}


def _root(store: Store) -> Json:
    since = store.setting("seeded")
    return {
        "id": f"syn{nodes.ROOT}",
        "name": "root",
        "type": nodes.FOLDER,
        "versionNumber": 1,
        "versionLabel": "1",
        "isLatestVersion": True,
        "benefactorId": nodes.ROOT,
        "createdOn": since,
        "modifiedOn": since,
        "createdBy": str(ADMIN_USER),
        "modifiedBy": str(ADMIN_USER),
    }


@operation("GET", "/repo/v1/entity/md5/{md5}")
def list_by_md5(context: Context) -> Json:
    """Find the files that have a content and that the caller may read."""
    store = context.store
    rows = store.all(
        "SELECT entity, entity_version.version FROM file_handle JOIN entity_version ON handle = file_handle.id "
        "JOIN entity ON entity.id = entity_version.entity WHERE md5 = ? AND trashed_by IS NULL "
        "ORDER BY entity_version.entity, entity_version.version LIMIT ?",
        context.path["md5"].lower(),
        MOST_BY_MD5,
    )
    references = [{"targetId": row["entity"], "targetVersionNumber": row["version"]} for row in rows]
    return _headers(context, references)
