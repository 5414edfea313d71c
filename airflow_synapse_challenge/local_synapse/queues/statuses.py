"""Submission statuses: read, replaced, cancelled (sections U and C of the rules)."""

from __future__ import annotations

import math
import sqlite3

from airflow_synapse_challenge.local_synapse.content import annotation_rules
from airflow_synapse_challenge.local_synapse.core.errors import Invalid, NotAllowed, Stale, require
from airflow_synapse_challenge.local_synapse.core.http import Context, operation
from airflow_synapse_challenge.local_synapse.core.store import Json, Store, dump, load, new_etag

from . import changes, evaluations, shapes
from .submissions import row_of, show_status

OWN_FIELDS = ("score", "report", "canCancel", "cancelRequested")
NEEDED = (("etag", "eTag"), ("status", "Submission status"), ("statusVersion", "Status version"))


@operation("GET", "/repo/v1/evaluation/submission/{id}/status")
def get_status(context: Context) -> Json:
    """Read a status (L-02)."""
    row = row_of(context.store, context.number("id"))
    evaluations.require_submission_access(context.store, row["evaluation"], context.user, "READ")
    private = evaluations.may(context.store, row["evaluation"], context.user, "READ_PRIVATE_SUBMISSION")
    return show_status(row, private=private)


@operation("PUT", "/repo/v1/evaluation/submission/{id}/status", body=shapes.SubmissionStatus, scopes=("view", "modify"))
def put_status(context: Context) -> Json:
    """Replace a status under its etag (U-01 to U-05)."""
    submission, body = context.number("id"), context.body
    if body.get("id") != str(submission):
        raise Invalid(f"Submission ID does not match requested ID: {submission}")
    answer = show_status(update(context.store, context.user, submission, body), private=True)
    for name in ("entityId", "versionNumber"):
        if name not in body:
            answer.pop(name)
    return answer


def update(store: Store, user: int, submission: int, body: Json) -> sqlite3.Row:
    """Replace a status as a user, who needs two rights for that (U-01); return the submission's row."""
    row = row_of(store, submission)
    for kind in ("READ_PRIVATE_SUBMISSION", "UPDATE_SUBMISSION"):
        evaluations.require_submission_access(store, row["evaluation"], user, kind)
    replace(store, row, body)
    changes.record(store, row["evaluation"], [submission])
    return row_of(store, submission)


def replace(store: Store, row: sqlite3.Row, body: Json) -> None:
    """Write a whole status: what is left out is erased (U-02, U-03, U-05)."""
    for name, words in NEEDED:
        if name not in body:
            raise Invalid(f"{words} is required.")
    if "score" in body and not 0 <= body["score"] <= 1:
        raise Invalid(f"Scores must be between 0 and 1. Received score = {body['score']}")
    doc = {name: body[name] for name in OWN_FIELDS if name in body}
    if "annotations" in body:
        doc["annotations"] = _older(body["annotations"], row)
    if newer := annotation_rules.checked(body.get("submissionAnnotations", {}).get("annotations", {})):
        doc["submissionAnnotations"] = newer
    if body["etag"] != row["status_etag"]:
        raise Stale(
            f"Submission Status: {row['id']} was updated since you last fetched it, retrieve it again and "
            "reapply the update"
        )
    _write(store, row["id"], body["status"], doc)


def _older(annotations: Json, row: sqlite3.Row) -> Json:
    """Return the older generation's annotations as Synapse stores them (U-07)."""
    lists = {
        name: [_older_entry(entry) for entry in annotations.get(name, [])] for name in annotation_rules.OLDER_LISTS
    }
    return annotation_rules.older(lists, row["id"], row["evaluation"])


def _older_entry(entry: Json) -> Json:
    require(entry.get("key"), "key")
    kept: Json = {name: entry[name] for name in ("key", "isPrivate", "value") if name in entry}
    if isinstance(kept.get("value"), float) and not math.isfinite(kept["value"]):
        # JSON has no such numbers; Synapse writes their names.
        kept["value"] = str(kept["value"]).replace("inf", "Infinity").replace("nan", "NaN")
    return kept


def _write(store: Store, submission: int, status: str, doc: Json) -> None:
    store.run(
        "UPDATE submission SET status = ?, status_etag = ?, status_version = status_version + 1, status_doc = ? "
        "WHERE id = ?",
        status,
        new_etag(),
        dump(doc | {"modifiedOn": store.timestamp()}),
        submission,
    )


@operation("PUT", "/repo/v1/evaluation/submission/{id}/cancellation", 204)
def cancel(context: Context) -> None:
    """Ask that the evaluation be stopped; only the submitter may, and only while it can be (C-01)."""
    store = context.store
    row = row_of(store, context.number("id"))
    if row["user"] != context.user:
        raise NotAllowed("Only the user who submitted this submission could perform this action.")
    doc = load(row["status_doc"])
    if not doc.get("canCancel"):
        raise NotAllowed("This submission is currently noncancellable.")
    _write(store, row["id"], row["status"], doc | {"cancelRequested": True})
    changes.record(store, row["evaluation"], [row["id"]])
