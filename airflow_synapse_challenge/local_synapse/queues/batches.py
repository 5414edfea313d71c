"""Many statuses at once, all or none, in series of batches (section B of the rules)."""

from __future__ import annotations

import json
import sqlite3

from airflow_synapse_challenge.local_synapse.core.errors import Invalid, Missing, Stale
from airflow_synapse_challenge.local_synapse.core.http import Context, as_id, operation
from airflow_synapse_challenge.local_synapse.core.store import Json, Store

from . import changes, evaluations, shapes, statuses

MOST = 500


@operation("PUT", "/repo/v1/evaluation/{id}/statusBatch", body=shapes.SubmissionStatusBatch, scopes=("view", "modify"))
def put_batch(context: Context) -> Json:
    """Replace many statuses; only a first batch needs no token of the one before (B-04, B-05)."""
    store, body, evaluation = context.store, context.body, context.number("id")
    rows = _checked(store, body, evaluation)
    evaluations.require_submission_access(store, evaluation, context.user, "UPDATE_SUBMISSION")
    if not body["isFirstBatch"]:
        if "batchToken" not in body:
            raise Invalid("batchToken is required.")
        if body["batchToken"] != evaluations.row_of(store, evaluation)["batch_token"]:
            raise Stale("Your batch token is out of date.  You must restart upload from first batch.")
    for row, status in zip(rows, body["statuses"], strict=True):
        statuses.replace(store, row, status)
    last = body["isLastBatch"]
    token = changes.record(store, evaluation, [row["id"] for row in rows], announce=last)
    return {} if last else {"nextUploadToken": token}


def _checked(store: Store, body: Json, evaluation: int) -> list[sqlite3.Row]:
    """Return the submissions of a batch; this is checked before permissions (B-01, B-02)."""
    for name in ("isFirstBatch", "isLastBatch", "statuses"):
        if name not in body:
            raise Invalid(f"{name} is required.")
    if not body["statuses"]:
        raise Invalid("statuses is required and must not be empty.")
    if len(body["statuses"]) > MOST:
        raise Invalid(f"Batch size cannot exceed {MOST}")
    ids = [as_id(status.get("id")) for status in body["statuses"]]
    rows = store.all("SELECT * FROM submission WHERE id IN (SELECT value FROM json_each(?))", json.dumps(ids))
    if not rows:
        raise Missing("Submissions are not found in the system.")
    queues = {row["evaluation"] for row in rows}
    if len(queues) > 1:
        raise Invalid("Submission batch must be for a single Evaluation queue.")
    if queues != {evaluation}:
        raise Invalid("Specified Evaluation ID does not match submissions in the batch.")
    return _each_once(ids, {row["id"]: row for row in rows})


def _each_once(ids: list[int], rows: dict[int, sqlite3.Row]) -> list[sqlite3.Row]:
    """Return the rows in the order of their ids, none twice and none missing (B-06, B-07)."""
    seen: set[int] = set()
    for identity in ids:
        if identity in seen:
            raise Invalid(f"{identity} occurs more than once in the SubmissonStatus batch.")
        if identity not in rows:
            raise Missing(f"Submission {identity} is not found in the system.")
        seen.add(identity)
    return [rows[identity] for identity in ids]
