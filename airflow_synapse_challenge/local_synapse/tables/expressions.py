"""Expressions of Synapse's SQL, translated to SQLite's: what is not listed here is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from airflow_synapse_challenge.local_synapse.core.errors import Invalid
from airflow_synapse_challenge.local_synapse.core.store import Json

from . import calls, cells
from .sheets import cell
from .sources import ROW_METADATA, Source
from .synapse_sql import exp, text
from .typed import DATETIME, Typed, common_kind, quoted, written_number

NUMBER = re.compile(r"\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?")
COMPARISONS: dict[type, str] = {exp.EQ: "=", exp.NEQ: "<>", exp.GT: ">", exp.GTE: ">=", exp.LT: "<", exp.LTE: "<="}
ARITHMETIC: dict[type, str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.Mod: "%"}
CASTS = {"TEXT": "STRING", "BIGINT": "INTEGER", "INT": "INTEGER", "USERDEFINED": ""}
#: What a part of an expression may consist of, beside what is translated itself.
ALLOWED_ARGS: dict[type, set[str]] = {exp.Anonymous: {"this", "expressions"}, exp.Column: {"this", "table"}}


@dataclass(frozen=True)
class Unnested:
    """A list column whose elements stand in rows of their own."""

    alias: str
    cells: str


class Translator:
    """
    Translates expressions over some sources.

    :param user: the caller.
    :param now: the time, as MySQL writes times.
    """

    def __init__(self, user: int, now: str) -> None:
        #: What columns are looked up in, by its alias in SQLite's words; and those aliases by the names in the query.
        self.sources: dict[str, Source] = {}
        self.names: dict[str, str] = {}
        self.user = user
        self.now = now
        self.unnested: dict[str, Unnested] = {}
        #: What the select list names, once it may be referred to.
        self.aliases: dict[str, Typed] = {}

    def typed(self, node: Any) -> Typed:
        """Return an expression in SQLite's words, with its type."""
        translate = TRANSLATIONS.get(type(node))
        if translate is None:
            raise Invalid(f"This is not supported in a query: {_written(node)}")
        allowed = ALLOWED_ARGS.get(type(node))
        if allowed is not None and any(value for key, value in node.args.items() if key not in allowed):
            raise Invalid(f"This is not supported in a query: {_written(node)}")
        return translate(self, node)

    def condition(self, node: Any) -> str:
        """Return a condition in SQLite's words."""
        return self.typed(node).value

    def column(self, node: exp.Column) -> Typed:
        """Look a column up by its name, which may be qualified by the name of its table."""
        name, qualifier = node.name, node.table
        if not qualifier and name in self.aliases:
            return self.aliases[name]
        found = [
            typed
            for alias, source in self.sources.items()
            if (not qualifier or self.names.get(qualifier) == alias)
            and (typed := _column_of(alias, source, name)) is not None
        ]
        if not found:
            raise Invalid(f"Unknown column {text(node)}")
        if len(found) > 1:
            raise Invalid(f"Column {name} is ambiguous; name its table")
        return found[0]

    def knows(self, name: str) -> bool:
        """Tell whether a column has this name."""
        return any(_column_of(alias, source, name) is not None for alias, source in self.sources.items())

    def unnest(self, node: Any) -> Typed:
        """Give each element of a list column a row of its own."""
        typed = self.typed(node)
        if typed.column is None or typed.kind not in cells.LISTS:
            raise Invalid(f"UNNEST() only works on columns that hold list values: {_written(node)}")
        entry = self.unnested.setdefault(typed.sql, Unnested(f"U{len(self.unnested)}", typed.sql))
        element = cells.TYPES[typed.kind].element
        assert element is not None
        return Typed(f"{entry.alias}.value", element)


def of_column(alias: str, column: Json) -> Typed:
    """Return a column of a source."""
    return Typed(f"{alias}.{cell(column)}", column["columnType"], column)


def _written(node: Any) -> str:
    return text(node) if isinstance(node, exp.Expression) else str(node)


def _column_of(alias: str, source: Source, name: str) -> Typed | None:
    column = source.named(name)
    if column is not None:
        return of_column(alias, column)
    kind = ROW_METADATA.get(name.upper())
    return None if kind is None else Typed(f"{alias}.{name.upper()}", kind)


def _literal(translator: Translator, node: exp.Literal) -> Typed:
    if node.is_string:
        return Typed(quoted(node.name), "STRING", literal=node.name)
    if not NUMBER.fullmatch(node.name):
        raise Invalid(f"Not a number: {node.name}")
    kind = "INTEGER" if node.name.isdecimal() and int(node.name) <= cells.LARGEST_WHOLE else "DOUBLE"
    return Typed(node.name, kind, literal=node.name)


def _boolean(translator: Translator, node: exp.Boolean) -> Typed:
    return Typed("1" if node.this else "0", "BOOLEAN", literal=str(bool(node.this)).lower())


def _null(translator: Translator, node: exp.Null) -> Typed:
    return Typed("NULL", "STRING", nothing=True)


def _paren(translator: Translator, node: exp.Paren) -> Typed:
    inner = translator.typed(node.this)
    return Typed(f"({inner.sql})", inner.kind, inner.column, inner.literal)


def _not(translator: Translator, node: exp.Not) -> Typed:
    return Typed(f"(NOT {translator.condition(node.this)})", "BOOLEAN")


def _chain(translator: Translator, node: exp.Connector) -> Typed:
    """A long chain of AND or OR, as a tree that is not deep: SQLite bounds the depth."""
    word = "AND" if isinstance(node, exp.And) else "OR"
    parts = [translator.condition(part) for part in node.flatten()]
    while len(parts) > 1:
        parts = [f"({f' {word} '.join(parts[at : at + 2])})" for at in range(0, len(parts), 2)]
    return Typed(parts[0], "BOOLEAN")


def _comparison(translator: Translator, node: exp.Binary) -> Typed:
    left, right = translator.typed(node.this), translator.typed(node.expression)
    return Typed(f"({compared(left, right)} {COMPARISONS[type(node)]} {compared(right, left)})", "BOOLEAN")


def compared(side: Typed, other: Typed) -> str:
    """Return a side of a comparison as the type of the other side makes MySQL and Synapse read it."""
    if side.literal is not None and other.literal is None:
        return _literal_for(side, other.kind)
    if side.kind in cells.TEXTUAL or side.kind == DATETIME:
        if other.literal is not None and other.kind in cells.NUMERIC:
            return f"CAST({side.value} AS REAL)"
        return f"{side.value} COLLATE NOCASE"
    return side.value


def _literal_for(side: Typed, kind: str) -> str:
    """Return a literal that stands beside a column: dates, synIDs and flags may be written as texts."""
    assert side.literal is not None
    if kind in (*cells.TEXTUAL, *cells.LISTS, "JSON", DATETIME):
        return side.sql if side.kind in cells.NUMERIC else f"{side.sql} COLLATE NOCASE"
    try:
        value = cells.TYPES[kind].parse(side.literal)
    except ValueError:
        return side.sql
    return quoted(value) if isinstance(value, str) else written_number(value)


def _arithmetic(translator: Translator, node: exp.Binary) -> Typed:
    left, sign = translator.typed(node.this), ARITHMETIC[type(node)]
    if isinstance(node.expression, exp.Interval):
        return calls.shifted(translator, left, node.expression, sign)
    right = translator.typed(node.expression)
    if sign == "/":
        return Typed(f"(CAST({left.value} AS REAL) / {right.value})", "DOUBLE")
    kinds = {left.kind, right.kind}
    whole = all(cells.TYPES[kind].storage == cells.INTEGER for kind in kinds if kind in cells.TYPES)
    return Typed(f"({left.value} {sign} {right.value})", "INTEGER" if whole else "DOUBLE")


def _negative(translator: Translator, node: exp.Neg) -> Typed:
    inner = translator.typed(node.this)
    literal = None if inner.literal is None else f"-{inner.literal}"
    return Typed(f"(-{inner.value})", inner.kind, literal=literal)


def _in(translator: Translator, node: exp.In) -> Typed:
    if any(value for key, value in node.args.items() if key not in ("this", "expressions")):
        raise Invalid("Subqueries are not supported.")
    left = translator.typed(node.this)
    values = [compared(translator.typed(item), left) for item in node.expressions]
    collated = compared(left, translator.typed(node.expressions[0])) if node.expressions else left.value
    return Typed(f"({collated} IN ({', '.join(values)}))", "BOOLEAN")


def _between(translator: Translator, node: exp.Between) -> Typed:
    middle, low, high = (translator.typed(node.args[name]) for name in ("this", "low", "high"))
    bounds = f"{compared(low, middle)} AND {compared(high, middle)}"
    return Typed(f"({compared(middle, low)} BETWEEN {bounds})", "BOOLEAN")


def _is(translator: Translator, node: exp.Is) -> Typed:
    left, right = translator.typed(node.this), node.expression
    negated = isinstance(right, exp.Not) or bool(node.args.get("negate"))
    right = right.this if isinstance(right, exp.Not) else right
    if isinstance(right, exp.Null):
        sql = f"({left.sql} IS NULL)"
    elif isinstance(right, exp.Boolean):
        sql = f"(({left.value}) IS {'TRUE' if right.this else 'FALSE'})"
    else:
        raise Invalid(f"This is not supported in a query: {_written(node)}")
    return Typed(f"(NOT {sql})" if negated else sql, "BOOLEAN")


def _like(translator: Translator, node: exp.Like) -> Typed:
    return _matched(translator, node, "\\")


def _escape(translator: Translator, node: exp.Escape) -> Typed:
    escape = node.expression
    if not isinstance(node.this, exp.Like) or not isinstance(escape, exp.Literal) or len(escape.name) != 1:
        raise Invalid("ESCAPE is one character after LIKE.")
    return _matched(translator, node.this, escape.name)


def _matched(translator: Translator, node: exp.Like, escape: str) -> Typed:
    pattern, negate = node.expression, "NOT " if node.args.get("negate") else ""
    if isinstance(pattern, exp.Anonymous) and pattern.name.upper() in ("HAS", "HAS_LIKE"):
        return Typed(f"({negate}{_has(translator, node.this, pattern, escape)})", "BOOLEAN")
    left, right = translator.typed(node.this), translator.typed(pattern)
    return Typed(f"({left.value} {negate}LIKE {right.value} ESCAPE {quoted(escape)})", "BOOLEAN")


def _has(translator: Translator, node: Any, wanted: exp.Anonymous, escape: str) -> str:
    """A list column has one of the values."""
    column, function = translator.typed(node), wanted.name.upper()
    if column.column is None or column.kind not in cells.LISTS:
        raise Invalid(f"The {function} keyword only works for columns that hold list values: {_written(node)}")
    if not wanted.expressions:
        raise Invalid(f"{function} needs at least one value.")
    element = cells.TYPES[column.kind].element
    assert element is not None
    values = [translator.typed(item) for item in wanted.expressions]
    if function == "HAS":
        one = Typed("value", "STRING" if element == "ENTITYID" else element)
        condition = f"{compared(one, values[0])} IN ({', '.join(compared(value, one) for value in values)})"
    else:
        condition = " OR ".join(f"value LIKE {value.value} ESCAPE {quoted(escape)}" for value in values)
    return f"EXISTS (SELECT 1 FROM json_each({column.sql}) WHERE {condition})"


def _case(translator: Translator, node: exp.Case) -> Typed:
    subject = translator.typed(node.this) if node.this else None
    branches, results = [], []
    for branch in node.args["ifs"]:
        result = translator.typed(branch.args["true"])
        if subject is None:
            condition = translator.condition(branch.this)
        else:
            value = translator.typed(branch.this)
            condition = f"{compared(subject, value)} = {compared(value, subject)}"
        branches.append(f"WHEN {condition} THEN {result.value}")
        results.append(result)
    if node.args.get("default"):
        results.append(translator.typed(node.args["default"]))
        branches.append(f"ELSE {results[-1].value}")
    return Typed(f"(CASE {' '.join(branches)} END)", common_kind(results))


def _cast(translator: Translator, node: exp.Cast) -> Typed:
    inner, target = translator.typed(node.this), node.args["to"]
    written = target.name if isinstance(target, exp.Expression) and target.name else str(target)
    kind = CASTS.get(str(getattr(target.this, "name", "")), "") or written.upper()
    if kind not in cells.TYPES:
        raise Invalid(f"CAST to {written} is not supported; use one of {', '.join(cells.TYPES)}")
    storage = cells.TYPES[kind].storage.partition(" ")[0]
    return Typed(f"CAST({inner.value} AS {storage})", kind)


def _current_time(translator: Translator, node: Any) -> Typed:
    return Typed(quoted(translator.now), DATETIME)


def _current_date(translator: Translator, node: Any) -> Typed:
    return Typed(quoted(translator.now[:10]), DATETIME)


def _current_user(translator: Translator, node: Any) -> Typed:
    return Typed(str(translator.user), "USERID")


Translation = Callable[[Translator, Any], Typed]

TRANSLATIONS: dict[type, Translation] = {
    exp.Column: Translator.column,
    exp.Literal: _literal,
    exp.Boolean: _boolean,
    exp.Null: _null,
    exp.Paren: _paren,
    exp.Not: _not,
    exp.And: _chain,
    exp.Or: _chain,
    exp.Neg: _negative,
    exp.In: _in,
    exp.Between: _between,
    exp.Is: _is,
    exp.Like: _like,
    exp.Escape: _escape,
    exp.Case: _case,
    exp.Cast: _cast,
    exp.CurrentTimestamp: _current_time,
    exp.CurrentDate: _current_date,
    exp.CurrentUser: _current_user,
    exp.Anonymous: calls.call,
    exp.GroupConcat: calls.group_concat,
    **dict.fromkeys(COMPARISONS, _comparison),
    **dict.fromkeys(ARITHMETIC, _arithmetic),
}

__all__ = ["Translator", "Unnested", "compared", "of_column"]
