"""Annotations that are changed through a view (W-06)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping

from airflow_synapse_challenge.local_synapse.content import changes, entities
from airflow_synapse_challenge.local_synapse.core.errors import Invalid, Missing, NotAllowed, Refused, Stale
from airflow_synapse_challenge.local_synapse.core.store import Json, Store, load
from airflow_synapse_challenge.local_synapse.queues import statuses, submissions

from . import cells, default_columns
from .table_rows import Change

CODES: dict[type[Refused], str] = {
    Missing: "NOT_FOUND",
    NotAllowed: "UNAUTHORIZED",
    Stale: "CONCURRENT_UPDATE",
    Invalid: "ILLEGAL_ARGUMENT",
}

#: Gets the store, the caller, the object, its etag and the annotations that change: no value removes one.
Update = Callable[[Store, int, int, str, Mapping[str, Json | None]], None]


class ViewUpdates:
    """
    Changes of the objects that a view shows, each for itself: what one refuses does not hold up the others.

    :param short: ``entityview`` or ``submissionview``.
    """

    def __init__(self, store: Store, user: int, short: str, columns_of: list[Json]) -> None:
        self._store, self._user, self._short = store, user, short
        self._columns = {column["id"]: column for column in columns_of}
        fields = default_columns.SUBMISSION_FIELDS if short == "submissionview" else _entity_fields()
        #: What an object is cannot be changed here, and is left alone.
        self._fixed = {column["id"] for column in columns_of if column["name"] in fields}

    def apply(self, wanted: Iterable[tuple[Change, str | None]]) -> list[Json]:
        """Make changes; return ``EntityUpdateResult`` for each."""
        return [self._result(change, etag) for change, etag in wanted]

    def _result(self, change: Change, etag: str | None) -> Json:
        result: Json = {}
        store = self._store
        store.run("SAVEPOINT view_row")
        try:
            if change.row is None:
                raise Invalid("A row of a view is changed by its id; views have no rows of their own.")
            result["entityId"] = self._shown_id(change.row)
            if change.values is None:
                raise Invalid("Rows of a view cannot be deleted.")
            if etag is None:
                raise Invalid("The etag of the row is required.")
            update = _update_submission if self._short == "submissionview" else _update_entity
            update(store, self._user, change.row, etag, self._annotations(change.values))
        except Refused as refusal:
            store.run("ROLLBACK TO view_row")
            result |= {
                "failureCode": CODES.get(type(refusal), "UNKNOWN"),
                "failureMessage": refusal.reason,
            }
        finally:
            store.run("RELEASE view_row")
        return result

    def _shown_id(self, row: int) -> str:
        return str(row) if self._short == "submissionview" else f"syn{row}"

    def _annotations(self, values: Mapping[str, str | None]) -> dict[str, Json | None]:
        for key in values:
            if key not in self._columns:
                raise Invalid(f"The view has no column with the id {key}")
        changed = {key: text for key, text in values.items() if key not in self._fixed}
        return {self._columns[key]["name"]: _annotation(self._columns[key], text) for key, text in changed.items()}


def _entity_fields() -> dict[str, Json]:
    return default_columns.ENTITY_FIELDS | default_columns.FILE_FIELDS


def _annotation(column: Json, text: str | None) -> Json | None:
    """Return the annotation that a cell means."""
    value = cells.stored(column, text)
    if value is None:
        return None
    kind = cells.TYPES[column["columnType"]]
    if kind.element is None:
        return {"type": kind.annotation, "value": [kind.show(value)]}
    return {"type": kind.annotation, "value": [cells.text_of(item) for item in json.loads(str(value))]}


def _merged(old: Json, changed: Mapping[str, Json | None]) -> Json:
    return {name: entry for name, entry in (old | dict(changed)).items() if entry is not None}


def _update_entity(store: Store, user: int, entity: int, etag: str, changed: Mapping[str, Json | None]) -> None:
    row = entities.require(store, entity, user, "UPDATE")
    changes.require_etag(row, etag)
    entities.write_annotations(store, entity, _merged(load(row["annotations"]), changed))


def _update_submission(store: Store, user: int, submission: int, etag: str, changed: Mapping[str, Json | None]) -> None:
    status = submissions.show_status(submissions.row_of(store, submission), private=True)
    old = status.pop("submissionAnnotations", {}).get("annotations", {})
    status["submissionAnnotations"] = {"annotations": _merged(old, changed)}
    statuses.update(store, user, submission, status | {"etag": etag})
