"""Snapshots: versions of tables and views that stay as they were (J-10, E-04)."""

from __future__ import annotations

import sqlite3

from airflow_synapse_challenge.local_synapse.content import changes, entities
from airflow_synapse_challenge.local_synapse.core.errors import Invalid
from airflow_synapse_challenge.local_synapse.core.http import Context, operation
from airflow_synapse_challenge.local_synapse.core.store import Json, Store, load

from . import shapes, sheets, table_rows
from .catalog import DEFINED, VIEWS, short_of
from .table_types import IN_PROGRESS
from .view_index import View


def take(store: Store, user: int, row: sqlite3.Row, options: Json) -> int:
    """
    Keep the current state of a table or view as its current version, and begin the next one; return the version kept.

    :param options: ``SnapshotRequest``.
    """
    entity, version, short = row["id"], row["version"], short_of(row)
    if short in DEFINED:
        raise Invalid(f"Snapshots of a {short} are not supported.")
    if short in VIEWS:
        view = View(store, row)
        if not view.is_available():
            raise Invalid("You cannot create a version of a view that is not available (Status: PROCESSING)")
        index = view.index()
        sheet, columns_of = index.sheet, index.columns
    else:
        sheet, columns_of = table_rows.sheet_of(store, row)
    sheets.copy(store, sheet, sheets.name_of(entity, version), columns_of)
    label = options.get("snapshotLabel") or str(version)
    changes.require_free_label(store, entity, version, label)
    doc = load(row["doc"]) | {"versionLabel": label, "versionComment": options.get("snapshotComment")}
    entities.write_doc(store, entity, {name: value for name, value in doc.items() if value is not None})
    if activity := options.get("snapshotActivityId"):
        entities.set_activity(store, user, entity, activity)
    entities.add_version(store, user, entity, {"versionLabel": IN_PROGRESS, "versionComment": None})
    return int(version)


@operation("POST", "/repo/v1/entity/{id}/table/snapshot", 201, body=shapes.SnapshotRequest, scopes=("view", "modify"))
def post_snapshot(context: Context) -> Json:
    """Take a snapshot of a table; those of views are taken by transactions."""
    row = entities.require(context.store, context.number("id"), context.user, "UPDATE")
    if short_of(row) != "table":
        raise Invalid("This service only supports tables; use a transaction for the snapshot of a view.")
    return {"snapshotVersionNumber": take(context.store, context.user, row, context.body)}
