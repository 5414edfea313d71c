"""Tables and views as entities: what each type holds (E-06), and their columns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from airflow_synapse_challenge.local_synapse.content import bundles, entities
from airflow_synapse_challenge.local_synapse.core.bodies import Body, Long
from airflow_synapse_challenge.local_synapse.core.errors import Invalid, require
from airflow_synapse_challenge.local_synapse.core.http import Context, as_id, operation
from airflow_synapse_challenge.local_synapse.core.store import Json, Store, load
from airflow_synapse_challenge.local_synapse.files import handles

from . import columns, default_columns, entity_rows, sheets, table_rows
from .catalog import DEFINED, Catalog, short_of

MODEL = f"{entities.PREFIX}table."
TABLE, ENTITY_VIEW, SUBMISSION_VIEW, MATERIALIZED_VIEW, VIRTUAL_TABLE = (
    f"{MODEL}{name}" for name in ("TableEntity", "EntityView", "SubmissionView", "MaterializedView", "VirtualTable")
)
#: Label of the version that is being worked on; snapshots have others (J-10).
IN_PROGRESS = "in progress"
#: A page holds about this much.
BYTES_OF_PAGE = 512_000


class TableBody(Body, total=False):
    """What a table has beside the fields of every entity."""

    columnIds: list[str]
    isSearchEnabled: bool


class EntityViewBody(TableBody, total=False):
    """What an entity view has beside the fields of every entity."""

    scopeIds: list[str]
    viewTypeMask: Long
    type: str


class SubmissionViewBody(TableBody, total=False):
    """What a submission view has beside the fields of every entity."""

    scopeIds: list[str]


class DefinedBody(TableBody, total=False):
    """What a table that a query defines has beside the fields of every entity."""

    definingSQL: str


def _check_table(store: Store, user: int, doc: Json, old: Json | None) -> None:
    doc.setdefault("versionLabel", IN_PROGRESS)
    doc.setdefault("columnIds", [])
    columns.check_schema(columns.show_all(store, doc["columnIds"]))


def _check_entity_view(store: Store, user: int, doc: Json, old: Json | None) -> None:
    _check_table(store, user, doc, old)
    if "viewTypeMask" not in doc:
        kind = doc.get("type")
        if kind not in default_columns.OLD_TYPES:
            raise Invalid("viewTypeMask is required.")
        doc["viewTypeMask"] = default_columns.OLD_TYPES[kind]
    doc.pop("type", None)
    if not entity_rows.types_of(doc["viewTypeMask"]):
        raise Invalid(f"viewTypeMask {doc['viewTypeMask']} means no type of entity.")
    doc["scopeIds"] = _scope(doc)


def _check_submission_view(store: Store, user: int, doc: Json, old: Json | None) -> None:
    """Any evaluation may be in the scope (W-05)."""
    _check_table(store, user, doc, old)
    doc["scopeIds"] = _scope(doc)


def _scope(doc: Json) -> list[str]:
    """Return the ids of a scope; those of entities lose their prefix, as in Synapse."""
    return list(dict.fromkeys(str(as_id(item)) for item in doc.get("scopeIds", [])))


def _check_defined(short: str) -> Any:
    def check(store: Store, user: int, doc: Json, old: Json | None) -> None:
        """The query decides the columns; what a request says of them is ignored."""
        require(doc.get("definingSQL"), "definingSQL")
        doc.setdefault("versionLabel", IN_PROGRESS)
        doc["columnIds"] = [column["id"] for column in defined_columns(store, user, short, doc["definingSQL"])]

    return check


def defined_columns(store: Store, user: int, short: str, sql: str) -> list[Json]:
    """Return the columns of a table that a query defines."""
    from .definitions import Defined

    catalog = Catalog(store, user, schema_only=True)
    return list(Defined(store, user, 0, short).source(sql, catalog.open_node, "").columns)


entities.KINDS[TABLE] = entities.Kind("table", versioned=True, check=_check_table, body=TableBody)
entities.KINDS[ENTITY_VIEW] = entities.Kind("entityview", versioned=True, check=_check_entity_view, body=EntityViewBody)
entities.KINDS[SUBMISSION_VIEW] = entities.Kind(
    "submissionview", versioned=True, check=_check_submission_view, body=SubmissionViewBody
)
for concrete, name in ((MATERIALIZED_VIEW, DEFINED[0]), (VIRTUAL_TABLE, DEFINED[1])):
    entities.KINDS[concrete] = entities.Kind(name, versioned=True, check=_check_defined(name), body=DefinedBody)


def create_view(
    store: Store,
    user: int,
    concrete: str,
    parent: int,
    name: str,
    scope: Iterable[int],
    *,
    mask: int = default_columns.FILE_MASK,
    extra: Iterable[Json] = (),
    entity: int | None = None,
) -> int:
    """
    Make an entity view or a submission view with its default columns; return its id.

    :param concrete: :data:`ENTITY_VIEW` or :data:`SUBMISSION_VIEW`.
    :param scope: ids of projects and folders, or of evaluations.
    :param mask: which types of entities an entity view shows.
    :param extra: definitions of more columns, for annotations.
    :param entity: the id that it gets; default: a new one.
    """
    short = entities.KINDS[concrete].short
    made = default_columns.ensure(store, short, mask) + [columns.ensure(store, column) for column in extra]
    body: Json = {
        "concreteType": concrete,
        "name": name,
        "parentId": f"syn{parent}",
        "columnIds": [column["id"] for column in made],
        "scopeIds": [str(item) for item in scope],
    }
    if concrete == ENTITY_VIEW:
        body["viewTypeMask"] = mask
    return entities.create(store, user, body, entity)


def rows_per_page(columns_of: Iterable[Json]) -> int:
    """Return how many rows a page has at most: the wider they are, the fewer."""
    return BYTES_OF_PAGE // max(1, sum(columns.bytes_of(column) for column in columns_of))


@operation("GET", "/repo/v1/entity/{id}/column")
def get_columns(context: Context) -> Json:
    """Read the columns of a table or view."""
    row = entities.require(context.store, context.number("id"), context.user, "READ")
    short_of(row)
    found = columns.show_all(context.store, load(row["doc"]).get("columnIds", []))
    return {"results": found, "totalNumberOfResults": len(found)}


@bundles.part("includeTableBundle", "tableBundle")
def _table_bundle(subject: bundles.Subject) -> Json | None:
    if "columnIds" not in subject.shown:
        return None
    found = columns.show_all(subject.store, subject.shown["columnIds"])
    return {"columnModels": found, "maxRowsPerPage": rows_per_page(found)}


@handles.association("TableEntity")
def _through_table(store: Store, user: int, handle: int, table: int) -> bool:
    """Who may read and download a table gets the files in its cells (F-05)."""
    row = store.one("SELECT * FROM entity WHERE id = ? AND type = ?", table, TABLE)
    if row is None or not all(entities.may(store, table, user, kind) for kind in ("READ", "DOWNLOAD")):
        return False
    return any(
        table_rows.holds_file(store, sheet, columns.show_all(store, doc.get("columnIds", [])), handle)
        for sheet, doc in _sheets_of(store, table)
    )


def _sheets_of(store: Store, table: int) -> Iterable[tuple[str, Json]]:
    """Yield what there is of a table: its rows, and those of its snapshots."""
    for row in store.all("SELECT version, doc FROM entity_version WHERE entity = ? ORDER BY version DESC", table):
        sheet = sheets.name_of(table, row["version"])
        if sheets.exists(store, sheet):
            yield sheet, load(row["doc"])
    doc = store.value("SELECT doc FROM entity WHERE id = ?", table)
    if doc is not None and sheets.exists(store, sheets.name_of(table)):
        yield sheets.name_of(table), load(doc)


@handles.linked_by
def _in_a_table(store: Store, handle: int) -> bool:
    """A file in a cell is in use."""
    tables_with = store.all("SELECT id FROM entity WHERE type = ?", TABLE)
    return any(
        table_rows.holds_file(store, sheet, columns.show_all(store, doc.get("columnIds", [])), handle)
        for row in tables_with
        for sheet, doc in _sheets_of(store, row["id"])
    )
