"""Facets: the values that the rows of a query have in a column, and how often."""

from __future__ import annotations

from typing import Any

from airflow_synapse_challenge.local_synapse.core.store import Json

from . import cells, sheets
from .queries import Prepared

MODEL = "org.sagebionetworks.repo.model.table."
MOST_VALUES = 100


def results(query: Prepared) -> list[Json]:
    """Return ``FacetColumnResult`` of each column that is one, as if nothing of it were chosen yet."""
    chosen = {item.get("columnName"): item for item in query.wish.get("selectedFacets", [])}
    found = []
    for column in query.source.columns:
        kind = column.get("facetType")
        if kind == "enumeration":
            found.append(_values(query, column, chosen.get(column["name"], {})))
        elif kind == "range":
            found.append(_range(query, column, chosen.get(column["name"], {})))
    return found


def _values(query: Prepared, column: Json, chosen: Json) -> Json:
    from .filters import NOTHING

    selection, kind = query.without_facet(column["name"]), column["columnType"]
    value, tables = f"T0.{sheets.cell(column)}", selection.tables
    if kind in cells.LISTS:
        tables, value = f"{tables} LEFT JOIN json_each({value}) AS facet", "facet.value"
        kind = cells.TYPES[kind].element or kind
    collated = f"{value} COLLATE NOCASE" if kind in cells.TEXTUAL else value
    rows = query.all(
        f"SELECT {value}, count(*) FROM {tables}{selection.where} GROUP BY {collated} "
        f"ORDER BY count(*) DESC, {collated} LIMIT {MOST_VALUES}"
    )
    selected = chosen.get("facetValues") or []
    return {
        "concreteType": f"{MODEL}FacetColumnResultValues",
        "columnName": column["name"],
        "facetType": "enumeration",
        "facetValues": [_count(cells.shown(kind, row[0]) or NOTHING, row[1], selected) for row in rows],
    }


def _count(value: str, count: int, selected: list[str]) -> Json:
    return {"value": value, "count": count, "isSelected": value in selected}


def _range(query: Prepared, column: Json, chosen: Json) -> Json:
    selection = query.without_facet(column["name"])
    cell = f"T0.{sheets.cell(column)}"
    if column["columnType"] == "DOUBLE":
        cell = f"nullif({cell}, '{cells.NOT_A_NUMBER}')"
    least, most = query.one(selection.over_rows(f"min({cell}), max({cell})"))
    return {
        "concreteType": f"{MODEL}FacetColumnResultRange",
        "columnName": column["name"],
        "facetType": "range",
        "columnMin": _shown(column, least),
        "columnMax": _shown(column, most),
        "selectedMin": chosen.get("min"),
        "selectedMax": chosen.get("max"),
    }


def _shown(column: Json, value: Any) -> str | None:
    return cells.shown(column["columnType"], value)
