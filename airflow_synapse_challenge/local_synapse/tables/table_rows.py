"""Rows of tables: appended, changed and deleted in sets, each of which is a version of the rows that it touches."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from airflow_synapse_challenge.local_synapse.core.errors import Invalid, Missing, NotAllowed, Stale
from airflow_synapse_challenge.local_synapse.core.store import Json, Store, load, new_etag, tables
from airflow_synapse_challenge.local_synapse.files import handles

from . import cells, columns, sheets

tables(
    """
    CREATE TABLE IF NOT EXISTS table_state (entity INTEGER PRIMARY KEY, last_row INTEGER NOT NULL,
        last_version INTEGER NOT NULL, etag TEXT, changed_on TEXT);
    CREATE TABLE IF NOT EXISTS table_change (entity INTEGER, etag TEXT, version INTEGER NOT NULL,
        PRIMARY KEY (entity, etag)) WITHOUT ROWID;
    """
)


@dataclass(frozen=True)
class State:
    """
    How far the rows of a table have come.

    :param last_row: highest number of a row that there ever was.
    :param last_version: of the last set of changes.
    :param etag: of the last set of changes.
    :param changed_on: when it was made.
    """

    last_row: int = 0
    last_version: int = 0
    etag: str | None = None
    changed_on: str | None = None


@dataclass(frozen=True)
class Change:
    """
    What happens to a row.

    :param row: its number, ``None`` for a new one.
    :param values: texts of cells by the ids of columns; what is left out stays. ``None`` deletes the row.
    """

    row: int | None
    values: Mapping[str, str | None] | None


def state_of(store: Store, entity: int) -> State:
    """Return how far the rows of a table have come."""
    row = store.one("SELECT last_row, last_version, etag, changed_on FROM table_state WHERE entity = ?", entity)
    return State(**dict(row)) if row else State()


def sheet_of(store: Store, row: sqlite3.Row) -> tuple[str, list[Json]]:
    """Return where the rows of a table are, with its columns."""
    columns_of = columns.show_all(store, load(row["doc"]).get("columnIds", []))
    sheet = sheets.name_of(row["id"])
    sheets.match(store, sheet, columns_of)
    return sheet, columns_of


def touch(store: Store, entity: int, last_row: int) -> State:
    """Begin a new set of changes."""
    old = state_of(store, entity)
    state = State(last_row, old.last_version + 1, new_etag(), store.timestamp())
    store.run(
        "INSERT OR REPLACE INTO table_state VALUES (?, ?, ?, ?, ?)",
        entity,
        state.last_row,
        state.last_version,
        state.etag,
        state.changed_on,
    )
    store.run("INSERT INTO table_change VALUES (?, ?, ?)", entity, state.etag, state.last_version)
    return state


class Rows:
    """
    The rows of a table, to be changed as a user.

    :param row: of the entity.
    """

    def __init__(self, store: Store, user: int, row: sqlite3.Row) -> None:
        self._store, self._user, self._entity = store, user, int(row["id"])
        self._sheet, self.columns = sheet_of(store, row)
        self._by_id = {column["id"]: column for column in self.columns}

    def apply(self, changes: Sequence[Change], etag: str | None = None) -> tuple[State, list[int]]:
        """
        Make changes; return the new state and the numbers of the rows.

        :param etag: what the caller has seen: rows that have changed since are refused.
        """
        old = state_of(self._store, self._entity)
        touched = [change.row for change in changes if change.row is not None]
        self._check_there(touched)
        if etag is not None:
            self._check_unchanged(touched, etag)
        added = sum(change.row is None for change in changes)
        state = touch(self._store, self._entity, old.last_row + added)
        self._delete(change.row for change in changes if change.values is None)
        self._update(
            [change for change in changes if change.row is not None and change.values is not None], state.last_version
        )
        new = [change.values for change in changes if change.row is None and change.values is not None]
        self._append(new, old.last_row + 1, state.last_version)
        numbers = iter(range(old.last_row + 1, state.last_row + 1))
        return state, [next(numbers) if change.row is None else change.row for change in changes]

    def _check_there(self, rows: list[int]) -> None:
        if len(set(rows)) < len(rows):
            raise Invalid("A row is changed more than once in one set of changes.")
        there = self._store.value(
            f"SELECT count(*) FROM {self._sheet} WHERE ROW_ID IN (SELECT value FROM json_each(?))", _array(rows)
        )
        if there < len(rows):
            missing = self._store.value(
                f"SELECT value FROM json_each(?) WHERE value NOT IN (SELECT ROW_ID FROM {self._sheet})", _array(rows)
            )
            raise Invalid(f"Cannot update row: {missing} because it does not exist.")

    def _check_unchanged(self, rows: list[int], etag: str) -> None:
        seen = self._store.value("SELECT version FROM table_change WHERE entity = ? AND etag = ?", self._entity, etag)
        if seen is None:
            raise Missing(f"Cannot find the change with the etag {etag}")
        changed = self._store.value(
            f"SELECT ROW_ID FROM {self._sheet} WHERE ROW_ID IN (SELECT value FROM json_each(?)) AND ROW_VERSION > ?",
            _array(rows),
            seen,
        )
        if changed is not None:
            raise Stale(
                f"Row id: {changed} has been changed since last read.  "
                "Please get the latest value for this row and then attempt to update it again."
            )

    def _delete(self, rows: Iterable[int | None]) -> None:
        for row in rows:
            self._store.run(f"DELETE FROM {self._sheet} WHERE ROW_ID = ?", row)

    def _update(self, changes: list[Change], version: int) -> None:
        for change in changes:
            assert change.values is not None
            values = {sheets.cell(self._column(key)): self._stored(key, text) for key, text in change.values.items()}
            set_to = "".join(f", {name} = ?" for name in values)
            self._store.run(
                f"UPDATE {self._sheet} SET ROW_VERSION = ?{set_to} WHERE ROW_ID = ?",
                version,
                *values.values(),
                change.row,
            )

    def _append(self, rows: list[Mapping[str, str | None]], first: int, version: int) -> None:
        for values in rows:
            for key in values:
                self._column(key)
        sheets.insert(
            self._store,
            self._sheet,
            self.columns,
            (
                [number, version, None, None, None, *(self._new(column, values) for column in self.columns)]
                for number, values in enumerate(rows, first)
            ),
        )

    def _new(self, column: Json, values: Mapping[str, str | None]) -> cells.Stored:
        text = values.get(column["id"])
        return self._stored(column["id"], column.get("defaultValue") if text is None else text)

    def _column(self, identity: str) -> Json:
        if identity not in self._by_id:
            raise Invalid(f"syn{self._entity} has no column with the id {identity}")
        return self._by_id[identity]

    def _stored(self, identity: str, text: str | None) -> cells.Stored:
        column = self._column(identity)
        value = cells.stored(column, text)
        if column["columnType"] == "FILEHANDLEID" and value is not None:
            self._check_file(int(value))
        return value

    def _check_file(self, handle: int) -> None:
        """A file belongs to whoever puts it into a table, unless the table has it already (F-05)."""
        if handles.is_own(self._store, self._user, handle) or self.has_file(handle):
            return
        raise NotAllowed(f"Cannot access files: [{handle}]")

    def has_file(self, handle: int) -> bool:
        """Tell whether a file is in a cell."""
        return holds_file(self._store, self._sheet, self.columns, handle)


def holds_file(store: Store, sheet: str, columns_of: Iterable[Json], handle: int) -> bool:
    """Tell whether a file is in a cell of a sheet."""
    there = sheets.cells_of(store, sheet)
    files = (sheets.cell(column) for column in columns_of if column["columnType"] == "FILEHANDLEID")
    names = [name for name in files if name in there]
    condition = " OR ".join(f"{name} = :handle" for name in names)
    sql = f"SELECT 1 FROM {sheet} WHERE {condition} LIMIT 1"
    return bool(names) and store.connection.execute(sql, {"handle": handle}).fetchone() is not None


def _array(numbers: Iterable[int]) -> str:
    return f"[{','.join(map(str, numbers))}]"
