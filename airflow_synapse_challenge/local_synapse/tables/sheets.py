"""
Sheets: the database's tables that hold rows of tables, indexes of views, and snapshots of both.

A cell's column is named after its column model, so that renamed columns and columns with equal names never mix.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from airflow_synapse_challenge.local_synapse.core.store import Json, Store

from . import cells

#: What every row has beside its cells; the state tells an index whether a row is still the one that it shows.
ROW_COLUMNS = ("ROW_ID", "ROW_VERSION", "ROW_ETAG", "ROW_BENEFACTOR", "ROW_STATE")


def name_of(entity: int, version: int | None = None) -> str:
    """Return the name of the sheet of a table or view, or of a snapshot of it."""
    return f"sheet_{entity}" if version is None else f"sheet_{entity}_{version}"


def cell(column: Json) -> str:
    """Return the name that a column's cells have in every sheet."""
    return f"C{int(column['id'])}"


def exists(store: Store, sheet: str) -> bool:
    """Tell whether a sheet is there."""
    return store.one("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", sheet) is not None


def cells_of(store: Store, sheet: str) -> set[str]:
    """Return the names of the cells that rows of a sheet have."""
    return {row["name"] for row in store.all(f"PRAGMA table_info({sheet})")} - set(ROW_COLUMNS)


def drop(store: Store, sheet: str) -> None:
    """Remove a sheet, if it is there."""
    store.run(f"DROP TABLE IF EXISTS {sheet}")


def create(store: Store, sheet: str, columns: Iterable[Json]) -> None:
    """Make an empty sheet."""
    store.run(
        f"CREATE TABLE {sheet} (ROW_ID INTEGER PRIMARY KEY, ROW_VERSION INTEGER NOT NULL, ROW_ETAG TEXT, "
        f"ROW_BENEFACTOR INTEGER, ROW_STATE TEXT{''.join(f', {_declared(column)}' for column in columns)})"
    )


def _declared(column: Json) -> str:
    return f"{cell(column)} {cells.TYPES[column['columnType']].storage}"


def match(store: Store, sheet: str, columns: Sequence[Json]) -> None:
    """Give a sheet exactly these columns: what it has no more is gone, what is new is empty."""
    if not exists(store, sheet):
        create(store, sheet, columns)
        return
    has = cells_of(store, sheet)
    if has - {cell(column) for column in columns}:
        # Older SQLites cannot drop a column.
        copy(store, sheet, f"{sheet}_new", [column for column in columns if cell(column) in has])
        drop(store, sheet)
        store.run(f"ALTER TABLE {sheet}_new RENAME TO {sheet}")
    for column in columns:
        if cell(column) not in has:
            store.run(f"ALTER TABLE {sheet} ADD COLUMN {_declared(column)}")


def copy(store: Store, source: str, target: str, columns: Iterable[Json]) -> None:
    """Make a sheet with the rows of another one."""
    drop(store, target)
    kept = list(columns)
    create(store, target, kept)
    names = ", ".join([*ROW_COLUMNS, *(cell(column) for column in kept)])
    store.run(f"INSERT INTO {target} ({names}) SELECT {names} FROM {source}")


def insert(store: Store, sheet: str, columns: Sequence[Json], rows: Iterable[Sequence[Any]]) -> None:
    """Add rows: first what every row has, then the cells in the order of the columns; a row replaces its like."""
    names = [*ROW_COLUMNS, *(cell(column) for column in columns)]
    places = ", ".join("?" * len(names))
    store.connection.executemany(f"INSERT OR REPLACE INTO {sheet} ({', '.join(names)}) VALUES ({places})", rows)
