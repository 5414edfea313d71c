"""Conditions that a request adds to its query: filters, chosen facets, sorting."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from airflow_synapse_challenge.local_synapse.core.errors import Invalid, NotServed, require
from airflow_synapse_challenge.local_synapse.core.store import Json

from . import cells
from .sources import Source
from .synapse_sql import exp

MODEL = "org.sagebionetworks.repo.model.table."
#: Stands for no value among those of a facet.
NOTHING = "org.sagebionetworks.UNDEFINED_NULL_NOTNULL"


def column(name: str) -> Any:
    """Return a column of the query's table."""
    return exp.Column(this=exp.Identifier(this=name, quoted=True))


def text(value: str) -> Any:
    """Return a text as part of a query."""
    return exp.Literal.string(value)


def any_of(conditions: Iterable[Any]) -> Any:
    """Return a condition that one of several makes true."""
    return exp.Paren(this=exp.or_(*conditions, copy=False))


def of_filter(wish: Json) -> Any:
    """Return the condition that a filter of a request means."""
    kind = str(wish.get("concreteType")).removeprefix(MODEL)
    if kind == "TextMatchesQueryFilter":
        raise NotServed("The local Synapse does not have full text search: TextMatchesQueryFilter")
    require(wish.get("columnName"), "filter.columnName")
    values = wish.get("values")
    if not values:
        raise Invalid("ColumnSingleValueQueryFilter.values is required and must not be empty.")
    name = wish["columnName"]
    if kind == "ColumnMultiValueFunctionQueryFilter":
        require(wish.get("function"), "filter.function")
        return exp.Like(this=column(name), expression=_call(wish["function"], values))
    if kind != "ColumnSingleValueQueryFilter":
        raise Invalid(f"{wish.get('concreteType')} is no filter.")
    require(wish.get("operator"), "filter.operator")
    if wish["operator"] == "IN":
        return exp.In(this=column(name), expressions=[text(value) for value in values])
    compare = exp.Like if wish["operator"] == "LIKE" else exp.EQ
    return any_of(compare(this=column(name), expression=text(value)) for value in values)


def _call(name: str, values: Iterable[str]) -> Any:
    return exp.Anonymous(this=name, expressions=[text(value) for value in values])


def of_facet(wish: Json, source: Source) -> Any:
    """Return the condition that the choice of a facet means, ``None`` if nothing is chosen."""
    name = wish.get("columnName")
    found = source.named(str(name))
    if found is None or "facetType" not in found:
        raise Invalid(f"Requested facet column names must all be in the set of faceted columns: {name}")
    if "jsonPath" in wish:
        raise NotServed("The local Synapse does not have facets of parts of JSON columns.")
    kind = str(wish.get("concreteType")).removeprefix(MODEL)
    if kind == "FacetColumnValuesRequest":
        return _of_values(found, wish.get("facetValues") or [])
    if kind == "FacetColumnRangeRequest":
        return _of_range(str(name), wish.get("min"), wish.get("max"))
    raise Invalid(f"{wish.get('concreteType')} is no choice of a facet.")


def _of_values(found: Json, values: list[str]) -> Any:
    if not values:
        return None
    name = found["name"]
    conditions: list[Any] = []
    for value in values:
        if value == NOTHING:
            conditions.append(exp.Is(this=column(name), expression=exp.Null()))
        elif found["columnType"] in cells.LISTS:
            conditions.append(exp.Like(this=column(name), expression=_call("HAS", [value])))
        else:
            conditions.append(exp.EQ(this=column(name), expression=text(value)))
    return any_of(conditions)


def _of_range(name: str, least: str | None, most: str | None) -> Any:
    if NOTHING in (least, most):
        return exp.Is(this=column(name), expression=exp.Null())
    bounds: list[Any] = []
    if least:
        bounds.append(exp.GTE(this=column(name), expression=text(least)))
    if most:
        bounds.append(exp.LTE(this=column(name), expression=text(most)))
    return exp.Paren(this=exp.and_(*bounds, copy=False)) if bounds else None


def restricted(tree: Any, conditions: Iterable[Any]) -> Any:
    """Return a query with more conditions."""
    narrowed = tree.copy()
    found = [condition for condition in conditions if condition is not None]
    if found:
        where = narrowed.args.get("where")
        own = [exp.Paren(this=where.this)] if where else []
        narrowed.set("where", exp.Where(this=exp.and_(*own, *found, copy=False)))
    return narrowed


def sorted_by(tree: Any, items: Iterable[Json]) -> Any:
    """Return a query that is sorted by something else first."""
    wanted = [exp.Ordered(this=column(item["column"]), desc=item.get("direction") == "DESC") for item in items]
    if not wanted:
        return tree
    narrowed = tree.copy()
    own = narrowed.args.get("order")
    narrowed.set("order", exp.Order(expressions=[*wanted, *(own.expressions if own else ())]))
    return narrowed
