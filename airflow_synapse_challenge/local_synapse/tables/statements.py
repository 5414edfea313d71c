"""SELECT statements of Synapse's SQL, translated to SQLite's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from airflow_synapse_challenge.local_synapse.core.errors import Invalid
from airflow_synapse_challenge.local_synapse.core.store import Json, Store

from . import calls, cells
from .expressions import Translator, of_column
from .functions import TIME
from .sources import Guard, Source
from .synapse_sql import exp, part, text
from .typed import Typed

#: Opens the table that a FROM clause names.
Open = Callable[[Any], Source]
CLAUSES = ("where", "group", "having", "order", "limit", "offset", "distinct", "joins", "expressions", "from", "with")
JOINS = ("", "INNER", "LEFT", "RIGHT")
NO_JOINS = "The JOIN keyword is not supported in this context"
NO_UNIONS = "The UNION keyword is not supported in this context"


@dataclass(frozen=True)
class Output:
    """
    A column of a result.

    :param name: as its header tells it.
    :param value: where it comes from.
    """

    name: str
    value: Typed

    @property
    def header(self) -> Json:
        """``SelectColumn``; only a column under its own name has an id."""
        header: Json = {"name": self.name, "columnType": self.value.shown_kind}
        if self.value.column is not None and self.value.column["name"] == self.name:
            header["id"] = self.value.column["id"]
        return header

    @property
    def definition(self) -> Json:
        """The definition of a column that holds such values."""
        kind, origin = self.value.shown_kind, self.value.column or {}
        definition: Json = {"name": self.name, "columnType": kind}
        if cells.TYPES[kind].sized:
            definition["maximumSize"] = origin.get("maximumSize", 1000 if self.value.column is None else 50)
        kept = ("facetType", "maximumListLength", "enumValues", "jsonSubColumns")
        return definition | {name: origin[name] for name in kept if name in origin}


@dataclass(frozen=True)
class Selection:
    """
    A translated SELECT.

    :param outputs: its columns.
    :param tables: what stands after FROM.
    :param where: condition of its rows.
    :param group: what follows the condition.
    :param order: the order of its rows.
    :param bounds: limit and offset that the statement itself has.
    :param distinct: equal rows are one.
    :param rows: each row of the result is one of the source, and has its numbers.
    :param grouped: a row of the result may stand for several of the sources.
    :param source: the first source.
    :param guards: those of all sources, in the words of this statement.
    """

    outputs: tuple[Output, ...]
    tables: str
    where: str
    group: str
    order: str
    bounds: tuple[int | None, int]
    distinct: bool
    rows: bool
    grouped: bool
    source: Source
    guards: tuple[Guard, ...]

    def sql(self, *prefix: str, bounds: tuple[int | None, int] | None = None, named: bool = False) -> str:
        """
        Return it in SQLite's words.

        :param prefix: what each row begins with.
        :param bounds: other limit and offset.
        :param named: the n-th column is called ``O<n>``.
        """
        columns = [
            f"{self._selected(output)} AS O{at}" if named else self._selected(output)
            for at, output in enumerate(self.outputs)
        ]
        limit, offset = self.bounds if bounds is None else bounds
        ending = f" LIMIT {-1 if limit is None else limit} OFFSET {offset}" if limit is not None or offset else ""
        distinct = "DISTINCT " if self.distinct else ""
        return (
            f"SELECT {distinct}{', '.join([*prefix, *columns]) or 'NULL'} FROM {self.tables}{self.where}{self.group}"
            f"{self.order}{ending}"
        )

    def over_rows(self, columns: str) -> str:
        """Return a statement that selects something else of the same rows, however they are grouped and bounded."""
        return f"SELECT {columns} FROM {self.tables}{self.where}"

    def _selected(self, output: Output) -> str:
        collated = self.distinct and output.value.kind in cells.TEXTUAL
        return f"{output.value.sql} COLLATE NOCASE" if collated else output.value.sql


def select(
    store: Store, user: int, tree: Any, open_table: Open, *, joins: bool = False, guarded: bool = True
) -> Selection:
    """
    Translate one SELECT.

    :param open_table: opens what its FROM clause names.
    :param joins: it may join tables.
    :param guarded: only rows that the caller sees; else the guards of the result tell.
    """
    if not isinstance(tree, exp.Select):
        raise Invalid(NO_UNIONS)
    for key, value in tree.args.items():
        if value and key.rstrip("_") not in CLAUSES:
            raise Invalid(f"This part of a SELECT is not supported: {key}")
    if part(tree, "with") and not joins:
        raise Invalid("The WITH keyword is not supported in this context")
    translator = Translator(user, store.now().strftime(TIME))
    try:
        tables = _tables(tree, translator, open_table, joins=joins)
        return _Statement(tree, translator, tables, guarded=guarded).selection()
    except RecursionError as error:
        raise Invalid("The query is nested too deeply.") from error


def _tables(tree: Any, translator: Translator, open_table: Open, *, joins: bool) -> str:
    """Open what stands after FROM, and return it in SQLite's words."""
    first = part(tree, "from")
    if first is None:
        raise Invalid("A query needs a FROM clause that names a table.")
    words = _opened(first.this, translator, open_table)
    for join in tree.args.get("joins") or []:
        if not joins:
            raise Invalid(NO_JOINS)
        side, on = str(join.args.get("side") or join.args.get("kind") or "").upper(), join.args.get("on")
        if side not in JOINS or on is None or join.args.get("using") or join.args.get("method"):
            raise Invalid(f"This join is not supported: {text(join)}")
        joined = _opened(join.this, translator, open_table)
        condition = translator.condition(on)
        if side == "RIGHT":
            # Older SQLites have no RIGHT JOIN. They would not find a table that stands in parentheses alone.
            words = f"{joined} LEFT JOIN {words if len(translator.sources) == 2 else f'({words})'} ON {condition}"
        else:
            words = f"{words} {'LEFT ' if side == 'LEFT' else ''}JOIN {joined} ON {condition}"
    return words


def _opened(node: Any, translator: Translator, open_table: Open) -> str:
    if not isinstance(node, exp.Table):
        raise Invalid("Subqueries are not supported.")
    source = open_table(node)
    name = node.alias or node.name
    if name in translator.names:
        raise Invalid(f"The table {name} is named twice; give it an alias")
    alias = f"T{len(translator.sources)}"
    translator.names[name] = alias
    translator.sources[alias] = source
    return f"{source.sql} AS {alias}"


class _Statement:
    """The parts of one SELECT after its FROM clause."""

    def __init__(self, tree: Any, translator: Translator, tables: str, *, guarded: bool) -> None:
        self._tree, self._translator, self._tables, self._guarded = tree, translator, tables, guarded
        self._columns: tuple[Output, ...] = ()

    def selection(self) -> Selection:
        self._columns = outputs = self._outputs()
        guards = self._guards()
        where = self._where(guards)
        aliases = self._aliases(outputs)
        self._translator.aliases = {name: typed for name, typed in aliases.items() if not self._translator.knows(name)}
        group = self._group()
        self._translator.aliases = aliases
        grouped = self._is_grouped()
        distinct, sources = self._is_distinct(), self._translator.sources
        # What UNNEST repeats are no rows of the table any more.
        unnested = self._translator.unnested.values()
        rows = not (grouped or distinct or unnested) and len(sources) == 1
        return Selection(
            outputs=outputs,
            tables=self._tables + "".join(f" LEFT JOIN json_each({each.cells}) AS {each.alias}" for each in unnested),
            where=where,
            group=group + self._having(),
            order=self._order(rows=rows),
            bounds=(self._bound("limit"), self._bound("offset") or 0),
            distinct=distinct,
            rows=rows,
            grouped=grouped or distinct,
            source=sources["T0"],
            guards=guards,
        )

    def _outputs(self) -> tuple[Output, ...]:
        outputs: list[Output] = []
        for item in self._tree.expressions:
            if isinstance(item, exp.Star) or (isinstance(item, exp.Column) and isinstance(item.this, exp.Star)):
                outputs += self._all_columns(item)
                continue
            expression = item.this if isinstance(item, exp.Alias) else item
            name = item.alias if isinstance(item, exp.Alias) else _display_name(expression)
            outputs.append(Output(name, self._translator.typed(expression)))
        return tuple(outputs)

    def _all_columns(self, item: Any) -> list[Output]:
        wanted = None
        if isinstance(item, exp.Column):
            wanted = self._translator.names.get(item.table)
            if wanted is None:
                raise Invalid(f"Unknown table {item.table}")
        elif item.args.get("except_") or item.args.get("except") or item.args.get("replace"):
            raise Invalid(f"This is not supported in a query: {text(item)}")
        return [
            Output(column["name"], of_column(alias, column))
            for alias, source in self._translator.sources.items()
            if wanted in (None, alias)
            for column in source.columns
        ]

    def _aliases(self, outputs: tuple[Output, ...]) -> dict[str, Typed]:
        aliased = {item.alias for item in self._tree.expressions if isinstance(item, exp.Alias)}
        return {output.name: output.value for output in outputs if output.name in aliased}

    def _guards(self) -> tuple[Guard, ...]:
        return tuple(
            Guard(f"{alias}.{guard.column}", guard.readable)
            for alias, source in self._translator.sources.items()
            for guard in source.guards
        )

    def _where(self, guards: tuple[Guard, ...]) -> str:
        conditions = [condition for guard in guards if self._guarded and (condition := guard.condition())]
        if where := self._tree.args.get("where"):
            conditions.append(self._translator.condition(where.this))
        return f" WHERE {' AND '.join(conditions)}" if conditions else ""

    def _group(self) -> str:
        group = self._tree.args.get("group")
        if not group:
            return ""
        if any(value for key, value in group.args.items() if key != "expressions"):
            raise Invalid("Only expressions are supported in GROUP BY.")
        return f" GROUP BY {', '.join(self._ordered(item) for item in group.expressions)}"

    def _having(self) -> str:
        having = self._tree.args.get("having")
        return f" HAVING {self._translator.condition(having.this)}" if having else ""

    def _is_grouped(self) -> bool:
        tree = self._tree
        return bool(tree.args.get("group")) or any(
            map(calls.is_aggregate, tree.find_all(exp.Anonymous, exp.GroupConcat))
        )

    def _is_distinct(self) -> bool:
        distinct = self._tree.args.get("distinct")
        if distinct and distinct.args.get("on"):
            raise Invalid("DISTINCT ON is not supported.")
        return bool(distinct)

    def _ordered(self, item: Any) -> str:
        """Return what rows are ordered or grouped by; a whole number means a column of the result."""
        if isinstance(item, exp.Literal) and not item.is_string:
            number = int(item.name) if item.name.isdecimal() else 0
            if not 1 <= number <= len(self._columns):
                raise Invalid(f"The result has no column {item.name}")
            value = self._columns[number - 1].value
        else:
            value = self._translator.typed(item)
        return f"{value.value} COLLATE NOCASE" if value.kind in cells.TEXTUAL else value.value

    def _order(self, *, rows: bool) -> str:
        order = self._tree.args.get("order")
        words = [
            f"{self._ordered(item.this)}{' DESC' if item.args.get('desc') else ''}"
            for item in (order.expressions if order else ())
        ]
        if rows:
            # Pages of equal rows neither repeat nor miss any.
            words.append("T0.ROW_ID")
        return f" ORDER BY {', '.join(words)}" if words else ""

    def _bound(self, name: str) -> int | None:
        node = self._tree.args.get(name)
        if node is None:
            return None
        plain = isinstance(node, exp.Limit | exp.Offset) and not node.args.get("offset")
        value = node.expression if plain else None
        if not isinstance(value, exp.Literal) or not value.name.isdecimal() or len(value.name) > 18:
            raise Invalid(f"{name.upper()} is a whole number.")
        return int(value.name)


def _display_name(expression: Any) -> str:
    """Return the header of an expression without an alias: the column's name, or how it is written."""
    if isinstance(expression, exp.Column) or (isinstance(expression, exp.Literal) and expression.is_string):
        return str(expression.name)
    return text(expression).replace('"', "")
