"""Sharing of queues: their lists, what the caller may do, and which queues one may see (V-09, V-11 to V-13)."""

from __future__ import annotations

import json
import sqlite3
from typing import Any, get_args

from airflow_synapse_challenge.local_synapse.core.errors import Gone, Missing, Stale
from airflow_synapse_challenge.local_synapse.core.http import ANONYMOUS, Context, as_id, operation, paginated
from airflow_synapse_challenge.local_synapse.core.store import Json, load
from airflow_synapse_challenge.local_synapse.people import access
from airflow_synapse_challenge.local_synapse.people.query import choice

from .evaluations import may, require_access, row_of, show

ACCESS_TYPES = get_args(access.AccessType)
RIGHTS = {
    "canView": "READ",
    "canEdit": "UPDATE",
    "canDelete": "DELETE",
    "canChangePermissions": "CHANGE_PERMISSIONS",
    "canSubmit": "SUBMIT",
    "canViewPrivateSubmissionStatusAnnotations": "READ_PRIVATE_SUBMISSION",
    "canEditSubmissionStatuses": "UPDATE_SUBMISSION",
    "canDeleteSubmissions": "DELETE_SUBMISSION",
}
#: Queues whose list gives one of several principals an access type.
SHARED = """EXISTS (
    SELECT 1 FROM acl, json_each(acl.doc, '$.resourceAccess') AS entry, json_each(entry.value, '$.accessType') AS kind
    WHERE acl.kind = 'evaluation' AND acl.object = evaluation.id AND kind.value = ?
    AND json_extract(entry.value, '$.principalId') IN (SELECT value FROM json_each(?)))"""


def _listing(context: Context, kind: str, project: int | None = None) -> Json:
    """
    List queues by name (V-09).

    Only the deprecated quota makes a queue inactive: one that has rounds always counts as active.
    """
    store = context.store
    offset, limit = context.page(default=10)
    conditions: list[str] = []
    values: list[Any] = []
    if project is not None:
        conditions.append("project = ?")
        values.append(project)
    if wanted := context.query.get("evaluationIds"):
        conditions.append("id IN (SELECT value FROM json_each(?))")
        values.append(json.dumps([as_id(item) for item in wanted.split(",")]))
    if context.flag("activeOnly"):
        conditions.append("(quota_start IS NULL OR (quota_start <= ? AND quota_end > ?))")
        values += [store.timestamp()] * 2
    if not access.is_admin(store, context.user):
        conditions.append(SHARED)
        values += [kind, json.dumps(sorted(access.principals_of(store, context.user)))]
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    rows = store.all(f"SELECT * FROM evaluation {where} ORDER BY name LIMIT ? OFFSET ?", *values, limit, offset)
    return paginated([show(row) for row in rows], offset, limit)


@operation("GET", "/repo/v1/evaluation")
def list_evaluations(context: Context) -> Json:
    """List the queues on which the caller has an access type (V-09)."""
    return _listing(context, choice(context, "accessType", ACCESS_TYPES, "READ"))


@operation("GET", "/repo/v1/evaluation/available")
def list_available(context: Context) -> Json:
    """List the queues that the caller may submit to (V-09)."""
    return _listing(context, "SUBMIT")


@operation("GET", "/repo/v1/entity/{id}/evaluation")
def list_of_project(context: Context) -> Json:
    """List the queues of a project (V-09)."""
    return _listing(context, choice(context, "accessType", ACCESS_TYPES, "READ"), context.number("id"))


@operation("GET", "/repo/v1/evaluation/{id}/access")
def get_access(context: Context) -> Json:
    """Ask whether the caller has an access type (V-05)."""
    return {
        "result": may(context.store, context.number("id"), context.user, choice(context, "accessType", ACCESS_TYPES))
    }


@operation("GET", "/repo/v1/evaluation/{id}/acl")
def get_acl(context: Context) -> Json:
    """Read the sharing of a queue; no permission is needed (V-11)."""
    evaluation = context.number("id")
    row_of(context.store, evaluation)
    return _acl(context, evaluation)


def _acl(context: Context, evaluation: int) -> Json:
    acl = access.read_acl(context.store, "evaluation", evaluation, str(evaluation))
    assert acl is not None  # every evaluation has its own list
    return acl


@operation("PUT", "/repo/v1/evaluation/acl", body=access.AccessControlList, scopes=("view", "modify"))
def put_acl(context: Context) -> Json:
    """Change the sharing of a queue under the list's etag (V-11, V-12)."""
    store, evaluation = context.store, as_id(context.body.get("id"))
    if not store.one("SELECT 1 FROM evaluation WHERE id = ?", evaluation):
        raise Missing(f"Evaluation of ID {evaluation} does not exist yet.")
    row = require_access(store, evaluation, context.user, "CHANGE_PERMISSIONS")
    if context.body.get("etag") != _acl(context, evaluation)["etag"]:
        raise Stale(f"ACL of evaluation {evaluation} was updated since you last fetched it, retrieve it again.")
    entries = context.body.get("resourceAccess", [])
    access.check_acl(store, "evaluation", context.user, entries, owner=_owner(row))
    access.write_acl(store, "evaluation", evaluation, entries)
    return _acl(context, evaluation)


@operation("POST", "/repo/v1/evaluation/acl", 201, scopes=("view", "modify"))
@operation("DELETE", "/repo/v1/evaluation/{id}/acl", 204, scopes=("view", "modify"))
def removed_acl_service(context: Context) -> None:
    """Synapse removed this service (V-11)."""
    raise Gone("This service has been removed; use PUT /evaluation/acl.")


@operation("GET", "/repo/v1/evaluation/{id}/permissions")
def get_permissions(context: Context) -> Json:
    """Read what the caller may do with a queue (V-13)."""
    store, evaluation = context.store, context.number("id")
    row = row_of(store, evaluation)
    return {name: may(store, evaluation, context.user, kind) for name, kind in RIGHTS.items()} | {
        "canPublicRead": may(store, evaluation, ANONYMOUS, "READ"),
        "ownerPrincipalId": _owner(row),
    }


def _owner(row: sqlite3.Row) -> int:
    return int(load(row["doc"])["ownerId"])
