"""The database: one SQLite file, one connection, one transaction for each request."""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

Json = dict[str, Any]

#: What the modules of this package store; each names its own tables.
TABLES = ["CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);"]


def tables(sql: str) -> None:
    """Name tables and indexes that a store has, as ``CREATE … IF NOT EXISTS`` statements."""
    TABLES.append(sql)


#: Where the ids of each kind begin: like Synapse's, so that they are told apart at a glance.
FIRST_IDS = {
    "principal": 3400000,
    "entity": 51000000,
    "file_handle": 140000000,
    "evaluation": 9614000,
    "submission": 9722000,
    "round": 500,
    "challenge": 4700,
    "challenge_team": 900,
    "message": 8000,
    "upload": 6000,
    "request": 2000,
    "job": 1000000,
    "column": 80000,
    "wiki": 640000,
    "activity": 9400000,
    "access_requirement": 9606000,
    "storage_location": 60000,
    "project_setting": 3000,
    "forum": 7000,
    "thread": 10000,
    "reply": 30000,
}


class Store:
    """
    All state of a local Synapse.

    :param folder: made when it does not exist.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = folder / "files"
        self.files.mkdir(parents=True, exist_ok=True)
        self.connection = sqlite3.connect(folder / "synapse.db", isolation_level=None, check_same_thread=False)
        self.connection.row_factory = sqlite3.Row
        self.connection.execute("PRAGMA journal_mode=WAL")
        self.connection.execute("PRAGMA synchronous=NORMAL")
        self.connection.executescript("".join(TABLES))
        self.clock_offset = timedelta(seconds=float(self.setting("clock_offset") or 0))
        self.standing: datetime | None = None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Keep everything that happens inside, or nothing of it."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")

    def all(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        """Return all rows."""
        return self.connection.execute(sql, values).fetchall()

    def one(self, sql: str, *values: Any) -> sqlite3.Row | None:
        """Return the first row, if any."""
        row: sqlite3.Row | None = self.connection.execute(sql, values).fetchone()
        return row

    def value(self, sql: str, *values: Any) -> Any:
        """Return the first column of the first row, ``None`` without a row."""
        row = self.one(sql, *values)
        return row[0] if row else None

    def run(self, sql: str, *values: Any) -> int:
        """Change rows and return how many were changed."""
        return self.connection.execute(sql, values).rowcount

    def next_id(self, kind: str) -> int:
        """Return a new id; ids are never used again."""
        self.run(
            "INSERT INTO setting VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = CAST(value AS INTEGER) + 1",
            f"last_{kind}",
            str(FIRST_IDS[kind]),
        )
        return int(self.value("SELECT value FROM setting WHERE name = ?", f"last_{kind}"))

    def setting(self, name: str) -> str | None:
        """Return a setting of this Synapse."""
        found: str | None = self.value("SELECT value FROM setting WHERE name = ?", name)
        return found

    def set_setting(self, name: str, value: str) -> None:
        """Store a setting."""
        self.run(
            "INSERT INTO setting VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", name, value
        )

    def now(self) -> datetime:
        """Return this Synapse's time, which can be set apart from the machine's, or stand still for a while."""
        return self.standing or datetime.now(UTC) + self.clock_offset

    def timestamp(self) -> str:
        """Return this Synapse's time as it writes times (G-06)."""
        return as_text(self.now())


def new_etag() -> str:
    """Return a new etag."""
    return str(uuid.uuid4())


def as_text(moment: datetime) -> str:
    """Return a time with exactly three fraction digits and ``Z`` (G-06)."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def dump(doc: Any) -> str:
    """Return JSON for the database."""
    return json.dumps(doc, separators=(",", ":"), ensure_ascii=False)


def load(text: str) -> Json:
    """Read JSON from the database."""
    doc: Json = json.loads(text)
    return doc
