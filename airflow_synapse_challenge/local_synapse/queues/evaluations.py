"""Evaluations (queues): made, read, found, changed, removed (section V of the rules)."""

from __future__ import annotations

import sqlite3

from airflow_synapse_challenge.local_synapse.content import entities
from airflow_synapse_challenge.local_synapse.core.errors import Invalid, Missing, NameTaken, NotAllowed, Stale, require
from airflow_synapse_challenge.local_synapse.core.http import ANONYMOUS, Context, as_id, operation
from airflow_synapse_challenge.local_synapse.core.store import Json, Store, as_text, dump, load, new_etag, tables
from airflow_synapse_challenge.local_synapse.people import access

from . import shapes
from .quotas import Quota

tables(
    """
    CREATE TABLE IF NOT EXISTS evaluation (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE COLLATE NOCASE, project INTEGER NOT NULL, etag TEXT NOT NULL,
        batch_token TEXT NOT NULL, quota_start TEXT, quota_end TEXT, doc TEXT NOT NULL);
    CREATE INDEX IF NOT EXISTS evaluation_project ON evaluation (project, name);
    """
)

OWN_FIELDS = ("description", "submissionInstructionsMessage", "submissionReceiptMessage")
QUOTA_WORDS = (
    "DEPRECATED! SubmissionQuota is a DEPRECATED feature and can not co-exist with EvaluationRounds. "
    "You must first delete your Evaluation's associated EvaluationRounds in order to use SubmissionQuota."
)


def show(row: sqlite3.Row) -> Json:
    """Return an evaluation as Synapse shows it."""
    return {
        **load(row["doc"]),
        "id": str(row["id"]),
        "name": row["name"],
        "etag": row["etag"],
        "contentSource": f"syn{row['project']}",
    }


def row_of(store: Store, evaluation: int) -> sqlite3.Row:
    """Return an evaluation's row (V-04)."""
    row = store.one("SELECT * FROM evaluation WHERE id = ?", evaluation)
    if row is None:
        raise Missing(f"Evaluation could not be found with id :{evaluation}")
    return row


def quota_of(row: sqlite3.Row) -> Quota | None:
    """Return the deprecated quota of an evaluation, if it has one."""
    doc = load(row["doc"]).get("quota")
    return Quota.of(doc) if doc else None


def may(store: Store, evaluation: int, user: int, kind: str) -> bool:
    """Tell whether a user has an access type on an evaluation; its list never inherits (V-03)."""
    if user == ANONYMOUS and kind != "READ":
        return False
    return access.allowed(store, "evaluation", evaluation, user, kind)


def require_access(store: Store, evaluation: int, user: int, kind: str) -> sqlite3.Row:
    """Return an evaluation, or refuse: existence first, then permission (V-04)."""
    row = row_of(store, evaluation)
    if not may(store, evaluation, user, kind):
        raise NotAllowed(f"User {user} is not authorized to {kind} evaluation {evaluation} ({row['name']})")
    return row


def require_submission_access(store: Store, evaluation: int, user: int, kind: str) -> None:
    """Refuse with the words of the submission services, also for unknown evaluations (V-05)."""
    if user == ANONYMOUS and kind != "READ":
        raise NotAllowed("Anonymous user is not allowed to access Evaluation.")
    if access.is_admin(store, user):
        row_of(store, evaluation)
    elif not may(store, evaluation, user, kind):
        raise NotAllowed(f"User lacks {kind} access to Evaluation {evaluation}")


def create(store: Store, user: int, body: Json) -> int:
    """Make a queue as a user who has everything on it then (V-01, V-02, V-03)."""
    require(body.get("name"), "Evaluation name")
    require(body.get("contentSource"), "Evaluation content source")
    project = entities.row_of(store, as_id(body["contentSource"]))
    access.require_certified(store, user)
    if not entities.may(store, project["id"], user, "CREATE"):
        raise NotAllowed(
            f"User {user} must have CREATE right on the entity syn{project['id']} in order to create a "
            "evaluation based on it."
        )
    _require_project(project)
    name = entities.checked_name(body["name"])
    if store.one("SELECT 1 FROM evaluation WHERE name = ?", name):
        raise NameTaken(f"An Evaluation already exists with the name '{name}'")
    evaluation = store.next_id("evaluation")
    doc = _own_fields(body) | {"ownerId": str(user), "createdOn": store.timestamp()}
    store.run(
        "INSERT INTO evaluation (id, name, project, etag, batch_token, quota_start, quota_end, doc) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        evaluation,
        name,
        project["id"],
        new_etag(),
        new_etag(),
        *_quota_span(doc),
        dump(doc),
    )
    access.write_acl(store, "evaluation", evaluation, [{"principalId": user, "accessType": access.EVALUATION_ADMIN}])
    return evaluation


def _require_project(row: sqlite3.Row) -> None:
    if row["type"] != entities.PROJECT:
        raise Invalid(f"Evaluation contentSource must be a project; syn{row['id']} is not.")


def _own_fields(body: Json) -> Json:
    """Return what a user says about a queue; the quota is checked (V-08)."""
    doc = {name: body[name] for name in OWN_FIELDS if name in body}
    if "quota" in body:
        doc["quota"] = Quota.of(body["quota"]).doc
    return doc


def _quota_span(doc: Json) -> tuple[str | None, str | None]:
    if "quota" not in doc:
        return None, None
    quota = Quota.of(doc["quota"])
    return as_text(quota.start), as_text(quota.end)


@operation("POST", "/repo/v1/evaluation", 201, body=shapes.Evaluation, scopes=("view", "modify"))
def post_evaluation(context: Context) -> Json:
    """Make a queue for a project (V-01)."""
    return show(row_of(context.store, create(context.store, context.user, context.body)))


@operation("GET", "/repo/v1/evaluation/{id}")
def get_evaluation(context: Context) -> Json:
    """Read a queue (V-04)."""
    return show(require_access(context.store, context.number("id"), context.user, "READ"))


@operation("GET", "/repo/v1/evaluation/name/{name}")
def get_by_name(context: Context) -> Json:
    """Find a queue; an unreadable one looks like none (V-06)."""
    row = context.store.one("SELECT * FROM evaluation WHERE name = ?", context.path["name"])
    if row is None or not may(context.store, row["id"], context.user, "READ"):
        raise Missing(f"No Evaluation found with name {context.path['name']}")
    return show(row)


@operation("PUT", "/repo/v1/evaluation/{id}", body=shapes.Evaluation, scopes=("view", "modify"))
def put_evaluation(context: Context) -> Json:
    """Change a queue under its etag (V-07)."""
    store, body, evaluation = context.store, context.body, context.number("id")
    if body.get("id") != str(evaluation):
        raise Invalid(f"Evaluation ID does not match requested ID: {evaluation}")
    row = require_access(store, evaluation, context.user, "UPDATE")
    if "quota" in body and store.one("SELECT 1 FROM round WHERE evaluation = ?", evaluation):
        raise Invalid(QUOTA_WORDS)
    name = entities.checked_name(body.get("name") or row["name"])
    if store.value("SELECT id FROM evaluation WHERE name = ?", name) not in (None, evaluation):
        raise Invalid(f"An Evaluation already exists with the name '{name}'")
    project = as_id(body.get("contentSource") or f"syn{row['project']}")
    if project != row["project"]:
        _require_project(entities.row_of(store, project))
    if body.get("etag") != row["etag"]:
        raise Stale(
            f"Evaluation: {evaluation} has been updated since you last fetched it; please retrieve it again and "
            "re-apply the update"
        )
    old = load(row["doc"])
    write(store, evaluation, name, project, _own_fields(body) | {name: old[name] for name in ("ownerId", "createdOn")})
    return show(row_of(store, evaluation))


def write(store: Store, evaluation: int, name: str, project: int, doc: Json) -> None:
    """Store what a queue is now, under a new etag."""
    store.run(
        "UPDATE evaluation SET name = ?, project = ?, etag = ?, quota_start = ?, quota_end = ?, doc = ? WHERE id = ?",
        name,
        project,
        new_etag(),
        *_quota_span(doc),
        dump(doc),
        evaluation,
    )


@operation("DELETE", "/repo/v1/evaluation/{id}", 204)
def delete_evaluation(context: Context) -> None:
    """Remove a queue with everything in it (V-10)."""
    store, evaluation = context.store, context.number("id")
    require_access(store, evaluation, context.user, "DELETE")
    require_access(store, evaluation, context.user, "CHANGE_PERMISSIONS")
    store.run("DELETE FROM evaluation WHERE id = ?", evaluation)
    store.run("DELETE FROM acl WHERE kind = 'evaluation' AND object = ?", evaluation)
    for table in ("submission", "contributor", "round", "submission_block", "legacy_index", "legacy_change"):
        store.run(f"DELETE FROM {table} WHERE evaluation = ?", evaluation)
