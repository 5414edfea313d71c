"""How entities were made: activities, and which version of an entity an activity made."""

from __future__ import annotations

import sqlite3

from airflow_synapse_challenge.local_synapse.core.bodies import Body
from airflow_synapse_challenge.local_synapse.core.errors import Invalid, Missing, NotAllowed, Stale, require
from airflow_synapse_challenge.local_synapse.core.http import ANONYMOUS, Context, as_id, operation, paginated
from airflow_synapse_challenge.local_synapse.core.store import Json, Store, dump, load, new_etag, tables
from airflow_synapse_challenge.local_synapse.people import access

from . import nodes, versions

tables("CREATE TABLE IF NOT EXISTS activity (id TEXT PRIMARY KEY, creator INTEGER NOT NULL, doc TEXT NOT NULL);")

CHANGES = ("view", "modify")
USED_ENTITY, USED_URL = (f"{nodes.PREFIX}provenance.{name}" for name in ("UsedEntity", "UsedURL"))


class UsedBody(Body, total=False):
    """``Used``: an entity or an address that an activity used."""

    concreteType: str
    wasExecuted: bool
    reference: nodes.ReferenceBody
    name: str
    url: str


class ActivityBody(Body, total=False):
    """``Activity``."""

    id: str
    etag: str
    name: str
    description: str
    used: list[UsedBody]


def set_activity(store: Store, user: int, entity: int, activity: str) -> None:
    """Say which activity made the current version of an entity."""
    _require_seen(store, user, activity)
    row = nodes.row_of(store, entity)
    _link(store, row, activity)


def activity_of(store: Store, row: sqlite3.Row, version: int) -> Json | None:
    """Return the activity that made a version of an entity."""
    identity = versions.kept_version(store, row, version)["activity"]
    found = store.value("SELECT doc FROM activity WHERE id = ?", identity) if identity else None
    return load(found) if found else None


def _link(store: Store, row: sqlite3.Row, activity: str | None) -> None:
    store.run(
        "UPDATE entity_version SET activity = ? WHERE entity = ? AND version = ?", activity, row["id"], row["version"]
    )
    nodes.touch(store, row["id"])


def _row_of(store: Store, activity: str) -> sqlite3.Row:
    row = store.one("SELECT * FROM activity WHERE id = ?", activity)
    if row is None:
        raise Missing(f"Activity {activity} does not exist")
    return row


def _require_seen(store: Store, user: int, activity: str) -> sqlite3.Row:
    """Return an activity of the caller's own or of an entity that they may read."""
    row = _row_of(store, activity)
    if row["creator"] == user or access.is_admin(store, user):
        return row
    made = store.all("SELECT DISTINCT entity FROM entity_version WHERE activity = ?", activity)
    if not any(nodes.may(store, entity["entity"], user, "READ") for entity in made):
        raise NotAllowed(f"You are not allowed to access activity {activity}.")
    return row


def _require_own(context: Context) -> sqlite3.Row:
    row = _row_of(context.store, context.path["id"])
    if row["creator"] != context.user and not access.is_admin(context.store, context.user):
        raise NotAllowed("Only the user that created an activity may change it.")
    return row


def _checked(store: Store, body: Json) -> Json:
    """Return what an activity keeps of a body; an entity without a version is used in its current one."""
    used = [_checked_used(store, dict(entry)) for entry in body.get("used") or []]
    return {key: body[key] for key in ("name", "description") if key in body} | {"used": used}


def _checked_used(store: Store, entry: Json) -> Json:
    kind = entry.get("concreteType")
    kept: Json = {"concreteType": kind, "wasExecuted": entry.get("wasExecuted", False)}
    if kind == USED_URL:
        require(entry.get("url"), "url")
        return kept | {key: entry[key] for key in ("name", "url") if key in entry}
    if kind != USED_ENTITY:
        raise Invalid(f"Unknown concreteType of something used: {kind}")
    reference = entry.get("reference") or {}
    require(reference.get("targetId"), "reference.targetId")
    target = as_id(reference["targetId"])
    current = store.value("SELECT version FROM entity WHERE id = ?", target)
    version = reference.get("targetVersionNumber") or current
    return kept | {"reference": {"targetId": f"syn{target}", "targetVersionNumber": version}}


@operation("POST", "/repo/v1/activity", 201, body=ActivityBody, scopes=CHANGES)
def post_activity(context: Context) -> Json:
    """Describe how something was made."""
    store = context.store
    if context.user == ANONYMOUS:
        raise NotAllowed("Anonymous users cannot create activities.")
    identity, now = str(store.next_id("activity")), store.timestamp()
    doc = {
        **_checked(store, context.body),
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
    return load(_require_seen(context.store, context.user, context.path["id"])["doc"])


@operation("PUT", "/repo/v1/activity/{id}", body=ActivityBody, scopes=CHANGES)
def put_activity(context: Context) -> Json:
    """Describe anew how something was made, under the activity's etag."""
    store, row = context.store, _require_own(context)
    old = load(row["doc"])
    if context.body.get("id", row["id"]) != row["id"]:
        raise Invalid(f"Activity ID does not match requested ID: {row['id']}")
    if context.body.get("etag") != old["etag"]:
        raise Stale(
            f"Activity: {row['id']} was updated since you last fetched it, retrieve it again and re-apply the update"
        )
    doc = {
        **_checked(store, context.body),
        **{key: old[key] for key in ("id", "createdOn", "createdBy")},
        "etag": new_etag(),
        "modifiedOn": store.timestamp(),
        "modifiedBy": str(context.user),
    }
    store.run("UPDATE activity SET doc = ? WHERE id = ?", dump(doc), row["id"])
    return doc


@operation("DELETE", "/repo/v1/activity/{id}", 204)
def delete_activity(context: Context) -> None:
    """Forget how something was made."""
    row = _require_own(context)
    context.store.run("UPDATE entity_version SET activity = NULL WHERE activity = ?", row["id"])
    context.store.run("DELETE FROM activity WHERE id = ?", row["id"])


@operation("GET", "/repo/v1/activity/{id}/generated")
def list_generated(context: Context) -> Json:
    """List the versions of entities that an activity made."""
    row = _require_seen(context.store, context.user, context.path["id"])
    offset, limit = context.page()
    made = context.store.all(
        "SELECT entity, version FROM entity_version WHERE activity = ? ORDER BY entity, version LIMIT ? OFFSET ?",
        row["id"],
        limit,
        offset,
    )
    references = [{"targetId": f"syn{found['entity']}", "targetVersionNumber": found["version"]} for found in made]
    return paginated(references, offset, limit)


@operation("GET", "/repo/v1/entity/{id}/generatedBy")
def get_generated_by(context: Context) -> Json:
    """Read how the current version of an entity was made."""
    row = nodes.require(context.store, context.number("id"), context.user, "READ")
    return _made(context.store, row, row["version"])


@operation("GET", "/repo/v1/entity/{id}/version/{version}/generatedBy")
def get_version_generated_by(context: Context) -> Json:
    """Read how a version of an entity was made."""
    row = nodes.require(context.store, context.number("id"), context.user, "READ")
    return _made(context.store, row, versions.asked_version(context))


def _made(store: Store, row: sqlite3.Row, version: int) -> Json:
    activity = activity_of(store, row, version)
    if activity is None:
        raise Missing(f"No activity found for entity syn{row['id']}")
    return activity


@operation("PUT", "/repo/v1/entity/{id}/generatedBy", scopes=CHANGES)
def put_generated_by(context: Context) -> Json:
    """Say how the current version of an entity was made."""
    activity = context.query.get("generatedBy")
    require(activity, "generatedBy")
    row = nodes.require(context.store, context.number("id"), context.user, "UPDATE")
    set_activity(context.store, context.user, row["id"], str(activity))
    return _made(context.store, row, row["version"])


@operation("DELETE", "/repo/v1/entity/{id}/generatedBy", 204)
def delete_generated_by(context: Context) -> None:
    """Say no more how the current version of an entity was made."""
    _link(context.store, nodes.require(context.store, context.number("id"), context.user, "UPDATE"), None)
