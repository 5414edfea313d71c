"""Restrictions of content: locking an entity until somebody reviews it, and what restricts whom (X-07)."""

from __future__ import annotations

import sqlite3
from typing import Literal

from airflow_synapse_challenge.local_synapse.core.bodies import Body
from airflow_synapse_challenge.local_synapse.core.errors import Invalid, Missing, NotAllowed, require
from airflow_synapse_challenge.local_synapse.core.http import Context, as_id, operation, paginated
from airflow_synapse_challenge.local_synapse.core.store import Json, Store, dump, load, new_etag
from airflow_synapse_challenge.local_synapse.people import access

from . import nodes, requirements, sharing

CHANGES = ("view", "modify")
MOST_OBJECTS = 50
ObjectType = Literal["ENTITY", "EVALUATION", "TEAM"]


class RestrictionBody(Body, total=False):
    """``RestrictionInformationRequest``."""

    objectId: str
    restrictableObjectType: ObjectType


class RestrictionsBody(Body, total=False):
    """``RestrictionInformationBatchRequest``."""

    objectIds: list[str]
    restrictableObjectType: ObjectType


def restriction_of(store: Store, entity: int, user: int) -> Json:
    """Return ``RestrictionInformationResponse`` of an entity: locked content waits for somebody who never comes."""
    found = requirements.rows_of(store, entity)
    passes = access.is_admin(store, user)
    return {
        "objectId": entity,
        "restrictionLevel": "CONTROLLED_BY_ACT" if found else "OPEN",
        "hasUnmetAccessRequirement": bool(found) and not passes,
        "userEntityPermissions": sharing.permissions_of(store, entity, user),
        "restrictionDetails": [
            {"accessRequirementId": row["id"], "isApproved": passes, "isMet": passes, "isExempt": False}
            for row in found
        ],
    }


@operation("GET", "/repo/v1/entity/{id}/accessRequirement")
def list_requirements(context: Context) -> Json:
    """List what restricts an entity, by itself or by what it lies in."""
    offset, limit = context.page()
    entity = context.number("id")
    nodes.require(context.store, entity, context.user, "READ")
    found = requirements.rows_of(context.store, entity)
    return paginated([load(row["doc"]) for row in found[offset : offset + limit]], offset, limit)


@operation("POST", "/repo/v1/entity/{id}/lockAccessRequirement", 201, scopes=CHANGES)
def lock(context: Context) -> Json:
    """Lock the content of an entity that has no requirement of its own (X-07)."""
    store, entity = context.store, context.number("id")
    for kind in ("CREATE", "UPDATE"):
        nodes.require(store, entity, context.user, kind)
    if store.one("SELECT 1 FROM access_requirement WHERE subject = ?", entity):
        raise Invalid(f"Entity syn{entity} is already restricted.")
    identity, now = store.next_id("access_requirement"), store.timestamp()
    doc = {
        "concreteType": f"{nodes.PREFIX}LockAccessRequirement",
        "id": identity,
        "versionNumber": 0,
        "name": f"Lock of syn{entity}",
        "etag": new_etag(),
        "createdOn": now,
        "createdBy": str(context.user),
        "modifiedOn": now,
        "modifiedBy": str(context.user),
        "accessType": "DOWNLOAD",
        "subjectsDefinedByAnnotations": False,
        "subjectIds": [{"id": f"syn{entity}", "type": "ENTITY"}],
        "jiraKey": f"LOCAL-{identity}",
    }
    store.run("INSERT INTO access_requirement VALUES (?, ?, ?)", identity, entity, dump(doc))
    return doc


@operation("GET", "/repo/v1/accessRequirement/{id}")
def get_requirement(context: Context) -> Json:
    """Read an access requirement."""
    return load(_requirement(context)["doc"])


@operation("DELETE", "/repo/v1/accessRequirement/{id}", 200, scopes=("modify", "authorize"))
def delete_requirement(context: Context) -> None:
    """Unlock what was locked; only administrators may."""
    row = _requirement(context)
    if not access.is_admin(context.store, context.user):
        raise NotAllowed("Only an administrator can delete an access requirement.")
    context.store.run("DELETE FROM access_requirement WHERE id = ?", row["id"])


def _requirement(context: Context) -> sqlite3.Row:
    identity = context.number("id")
    row = context.store.one("SELECT * FROM access_requirement WHERE id = ?", identity)
    if row is None:
        raise Missing(f"An access requirement with id {identity} cannot be found.")
    return row


@operation("POST", "/repo/v1/restrictionInformation", 200, body=RestrictionBody, scopes=("view",), writes=False)
def get_restriction(context: Context) -> Json:
    """Tell what restricts the caller's use of something."""
    require(context.body.get("objectId"), "objectId")
    return _restriction(context, context.body["objectId"])


@operation("POST", "/repo/v1/restrictionInformation/batch", 200, body=RestrictionsBody, scopes=("view",), writes=False)
def list_restrictions(context: Context) -> Json:
    """Tell what restricts the caller's use of several things."""
    wanted = context.body.get("objectIds")
    if not wanted:
        raise Invalid("objectIds is required and must not be empty.")
    if len(wanted) > MOST_OBJECTS:
        raise Invalid(f"Exceeded the maximum number of objectIds: {MOST_OBJECTS}")
    return {"restrictionInformation": [_restriction(context, identity) for identity in wanted]}


def _restriction(context: Context, object_id: str) -> Json:
    require(context.body.get("restrictableObjectType"), "restrictableObjectType")
    identity = as_id(object_id)
    if context.body["restrictableObjectType"] == "ENTITY":
        return restriction_of(context.store, identity, context.user)
    # Only entities can be locked here, so that nothing restricts teams and evaluations.
    return {
        "objectId": identity,
        "restrictionLevel": "OPEN",
        "hasUnmetAccessRequirement": False,
        "restrictionDetails": [],
    }
