"""Queries: prepared with all that a request says, and run."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from airflow_synapse_challenge.local_synapse.core.errors import Invalid
from airflow_synapse_challenge.local_synapse.core.store import Json, Store

from . import cells, functions, table_types
from .catalog import Catalog
from .sources import Source

#: A query that takes longer is ended, since it holds up everybody else.
LONGEST_SECONDS = 20.0
STEPS = 200_000


@contextmanager
def bounded(store: Store) -> Iterator[sqlite3.Connection]:
    """Give a connection for queries: with Synapse's functions, and within the time that one may take."""
    connection, end = functions.install(store), time.monotonic() + LONGEST_SECONDS
    connection.set_progress_handler(lambda: time.monotonic() > end, STEPS)
    try:
        yield connection
    except sqlite3.Error as error:
        raise Invalid(f"The query failed: {error}") from error
    finally:
        connection.set_progress_handler(None, 0)


class Prepared:
    """
    A query, with its filters, its chosen facets, its sorting and its bounds.

    :param wish: the request.
    :raises NotReady: a view is being built.
    """

    def __init__(self, store: Store, user: int, wish: Json) -> None:
        # They import sqlglot, which takes longer than the start of the server.
        from . import filters, statements, synapse_sql

        self._store, self._user, self._catalog = store, user, Catalog(store, user)
        self.wish = wish
        tree = synapse_sql.parse(wish.get("sql"))
        if isinstance(tree, synapse_sql.exp.Select) and (first := synapse_sql.part(tree, "from")):
            # Facets are looked up in the one table of a query; a query that may not be is refused below.
            source = self._catalog.open_node(first.this)
            facets = {item.get("columnName"): filters.of_facet(item, source) for item in wish.get("selectedFacets", [])}
            tree = filters.restricted(tree, map(filters.of_filter, wish.get("additionalFilters", [])))
            self._before_facets, self._facets = tree, facets
            tree = filters.restricted(filters.sorted_by(tree, wish.get("sort", [])), facets.values())
        self.tree = tree
        self.selection = statements.select(store, user, tree, self._catalog.open_node)
        self.source: Source = self.selection.source

    @property
    def headers(self) -> list[Json]:
        """``SelectColumn`` of each column of the result."""
        return [output.header for output in self.selection.outputs]

    @property
    def rows_per_page(self) -> int:
        """How many rows a page of the result has at most."""
        return table_types.rows_per_page(output.definition for output in self.selection.outputs)

    @property
    def with_etags(self) -> bool:
        """Rows show their etags."""
        return bool(self.wish.get("includeEntityEtag")) and self.source.is_view and self.selection.rows

    def bounds(self) -> tuple[int | None, int]:
        """Return limit and offset of the statement within which those of the request count."""
        limit, offset = self.selection.bounds
        more, most = max(0, self.wish.get("offset", 0)), self.wish.get("limit")
        if limit is not None:
            limit = max(0, limit - more)
        if most is not None:
            limit = max(0, most) if limit is None else min(limit, max(0, most))
        return limit, offset + more

    def without_facet(self, name: str) -> Any:
        """Return the query without what has been chosen of one facet."""
        from . import filters, statements

        chosen = [condition for column, condition in self._facets.items() if column != name]
        tree = filters.restricted(self._before_facets, chosen)
        return statements.select(self._store, self._user, tree, self._catalog.open_node)

    def rows(self, limit: int | None, offset: int) -> Iterator[tuple[Any, ...]]:
        """Yield rows as the database has them; each begins with number, version and etag if it is one of the table."""
        prefix = ("T0.ROW_ID", "T0.ROW_VERSION", "T0.ROW_ETAG") if self.selection.rows else ()
        sql = self.selection.sql(*prefix, bounds=(limit, offset))
        with bounded(self._store) as connection:
            for row in connection.execute(sql):
                yield tuple(row)

    def shown(self, row: tuple[Any, ...]) -> list[str | None]:
        """Return the cells of a row as Synapse shows them (J-06)."""
        values = row[3:] if self.selection.rows else row
        outputs = self.selection.outputs
        return [
            cells.shown(output.value.shown_kind, value) for output, value in zip(outputs, values, strict=bool(outputs))
        ]

    def count(self) -> int:
        """Return how many rows there are within the statement's own bounds (J-07)."""
        selection = self.selection
        if selection.rows and selection.bounds == (None, 0):
            sql = selection.over_rows("count(*)")
        else:
            sql = f"SELECT count(*) FROM ({selection.sql()})"
        with bounded(self._store) as connection:
            return int(connection.execute(sql).fetchone()[0])

    def one(self, sql: str) -> Any:
        """Return the first row of a statement over this query's rows."""
        with bounded(self._store) as connection:
            return connection.execute(sql).fetchone()

    def all(self, sql: str) -> list[Any]:
        """Return the rows of a statement over this query's rows."""
        with bounded(self._store) as connection:
            return connection.execute(sql).fetchall()
