"""The rows of submission views (section W)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator

from airflow_synapse_challenge.local_synapse.core.store import Json, Store, load
from airflow_synapse_challenge.local_synapse.queues import evaluations

from .cells import moment
from .view_rows import ViewRow

ROWS = (
    "SELECT submission.id, evaluation, user, team, entity, version, round, status, status_etag, status_version, "
    "status_doc, submission.doc AS doc, evaluation.project AS project FROM submission "
    "JOIN evaluation ON evaluation.id = submission.evaluation WHERE evaluation IN (SELECT value FROM json_each(?))"
)


def rows_of(store: Store, scope: Iterable[int], only: Iterable[int] | None = None) -> Iterator[ViewRow]:
    """
    Yield the submissions of a scope.

    :param scope: ids of evaluations.
    :param only: ids of submissions; default: all.
    """
    sql, values = ROWS, [json.dumps(list(scope))]
    if only is not None:
        sql, values = f"{ROWS} AND submission.id IN (SELECT value FROM json_each(?))", [*values, json.dumps(list(only))]
    for row in store.connection.execute(sql, values):
        status = load(row["status_doc"])
        yield ViewRow(
            (row["id"], row["status_version"], row["status_etag"], row["evaluation"], row["status_etag"]),
            _fields(row, status),
            status.get("submissionAnnotations") or {},
        )


def _fields(row: sqlite3.Row, status: Json) -> dict[str, str | None]:
    """Return what a submission is; score, cancellation, team and contributors are not there (W-01, W-02)."""
    doc = load(row["doc"])
    return {
        "id": str(row["id"]),
        "name": doc.get("name"),
        "createdOn": str(moment(doc["createdOn"])),
        "createdBy": str(row["user"]),
        "etag": row["status_etag"],
        "modifiedOn": str(moment(status["modifiedOn"])),
        "projectId": f"syn{row['project']}",
        "status": row["status"],
        "evaluationid": str(row["evaluation"]),
        "evaluationroundid": None if row["round"] is None else str(row["round"]),
        "submitterid": str(row["team"] or row["user"]),
        "submitteralias": doc.get("submitterAlias"),
        "entityid": f"syn{row['entity']}",
        "entityversion": str(row["version"]),
        "dockerrepositoryname": doc.get("dockerRepositoryName"),
        "dockerdigest": doc.get("dockerDigest"),
    }


def may_read(store: Store, user: int, evaluation: int) -> bool:
    """Tell whether a user sees the rows of an evaluation: whoever may read it does (W-05)."""
    return evaluations.may(store, evaluation, user, "READ")
