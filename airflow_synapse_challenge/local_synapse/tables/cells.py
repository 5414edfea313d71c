"""
Values of cells: what a column of each type takes, how the database holds it, how Synapse shows it (J-06).

The database holds numbers, dates and ids as numbers, lists as JSON, and not-a-number as the text ``NaN``, which SQLite
has no number for.
"""

from __future__ import annotations

import ast
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from airflow_synapse_challenge.local_synapse.core.errors import Invalid
from airflow_synapse_challenge.local_synapse.core.http import as_id
from airflow_synapse_challenge.local_synapse.core.store import Json

NOT_A_NUMBER = "NaN"
INFINITIES = {math.inf: "Infinity", -math.inf: "-Infinity"}
SMALLEST_WHOLE, LARGEST_WHOLE = -(2**63), 2**63 - 1
LARGEST_TEXT = 524_288
LARGEST_STRING = 1000

#: A cell as the database holds it.
Stored = str | int | float | None


def whole(text: str) -> int:
    """Return a whole number of 64 bits."""
    number = int(text)
    if not SMALLEST_WHOLE <= number <= LARGEST_WHOLE:
        raise ValueError(f"{text} does not fit 64 bits")
    return number


def number(text: str) -> float | str:
    """Return a number, not-a-number as its text."""
    value = float(text)
    return NOT_A_NUMBER if math.isnan(value) else value


def flag(text: str) -> int:
    """Return 1 for true and 0 for false."""
    if text.lower() not in ("true", "false"):
        raise ValueError(f"A value in a BOOLEAN column must be null, 'true' or 'false', but was '{text}'")
    return int(text.lower() == "true")


def moment(text: str) -> int:
    """Return the milliseconds since 1970 that a number or a written time means; without a zone it is UTC."""
    try:
        return whole(text)
    except ValueError:
        pass
    date, _, time = text.strip().replace("T", " ").partition(" ")
    padded = "-".join(part.zfill(2) for part in date.split("-"))
    found = datetime.fromisoformat(f"{padded}T{time}" if time else padded)
    aware = found if found.tzinfo else found.replace(tzinfo=UTC)
    return round(aware.timestamp() * 1000)


def entity(text: str) -> int:
    """Return the number of a synID."""
    try:
        return as_id(text)
    except Invalid as error:
        raise ValueError(error.reason) from error


def words(text: str) -> str:
    """Return a text as it is."""
    return text


def document(text: str) -> str:
    """Return a JSON text."""
    json.loads(text)
    return text


def _show_words(value: Any) -> str:
    return str(value)


def _show_number(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value in INFINITIES:
        return INFINITIES[value]
    if float(value).is_integer() and abs(value) < 1e15:
        return str(int(value))
    return repr(float(value)).replace("e+", "e")


def _show_whole(value: Any) -> str:
    return _show_number(value) if isinstance(value, float) else str(value)


def _show_flag(value: Any) -> str:
    return "true" if value else "false"


def _show_entity(value: Any) -> str:
    return value if isinstance(value, str) and value.startswith("syn") else f"syn{value}"


@dataclass(frozen=True)
class Type:
    """
    A type of column.

    :param parse: returns what the database holds for a text, or raises ``ValueError``.
    :param show: returns the text that Synapse shows for what the database holds.
    :param storage: type in the database.
    :param bytes: what a column counts toward the width of a row; for each character where it has a size.
    :param sized: has ``maximumSize``.
    :param element: type of a list's elements.
    :param annotation: type of the annotation that it shows.
    """

    parse: Callable[[str], Stored]
    show: Callable[[Any], str]
    storage: str
    bytes: int
    sized: bool = False
    element: str | None = None
    annotation: str = "STRING"


TEXT, INTEGER, REAL = "TEXT COLLATE NOCASE", "INTEGER", "REAL"

TYPES: dict[str, Type] = {
    "STRING": Type(words, _show_words, TEXT, 4, sized=True),
    "LINK": Type(words, _show_words, TEXT, 4, sized=True),
    "MEDIUMTEXT": Type(words, _show_words, TEXT, 421),
    "LARGETEXT": Type(words, _show_words, TEXT, 2133),
    "JSON": Type(document, _show_words, "TEXT", 2133),
    "DOUBLE": Type(number, _show_number, REAL, 23, annotation="DOUBLE"),
    "INTEGER": Type(whole, _show_whole, INTEGER, 20, annotation="LONG"),
    "BOOLEAN": Type(flag, _show_flag, INTEGER, 5, annotation="BOOLEAN"),
    "DATE": Type(moment, _show_whole, INTEGER, 20, annotation="TIMESTAMP_MS"),
    "ENTITYID": Type(entity, _show_entity, INTEGER, 44),
    "USERID": Type(whole, _show_words, INTEGER, 20),
    "FILEHANDLEID": Type(whole, _show_words, INTEGER, 20),
    "SUBMISSIONID": Type(whole, _show_words, INTEGER, 20),
    "EVALUATIONID": Type(whole, _show_words, INTEGER, 20),
}
TYPES |= {
    f"{name}_LIST": Type(words, _show_words, "TEXT", 2133, TYPES[name].sized, name, TYPES[name].annotation)
    for name in ("STRING", "INTEGER", "BOOLEAN", "DATE", "ENTITYID", "USERID")
}
NUMERIC = frozenset({"DOUBLE", "INTEGER"})
TEXTUAL = frozenset(name for name, kind in TYPES.items() if kind.storage == TEXT)
LISTS = frozenset(name for name, kind in TYPES.items() if kind.element)


def text_of(value: Any) -> str | None:
    """Return the text that a JSON value of a request stands for (G-06)."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value)


def stored(column: Json, text: str | None) -> Stored:
    """
    Return what the database holds for a cell of a table.

    :raises Invalid: the column does not take the value.
    """
    if text is None:
        return None
    kind = TYPES[column["columnType"]]
    try:
        if kind.element:
            return _stored_list(column, text)
        value = kind.parse(text.strip() if column["columnType"] not in TEXTUAL else text)
        check_size(column, text)
        return value
    except ValueError as error:
        raise Invalid(f"Value for column '{column['name']}' was not a valid {column['columnType']}. {error}") from error


def check_size(column: Json, text: str) -> None:
    """Refuse a text that a column has no room for, and one that it does not name."""
    kind = column["columnType"]
    most = column.get("maximumSize", LARGEST_TEXT if kind in ("LARGETEXT", "JSON") else 2000)
    if kind in (*TEXTUAL, "STRING_LIST", "JSON") and len(text) > most:
        raise ValueError(f"String '{text[:100]}' exceeds the maximum length of {most} characters.")
    if "enumValues" in column and text not in column["enumValues"]:
        raise ValueError(f"'{text}' is not a valid value for this column.  See the column's list of valid values.")


def _stored_list(column: Json, text: str) -> str:
    elements = _elements(text)
    most = column.get("maximumListLength", 100)
    if len(elements) > most:
        raise ValueError(f"Exceeds the maximum number of list elements defined for this column: {most}")
    texts = [text_of(element) for element in elements]
    for element in texts:
        if element is None:
            raise ValueError("null value is not allowed")
        check_size(column, element)
    return list_of(column, [element for element in texts if element is not None])


def _elements(text: str) -> list[Any]:
    """Return the elements of a JSON array; like Synapse's parser it takes single quotes, as pandas writes lists."""
    try:
        found = json.loads(text)
    except ValueError:
        try:
            found = ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
            raise ValueError(f"Not a JSON array: {text[:100]}") from error
    if not isinstance(found, list):
        raise ValueError(f"Not a JSON array: {text[:100]}")
    return found


def list_of(column: Json, texts: list[str]) -> str:
    """Return what the database holds for the values of a list."""
    name = TYPES[column["columnType"]].element
    assert name is not None
    return json.dumps([_json_element(name, text) for text in texts], ensure_ascii=False)


def _json_element(name: str, text: str) -> Any:
    value = TYPES[name].parse(text)
    if name == "BOOLEAN":
        return bool(value)
    return TYPES[name].show(value) if name == "ENTITYID" else value


def from_annotation(column: Json, texts: list[str]) -> Stored:
    """
    Return what the database holds for an annotation in a view; values that do not fit the type show as none (W-03).

    Sizes are not checked here: a view tells which size would do.
    """
    if not texts:
        return None
    kind = TYPES[column["columnType"]]
    try:
        return list_of(column, texts) if kind.element else kind.parse(texts[0])
    except ValueError:
        return None


def shown(kind: str, value: Any) -> str | None:
    """Return a cell as Synapse shows it: always a text, or none (J-06)."""
    return None if value is None else TYPES[kind].show(value)
