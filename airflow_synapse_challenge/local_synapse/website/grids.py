"""Tables of values: what queries find, page by page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from airflow_synapse_challenge.local_synapse.core.errors import Refused
from airflow_synapse_challenge.local_synapse.core.http import Context
from airflow_synapse_challenge.local_synapse.core.jobs import NotReady
from airflow_synapse_challenge.local_synapse.core.store import Json, Store
from airflow_synapse_challenge.local_synapse.queues import legacy_query

from .visits import Paging, Visit

ROWS, COUNT, COLUMNS = 0x1, 0x2, 0x4
LIMITED = re.compile(r"\blimit\s+\d+", re.IGNORECASE)


@dataclass(frozen=True)
class Grid:
    """
    A table of values.

    :param columns: ``SelectColumn``: name and columnType of each.
    :param paging: ``None`` where all rows are there.
    :param trouble: why there are none.
    :param order: name of the column that the rows are sorted by, and whether the largest come first.
    """

    columns: Sequence[Json] = ()
    rows: Sequence[Sequence[str | None]] = ()
    paging: Paging | None = None
    trouble: str = ""
    order: tuple[str, bool] | None = None


def queried(visit: Visit, sql: str, paging: Paging, order: tuple[str, bool] | None = None) -> Grid:
    """
    Return a page of what a query finds for the viewer, as the tables' own operation does.

    :param order: name of a column, and whether the largest come first.
    """
    from airflow_synapse_challenge.local_synapse.tables import query_jobs

    wish: Json = {"sql": sql, "offset": paging.offset, "limit": paging.size}
    if order:
        wish["sort"] = [{"column": order[0], "direction": "DESC" if order[1] else "ASC"}]
    found = _asked(visit, query_jobs.query_bundle, {"query": wish, "partMask": ROWS | COUNT | COLUMNS})
    if isinstance(found, str):
        return Grid(trouble=found)
    counted = paging.counted(int(found["queryCount"]))
    if counted.number != paging.number:
        return queried(visit, sql, counted, order)
    rows = [row["values"] for row in found["queryResult"]["queryResults"]["rows"]]
    return Grid(found["selectColumns"], rows, counted, order=order)


def queried_before(visit: Visit, text: str, paging: Paging) -> Grid:
    """Return a page of what a query of the older service over a queue's submissions finds for the viewer."""
    # A query that says itself how much it wants gets that.
    bounds = "" if LIMITED.search(text) else f" limit {paging.size} offset {paging.offset}"
    found = _asked(visit, legacy_query.query, {}, query=text + bounds)
    if isinstance(found, str):
        return Grid(trouble=found)
    columns = [{"name": name, "columnType": "STRING"} for name in found["headers"]]
    rows = [row["values"] for row in found["rows"]]
    return Grid(columns, rows, paging.counted(int(found["totalNumberOfResults"])) if bounds else None)


def _asked(visit: Visit, operation: Any, body: Json, **query: str) -> Any:
    """Return the answer of an operation that has to write before it can answer, or in words why there is none."""

    def work(store: Store) -> Any:
        context = Context(store=store, user=visit.viewer.id, path={}, query=query, body=body, base="")
        try:
            return operation(context)
        except NotReady as waiting:
            # What was written down so far is to stay.
            return str(waiting) or "This is being built; look again in a moment."

    try:
        visit.require_agreed()
        return visit.beside(work)
    except Refused as refusal:
        return refusal.reason
