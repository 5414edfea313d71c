"""
Synapse's SQL, read as a tree.

Importing this takes a good part of a second, so it is imported where it is used.
"""

from __future__ import annotations

import re
from typing import Any

import sqlglot
from sqlglot import exp, parser, tokens
from sqlglot.dialects.dialect import Dialect
from sqlglot.dialects.mysql import MySQL
from sqlglot.errors import SqlglotError

from airflow_synapse_challenge.local_synapse.core.errors import Invalid, require

#: Texts and quoted names stay as they are; versions of tables and HAS have no place in a common grammar.
SPECIAL = re.compile(
    r"""(?P<quoted>'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`)"""
    r"""|\b(?P<table>syn\d+)\.(?P<version>\d+)\b|\b(?P<has>HAS(?:_LIKE)?)(?=\s*\()""",
    re.IGNORECASE,
)
WRITTEN = re.compile(
    r"""(?P<quoted>'(?:[^']|'')*'|"(?:[^"]|"")*")|\b(?P<table>syn\d+)_v(?P<version>\d+)\b|\bLIKE (?=HAS)""",
    re.IGNORECASE,
)
TABLE = re.compile(r"syn(\d{1,18})(?:_v(\d{1,18}))?", re.IGNORECASE)
LONGEST = 1024 * 1024


def _group_concat(parsing: Any) -> exp.GroupConcat:
    """Parse the arguments of GROUP_CONCAT, which end with a separator."""
    this = parsing._parse_lambda()
    separated = parsing._match(MySQL.Tokenizer.KEYWORDS["SEPARATOR"])
    return exp.GroupConcat(this=this, separator=parsing._parse_string() if separated else None)


class SynapseSql(Dialect):
    """What Synapse's queries are written in: functions are told apart by their names alone."""

    class Tokenizer(tokens.Tokenizer):
        """Names stand in double quotes or backticks."""

        IDENTIFIERS = ['"', "`"]
        KEYWORDS = {**tokens.Tokenizer.KEYWORDS, "SEPARATOR": MySQL.Tokenizer.KEYWORDS["SEPARATOR"]}

    class Parser(parser.Parser):
        """Only what is no plain call is parsed by name."""

        FUNCTIONS = {}
        FUNCTION_PARSERS = {"CAST": parser.Parser.FUNCTION_PARSERS["CAST"], "GROUP_CONCAT": _group_concat}
        NO_PAREN_FUNCTION_PARSERS = {"CASE": parser.Parser.NO_PAREN_FUNCTION_PARSERS["CASE"]}


def parse(sql: str | None) -> exp.Select | exp.Union:
    """
    Return the tree of one query.

    :raises Invalid: anything else.
    """
    require(sql, "query.sql")
    assert sql is not None
    if len(sql) > LONGEST or "\0" in sql:
        raise Invalid("The SQL is too long or has a NUL character.")
    try:
        found = [tree for tree in sqlglot.parse(SPECIAL.sub(_common, sql), read=SynapseSql) if tree is not None]
    except SqlglotError as error:
        raise Invalid(f"Unable to parse the SQL: {_described(error)}") from error
    except RecursionError as error:
        raise Invalid("Unable to parse the SQL: it is nested too deeply.") from error
    if len(found) != 1:
        raise Invalid("Unable to parse the SQL: one statement is expected.")
    tree = found[0]
    if not isinstance(tree, exp.Select | exp.Union):
        raise Invalid("Unable to parse the SQL: only SELECT statements are supported.")
    return tree


def _common(found: re.Match[str]) -> str:
    if found["table"]:
        return f"{found['table']}_v{found['version']}"
    if found["has"]:
        return f"LIKE {found['has']}"
    return found[0]


def _described(error: SqlglotError) -> str:
    details = getattr(error, "errors", None)
    if not details:
        return re.sub(r"\x1b\[\d*m", "", str(error))
    first = details[0]
    return f"{first.get('description')} Line {first.get('line')}, column {first.get('col')}."


def text(tree: exp.Expression) -> str:
    """Return a tree as Synapse's SQL."""
    return WRITTEN.sub(_synapses, tree.sql(dialect=SynapseSql))


def _synapses(found: re.Match[str]) -> str:
    if found["quoted"]:
        return found[0]
    return f"{found['table']}.{found['version']}" if found["table"] else ""


def part(tree: exp.Expression, name: str) -> Any:
    """Return a part of a tree; releases of sqlglot differ in a trailing underscore."""
    return tree.args.get(f"{name}_") or tree.args.get(name)


def table_of(node: Any) -> tuple[int, int | None]:
    """Return id and version of the table that a FROM clause names."""
    found = TABLE.fullmatch(node.name) if isinstance(node, exp.Table) and not node.args.get("db") else None
    if found is None:
        written = text(node) if isinstance(node, exp.Expression) else str(node)
        raise Invalid(f"{written} is not a table: its id is expected, for example syn123 or syn123.4")
    return int(found[1]), int(found[2]) if found[2] else None


__all__ = ["SynapseSql", "exp", "parse", "part", "table_of", "text"]
