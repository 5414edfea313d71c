"""Opens tables and views for queries: what a caller may read of them, and where it is (J-07, W-05)."""

from __future__ import annotations

import sqlite3
from typing import Any

from airflow_synapse_challenge.local_synapse.content import entities
from airflow_synapse_challenge.local_synapse.core.errors import Invalid, Missing
from airflow_synapse_challenge.local_synapse.core.store import Json, Store, load
from airflow_synapse_challenge.local_synapse.people import access

from . import columns, sheets, table_rows
from .sources import Guard, Source
from .view_index import View

VIEWS = ("entityview", "submissionview")
DEFINED = ("materializedview", "virtualtable")
KINDS = ("table", *VIEWS, *DEFINED)
DEEPEST = 10


def short_of(row: sqlite3.Row) -> str:
    """Return the type of a table or view, or refuse what is neither."""
    short = entities.KINDS[row["type"]].short
    if short not in KINDS:
        raise Invalid(f"syn{row['id']} is not a table or view")
    return short


class Catalog:
    """
    Opens tables and views as a caller.

    :param schema_only: only columns are asked for; indexes of views are left as they are.
    :param depth: how many defining queries are being opened.
    """

    def __init__(self, store: Store, user: int, *, schema_only: bool = False, depth: int = 0) -> None:
        self.store, self.user, self._schema_only, self._depth = store, user, schema_only, depth
        self._opened: dict[tuple[int, int | None], Source] = {}

    def open_node(self, node: Any) -> Source:
        """Open what a FROM clause names."""
        from .synapse_sql import table_of

        return self.open(*table_of(node))

    def open(self, table: int, version: int | None = None) -> Source:
        """
        Open a table or view, or a snapshot of it.

        :raises NotReady: the index of a view is being built.
        """
        if (table, version) not in self._opened:
            self._opened[table, version] = self._open(table, version)
        return self._opened[table, version]

    def _open(self, table: int, version: int | None) -> Source:
        row = entities.require(self.store, table, self.user, "READ")
        short = short_of(row)
        if version == row["version"]:
            version = None
        if short in DEFINED:
            return self._defined(row, short, version)
        if short == "table":
            entities.require(self.store, table, self.user, "DOWNLOAD")
        if version is not None:
            return self._snapshot(row, short, version)
        return self._table(row) if short == "table" else self._view(row, short)

    def _table(self, row: sqlite3.Row) -> Source:
        doc = load(row["doc"])
        sheet, columns_of = table_rows.sheet_of(self.store, row)
        state = table_rows.state_of(self.store, row["id"])
        return Source(
            entity=row["id"],
            short="table",
            columns=columns_of,
            sql=sheet,
            state=f"{row['id']} {doc.get('columnIds')} {state.etag}",
            changed_on=state.changed_on or doc["createdOn"],
            etag=state.etag,
        )

    def _view(self, row: sqlite3.Row, short: str) -> Source:
        view = View(self.store, row)
        if self._schema_only:
            # A view over columns alone is protected all the same: it must not be grouped.
            guard = Guard("ROW_BENEFACTOR", frozenset())
            return Source(row["id"], short, view.columns(), sheets.name_of(row["id"]), "", (guard,))
        index = view.index()
        guards = self._guards(view, index.sheet)
        return Source(
            entity=row["id"],
            short=short,
            columns=index.columns,
            sql=index.sheet,
            state=f"{row['id']} {index.generation} {_told(guards)}",
            guards=guards,
            changed_on=index.changed_on,
        )

    def _snapshot(self, row: sqlite3.Row, short: str, version: int) -> Source:
        sheet = sheets.name_of(row["id"], version)
        kept = self.store.value("SELECT doc FROM entity_version WHERE entity = ? AND version = ?", row["id"], version)
        if kept is None or not sheets.exists(self.store, sheet):
            raise Missing(f"Snapshot not found for: syn{row['id']}.{version}")
        doc: Json = load(kept)
        guards = self._guards(View(self.store, row), sheet) if short in VIEWS else ()
        return Source(
            entity=row["id"],
            short=short,
            columns=columns.show_all(self.store, doc.get("columnIds", [])),
            sql=sheet,
            state=f"{row['id']}.{version} {_told(guards)}",
            guards=guards,
            changed_on=doc["modifiedOn"],
        )

    def _guards(self, view: View, sheet: str) -> tuple[Guard, ...]:
        return () if access.is_admin(self.store, self.user) else (view.guard(sheet, self.user),)

    def _defined(self, row: sqlite3.Row, short: str, version: int | None) -> Source:
        from .definitions import Defined

        if version is not None:
            raise Missing(f"Snapshot not found for: syn{row['id']}.{version}")
        doc = load(row["doc"])
        return Defined(self.store, self.user, row["id"], short).source(
            doc["definingSQL"], self.deeper().open_node, doc["modifiedOn"]
        )

    def deeper(self) -> Catalog:
        """Return what opens the tables that a defining query names."""
        if self._depth >= DEEPEST:
            raise Invalid("The defining SQL leads back to itself, or through too many other tables.")
        return Catalog(self.store, self.user, schema_only=self._schema_only, depth=self._depth + 1)


def _told(guards: tuple[Guard, ...]) -> str:
    return " ".join("all" if guard.readable is None else ",".join(map(str, sorted(guard.readable))) for guard in guards)
