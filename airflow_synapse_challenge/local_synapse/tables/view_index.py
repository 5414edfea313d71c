"""
Indexes of views: kept beside what they show, and brought up to date when a query asks (W-07).

The database writes down which submissions and entities change, and when; a view remembers how far it has read. With the
setting ``index_lag_seconds`` it reads only what is at least that old, and a view that is new, or that has been given
other columns or another scope, is not available for that long.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from airflow_synapse_challenge.local_synapse.content import entities
from airflow_synapse_challenge.local_synapse.core.http import as_id
from airflow_synapse_challenge.local_synapse.core.jobs import NotReady
from airflow_synapse_challenge.local_synapse.core.store import Json, Store, dump, load, tables

from . import columns, entity_rows, sheets, submission_rows
from .sources import Guard
from .view_rows import ViewRow, as_rows

#: This Synapse's time, as the database knows it.
NOW = (
    "(julianday('now') - 2440587.5) * 86400.0 + "
    "coalesce((SELECT CAST(value AS REAL) FROM setting WHERE name = 'clock_offset'), 0.0)"
)


def _noted(name: str, event: str, table: str, kind: str, changed: str, condition: str = "") -> str:
    """Return a trigger that writes a change down while there is a view that may need it."""
    return (
        f"CREATE TRIGGER IF NOT EXISTS {name} AFTER {event} ON {table} "
        f"WHEN EXISTS (SELECT 1 FROM view_index){condition} "
        f"BEGIN INSERT INTO view_change (kind, object, at) VALUES ('{kind}', {changed}, {NOW}); END;\n"
    )


tables(
    "CREATE TABLE IF NOT EXISTS view_index (view INTEGER PRIMARY KEY, definition TEXT NOT NULL, "
    "applied INTEGER NOT NULL, generation INTEGER NOT NULL, changed_on TEXT NOT NULL);\n"
    "CREATE TABLE IF NOT EXISTS view_change (seq INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, "
    "object INTEGER NOT NULL, at REAL NOT NULL);\n"
    + _noted("view_change_submitted", "INSERT", "submission", "submission", "NEW.id")
    + _noted("view_change_status", "UPDATE", "submission", "submission", "NEW.id")
    + _noted("view_change_withdrawn", "DELETE", "submission", "submission", "OLD.id")
    + _noted("view_change_created", "INSERT", "entity", "entity", "NEW.id")
    + _noted("view_change_updated", "UPDATE", "entity", "entity", "NEW.id")
    + _noted("view_change_purged", "DELETE", "entity", "entity", "OLD.id")
    + _noted("view_change_shared", "INSERT", "acl", "entity", "NEW.object", " AND NEW.kind = 'entity'")
    + _noted("view_change_unshared", "DELETE", "acl", "entity", "OLD.object", " AND OLD.kind = 'entity'")
)

#: A view that has not been asked for so many changes is built anew, so that they need not be kept.
MOST_CHANGES = 100_000


@dataclass(frozen=True)
class Index:
    """
    The index of a view.

    :param sheet: where its rows are.
    :param columns: of the view.
    :param generation: changes whenever its rows change.
    :param changed_on: when they did.
    """

    sheet: str
    columns: list[Json]
    generation: int
    changed_on: str


class View:
    """
    A view and what it shows.

    :param row: of the entity.
    """

    def __init__(self, store: Store, row: sqlite3.Row) -> None:
        self._store, self.id = store, int(row["id"])
        self._doc = load(row["doc"])
        self.kind = entities.KINDS[row["type"]].short
        self._scope = [as_id(item) for item in self._doc.get("scopeIds", [])]
        self._sheet = sheets.name_of(self.id)

    def index(self) -> Index:
        """
        Return the index, brought up to date.

        :raises NotReady: it takes its time.
        """
        store, columns_of = self._store, self.columns()
        state = store.one("SELECT * FROM view_index WHERE view = ?", self.id)
        if state is None or state["definition"] != self._definition():
            if not self.is_available():
                raise NotReady(f"The view syn{self.id} is being built.")
            self._build(columns_of)
        else:
            self._refresh(state, columns_of)
        found = store.one("SELECT generation, changed_on FROM view_index WHERE view = ?", self.id)
        assert found is not None
        return Index(self._sheet, columns_of, found["generation"], found["changed_on"])

    def columns(self) -> list[Json]:
        """Return its columns."""
        return columns.show_all(self._store, self._doc.get("columnIds", []))

    def is_available(self) -> bool:
        """Tell whether there is an index, or can be one by now."""
        definition = self._store.value("SELECT definition FROM view_index WHERE view = ?", self.id)
        if definition == self._definition():
            return True
        made = datetime.fromisoformat(self._doc["modifiedOn"]).timestamp()
        return not self._lag() or made <= self._store.now().timestamp() - self._lag()

    def _lag(self) -> float:
        return float(self._store.setting("index_lag_seconds") or 0)

    def guard(self, sheet: str, user: int) -> Guard:
        """Return who sees which rows (W-05)."""
        may_read = submission_rows.may_read if self.kind == "submissionview" else entity_rows.may_read
        found = self._store.all(f"SELECT DISTINCT ROW_BENEFACTOR FROM {sheet}")
        return Guard("ROW_BENEFACTOR", frozenset(row[0] for row in found if may_read(self._store, user, row[0])))

    def _definition(self) -> str:
        return dump([self.kind, self._doc.get("columnIds", []), self._scope, self._doc.get("viewTypeMask")])

    def _rows(self, only: Iterable[int] | None = None) -> Iterable[ViewRow]:
        if self.kind == "submissionview":
            return submission_rows.rows_of(self._store, self._scope, only)
        return entity_rows.rows_of(self._store, self._scope, self._doc["viewTypeMask"], only)

    def _build(self, columns_of: list[Json]) -> None:
        store = self._store
        sheets.drop(store, self._sheet)
        sheets.create(store, self._sheet, columns_of)
        sheets.insert(store, self._sheet, columns_of, as_rows(columns_of, self._rows()))
        store.run(
            "INSERT INTO view_index VALUES (?, ?, ?, 1, ?) ON CONFLICT (view) DO UPDATE SET definition = "
            "excluded.definition, applied = excluded.applied, generation = generation + 1, "
            "changed_on = excluded.changed_on",
            self.id,
            self._definition(),
            store.value("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'view_change'"),
            store.timestamp(),
        )
        _forget(store)

    def _refresh(self, state: sqlite3.Row, columns_of: list[Json]) -> None:
        """Read the changes that are old enough, and those of a future from which the clock has been set back."""
        store, kind = self._store, "submission" if self.kind == "submissionview" else "entity"
        now = store.now().timestamp()
        due = store.value(
            "SELECT max(seq) FROM view_change WHERE seq > ? AND (at <= ? OR at > ?)",
            state["applied"],
            now - self._lag(),
            now,
        )
        if due is None:
            return
        changed = [
            row["object"]
            for row in store.all(
                "SELECT DISTINCT object FROM view_change WHERE seq > ? AND seq <= ? AND kind = ?",
                state["applied"],
                due,
                kind,
            )
        ]
        # A change of a folder or of its sharing reaches what lies in it, so what an entity view shows is compared.
        if changed and kind == "entity":
            changed = self._differing()
        if changed and self._replace(changed, columns_of):
            store.run(
                "UPDATE view_index SET generation = generation + 1, changed_on = ? WHERE view = ?",
                store.timestamp(),
                self.id,
            )
        store.run("UPDATE view_index SET applied = ? WHERE view = ?", due, self.id)
        _forget(store)

    def _differing(self) -> list[int]:
        now = entity_rows.states_of(self._store, self._scope, self._doc["viewTypeMask"])
        then = dict(self._store.connection.execute(f"SELECT ROW_ID, ROW_STATE FROM {self._sheet}").fetchall())
        return [entity for entity in {*now, *then} if now.get(entity) != then.get(entity)]

    def _replace(self, changed: list[int], columns_of: list[Json]) -> bool:
        """Write the rows of what has changed; tell whether the view shows any of it."""
        gone = self._store.run(
            f"DELETE FROM {self._sheet} WHERE ROW_ID IN (SELECT value FROM json_each(?))", dump(changed)
        )
        rows = list(as_rows(columns_of, self._rows(changed)))
        sheets.insert(self._store, self._sheet, columns_of, rows)
        return bool(gone or rows)


def _forget(store: Store) -> None:
    """Remove the changes that every view has read, and the indexes of views that are gone or have not been used."""
    store.run(
        "DELETE FROM view_index WHERE view NOT IN (SELECT id FROM entity WHERE trashed_by IS NULL) OR applied < "
        "(SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'view_change') - ?",
        MOST_CHANGES,
    )
    store.run("DELETE FROM view_change WHERE seq <= (SELECT min(applied) FROM view_index)")
