"""
Asynchronous jobs: started, asked for until they are done, remembered (J-01 to J-04).

The work is done when the job is started; clients do not wait for it. The setting ``job_seconds`` hides the result that
long, so that waiting can be rehearsed. Work that cannot be done yet (:class:`NotReady`) is tried again each time that
somebody asks.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response

from .errors import Missing, NotAllowed, Refused
from .http import Answer, Context, as_id, without_nulls
from .routing import operation
from .store import Json, Store, as_text, dump, load, new_etag, tables

tables(
    """
    CREATE TABLE IF NOT EXISTS job (
        id INTEGER PRIMARY KEY, user INTEGER NOT NULL, work TEXT NOT NULL, request TEXT NOT NULL, cache_key TEXT,
        state TEXT NOT NULL, answer TEXT, error TEXT, etag TEXT NOT NULL, started_at REAL NOT NULL,
        changed_at REAL NOT NULL, shown_at REAL NOT NULL);
    CREATE INDEX IF NOT EXISTS job_cache ON job (cache_key) WHERE cache_key IS NOT NULL;
    """
)

#: Older jobs are forgotten.
MOST_JOBS = 2000
PROCESSING, COMPLETE, FAILED = "PROCESSING", "COMPLETE", "FAILED"

#: Does the work of a job and returns its response body.
Work = Callable[[Context], Json]
#: Returns what the answer depends on beside the request, ``None`` if it must not be answered from memory (J-04).
StateOf = Callable[[Context], str | None]

WORKS: dict[str, Work] = {}


class NotReady(Exception):
    """What the work needs is not there yet; what was written down so far stays."""


def job(
    path: str,
    *,
    request: str,
    response: str,
    body: Any,
    scopes: tuple[str, ...] = ("view", "modify"),
    get_scopes: tuple[str, ...] = ("view",),
    state_of: StateOf | None = None,
) -> Callable[[Work], Work]:
    """
    Register ``{path}/start`` and ``{path}/get/{asyncToken}`` for the work that the decorated function does.

    The function gets the context of the start request and returns the response body; what it refuses is the answer of
    the get request, and nothing that it changed before stays (J-02).

    :param path: with the service's prefix, for example ``/repo/v1/entity/{id}/table/query/async``.
    :param request: concrete type of the request body.
    :param response: concrete type of the response body.
    :param body: shape of the request body.
    :param scopes: what the token that starts the job needs.
    :param get_scopes: what the token that asks for it needs.
    :param state_of: for work that changes nothing: an equal request of the same user in an equal state gets the same
        job (J-04).
    """

    def register(work: Work) -> Work:
        WORKS[path] = _typed(work, response)

        @operation("POST", f"{path}/start", 201, body=body, scopes=scopes)
        def start(context: Context) -> Json:
            return {"token": str(_start(context, path, request, state_of))}

        @operation("GET", f"{path}/get/{{asyncToken}}", 201, scopes=get_scopes)
        def get(context: Context) -> Response | Answer:
            return _result(context, _read(context, context.path["asyncToken"]))

        return work

    return register


def _typed(work: Work, response: str) -> Work:
    return lambda context: {"concreteType": response, **work(context)}


def _start(context: Context, path: str, request: str, state_of: StateOf | None) -> int:
    store = context.store
    context.body = {"concreteType": request, **context.body}
    key = _cache_key(context, path, state_of)
    found = key and store.value("SELECT id FROM job WHERE cache_key = ? AND state = ? ORDER BY id DESC", key, COMPLETE)
    if found:
        return int(found)
    identity = store.next_id("job")
    now = store.now().timestamp()
    store.run(
        "INSERT INTO job VALUES (?, ?, ?, ?, ?, ?, NULL, NULL, ?, ?, ?, ?)",
        identity,
        context.user,
        path,
        dump({"path": context.path, "query": context.query, "body": context.body, "base": context.base}),
        key,
        PROCESSING,
        new_etag(),
        now,
        now,
        now + float(store.setting("job_seconds") or 0),
    )
    store.run("DELETE FROM job WHERE id <= ?", identity - MOST_JOBS)
    _attempt(store, identity)
    return identity


def _cache_key(context: Context, path: str, state_of: StateOf | None) -> str | None:
    """Return what equal requests in an equal state have in common (J-04)."""
    if state_of is None:
        return None
    try:
        with _undone_when_refused(context.store):
            state = state_of(context)
    except (Refused, NotReady):
        return None
    if state is None:
        return None
    wish = dump([context.user, path, context.path, context.body, state])
    return hashlib.sha256(wish.encode()).hexdigest()


def _attempt(store: Store, identity: int) -> None:
    """Do a job's work now; a refusal undoes what it did and is remembered."""
    row = store.one("SELECT * FROM job WHERE id = ?", identity)
    assert row is not None
    context = Context(store=store, user=row["user"], **load(row["request"]))
    state, answer, error = COMPLETE, None, None
    try:
        with _undone_when_refused(store):
            answer = dump(without_nulls(WORKS[row["work"]](context)))
    except NotReady:
        return
    except Refused as refusal:
        state, error = FAILED, dump({"status": refusal.status, "reason": refusal.reason, "code": refusal.code})
    store.run(
        "UPDATE job SET state = ?, answer = ?, error = ?, etag = ?, changed_at = ? WHERE id = ?",
        state,
        answer,
        error,
        new_etag(),
        store.now().timestamp(),
        identity,
    )


@contextmanager
def _undone_when_refused(store: Store) -> Iterator[None]:
    """Keep what happens inside, unless it is refused."""
    store.run("SAVEPOINT job")
    try:
        yield
    except NotReady:
        raise
    except BaseException:
        store.run("ROLLBACK TO job")
        raise
    finally:
        store.run("RELEASE job")


def _read(context: Context, token: str) -> sqlite3.Row:
    """Return a job of the caller's, after another attempt if it is not done (J-03)."""
    store, identity = context.store, as_id(token)
    row = store.one("SELECT * FROM job WHERE id = ?", identity)
    if row is None:
        raise Missing(f"The job with id {token} does not exist.")
    # A member of the administrators reads every job; the rooms of people are above this one, so the database is asked.
    admin = store.one("SELECT 1 FROM member WHERE team = 2 AND user = ?", context.user)
    if row["user"] != context.user and admin is None:
        raise NotAllowed("Only the user that created a job can access the job's status.")
    if row["state"] != PROCESSING:
        return row
    with store.transaction():
        _attempt(store, identity)
    again = store.one("SELECT * FROM job WHERE id = ?", identity)
    assert again is not None
    return again


def _shown_state(store: Store, row: sqlite3.Row) -> str:
    return PROCESSING if store.now().timestamp() < row["shown_at"] else str(row["state"])


def _result(context: Context, row: sqlite3.Row) -> Response | Answer:
    """Return 202 with the status, or the response body, or the refusal (J-01, J-02)."""
    state = _shown_state(context.store, row)
    if state == PROCESSING:
        return Answer(_status(context.store, row), 202)
    if state == FAILED:
        error = load(row["error"])
        refusal = Refused(error["reason"], error["code"])
        refusal.status = error["status"]
        raise refusal
    return Response(row["answer"], 201, media_type="application/json")


def _status(store: Store, row: sqlite3.Row) -> Json:
    """Return ``AsynchronousJobStatus``."""
    state = _shown_state(store, row)
    shown: Json = {
        "jobState": state,
        "jobCanceling": False,
        "requestBody": load(row["request"])["body"],
        "etag": row["etag"],
        "jobId": str(row["id"]),
        "startedByUserId": row["user"],
        "startedOn": _moment(row["started_at"]),
        "changedOn": _moment(row["started_at"] if state == PROCESSING else max(row["changed_at"], row["shown_at"])),
    }
    if state == COMPLETE:
        shown["responseBody"] = load(row["answer"])
    if state == FAILED:
        reason = load(row["error"])["reason"]
        shown |= {"exception": reason, "errorMessage": reason, "errorDetails": reason}
    if state != PROCESSING:
        shown["runtimeMS"] = round(1000 * (max(row["changed_at"], row["shown_at"]) - row["started_at"]))
    return shown


def _moment(seconds: float) -> str:
    return as_text(datetime.fromtimestamp(seconds, UTC))


@operation("GET", "/repo/v1/asynchronous/job/{jobId}", 200)
def get_job(context: Context) -> Json:
    """Read the status of a job, with its response when it is done (J-01)."""
    return _status(context.store, _read(context, context.path["jobId"]))
