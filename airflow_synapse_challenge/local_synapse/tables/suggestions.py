"""Columns that the annotations in a scope would need, and whether a query can define a table."""

from __future__ import annotations

from collections.abc import Iterable

from airflow_synapse_challenge.local_synapse.core.errors import NotServed, Refused, require
from airflow_synapse_challenge.local_synapse.core.http import Context, as_id, operation
from airflow_synapse_challenge.local_synapse.core.jobs import job
from airflow_synapse_challenge.local_synapse.core.store import Json

from . import default_columns, entity_rows, shapes, submission_rows, table_types
from .columns import LARGEST_SIZE
from .query_jobs import MODEL
from .view_rows import ViewRow

PAGE = 50
#: Types of columns by types of annotations.
TYPES = {
    "STRING": "STRING",
    "DOUBLE": "DOUBLE",
    "LONG": "INTEGER",
    "TIMESTAMP_MS": "DATE",
    "BOOLEAN": "BOOLEAN",
}
WITH_LIST = ("STRING", "INTEGER", "BOOLEAN", "DATE")


@job(
    "/repo/v1/column/view/scope/async",
    request=f"{MODEL}ViewColumnModelRequest",
    response=f"{MODEL}ViewColumnModelResponse",
    body=shapes.ViewColumnModelRequest,
    scopes=("view",),
)
def suggest(context: Context) -> Json:
    """Return a page of columns for the annotations of what is in a scope, default columns left out."""
    wish = context.body.get("viewScope")
    require(wish, "viewScope")
    offset = as_id(context.body.get("nextPageToken", "0"))
    found = _columns(_rows(context, wish))
    answer: Json = {"results": found[offset : offset + PAGE]}
    if len(found) > offset + PAGE:
        answer["nextPageToken"] = str(offset + PAGE)
    return answer


def _rows(context: Context, wish: Json) -> Iterable[ViewRow]:
    kind, scope = wish.get("viewEntityType", "entityview"), [as_id(item) for item in wish.get("scope", [])]
    if kind == "submissionview":
        visible = [item for item in scope if submission_rows.may_read(context.store, context.user, item)]
        return submission_rows.rows_of(context.store, visible)
    if kind != "entityview":
        raise NotServed(f"The local Synapse does not have views of this kind: {kind}")
    mask = wish.get("viewTypeMask") or default_columns.OLD_TYPES[wish.get("viewType", "file")]
    rows = entity_rows.rows_of(context.store, scope, mask)
    readable: dict[int, bool] = {}
    return (row for row in rows if _readable(context, row.numbers[3], readable))


def _readable(context: Context, benefactor: int, known: dict[int, bool]) -> bool:
    if benefactor not in known:
        known[benefactor] = entity_rows.may_read(context.store, context.user, benefactor)
    return known[benefactor]


def _columns(rows: Iterable[ViewRow]) -> list[Json]:
    """Return one column for each name and type of an annotation, as large as its values need."""
    found: dict[tuple[str, str], Json] = {}
    for row in rows:
        for name, entry in row.annotations.items():
            if name in row.fields or not entry["value"]:
                continue
            kind = TYPES[entry["type"]]
            column = found.setdefault((name, kind), {"name": name, "columnType": kind})
            _grow(column, kind, entry["value"])
    return [found[key] for key in sorted(found)]


def _grow(column: Json, kind: str, values: list[str]) -> None:
    if kind == "STRING":
        longest = max(1, *map(len, values))
        column["maximumSize"] = min(LARGEST_SIZE, max(longest, column.get("maximumSize", 0)))
    if len(values) > 1 and kind in WITH_LIST:
        column["columnType"] = f"{kind}_LIST"
        column["maximumListLength"] = max(len(values), column.get("maximumListLength", 0))


@operation("POST", "/repo/v1/validateDefiningSql", 200, body=shapes.ValidateDefiningSqlRequest, scopes=("view",))
def validate(context: Context) -> Json:
    """Tell whether a query can define a materialized view or a virtual table, and why not."""
    require(context.body.get("definingSql"), "definingSql")
    require(context.body.get("entityType"), "entityType")
    try:
        table_types.defined_columns(
            context.store, context.user, context.body["entityType"], context.body["definingSql"]
        )
    except Refused as refusal:
        return {"isValid": False, "invalidReason": refusal.reason}
    return {"isValid": True}
