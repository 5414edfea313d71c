"""Access requirements, as a table: what keeps people from content although a list gives it to them (X-07)."""

from __future__ import annotations

import sqlite3

from airflow_synapse_challenge.local_synapse.core.store import Store, tables

tables(
    """
    CREATE TABLE IF NOT EXISTS access_requirement (id INTEGER PRIMARY KEY, subject INTEGER NOT NULL, doc TEXT NOT NULL);
    CREATE INDEX IF NOT EXISTS access_requirement_subject ON access_requirement (subject);
    """
)


def rows_of(store: Store, entity: int) -> list[sqlite3.Row]:
    """Return the requirements of an entity, its own and those of everything above it, oldest first."""
    return store.all(
        "WITH RECURSIVE above(id) AS (SELECT ? UNION SELECT parent FROM above JOIN entity ON entity.id = above.id) "
        "SELECT access_requirement.* FROM above JOIN access_requirement ON subject = above.id "
        "ORDER BY access_requirement.id",
        entity,
    )
