"""Transactions: changes of a table or view that are made together or not at all."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any

from airflow_synapse_challenge.local_synapse.content import entities
from airflow_synapse_challenge.local_synapse.core.errors import Invalid, NotServed, require
from airflow_synapse_challenge.local_synapse.core.http import Context, as_id, operation
from airflow_synapse_challenge.local_synapse.core.jobs import job
from airflow_synapse_challenge.local_synapse.core.store import Json, Store, load

from . import cells, columns, schema_changes, shapes, snapshots
from .catalog import DEFINED, VIEWS, short_of
from .csv_uploads import Upload
from .query_jobs import MODEL
from .table_rows import Change, Rows, State
from .view_updates import ViewUpdates

UPDATE_SCOPES = ("view", "modify")


class Target:
    """
    A table or view that is changed as a user.

    :param entity: its id.
    """

    def __init__(self, store: Store, user: int, entity: int) -> None:
        self.store, self.user, self.entity = store, user, entity
        self.short = short_of(self.row())

    def row(self) -> sqlite3.Row:
        """Return its row as it is now, if the user may change it."""
        return entities.require(self.store, self.entity, self.user, "UPDATE")

    def columns(self) -> list[Json]:
        """Return its columns as they are now."""
        return columns.show_all(self.store, load(self.row()["doc"]).get("columnIds", []))

    def change(self, wish: Json) -> Json:
        """Make one change; return its response."""
        kind = str(wish.get("concreteType")).removeprefix(MODEL)
        for name in ("entityId", "tableId"):
            if name in wish and as_id(wish[name]) != self.entity:
                raise Invalid(f"All changes must be for the same table: syn{self.entity}, not {wish[name]}")
        match kind:
            case "TableSchemaChangeRequest":
                schema = schema_changes.apply(self.store, self.user, self.row(), wish)
                return {"concreteType": f"{MODEL}TableSchemaChangeResponse", "schema": schema}
            case "AppendableRowSetRequest":
                return self.append(wish.get("toAppend"))
            case "UploadToTableRequest":
                return self.upload(wish)
            case "TableSearchChangeRequest":
                raise NotServed("The local Synapse does not have full text search: TableSearchChangeRequest")
        raise Invalid(f"{wish.get('concreteType')} is no change of a table.")

    def append(self, rows: Json | None) -> Json:
        """Append, change or delete rows."""
        require(rows, "AppendableRowSetRequest.toAppend")
        assert rows is not None
        require(rows.get("rows"), "rows")
        wanted = list(_row_changes(rows, self.columns()))
        if self.short in VIEWS:
            return self._update_view(wanted)
        state, numbers = self._rows().apply([change for change, _ in wanted], rows.get("etag"))
        return {
            "concreteType": f"{MODEL}RowReferenceSetResults",
            "rowReferenceSet": _references(self.entity, state, numbers, rows.get("headers"), self.columns()),
        }

    def upload(self, wish: Json) -> Json:
        """Apply a CSV file."""
        found = Upload(self.store, self.user, wish, self.columns())
        if self.short in VIEWS:
            return self._update_view(found.changes())
        changes = [change for change, _ in found.changes()]
        state, _ = self._rows().apply(changes, wish.get("updateEtag"))
        return {
            "concreteType": f"{MODEL}UploadToTableResult",
            "rowsProcessed": len(changes),
            "etag": state.etag,
        }

    def _rows(self) -> Rows:
        if self.short in DEFINED:
            raise Invalid(f"The rows of syn{self.entity} follow from its defining SQL.")
        return Rows(self.store, self.user, self.row())

    def _update_view(self, wanted: Iterable[tuple[Change, str | None]]) -> Json:
        updates = ViewUpdates(self.store, self.user, self.short, self.columns())
        return {"concreteType": f"{MODEL}EntityUpdateResults", "updateResults": updates.apply(wanted)}


def _references(entity: int, state: State, rows: list[int], headers: Any, columns_of: list[Json]) -> Json:
    shown = headers or [
        {"id": column["id"], "name": column["name"], "columnType": column["columnType"]} for column in columns_of
    ]
    return {
        "tableId": f"syn{entity}",
        "etag": state.etag,
        "headers": shown,
        "rows": [{"rowId": row, "versionNumber": state.last_version} for row in rows],
    }


def _row_changes(rows: Json, columns_of: list[Json]) -> Iterable[tuple[Change, str | None]]:
    """Yield what a set of rows says of each, with the etag that the row has."""
    kind = str(rows.get("concreteType")).removeprefix(MODEL)
    if kind == "PartialRowSet":
        for row in rows["rows"]:
            values = _partial_values(row.get("values"))
            etag = row.get("etag") or (values.pop("etag", None) if values else None)
            yield Change(row.get("rowId"), values), etag
    elif kind == "RowSet":
        keys = _keys(rows.get("headers"), columns_of)
        for row in rows["rows"]:
            yield Change(row.get("rowId"), _values(keys, row.get("values"))), row.get("etag")
    else:
        raise Invalid(f"{rows.get('concreteType')} is no set of rows.")


def _partial_values(values: Any) -> dict[str, str | None] | None:
    """Return cells by the ids of columns; on the wire they are pairs."""
    if not values:
        return None
    if isinstance(values, list):
        if not all(isinstance(pair, dict) and "key" in pair for pair in values):
            raise Invalid("values of a PartialRow are pairs of key and value.")
        values = {str(pair["key"]): pair.get("value") for pair in values}
    return {key: cells.text_of(value) for key, value in values.items()}


def _keys(headers: list[Json] | None, columns_of: list[Json]) -> list[str]:
    require(headers, "RowSet.headers")
    by_name = {column["name"]: column["id"] for column in columns_of}
    keys = []
    for header in headers or []:
        key = header.get("id") or by_name.get(header.get("name", ""))
        if key is None:
            raise Invalid(f"RowSet.headers has a column that is not part of the table: {header.get('name')}")
        keys.append(key)
    return keys


def _values(keys: list[str], values: Any) -> dict[str, str | None] | None:
    """Return the cells of a row; a row without any is deleted."""
    if not values:
        return None
    if not isinstance(values, list) or len(values) != len(keys):
        raise Invalid(f"Row.values needs one value for each of the {len(keys)} headers.")
    return dict(zip(keys, map(cells.text_of, values), strict=True))


@job(
    "/repo/v1/entity/{id}/table/transaction/async",
    request=f"{MODEL}TableUpdateTransactionRequest",
    response=f"{MODEL}TableUpdateTransactionResponse",
    body=shapes.TableUpdateTransactionRequest,
    scopes=UPDATE_SCOPES,
)
def transact(context: Context) -> Json:
    """Make all changes of a request, and perhaps a snapshot of what comes of them."""
    body, target = context.body, Target(context.store, context.user, context.number("id"))
    changes, snapshot = body.get("changes") or [], bool(body.get("createSnapshot"))
    if not changes and not snapshot:
        raise Invalid("TableUpdateTransactionRequest.changes is required and must not be empty.")
    if snapshot and changes and target.short in VIEWS:
        raise Invalid("Changes and a snapshot of a view cannot be part of one request.")
    answer: Json = {"results": [target.change(change) for change in changes]}
    if snapshot:
        options = body.get("snapshotOptions", {})
        answer["snapshotVersionNumber"] = snapshots.take(context.store, context.user, target.row(), options)
    return answer


@job(
    "/repo/v1/entity/{id}/table/append/async",
    request=f"{MODEL}AppendableRowSetRequest",
    response=f"{MODEL}RowReferenceSetResults",
    body=shapes.AppendableRowSetRequest,
    scopes=UPDATE_SCOPES,
)
def append(context: Context) -> Json:
    """Append rows (the older service)."""
    return Target(context.store, context.user, context.number("id")).append(context.body.get("toAppend"))


def _upload(context: Context) -> Json:
    entity = context.path.get("id") or context.body.get("entityId") or context.body.get("tableId")
    return Target(context.store, context.user, as_id(entity)).upload(context.body)


for _path in ("/repo/v1/entity/{id}/table/upload/csv/async", "/repo/v1/table/upload/csv/async"):
    job(
        _path,
        request=f"{MODEL}UploadToTableRequest",
        response=f"{MODEL}UploadToTableResult",
        body=shapes.UploadToTableRequest,
        scopes=UPDATE_SCOPES,
    )(_upload)


@operation("POST", "/repo/v1/entity/{id}/table/deleteRows", 201, body=shapes.RowSelection, scopes=UPDATE_SCOPES)
def delete_rows(context: Context) -> Json:
    """Delete rows of a table (the older service)."""
    target = Target(context.store, context.user, context.number("id"))
    if target.short != "table":
        raise Invalid(f"syn{target.entity} is no table.")
    rows = context.body.get("rowIds") or []
    table = Rows(context.store, context.user, target.row())
    state, numbers = table.apply([Change(row, None) for row in rows], context.body.get("etag"))
    return _references(target.entity, state, numbers, None, table.columns)
