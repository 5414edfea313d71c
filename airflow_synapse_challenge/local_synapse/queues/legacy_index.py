"""The index behind the older query service: what a submission's fields and older annotations say (Q-02, Q-03)."""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta
from typing import Any

from airflow_synapse_challenge.local_synapse.content import annotation_rules
from airflow_synapse_challenge.local_synapse.core.store import Json, Store, as_text, dump, load, tables

#: Of each submission the attributes that every reader may see, and all of them.
tables(
    """
    CREATE TABLE IF NOT EXISTS legacy_index (
        submission INTEGER PRIMARY KEY, evaluation INTEGER NOT NULL, open TEXT NOT NULL, closed TEXT NOT NULL);
    CREATE INDEX IF NOT EXISTS legacy_index_evaluation ON legacy_index (evaluation, submission);
    """
)

SYSTEM_FIELDS = (
    "objectId", "scopeId", "userId", "submitterId", "submitterAlias", "entityId", "versionNumber", "name", "createdOn",
    "modifiedOn", "status", "teamId", "repositoryName", "dockerDigest",
)  # fmt: skip


def refresh(store: Store, evaluation: int) -> None:
    """Take in what changed in a queue, as late as the setting ``index_lag_seconds`` says (Q-03)."""
    lag = float(store.setting("index_lag_seconds") or 0)
    until = as_text(store.now() - timedelta(seconds=lag)) if lag > 0 else "~"
    pending = store.all(
        "SELECT legacy_change.submission, submission.* FROM legacy_change "
        "LEFT JOIN submission ON submission.id = legacy_change.submission "
        "WHERE legacy_change.evaluation = ? AND since <= ?",
        evaluation,
        until,
    )
    for row in pending:
        if row["id"] is None:
            store.run("DELETE FROM legacy_index WHERE submission = ?", row["submission"])
        else:
            shared, private = _attributes(row)
            store.run(
                "INSERT OR REPLACE INTO legacy_index VALUES (?, ?, ?, ?)",
                row["id"],
                evaluation,
                dump(shared),
                dump(private | shared),
            )
    store.run("DELETE FROM legacy_change WHERE evaluation = ? AND since <= ?", evaluation, until)


def _attributes(row: sqlite3.Row) -> tuple[Json, Json]:
    """Return the attributes that every reader may see, and those that only some may."""
    status, submission = load(row["status_doc"]), load(row["doc"])
    lists = status.get("annotations", {})
    entries = [entry for name in annotation_rules.OLDER_LISTS for entry in lists.get(name, []) if "value" in entry]
    shared = {entry["key"]: entry["value"] for entry in entries if not entry["isPrivate"]}
    private = {entry["key"]: entry["value"] for entry in entries if entry["isPrivate"]}
    return shared | _system_fields(row, submission, status), private


def _system_fields(row: sqlite3.Row, submission: Json, status: Json) -> Json:
    fields = {
        "objectId": row["id"],
        "scopeId": row["evaluation"],
        "userId": row["user"],
        "submitterId": row["team"] or row["user"],
        "submitterAlias": submission.get("submitterAlias"),
        "entityId": submission["entityId"],
        "versionNumber": row["version"],
        "name": submission["name"],
        "createdOn": _milliseconds(submission["createdOn"]),
        "modifiedOn": _milliseconds(status["modifiedOn"]),
        "status": row["status"],
        "teamId": row["team"],
        "repositoryName": submission.get("dockerRepositoryName"),
        "dockerDigest": submission.get("dockerDigest"),
    }
    return {name: value for name, value in fields.items() if value is not None}


def _milliseconds(moment: Any) -> int:
    return round(datetime.fromisoformat(moment).timestamp() * 1000)
