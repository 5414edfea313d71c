"""What every change in a queue brings about: a new batch token, and work for the index of the older query service."""

from __future__ import annotations

from collections.abc import Iterable

from airflow_synapse_challenge.local_synapse.core.store import Store, new_etag, tables

tables(
    """
    CREATE TABLE IF NOT EXISTS legacy_change (
        submission INTEGER PRIMARY KEY, evaluation INTEGER NOT NULL, since TEXT);
    CREATE INDEX IF NOT EXISTS legacy_change_evaluation ON legacy_change (evaluation, since);
    """
)


def record(store: Store, evaluation: int, submissions: Iterable[int], *, announce: bool = True) -> str:
    """
    Note that submissions were made, removed or given another status; return the queue's new batch token (B-04, S-10).

    :param announce: tell the index; the batches of a series wait for its last one (B-08).
    """
    token = new_etag()
    store.run("UPDATE evaluation SET batch_token = ? WHERE id = ?", token, evaluation)
    store.connection.executemany(
        "INSERT INTO legacy_change VALUES (?, ?, NULL) ON CONFLICT DO NOTHING",
        [(submission, evaluation) for submission in submissions],
    )
    if announce:
        store.run(
            "UPDATE legacy_change SET since = ? WHERE evaluation = ? AND since IS NULL", store.timestamp(), evaluation
        )
    return token
