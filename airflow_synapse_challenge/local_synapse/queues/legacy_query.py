"""The older query service over the submissions of a queue (section Q of the rules)."""

from __future__ import annotations

from typing import Any

from airflow_synapse_challenge.local_synapse.core.errors import require
from airflow_synapse_challenge.local_synapse.core.http import Context, operation
from airflow_synapse_challenge.local_synapse.core.store import Json, Store, load

from . import evaluations, legacy_index
from .legacy_language import Filter, Query, parse


@operation("GET", "/repo/v1/evaluation/submission/query", writes=True)
def query(context: Context) -> Json:
    """Answer a query; private annotations are there only for those who may read them (Q-01, Q-02)."""
    store, text = context.store, context.query.get("query")
    require(text, "query")
    wish = parse(str(text))
    evaluations.require_submission_access(store, wish.evaluation, context.user, "READ")
    private = evaluations.may(store, wish.evaluation, context.user, "READ_PRIVATE_SUBMISSION")
    legacy_index.refresh(store, wish.evaluation)
    return _answer(store, wish, "closed" if private else "open")


def _answer(store: Store, wish: Query, attributes: str) -> Json:
    where, values = _where(wish, attributes)
    order, order_values = _order(wish, attributes)
    total = store.value(f"SELECT count(*) FROM legacy_index WHERE {where}", *values)
    rows = store.all(
        f"SELECT {attributes} AS attributes FROM legacy_index WHERE {where} ORDER BY {order} LIMIT ? OFFSET ?",
        *values,
        *order_values,
        wish.limit,
        wish.offset,
    )
    docs = [load(row["attributes"]) for row in rows]
    headers = wish.names if wish.names is not None else _all_names(docs)
    return {
        "headers": headers,
        "rows": [{"values": [_text(doc.get(name)) for name in headers]} for doc in docs],
        "totalNumberOfResults": total,
    }


def _all_names(docs: list[Json]) -> list[str]:
    annotations = {name for doc in docs for name in doc} - set(legacy_index.SYSTEM_FIELDS)
    return [*legacy_index.SYSTEM_FIELDS, *sorted(annotations)]


def _where(wish: Query, attributes: str) -> tuple[str, list[Any]]:
    """Return the condition: an attribute that is not there fulfils none."""
    conditions, values = ["evaluation = ?"], [wish.evaluation]
    for each in wish.filters:
        condition, more = _condition(each, attributes)
        conditions.append(condition)
        values += more
    return " AND ".join(conditions), values


def _condition(each: Filter, attributes: str) -> tuple[str, list[Any]]:
    """A text is compared with how a value is written, a number with numbers only."""
    found, path = f"json_extract({attributes}, ?)", _path(each.name)
    if isinstance(each.value, str):
        return f"CAST({found} AS TEXT) {each.operator} ?", [path, each.value]
    return f"(typeof({found}) <> 'text' AND {found} {each.operator} ?)", [path, path, each.value]


def _order(wish: Query, attributes: str) -> tuple[str, list[Any]]:
    if wish.order_by is None:
        return "submission", []
    name, descending = wish.order_by
    return f"json_extract({attributes}, ?) {'DESC' if descending else 'ASC'}, submission", [_path(name)]


def _path(name: str) -> str:
    return '$."' + name.replace('"', "") + '"'


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
