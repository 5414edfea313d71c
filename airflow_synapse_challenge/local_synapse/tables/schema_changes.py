"""Columns of tables and views: added, taken away, replaced, put in another order."""

from __future__ import annotations

import sqlite3

from airflow_synapse_challenge.local_synapse.content import entities
from airflow_synapse_challenge.local_synapse.core.errors import Invalid
from airflow_synapse_challenge.local_synapse.core.store import Json, Store, load

from . import cells, columns, sheets, table_rows
from .catalog import DEFINED, short_of


def apply(store: Store, user: int, row: sqlite3.Row, wish: Json) -> list[Json]:
    """
    Change the columns of a table or view; return them.

    :param wish: ``TableSchemaChangeRequest``.
    """
    short = short_of(row)
    if short in DEFINED:
        raise Invalid(f"The columns of syn{row['id']} follow from its defining SQL.")
    doc = load(row["doc"])
    identities, replaced = _changed(list(doc.get("columnIds", [])), wish.get("changes") or [])
    if "orderedColumnIds" in wish:
        ordered = list(wish["orderedColumnIds"])
        if sorted(ordered) != sorted(identities):
            raise Invalid(
                "If the list of orderedColumnIds is provided, then it must include the ID of each column that will be "
                "in the schema after the changes of this request are applied."
            )
        identities = ordered
    wanted = columns.show_all(store, identities)
    columns.check_schema(wanted)
    if short == "table":
        _move_cells(store, row, wanted, replaced)
    now = {"modifiedOn": store.timestamp(), "modifiedBy": str(user)}
    entities.write_doc(store, row["id"], doc | {"columnIds": identities} | now)
    return wanted


def _changed(identities: list[str], changes: list[Json]) -> tuple[list[str], dict[str, str]]:
    """Return the columns after some changes, and which new columns take the cells of which old ones."""
    replaced = {}
    for change in changes:
        old, new = change.get("oldColumnId"), change.get("newColumnId")
        if old is not None and old not in identities:
            raise Invalid(f"Cannot change the column {old}: it is not part of the schema.")
        if old is None and new is not None:
            # synapseclient names new columns twice.
            identities += [] if new in identities else [new]
        elif old is not None and new is None:
            identities.remove(old)
        elif old is not None and new is not None and old != new:
            if new in identities:
                raise Invalid(f"Cannot replace the column {old}: {new} is part of the schema already.")
            identities[identities.index(old)] = new
            replaced[new] = old
    return identities, replaced


def _move_cells(store: Store, row: sqlite3.Row, wanted: list[Json], replaced: dict[str, str]) -> None:
    """Give the sheet of a table its new columns: what replaces another column takes its values."""
    sheet, before = table_rows.sheet_of(store, row)
    old_columns = {column["id"]: column for column in before}
    moved = [(old_columns[replaced[column["id"]]], column) for column in wanted if column["id"] in replaced]
    both = [*wanted, *(old for old, _ in moved if old not in wanted)]
    sheets.match(store, sheet, both)
    for old, new in moved:
        _convert(store, sheet, old, new)
    _fill_defaults(store, sheet, [column for column in wanted if column["id"] not in {*old_columns, *replaced}])
    sheets.match(store, sheet, wanted)
    table_rows.touch(store, row["id"], table_rows.state_of(store, row["id"]).last_row)


def _convert(store: Store, sheet: str, old: Json, new: Json) -> None:
    found = store.all(f"SELECT ROW_ID, {sheets.cell(old)} FROM {sheet} WHERE {sheets.cell(old)} IS NOT NULL")
    store.connection.executemany(
        f"UPDATE {sheet} SET {sheets.cell(new)} = ? WHERE ROW_ID = ?",
        [(cells.stored(new, cells.shown(old["columnType"], value)), number) for number, value in map(tuple, found)],
    )


def _fill_defaults(store: Store, sheet: str, added: list[Json]) -> None:
    for column in added:
        if "defaultValue" in column:
            value = cells.stored(column, column["defaultValue"])
            store.run(f"UPDATE {sheet} SET {sheets.cell(column)} = ?", value)
