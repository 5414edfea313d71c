"""Expressions with their types."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from airflow_synapse_challenge.local_synapse.core.store import Json

from . import cells

#: A time as MySQL has it, which no column has: shown as a text.
DATETIME = "DATETIME"


@dataclass(frozen=True)
class Typed:
    """
    An expression in SQLite's words.

    :param sql: it.
    :param kind: its type, as of a column.
    :param column: the column model, if it is just a column.
    :param literal: the text of a literal.
    :param nothing: it is NULL itself.
    """

    sql: str
    kind: str
    column: Json | None = None
    literal: str | None = None
    nothing: bool = False

    @property
    def value(self) -> str:
        """What others calculate and compare with: not-a-number counts as none (see :mod:`.cells`)."""
        if self.column is not None and self.kind == "DOUBLE":
            return f"nullif({self.sql}, '{cells.NOT_A_NUMBER}')"
        return self.sql

    @property
    def shown_kind(self) -> str:
        """Its type as headers tell it."""
        return "STRING" if self.kind == DATETIME else self.kind


def quoted(text: str) -> str:
    """Return a text as a literal of SQLite's."""
    return "'" + text.replace("'", "''") + "'"


def written_number(value: float | None) -> str:
    """Return a number as a literal of SQLite's."""
    if value is None:
        return "NULL"
    return repr(value) if math.isfinite(value) else f"{'-' if value < 0 else ''}9e999"


def common_kind(results: Sequence[Typed]) -> str:
    """Return the type of what may be one of several values."""
    kinds = [result.kind for result in results if not result.nothing] or ["STRING"]
    if len(set(kinds)) > 1 and set(kinds) <= cells.NUMERIC:
        return "DOUBLE"
    return kinds[0] if len(set(kinds)) == 1 else next((kind for kind in kinds if kind in cells.TEXTUAL), kinds[0])
