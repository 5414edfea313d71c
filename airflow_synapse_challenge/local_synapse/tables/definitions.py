"""Tables that a query defines: materialized views and virtual tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from airflow_synapse_challenge.local_synapse.core.errors import Invalid
from airflow_synapse_challenge.local_synapse.core.store import Json, Store

from . import columns
from .sheets import cell
from .sources import Guard, Source
from .statements import NO_UNIONS, Open, Selection, select
from .synapse_sql import exp, parse, part

GROUPED_OVER_VIEW = (
    "The defining SQL of a materialized view with at least one view dependency cannot include a group by clause"
)


@dataclass(frozen=True)
class Defined:
    """
    What a query defines.

    :param short: type of the entity that it defines; it decides what the query may hold.
    """

    store: Store
    user: int
    entity: int
    short: str

    @property
    def joins(self) -> bool:
        """Several tables may come together."""
        return self.short == "materializedview"

    def source(self, sql: str | None, open_table: Open, changed_on: str) -> Source:
        """Return the table that a query defines."""
        return self._source_of(parse(sql), open_table, changed_on)

    def _source_of(self, tree: Any, open_table: Open, changed_on: str) -> Source:
        opened: list[Source] = []

        def remembered(node: Any) -> Source:
            opened.append(open_table(node))
            return opened[-1]

        branches = _branches(tree)
        if len(branches) > 1 and not self.joins:
            raise Invalid(NO_UNIONS)
        remembered_or_named = self._with_named(tree, remembered, changed_on)
        selections = [
            (word, select(self.store, self.user, branch, remembered_or_named, joins=self.joins, guarded=False))
            for word, branch in branches
        ]
        columns_of = self._columns(selections)
        sql, guards = self._united(selections)
        cells_of = ", ".join(f"O{at} AS {cell(column)}" for at, column in enumerate(columns_of))
        guard_columns = "".join(f"{guard.column}, " for guard in guards)
        return Source(
            entity=self.entity,
            short=self.short,
            columns=columns_of,
            sql=f"(SELECT row_number() OVER () AS ROW_ID, 0 AS ROW_VERSION, NULL AS ROW_ETAG, NULL AS ROW_BENEFACTOR, "
            f"{guard_columns}{cells_of} FROM ({sql}))",
            state=" ".join([changed_on, *(source.state for source in opened)]),
            guards=guards,
            changed_on=max([changed_on, *(source.changed_on or "" for source in opened)]),
        )

    def _with_named(self, tree: Any, open_table: Open, changed_on: str) -> Open:
        """Return what opens tables and the queries that a WITH clause names."""
        clause = part(tree, "with")
        if not clause:
            return open_table
        if not self.joins:
            raise Invalid("The WITH keyword is not supported in this context")
        if clause.args.get("recursive"):
            raise Invalid("Recursive queries are not supported.")
        named: dict[str, Source] = {}

        def open_any(node: Any) -> Source:
            return named[node.name] if isinstance(node, exp.Table) and node.name in named else open_table(node)

        for item in clause.expressions:
            named[item.alias] = self._source_of(item.this, open_any, changed_on)
        return open_any

    def _columns(self, selections: list[tuple[str, Selection]]) -> list[Json]:
        outputs = selections[0][1].outputs
        for _, selection in selections:
            if len(selection.outputs) != len(outputs):
                raise Invalid("All parts of a UNION need the same number of columns.")
        made = [columns.ensure(self.store, output.definition) for output in outputs]
        columns.check_schema(made)
        if not made:
            raise Invalid("The defining SQL must select at least one column.")
        return made

    def _united(self, selections: list[tuple[str, Selection]]) -> tuple[str, tuple[Guard, ...]]:
        """Return the statement, and guards of its rows; each part of a UNION has its own."""
        guards = [guard for _, selection in selections for guard in selection.guards]
        parts, at = [], 0
        for word, selection in selections:
            if selection.guards and selection.grouped:
                raise Invalid(GROUPED_OVER_VIEW)
            own = {at + number: guard.column for number, guard in enumerate(selection.guards)}
            at += len(selection.guards)
            prefix = [f"{own.get(number, 'NULL')} AS G{number}" for number in range(len(guards))]
            statement = selection.sql(*prefix, named=True)
            parts.append(f"{word} {f'SELECT * FROM ({statement})' if len(selections) > 1 else statement}")
        named = tuple(Guard(f"G{number}", guard.readable) for number, guard in enumerate(guards))
        return " ".join(parts).strip(), named


def _branches(tree: Any) -> list[tuple[str, Any]]:
    """Return the parts of a UNION, each with the word before it."""
    if not isinstance(tree, exp.Union):
        return [("", tree)]
    if not isinstance(tree.expression, exp.Select) or any(tree.args.get(key) for key in ("order", "limit", "offset")):
        raise Invalid("The parts of a UNION are plain SELECT statements; order and bounds belong to the query.")
    return [*_branches(tree.this), ("UNION" if tree.args.get("distinct") else "UNION ALL", tree.expression)]


__all__ = ["Defined"]
