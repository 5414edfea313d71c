"""What a query reads from: columns, where their cells are, and who sees which rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from airflow_synapse_challenge.local_synapse.core.store import Json

#: Numbers of rows, the same for all columns named so in any case.
ROW_METADATA = {"ROW_ID": "INTEGER", "ROW_VERSION": "INTEGER", "ROW_ETAG": "STRING", "ROW_BENEFACTOR": "INTEGER"}


@dataclass(frozen=True)
class Guard:
    """
    A column that says whose rights protect a row.

    :param column: its name in the source.
    :param readable: what the caller may read; ``None`` for everything.
    """

    column: str
    readable: frozenset[int] | None

    def condition(self) -> str | None:
        """Return the condition of rows that the caller sees, ``None`` without one."""
        if self.readable is None:
            return None
        return f"({self.column} IS NULL OR {self.column} IN ({', '.join(map(str, sorted(self.readable)))}))"


@dataclass(frozen=True)
class Source:
    """
    A table, a view, or the result of a defining query.

    :param entity: id of the table.
    :param short: type of the entity in ``EntityType``.
    :param columns: column models; the cells of each are named after its id.
    :param sql: what stands for it in the database's FROM clause.
    :param guards: rows are seen by who passes all of them (W-05).
    :param state: changes whenever what a query sees may change (J-04).
    :param changed_on: when it was last updated.
    :param etag: of its rows' last change; only tables have one.
    """

    entity: int
    short: str
    columns: Sequence[Json]
    sql: str
    state: str
    guards: tuple[Guard, ...] = ()
    changed_on: str | None = None
    etag: str | None = None

    @property
    def is_view(self) -> bool:
        """Its rows have etags of their own."""
        return self.short in ("entityview", "submissionview")

    def named(self, name: str) -> Json | None:
        """Return a column by its name."""
        return next((column for column in self.columns if column["name"] == name), None)
