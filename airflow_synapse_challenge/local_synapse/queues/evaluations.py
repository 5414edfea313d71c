"""Evaluations (queues), their rounds and their sharing."""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta
from typing import Any

from airflow_synapse_challenge.local_synapse.content import entities
from airflow_synapse_challenge.local_synapse.core.errors import (
    Gone,
    Invalid,
    Missing,
    NameTaken,
    NotAllowed,
    Stale,
    require,
)
from airflow_synapse_challenge.local_synapse.core.http import ANONYMOUS, Context, as_id, operation, paginated
from airflow_synapse_challenge.local_synapse.core.store import Json, Store, as_text, dump, load, new_etag, tables
from airflow_synapse_challenge.local_synapse.people import access

tables(
    """
    CREATE TABLE IF NOT EXISTS evaluation (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE COLLATE NOCASE, project INTEGER NOT NULL, etag TEXT NOT NULL,
        batch_token TEXT NOT NULL, doc TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS round (
        id INTEGER PRIMARY KEY, evaluation INTEGER NOT NULL, start TEXT NOT NULL, end TEXT NOT NULL,
        etag TEXT NOT NULL, doc TEXT NOT NULL);
    """
)

SERVER_FIELDS = ("id", "etag", "createdOn", "ownerId")
LIMIT_TYPES = ("TOTAL", "DAILY", "WEEKLY", "MONTHLY")
QUOTA_WORDS = "DEPRECATED! SubmissionQuota is a DEPRECATED feature and can not co-exist with EvaluationRounds."


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


@operation("POST", "/repo/v1/evaluation", 201)
def post_evaluation(context: Context) -> Json:
    """Make a queue for a project (V-01, V-02, V-03)."""
    store, body = context.store, context.body
    require(body.get("name"), "Evaluation name")
    require(body.get("contentSource"), "Evaluation content source")
    name = entities.checked_name(body["name"])
    project = entities.row_of(store, as_id(body["contentSource"]))
    access.require_certified(store, context.user)
    if not entities.may(store, project["id"], context.user, "CREATE"):
        raise NotAllowed(
            f"User {context.user} must have CREATE right on the entity syn{project['id']} in order to create a "
            "evaluation based on it."
        )
    if project["type"] != entities.PROJECT:
        raise Invalid(f"Evaluation contentSource must be a project; syn{project['id']} is not.")
    if store.one("SELECT 1 FROM evaluation WHERE name = ?", name):
        raise NameTaken(f"An Evaluation already exists with the name '{name}'")
    check_quota(body.get("quota"))
    evaluation = store.next_id("evaluation")
    doc = {key: value for key, value in body.items() if key not in (*SERVER_FIELDS, "name", "contentSource")}
    doc |= {"ownerId": str(context.user), "createdOn": store.timestamp()}
    store.run(
        "INSERT INTO evaluation VALUES (?, ?, ?, ?, ?, ?)",
        evaluation,
        name,
        project["id"],
        new_etag(),
        new_etag(),
        dump(doc),
    )
    access.write_acl(
        store, "evaluation", evaluation, [{"principalId": context.user, "accessType": access.EVALUATION_ADMIN}]
    )
    return show(row_of(store, evaluation))


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


@operation("PUT", "/repo/v1/evaluation/{id}")
def put_evaluation(context: Context) -> Json:
    """Change a queue under its etag (V-07)."""
    store, body, evaluation = context.store, context.body, context.number("id")
    row = require_access(store, evaluation, context.user, "UPDATE")
    if as_id(body.get("id")) != evaluation:
        raise Invalid(f"Evaluation ID does not match requested ID: {evaluation}")
    if body.get("etag") != row["etag"]:
        raise Stale(
            f"Evaluation: {evaluation} has been updated since you last fetched it; please retrieve it again and "
            "re-apply the update"
        )
    if "quota" in body and rounds_of(store, evaluation):
        raise Invalid(QUOTA_WORDS)
    check_quota(body.get("quota"))
    name = entities.checked_name(body.get("name") or row["name"])
    if store.value("SELECT id FROM evaluation WHERE name = ?", name) not in (None, evaluation):
        raise Invalid(f"An Evaluation already exists with the name '{name}'")
    old = load(row["doc"])
    doc = {key: value for key, value in body.items() if key not in (*SERVER_FIELDS, "name", "contentSource")}
    doc |= {"ownerId": old["ownerId"], "createdOn": old["createdOn"]}
    store.run(
        "UPDATE evaluation SET name = ?, project = ?, etag = ?, doc = ? WHERE id = ?",
        name,
        as_id(body.get("contentSource") or f"syn{row['project']}"),
        new_etag(),
        dump(doc),
        evaluation,
    )
    return show(row_of(store, evaluation))


@operation("DELETE", "/repo/v1/evaluation/{id}", 204)
def delete_evaluation(context: Context) -> None:
    """Remove a queue with everything in it (V-10)."""
    store, evaluation = context.store, context.number("id")
    require_access(store, evaluation, context.user, "DELETE")
    require_access(store, evaluation, context.user, "CHANGE_PERMISSIONS")
    store.run("DELETE FROM evaluation WHERE id = ?", evaluation)
    store.run("DELETE FROM acl WHERE kind = 'evaluation' AND object = ?", evaluation)
    store.run("DELETE FROM submission WHERE evaluation = ?", evaluation)
    store.run("DELETE FROM round WHERE evaluation = ?", evaluation)


def _listing(context: Context, kind: str, project: int | None = None) -> Json:
    store = context.store
    offset, limit = context.page(default=10)
    wanted = {as_id(item) for item in context.query.get("evaluationIds", "").split(",") if item}
    rows = store.all("SELECT * FROM evaluation ORDER BY name")
    visible = [
        row
        for row in rows
        if (project is None or row["project"] == project)
        and (not wanted or row["id"] in wanted)
        and may(store, row["id"], context.user, kind)
    ]
    return paginated([show(row) for row in visible[offset : offset + limit]], offset, limit)


@operation("GET", "/repo/v1/evaluation")
def list_evaluations(context: Context) -> Json:
    """List the queues on which the caller has an access type (V-09)."""
    return _listing(context, context.query.get("accessType", "READ"))


@operation("GET", "/repo/v1/evaluation/available")
def list_available(context: Context) -> Json:
    """List the queues that the caller may submit to (V-09)."""
    return _listing(context, "SUBMIT")


@operation("GET", "/repo/v1/entity/{id}/evaluation")
def list_of_project(context: Context) -> Json:
    """List the queues of a project (V-09)."""
    return _listing(context, context.query.get("accessType", "READ"), context.number("id"))


@operation("GET", "/repo/v1/evaluation/{id}/acl")
def get_acl(context: Context) -> Json:
    """Read the sharing of a queue; no permission is needed (V-11)."""
    evaluation = context.number("id")
    row_of(context.store, evaluation)
    return access.read_acl(context.store, "evaluation", evaluation, str(evaluation)) or {}


@operation("PUT", "/repo/v1/evaluation/acl")
def put_acl(context: Context) -> Json:
    """Change the sharing of a queue under the list's etag (V-11, V-12)."""
    store, evaluation = context.store, as_id(context.body.get("id"))
    if store.one("SELECT 1 FROM evaluation WHERE id = ?", evaluation) is None:
        raise Missing(f"Evaluation of ID {evaluation} does not exist yet.")
    require_access(store, evaluation, context.user, "CHANGE_PERMISSIONS")
    current = access.read_acl(store, "evaluation", evaluation, str(evaluation)) or {}
    if context.body.get("etag") != current.get("etag"):
        raise Stale(f"ACL of evaluation {evaluation} was updated since you last fetched it, retrieve it again.")
    entries = context.body.get("resourceAccess") or []
    access.check_acl(store, "evaluation", context.user, entries)
    access.write_acl(store, "evaluation", evaluation, entries)
    return access.read_acl(store, "evaluation", evaluation, str(evaluation)) or {}


@operation("POST", "/repo/v1/evaluation/acl")
@operation("DELETE", "/repo/v1/evaluation/{id}/acl")
def removed_acl_service(context: Context) -> None:
    """Synapse removed this service (V-11)."""
    raise Gone("This service has been removed; use PUT /evaluation/acl.")


@operation("GET", "/repo/v1/evaluation/{id}/permissions")
def get_permissions(context: Context) -> Json:
    """Read what the caller may do with a queue (V-13)."""
    store, evaluation = context.store, context.number("id")
    row = row_of(store, evaluation)
    rights = {
        "canView": "READ",
        "canEdit": "UPDATE",
        "canDelete": "DELETE",
        "canChangePermissions": "CHANGE_PERMISSIONS",
        "canSubmit": "SUBMIT",
        "canViewPrivateSubmissionStatusAnnotations": "READ_PRIVATE_SUBMISSION",
        "canEditSubmissionStatuses": "UPDATE_SUBMISSION",
        "canDeleteSubmissions": "DELETE_SUBMISSION",
    }
    return {name: may(store, evaluation, context.user, kind) for name, kind in rights.items()} | {
        "canPublicRead": may(store, evaluation, ANONYMOUS, "READ"),
        "ownerPrincipalId": int(load(row["doc"])["ownerId"]),
    }


def rounds_of(store: Store, evaluation: int) -> list[sqlite3.Row]:
    """Return the rounds of a queue by their start."""
    return store.all("SELECT * FROM round WHERE evaluation = ? ORDER BY start", evaluation)


def current_round(store: Store, evaluation: int) -> sqlite3.Row | None:
    """Return the round that is open now (R-07)."""
    now = store.timestamp()
    return store.one("SELECT * FROM round WHERE evaluation = ? AND start <= ? AND end > ?", evaluation, now, now)


def show_round(row: sqlite3.Row) -> Json:
    """Return a round as Synapse shows it."""
    return {
        **load(row["doc"]),
        "id": str(row["id"]),
        "etag": row["etag"],
        "evaluationId": str(row["evaluation"]),
        "roundStart": row["start"],
        "roundEnd": row["end"],
    }


def _round_row(store: Store, evaluation: int, identity: int) -> sqlite3.Row:
    row = store.one("SELECT * FROM round WHERE id = ?", identity)
    if row is None:
        raise Missing(
            f"Evaluation Round with id={identity}, belonging to Evaluation id={evaluation}, could not be found."
        )
    return row


def _has_submissions(store: Store, round_id: int) -> bool:
    return store.one("SELECT 1 FROM submission WHERE round = ?", round_id) is not None


def _checked_round(store: Store, evaluation: int, body: Json, but: int | None = None) -> tuple[str, str, Json]:
    start, end = (moment(body.get(name), name) for name in ("roundStart", "roundEnd"))
    if "quota" in load(row_of(store, evaluation)["doc"]):
        raise Invalid(
            "A SubmissionQuota, which is deprecated, must not be defined for an Evaluation. "
            "You must first remove the Evaluation's SubmissionQuota before you can use EvaluationRounds."
        )
    if start > end:
        raise Invalid("EvaluationRound can not end before it starts")
    if end <= store.now():
        raise Invalid("Can not create an EvaluationRound with an end date in the past.")
    clashes = [
        str(row["id"])
        for row in rounds_of(store, evaluation)
        if row["id"] != but and row["end"] > as_text(start) and row["start"] < as_text(end)
    ]
    if clashes:
        raise Invalid(f"This round's date range overlaps with the following round IDs: [{', '.join(clashes)}]")
    limits = body.get("limits") or []
    kinds = [limit.get("limitType") for limit in limits]
    for limit in limits:
        if kinds.count(limit.get("limitType")) > 1:
            raise Invalid(f"You may only have 1 limit of type: {limit.get('limitType')}")
        if limit.get("limitType") not in LIMIT_TYPES:
            raise Invalid(f"limitType must be one of {', '.join(LIMIT_TYPES)}")
        if int(limit.get("maximumSubmissions", -1)) < 0:
            raise Invalid("maxSubmissions must be a positive integer")
    return as_text(start), as_text(end), {"limits": limits} if limits else {}


def moment(value: Any, name: str) -> datetime:
    """Return a time of a body."""
    require(value, name)
    try:
        return datetime.fromisoformat(str(value))
    except ValueError as error:
        raise Invalid(f"{name} is not a valid date: {value}") from error


@operation("POST", "/repo/v1/evaluation/{id}/round", 201)
def post_round(context: Context) -> Json:
    """Make a round (R-01, R-03, R-04)."""
    store, evaluation = context.store, context.number("id")
    require_access(store, evaluation, context.user, "UPDATE")
    start, end, doc = _checked_round(store, evaluation, context.body)
    if datetime.fromisoformat(start) < store.now() - timedelta(seconds=1):
        raise Invalid("Can not create an EvaluationRound with a start date in the past.")
    identity = store.next_id("round")
    store.run("INSERT INTO round VALUES (?, ?, ?, ?, ?, ?)", identity, evaluation, start, end, new_etag(), dump(doc))
    return show_round(_round_row(store, evaluation, identity))


@operation("GET", "/repo/v1/evaluation/{id}/round/{round:int}")
def get_round(context: Context) -> Json:
    """Read a round; it is looked up by its own id alone (R-09)."""
    require_access(context.store, context.number("id"), context.user, "READ")
    return show_round(_round_row(context.store, context.number("id"), int(context.path["round"])))


@operation("PUT", "/repo/v1/evaluation/{id}/round/{round:int}")
def put_round(context: Context) -> Json:
    """Change a round under its etag (R-05)."""
    store, evaluation, identity = context.store, context.number("id"), int(context.path["round"])
    require_access(store, evaluation, context.user, "UPDATE")
    row = _round_row(store, evaluation, identity)
    if as_id(context.body.get("id")) != identity:
        raise Invalid("EvaluationRound ID in URL path and request body must match.")
    if context.body.get("etag") != row["etag"]:
        raise Stale(f"EvaluationRound: {identity} has been updated since you last fetched it, retrieve it again.")
    start, end, doc = _checked_round(store, evaluation, context.body, but=identity)
    if start != row["start"] and start < store.timestamp() and _has_submissions(store, identity):
        raise Invalid(
            "Cannot update an EvaluationRound's start date after it has already started and Submissions have been made."
        )
    store.run(
        "UPDATE round SET start = ?, end = ?, etag = ?, doc = ? WHERE id = ?",
        start,
        end,
        new_etag(),
        dump(doc),
        identity,
    )
    return show_round(_round_row(store, evaluation, identity))


@operation("DELETE", "/repo/v1/evaluation/{id}/round/{round:int}", 204)
def delete_round(context: Context) -> None:
    """Remove a round that nobody has submitted in (R-06)."""
    store, evaluation, identity = context.store, context.number("id"), int(context.path["round"])
    require_access(store, evaluation, context.user, "UPDATE")
    row = _round_row(store, evaluation, identity)
    if row["start"] < store.timestamp() and _has_submissions(store, identity):
        raise Invalid("Can not delete an EvaluationRound after it has already started and Submissions have been made")
    store.run("DELETE FROM round WHERE id = ?", identity)


@operation("POST", "/repo/v1/evaluation/{id}/round/list", 200)
def list_rounds(context: Context) -> Json:
    """List the rounds of a queue (R-01, G-09)."""
    require_access(context.store, context.number("id"), context.user, "READ")
    limit, offset = 50, 0
    if token := context.body.get("nextPageToken"):
        limit, offset = (int(part) for part in token.split("a"))
    rows = rounds_of(context.store, context.number("id"))
    answer: Json = {"page": [show_round(row) for row in rows[offset : offset + limit]]}
    if len(rows) > offset + limit:
        answer["nextPageToken"] = f"{limit}a{offset + limit}"
    return answer


def check_quota(quota: Json | None) -> None:
    """Refuse an incomplete quota, the deprecated form of rounds (V-08)."""
    if quota is None:
        return
    if quota.get("submissionLimit", 0) < 0:
        raise Invalid("submissionLimit must be a non-negative integer")
    for name in ("numberOfRounds", "roundDurationMillis"):
        if quota.get(name) is None or quota[name] < 0:
            raise Invalid(f"{name} must be defined and non-negative")
    moment(quota.get("firstRoundStart"), "firstRoundStart")
