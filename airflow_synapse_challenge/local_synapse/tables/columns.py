"""Column models: made once, never changed, shared by all tables and views (J-09)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal

from airflow_synapse_challenge.local_synapse.core.bodies import Body, Long
from airflow_synapse_challenge.local_synapse.core.errors import Invalid, Missing, require
from airflow_synapse_challenge.local_synapse.core.http import Context, as_id, operation
from airflow_synapse_challenge.local_synapse.core.store import Json, Store, dump, load, tables

from . import cells

tables(
    """
    CREATE TABLE IF NOT EXISTS column_model (id INTEGER PRIMARY KEY, name TEXT NOT NULL COLLATE NOCASE,
        doc TEXT NOT NULL UNIQUE);
    CREATE INDEX IF NOT EXISTS column_model_name ON column_model (name, id);
    """
)

MODEL = "org.sagebionetworks.repo.model.table.ColumnModel"
MOST_COLUMNS = 152
WIDEST_ROW = 64_000
MOST_ENUM_VALUES = 100
MOST_LARGE_TEXTS = 30
DEFAULT_SIZE, LARGEST_SIZE = 50, cells.LARGEST_STRING
DEFAULT_LENGTH = LARGEST_LENGTH = 100
MOST_LISTED = 100
NAME = re.compile(r"[a-zA-Z0-9 _\-.+()']{1,256}")
RESERVED = ("ROW_ID", "ROW_VERSION", "ROW_ETAG", "ROW_BENEFACTOR", "ROW_SEARCH_CONTENT", "ROW_HASH_CODE")
WITHOUT_DEFAULT = ("ENTITYID", "FILEHANDLEID", "USERID", "LARGETEXT", "JSON")
FIELDS = (
    "name", "columnType", "facetType", "defaultValue", "maximumSize", "maximumListLength", "enumValues",
    "jsonSubColumns",
)  # fmt: skip


ColumnType = Literal[
    "STRING", "DOUBLE", "INTEGER", "BOOLEAN", "DATE", "FILEHANDLEID", "ENTITYID", "SUBMISSIONID", "EVALUATIONID",
    "LINK", "MEDIUMTEXT", "LARGETEXT", "USERID", "STRING_LIST", "INTEGER_LIST", "BOOLEAN_LIST", "DATE_LIST",
    "ENTITYID_LIST", "USERID_LIST", "JSON",
]  # fmt: skip
FacetType = Literal["enumeration", "range"]


class JsonSubColumn(Body, total=False):
    """A part of a JSON column."""

    name: str
    columnType: ColumnType
    facetType: FacetType
    jsonPath: str


class ColumnModel(Body, total=False):
    """A column."""

    id: str
    name: str
    columnType: ColumnType
    facetType: FacetType
    defaultValue: str
    maximumSize: Long
    maximumListLength: Long
    enumValues: list[str]
    jsonSubColumns: list[JsonSubColumn]


class ColumnModels(Body, total=False):
    """Several columns."""

    list: list[ColumnModel]


def ensure(store: Store, body: Json) -> Json:
    """Return the column that a definition means, made if there is none yet (J-09)."""
    doc = dump(_normal(body))
    identity = store.value("SELECT id FROM column_model WHERE doc = ?", doc)
    if identity is None:
        identity = store.next_id("column")
        store.run("INSERT INTO column_model VALUES (?, ?, ?)", identity, load(doc)["name"], doc)
    return {"id": str(identity), **load(doc)}


def _normal(body: Json) -> Json:
    """Return a definition with its defaults, or refuse it."""
    require(body.get("columnType"), "ColumnModel.columnType")
    doc = {name: body[name] for name in FIELDS if name in body}
    doc["name"] = _checked_name(body.get("name"))
    _normalise_size(doc)
    _normalise_list(doc)
    _normalise_enum(doc)
    _normalise_default(doc)
    return {name: doc[name] for name in FIELDS if name in doc}


def _checked_name(name: str | None) -> str:
    require(name, "ColumnModel.name")
    stripped = str(name).strip()
    if not NAME.fullmatch(stripped):
        raise Invalid(
            f"Invalid Column Name: '{stripped}'. Names may only contain: letters, numbers, spaces, underscores, "
            "hyphens, periods, plus signs, apostrophes, and parentheses"
        )
    if stripped.upper() in RESERVED:
        raise Invalid(f"The column name '{stripped}' is a system reserved column name.")
    return stripped


def _normalise_size(doc: Json) -> None:
    if not cells.TYPES[doc["columnType"]].sized:
        doc.pop("maximumSize", None)
        return
    if doc.get("maximumSize", 0) < 1:
        doc["maximumSize"] = DEFAULT_SIZE
    if doc["maximumSize"] > LARGEST_SIZE:
        raise Invalid(f"ColumnModel.maxSize for a {doc['columnType']} cannot exceed: {LARGEST_SIZE}")


def _normalise_list(doc: Json) -> None:
    if doc["columnType"] not in cells.LISTS:
        doc.pop("maximumListLength", None)
        return
    length = doc.setdefault("maximumListLength", DEFAULT_LENGTH)
    if not 1 <= length <= LARGEST_LENGTH:
        raise Invalid(f"ColumnModel.maximumListLength for a LIST column must be between 1 and {LARGEST_LENGTH}")


def _normalise_enum(doc: Json) -> None:
    values = doc.pop("enumValues", None)
    if not values:
        return
    if len(values) > MOST_ENUM_VALUES:
        raise Invalid(f"Maximum allowed enum values is {MOST_ENUM_VALUES}.")
    # The order is kept: people list values as they want to see them.
    doc["enumValues"] = list(dict.fromkeys(value.strip() for value in values))


def _normalise_default(doc: Json) -> None:
    default = doc.get("defaultValue")
    if default is None or default == "":
        doc.pop("defaultValue", None)
        return
    if doc["columnType"] in WITHOUT_DEFAULT:
        raise Invalid(f"Columns of type {doc['columnType']} cannot have default values.")
    cells.stored(doc, default)


def show(store: Store, column: int) -> Json:
    """Return a column."""
    doc = store.value("SELECT doc FROM column_model WHERE id = ?", column)
    if doc is None:
        raise Missing(f"Column model with id {column} does not exist")
    return {"id": str(column), **load(doc)}


def show_all(store: Store, identities: Iterable[str]) -> list[Json]:
    """Return columns in the order of their ids."""
    return [show(store, as_id(identity)) for identity in identities]


def check_schema(columns: Sequence[Json]) -> None:
    """Refuse columns that no table or view can have together (J-09)."""
    if len(columns) > MOST_COLUMNS:
        raise Invalid(f"Too many columns. The limit is {MOST_COLUMNS} columns per table")
    seen: set[str] = set()
    for column in columns:
        if column["name"] in seen:
            raise Invalid(f"Duplicate column name: '{column['name']}'")
        seen.add(column["name"])
    if sum(column["columnType"] == "LARGETEXT" for column in columns) > MOST_LARGE_TEXTS:
        raise Invalid(f"The maximum number of LARGETEXT columns per table is {MOST_LARGE_TEXTS}")
    width = sum(bytes_of(column) for column in columns)
    if width > WIDEST_ROW:
        raise Invalid(
            f"Too much data per column. The maximum size for a row is about {WIDEST_ROW} bytes. "
            f"The size for the given columns would be {width} bytes"
        )


def bytes_of(column: Json) -> int:
    """Return what a column counts toward the width of a row."""
    kind = cells.TYPES[column["columnType"]]
    return kind.bytes * (column["maximumSize"] if kind.sized and not kind.element else 1)


@operation("POST", "/repo/v1/column", 201, body=ColumnModel, scopes=("view", "modify"))
def post_column(context: Context) -> Json:
    """Make a column, or find the equal one (J-09)."""
    return ensure(context.store, context.body)


@operation("POST", "/repo/v1/column/batch", 201, body=ColumnModels, scopes=("view", "modify"))
def post_columns(context: Context) -> Json:
    """Make several columns, or find the equal ones (J-09)."""
    wanted = context.body.get("list")
    if not wanted:
        raise Invalid("list is required and must not be empty.")
    return wrapped([ensure(context.store, body) for body in wanted])


def wrapped(columns: list[Json]) -> Json:
    """Return ``ListWrapper`` of columns."""
    return {"concreteType": MODEL, "list": columns}


@operation("GET", "/repo/v1/column/{columnId}")
def get_column(context: Context) -> Json:
    """Read a column."""
    return show(context.store, context.number("columnId"))


@operation("GET", "/repo/v1/column")
def list_columns(context: Context) -> Json:
    """List the columns whose names begin so."""
    store = context.store
    offset, limit = context.page()
    if not 1 <= limit <= MOST_LISTED:
        raise Invalid(f"limit must be between 1 and {MOST_LISTED}")
    prefix = context.query.get("prefix", "")
    # A range of names uses the index; no name has a character beyond the last of Unicode.
    bounds = (prefix, f"{prefix}\U0010ffff")
    rows = store.all(
        "SELECT id FROM column_model WHERE name >= ? AND name < ? ORDER BY name, id LIMIT ? OFFSET ?",
        *bounds,
        limit,
        offset,
    )
    total = store.value("SELECT count(*) FROM column_model WHERE name >= ? AND name < ?", *bounds)
    return {"results": [show(store, row["id"]) for row in rows], "totalNumberOfResults": total}
