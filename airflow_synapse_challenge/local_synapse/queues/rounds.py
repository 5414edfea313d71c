"""Rounds of a queue: when it takes submissions, and how many (section R of the rules)."""

from __future__ import annotations

import re
import sqlite3
from datetime import datetime, timedelta

from airflow_synapse_challenge.local_synapse.core.errors import Invalid, Missing, Stale, require
from airflow_synapse_challenge.local_synapse.core.http import Context, operation
from airflow_synapse_challenge.local_synapse.core.store import Json, Store, as_text, dump, load, new_etag, tables

from . import shapes
from .evaluations import quota_of, require_access, write

tables(
    """
    CREATE TABLE IF NOT EXISTS round (
        id INTEGER PRIMARY KEY, evaluation INTEGER NOT NULL, start TEXT NOT NULL, end TEXT NOT NULL,
        etag TEXT NOT NULL, doc TEXT NOT NULL);
    CREATE INDEX IF NOT EXISTS round_evaluation ON round (evaluation, start);
    """
)

MOST = 50
TOLERANCE = timedelta(seconds=1)
QUOTA_WORDS = (
    "A SubmissionQuota, which is deprecated, must not be defined for an Evaluation. "
    "You must first remove your Evaluation's SubmissionQuota before you can add an EvaluationRound."
)


def show(row: sqlite3.Row) -> Json:
    """Return a round as Synapse shows it."""
    return {
        **load(row["doc"]),
        "id": str(row["id"]),
        "etag": row["etag"],
        "evaluationId": str(row["evaluation"]),
        "roundStart": row["start"],
        "roundEnd": row["end"],
    }


def current(store: Store, evaluation: int) -> sqlite3.Row | None:
    """Return the round that is open now (R-07)."""
    now = store.timestamp()
    return store.one("SELECT * FROM round WHERE evaluation = ? AND start <= ? AND end > ?", evaluation, now, now)


def _row(store: Store, evaluation: int, identity: int) -> sqlite3.Row:
    row = store.one("SELECT * FROM round WHERE id = ?", identity)
    if row is None:
        raise _missing(evaluation, identity)
    return row


def _missing(evaluation: int, identity: int) -> Missing:
    return Missing(f"Evaluation Round with id={identity}, belonging to Evaluation id={evaluation}, could not be found.")


def _require_own(context: Context, evaluation: int) -> sqlite3.Row:
    """Return the round of the path, which a change has to reach through its own queue."""
    row = _row(context.store, evaluation, context.number("round"))
    if row["evaluation"] != evaluation:
        raise _missing(evaluation, row["id"])
    return row


def _has_submissions(store: Store, identity: int) -> bool:
    return store.one("SELECT 1 FROM submission WHERE round = ?", identity) is not None


def _checked(context: Context, queue: sqlite3.Row, but: int | None = None) -> tuple[datetime, datetime, Json]:
    """Return start, end and limits of a round's body, or refuse it (R-02, R-03, R-04)."""
    body, evaluation = context.body, context.number("id")
    for name in ("evaluationId", "roundStart", "roundEnd"):
        require(body.get(name), name)
    if body["evaluationId"] != str(evaluation):
        raise Invalid("EvaluationId in URL path and request body must match")
    start, end = body["roundStart"], body["roundEnd"]
    if quota_of(queue):
        raise Invalid(QUOTA_WORDS)
    if start > end:
        raise Invalid("EvaluationRound can not end before it starts")
    clashes = context.store.all(
        "SELECT id FROM round WHERE evaluation = ? AND end > ? AND start < ? AND id IS NOT ? ORDER BY id",
        evaluation,
        as_text(start),
        as_text(end),
        but,
    )
    if clashes:
        ids = ", ".join(str(row["id"]) for row in clashes)
        raise Invalid(f"This round's date range overlaps with the following round IDs: [{ids}]")
    limits = _checked_limits(body.get("limits", []))
    return start, end, {"limits": limits} if limits else {}


def _checked_limits(limits: list[Json]) -> list[Json]:
    seen: set[str] = set()
    for limit in limits:
        for name in ("limitType", "maximumSubmissions"):
            require(limit.get(name), name)
        if limit["limitType"] in seen:
            raise Invalid(f"You may only have 1 limit of type: {limit['limitType']}")
        if limit["maximumSubmissions"] < 0:
            raise Invalid("maxSubmissions must be a positive integer")
        seen.add(limit["limitType"])
    return [{name: limit[name] for name in ("limitType", "maximumSubmissions")} for limit in limits]


def add(store: Store, evaluation: int, start: datetime, end: datetime, doc: Json) -> int:
    """Store a round."""
    identity = store.next_id("round")
    store.run(
        "INSERT INTO round VALUES (?, ?, ?, ?, ?, ?)",
        identity,
        evaluation,
        as_text(start),
        as_text(end),
        new_etag(),
        dump(doc),
    )
    return identity


@operation("POST", "/repo/v1/evaluation/{id}/round", 201, body=shapes.EvaluationRound, scopes=("view", "modify"))
def post_round(context: Context) -> Json:
    """Make a round (R-01, R-03, R-04)."""
    store, evaluation = context.store, context.number("id")
    start, end, doc = _checked(context, require_access(store, evaluation, context.user, "UPDATE"))
    if start < store.now() - TOLERANCE:
        raise Invalid("Can not create an EvaluationRound with a start date in the past.")
    if end < store.now():
        raise Invalid("Can not create an EvaluationRound with an end date in the past.")
    return show(_row(store, evaluation, add(store, evaluation, start, end, doc)))


@operation("GET", "/repo/v1/evaluation/{id}/round/{round}")
def get_round(context: Context) -> Json:
    """Read a round; it is looked up by its own id alone (R-09)."""
    require_access(context.store, context.number("id"), context.user, "READ")
    return show(_row(context.store, context.number("id"), context.number("round")))


@operation("PUT", "/repo/v1/evaluation/{id}/round/{round}", body=shapes.EvaluationRound, scopes=("view", "modify"))
def put_round(context: Context) -> Json:
    """Change a round under its etag (R-05)."""
    store, evaluation = context.store, context.number("id")
    queue = require_access(store, evaluation, context.user, "UPDATE")
    row = _require_own(context, evaluation)
    identity = row["id"]
    if context.body.get("id") != str(identity):
        raise Invalid("EvaluationRound ID in URL path and request body must match.")
    start, end, doc = _checked(context, queue, but=identity)
    now = store.now()
    if as_text(start) != row["start"] and start < now and _has_submissions(store, identity):
        raise Invalid(
            "Cannot update an EvaluationRound's start date after it has already started and Submissions have been made."
        )
    if as_text(end) != row["end"] and end < now:
        raise Invalid("Cannot update an EvaluationRound's end date to be in the past.")
    if context.body.get("etag") != row["etag"]:
        raise Stale(
            f"EvaluationRound: {identity} has been updated since you last fetched it; please retrieve it again and "
            "re-apply the update"
        )
    store.run(
        "UPDATE round SET start = ?, end = ?, etag = ?, doc = ? WHERE id = ?",
        as_text(start),
        as_text(end),
        new_etag(),
        dump(doc),
        identity,
    )
    return show(_row(store, evaluation, identity))


@operation("DELETE", "/repo/v1/evaluation/{id}/round/{round}", 204, scopes=("view", "modify"))
def delete_round(context: Context) -> None:
    """Remove a round that nobody has submitted in (R-06)."""
    store, evaluation = context.store, context.number("id")
    require_access(store, evaluation, context.user, "UPDATE")
    row = _require_own(context, evaluation)
    if row["start"] < store.timestamp() and _has_submissions(store, row["id"]):
        raise Invalid("Can not delete an EvaluationRound after it has already started and Submissions have been made")
    store.run("DELETE FROM round WHERE id = ?", row["id"])


@operation(
    "POST",
    "/repo/v1/evaluation/{id}/round/list",
    200,
    body=shapes.EvaluationRoundListRequest,
    scopes=("view",),
    writes=False,
)
def list_rounds(context: Context) -> Json:
    """List the rounds of a queue by their start (R-01, G-09)."""
    require_access(context.store, context.number("id"), context.user, "READ")
    limit, offset = _page(context.body.get("nextPageToken"))
    rows = context.store.all(
        "SELECT * FROM round WHERE evaluation = ? ORDER BY start LIMIT ? OFFSET ?",
        context.number("id"),
        limit + 1,
        offset,
    )
    answer: Json = {"page": [show(row) for row in rows[:limit]]}
    if len(rows) > limit:
        answer["nextPageToken"] = f"{limit}a{offset + limit}"
    return answer


def _page(token: str | None) -> tuple[int, int]:
    """Return limit and offset of a token of an earlier page (G-09)."""
    if token is None:
        return MOST, 0
    found = re.fullmatch(r"(\d{1,9})a(\d{1,9})", token)
    if not found or not 1 <= int(found[1]) <= MOST:
        raise Invalid(f"Invalid nextPageToken: {token}")
    return int(found[1]), int(found[2])


@operation("POST", "/repo/v1/evaluation/{id}/migratequota", 200, scopes=("view", "modify"))
def migrate_quota(context: Context) -> None:
    """Put rounds in the place of the deprecated quota (R-08)."""
    store, evaluation = context.store, context.number("id")
    row = require_access(store, evaluation, context.user, "UPDATE")
    quota = quota_of(row)
    if quota is None:
        raise Invalid("The evaluation does not have a SubmissionQuota to convert")
    for start, end, limits in quota.as_rounds():
        add(store, evaluation, start, end, {"limits": limits} if limits else {})
    doc = load(row["doc"])
    del doc["quota"]
    write(store, evaluation, row["name"], row["project"], doc)
