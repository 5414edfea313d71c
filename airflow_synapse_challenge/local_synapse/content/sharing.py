"""Sharing of entities: lists, inheritance, what the caller may do."""

from __future__ import annotations

import sqlite3
from typing import get_args

from airflow_synapse_challenge.local_synapse.core.errors import Invalid, Missing, NotAllowed, Stale, require
from airflow_synapse_challenge.local_synapse.core.http import ANONYMOUS, Context, operation
from airflow_synapse_challenge.local_synapse.core.store import Json, Store, load
from airflow_synapse_challenge.local_synapse.people import access

from . import nodes

CHANGES = ("view", "modify")
ACCESS_TYPES = get_args(access.AccessType)

#: Rights that are an access type.
RIGHTS = {
    "canView": "READ",
    "canEdit": "UPDATE",
    "canDelete": "DELETE",
    "canAddChild": "CREATE",
    "canDownload": "DOWNLOAD",
    "canChangePermissions": "CHANGE_PERMISSIONS",
    "canChangeSettings": "CHANGE_SETTINGS",
    "canModerate": "MODERATE",
}
#: Access types of which permissions tell what the list alone gives, with or without a certificate.
LISTED = ("UPDATE", "CREATE", "DELETE")


@operation("GET", "/repo/v1/entity/{id}/acl")
def get_acl(context: Context) -> Json:
    """Read the list of an entity that has one of its own; READ is not needed (E-09)."""
    return acl_of(context.store, context.number("id"))


def acl_of(store: Store, entity: int) -> Json:
    """Return the own list of an entity (E-09)."""
    nodes.row_of(store, entity)
    acl = own_acl(store, entity)
    if acl is None:
        raise Missing(
            "The requested ACL does not exist. This entity inherits its permissions from: "
            f"/repo/v1/entity/syn{nodes.benefactor(store, entity)}/acl"
        )
    return acl


def own_acl(store: Store, entity: int) -> Json | None:
    """Return the own list of an entity, ``None`` if it inherits."""
    return access.read_acl(store, "entity", entity, f"syn{entity}")


@operation("PUT", "/repo/v1/entity/{id}/acl", body=access.AccessControlList, scopes=CHANGES)
def put_acl(context: Context) -> Json:
    """Change the list of an entity that has one of its own (E-09)."""
    entity = context.number("id")
    row = nodes.row_of(context.store, entity)
    current = own_acl(context.store, entity)
    if current is None:
        raise NotAllowed("Cannot update ACL for a resource which inherits its permissions.")
    nodes.require(context.store, entity, context.user, "CHANGE_PERMISSIONS")
    require_list_etag(current, context.body)
    return write_list(context, row, context.body)


def require_list_etag(current: Json, body: Json) -> None:
    """Refuse a change of a list that has changed meanwhile."""
    if body.get("etag") != current["etag"]:
        raise Stale(
            f"ACL of {current['id']} was updated since you last fetched it, retrieve it again and re-apply the update"
        )


@operation("POST", "/repo/v1/entity/{id}/acl", 201, body=access.AccessControlList, scopes=CHANGES)
def post_acl(context: Context) -> Json:
    """Give an entity that inherits a list of its own (E-09)."""
    row = nodes.row_of(context.store, context.number("id"))
    if own_acl(context.store, row["id"]) is not None:
        raise NotAllowed("Resource already has an ACL.")
    nodes.require(context.store, row["id"], context.user, "CHANGE_PERMISSIONS")
    return write_list(context, row, context.body)


@operation("DELETE", "/repo/v1/entity/{id}/acl", 204)
def delete_acl(context: Context) -> None:
    """Make an entity inherit again (E-09)."""
    store, entity = context.store, context.number("id")
    row = nodes.require(store, entity, context.user, "CHANGE_PERMISSIONS")
    if row["type"] == nodes.PROJECT:
        raise NotAllowed("Cannot restore inheritance for resource which has no parent.")
    if not store.run("DELETE FROM acl WHERE kind = 'entity' AND object = ?", entity):
        raise NotAllowed("Resource already inherits its permissions.")
    nodes.touch(store, entity)


def write_list(context: Context, row: sqlite3.Row, body: Json) -> Json:
    """Give an entity the list of a request, if it is one that an entity may have (V-12)."""
    entries = body.get("resourceAccess") or []
    owner = int(load(row["doc"])["createdBy"])
    access.check_acl(context.store, "entity", context.user, entries, owner=owner)
    access.write_acl(context.store, "entity", row["id"], entries)
    nodes.touch(context.store, row["id"])
    return acl_of(context.store, row["id"])


@operation("GET", "/repo/v1/entity/{id}/benefactor")
def get_benefactor(context: Context) -> Json:
    """Read which entity's list applies."""
    store, entity = context.store, context.number("id")
    nodes.require(store, entity, context.user, "READ")
    return nodes.header(store, nodes.row_of(store, nodes.benefactor(store, entity)))


@operation("GET", "/repo/v1/entity/{id}/permissions")
def get_permissions(context: Context) -> Json:
    """Read what the caller may do; READ is not needed."""
    return permissions_of(context.store, context.number("id"), context.user)


@operation("GET", "/repo/v1/entity/{id}/access")
def has_access(context: Context) -> Json:
    """Tell whether the caller has an access type."""
    kind = context.query.get("accessType", "")
    require(kind, "accessType")
    if kind not in ACCESS_TYPES:
        raise Invalid(f"{kind} is not an access type.")
    row = nodes.row_of(context.store, context.number("id"))
    return {"result": nodes.refusal(context.store, row, context.user, kind) is None}


def permissions_of(store: Store, entity: int, user: int) -> Json:
    """Return ``UserEntityPermissions``."""
    row = nodes.row_of(store, entity)
    rights = {name: nodes.refusal(store, row, user, kind) is None for name, kind in RIGHTS.items()}
    listed = {kind: access.allowed(store, "entity", nodes.benefactor(store, entity), user, kind) for kind in LISTED}
    known = user != ANONYMOUS
    inherits = own_acl(store, entity) is None
    return rights | {
        "canMove": rights["canEdit"] and rights["canChangePermissions"] and row["type"] != nodes.PROJECT,
        "canCertifiedUserEdit": known and listed["UPDATE"],
        "canCertifiedUserAddChild": known and listed["CREATE"],
        "canUpload": known and bool(store.value("SELECT agreed FROM principal WHERE id = ?", user)),
        "canEnableInheritance": not inherits and row["type"] != nodes.PROJECT and rights["canChangePermissions"],
        "canPublicRead": nodes.refusal(store, row, ANONYMOUS, "READ") is None,
        "ownerPrincipalId": int(load(row["doc"])["createdBy"]),
        "isCertifiedUser": known and access.is_certified(store, user),
        "isCertificationRequired": True,
        "isEntityOpenData": False,
        "isDataContributor": known and listed["UPDATE"] and listed["DELETE"],
    }
