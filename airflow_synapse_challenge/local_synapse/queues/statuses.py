"""Submission statuses: read, replace, replace many (sections U and B of the rules)."""

from __future__ import annotations

import sqlite3

from airflow_synapse_challenge.local_synapse.content import annotation_rules
from airflow_synapse_challenge.local_synapse.core.errors import Invalid, Missing, Stale
from airflow_synapse_challenge.local_synapse.core.http import Context, as_id, operation
from airflow_synapse_challenge.local_synapse.core.store import Json, Store, dump, new_etag

from . import evaluations
from .submissions import STATUSES, new_batch_token, row_of, show_status

SERVER_FIELDS = ("id", "etag", "status", "statusVersion", "modifiedOn", "entityId", "versionNumber")
LARGEST_BATCH = 500


@operation("GET", "/repo/v1/evaluation/submission/{id}/status")
def get_status(context: Context) -> Json:
    """Read a status (L-02)."""
    row = row_of(context.store, context.number("id"))
    evaluations.require_submission_access(context.store, row["evaluation"], context.user, "READ")
    private = evaluations.may(context.store, row["evaluation"], context.user, "READ_PRIVATE_SUBMISSION")
    return show_status(row, private=private)


@operation("PUT", "/repo/v1/evaluation/submission/{id}/status")
def put_status(context: Context) -> Json:
    """Replace a status under its etag (U-01 to U-05)."""
    store, submission, body = context.store, context.number("id"), context.body
    row = row_of(store, submission)
    evaluations.require_submission_access(store, row["evaluation"], context.user, "READ_PRIVATE_SUBMISSION")
    if as_id(body.get("id")) != submission:
        raise Invalid(f"Submission ID does not match requested ID: {submission}")
    evaluations.require_submission_access(store, row["evaluation"], context.user, "UPDATE_SUBMISSION")
    _replace(store, row, body)
    new_batch_token(store, row["evaluation"])
    answer = show_status(row_of(store, submission), private=True)
    for name in ("entityId", "versionNumber"):
        if name not in body:
            answer.pop(name)
    return answer


def _replace(store: Store, row: sqlite3.Row, body: Json) -> None:
    """Write a whole status: what is left out is erased (U-05)."""
    for name, words in (("etag", "eTag"), ("status", "Submission status"), ("statusVersion", "Status version")):
        if name not in body:
            raise Invalid(f"{words} is required.")
    if body["status"] not in STATUSES:
        raise Invalid(f"{body['status']} is not a valid submission status; use one of {', '.join(STATUSES)}")
    if body["etag"] != row["status_etag"]:
        raise Stale(
            f"Submission Status: {row['id']} was updated since you last fetched it, retrieve it again and "
            "reapply the update"
        )
    if "score" in body and not 0 <= body["score"] <= 1:
        raise Invalid(f"Scores must be between 0 and 1. Received score = {body['score']}")
    doc = {key: value for key, value in body.items() if key not in SERVER_FIELDS}
    if "annotations" in doc:
        doc["annotations"] = annotation_rules.older(doc["annotations"], row["id"], row["evaluation"])
    newer = annotation_rules.checked((doc.pop("submissionAnnotations", None) or {}).get("annotations") or {})
    if newer:
        doc["submissionAnnotations"] = newer
    doc["modifiedOn"] = store.timestamp()
    store.run(
        "UPDATE submission SET status = ?, status_etag = ?, status_version = status_version + 1, status_doc = ? "
        "WHERE id = ?",
        body["status"],
        new_etag(),
        dump(doc),
        row["id"],
    )


@operation("PUT", "/repo/v1/evaluation/{id}/statusBatch")
def put_batch(context: Context) -> Json:
    """Replace many statuses, all or none, in one of several batches (section B)."""
    store, body, evaluation = context.store, context.body, context.number("id")
    statuses = body.get("statuses") or []
    rows = _checked_batch(store, body, statuses, evaluation)
    evaluations.require_submission_access(store, evaluation, context.user, "UPDATE_SUBMISSION")
    if not body["isFirstBatch"]:
        if "batchToken" not in body:
            raise Invalid("batchToken is required.")
        if body["batchToken"] != evaluations.row_of(store, evaluation)["batch_token"]:
            raise Stale("Your batch token is out of date.  You must restart upload from first batch.")
    for row, status in zip(rows, statuses, strict=True):
        _replace(store, row, status)
    new_batch_token(store, evaluation)
    if body["isLastBatch"]:
        return {}
    return {"nextUploadToken": evaluations.row_of(store, evaluation)["batch_token"]}


def _checked_batch(store: Store, body: Json, statuses: list[Json], evaluation: int) -> list[sqlite3.Row]:
    for name in ("isFirstBatch", "isLastBatch"):
        if name not in body:
            raise Invalid(f"{name} is required.")
    if not statuses:
        raise Invalid("statuses is required and must not be empty.")
    if len(statuses) > LARGEST_BATCH:
        raise Invalid(f"Batch size cannot exceed {LARGEST_BATCH}")
    ids = [as_id(status.get("id")) for status in statuses]
    for identity in ids:
        if ids.count(identity) > 1:
            raise Invalid(f"{identity} occurs more than once in the SubmissonStatus batch.")
    found = {
        row["id"]: row for row in store.all(f"SELECT * FROM submission WHERE id IN ({','.join('?' * len(ids))})", *ids)
    }
    if len(found) < len(ids):
        raise Missing("Submissions are not found in the system.")
    queues = {row["evaluation"] for row in found.values()}
    if len(queues) > 1:
        raise Invalid("Submission batch must be for a single Evaluation queue.")
    if queues != {evaluation}:
        raise Invalid("Specified Evaluation ID does not match submissions in the batch.")
    return [found[identity] for identity in ids]
