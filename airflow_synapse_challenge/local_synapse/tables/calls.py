"""Functions of Synapse's SQL by their names: what is not listed here is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_synapse_challenge.local_synapse.core.errors import Invalid, NotServed

from . import cells
from .functions import MONTHS, UNITS
from .synapse_sql import exp, text
from .typed import DATETIME, Typed, common_kind, quoted

if TYPE_CHECKING:
    from .expressions import Translator

#: The type of the first argument, and the number that its sum is.
SAME, TOTAL = "SAME", "TOTAL"
ANY = 64


@dataclass(frozen=True)
class Function:
    """
    A function.

    :param template: what it is in SQLite's words: ``{0}`` is the first argument, ``{all}`` are all.
    :param kind: type of its value.
    :param least: fewest arguments.
    :param most: most arguments.
    :param raw: it looks at cells as they are, not-a-number too.
    :param missing: what stands for an argument that is left out.
    """

    template: str
    kind: str = "STRING"
    least: int = 1
    most: int = 1
    raw: bool = False
    missing: str = ""


AGGREGATES: dict[str, Function] = {
    "COUNT": Function("count({0})", "INTEGER", raw=True),
    "SUM": Function("sum({0})", TOTAL),
    "AVG": Function("avg({0})", "DOUBLE"),
    "MIN": Function("min({0})", SAME),
    "MAX": Function("max({0})", SAME),
    "STD": Function("syn_stddev_pop({0})", "DOUBLE"),
    "STDDEV": Function("syn_stddev_pop({0})", "DOUBLE"),
    "STDDEV_POP": Function("syn_stddev_pop({0})", "DOUBLE"),
    "STDDEV_SAMP": Function("syn_stddev_samp({0})", "DOUBLE"),
    "VARIANCE": Function("syn_var_pop({0})", "DOUBLE"),
    "VAR_POP": Function("syn_var_pop({0})", "DOUBLE"),
    "VAR_SAMP": Function("syn_var_samp({0})", "DOUBLE"),
    "JSON_ARRAYAGG": Function("json_group_array({0})", "JSON"),
    "JSON_OBJECTAGG": Function("json_group_object({0}, {1})", "JSON", 2, 2),
}


def _time(name: str, kind: str = "INTEGER") -> Function:
    return Function(f"syn_{name}({{0}})", kind)


def _number(name: str, kind: str = "DOUBLE", count: int = 1) -> Function:
    places = ", ".join(f"{{{at}}}" for at in range(count))
    return Function(f"syn_{name}({places})", kind, count, count)


SCALARS: dict[str, Function] = {
    "CONCAT": Function("({joined})", least=1, most=ANY),
    "LOWER": Function("lower({0})"),
    "LCASE": Function("lower({0})"),
    "UPPER": Function("upper({0})"),
    "UCASE": Function("upper({0})"),
    "TRIM": Function("trim({0})"),
    "LTRIM": Function("ltrim({0})"),
    "RTRIM": Function("rtrim({0})"),
    "LENGTH": Function("length(CAST({0} AS BLOB))", "INTEGER"),
    "CHAR_LENGTH": Function("length({0})", "INTEGER"),
    "CHARACTER_LENGTH": Function("length({0})", "INTEGER"),
    "REPLACE": Function("replace({0}, {1}, {2})", least=3, most=3),
    "REVERSE": Function("syn_reverse({0})"),
    "SUBSTRING": Function("substr({all})", least=2, most=3),
    "SUBSTR": Function("substr({all})", least=2, most=3),
    "MID": Function("substr({all})", least=3, most=3),
    "LEFT": Function("substr({0}, 1, max(0, {1}))", least=2, most=2),
    "RIGHT": Function("substr({0}, -max(0, {1}), max(0, {1}))", least=2, most=2),
    "SUBSTRING_INDEX": Function("syn_substring_index({all})", least=3, most=3),
    "INSTR": Function("instr(lower({0}), lower({1}))", "INTEGER", 2, 2),
    "LOCATE": Function("instr(lower({1}), lower({0}))", "INTEGER", 2, 2),
    "ABS": Function("abs({0})", SAME),
    "SIGN": Function("CASE WHEN {0} > 0 THEN 1 WHEN {0} < 0 THEN -1 WHEN {0} = 0 THEN 0 END", "INTEGER"),
    "ROUND": Function("round({all})", "DOUBLE", 1, 2),
    "FLOOR": _number("floor", "INTEGER"),
    "CEIL": _number("ceiling", "INTEGER"),
    "CEILING": _number("ceiling", "INTEGER"),
    "TRUNCATE": _number("truncate", count=2),
    "MOD": _number("mod", count=2),
    "SQRT": _number("sqrt"),
    "POW": _number("power", count=2),
    "POWER": _number("power", count=2),
    "EXP": _number("exp"),
    "LN": _number("ln"),
    "LOG": _number("ln"),
    "LOG10": _number("log10"),
    "LOG2": _number("log2"),
    "GREATEST": Function("max({all})", SAME, 2, ANY),
    "LEAST": Function("min({all})", SAME, 2, ANY),
    "ISNAN": Function(f"coalesce({{0}} = '{cells.NOT_A_NUMBER}', 0)", "BOOLEAN", raw=True),
    "ISINFINITY": Function("coalesce({0} IN (9e999, -9e999), 0)", "BOOLEAN", raw=True),
    "ISNULL": Function("({0} IS NULL)", "BOOLEAN", raw=True),
    "UNIX_TIMESTAMP": Function("syn_unix_timestamp({0})", "INTEGER", 0, 1, missing="{now}"),
    "FROM_UNIXTIME": Function("syn_from_unixtime({0})", DATETIME),
    "DATE_FORMAT": Function("syn_date_format({0}, {1})", least=2, most=2),
    "DATEDIFF": Function("syn_days_between({0}, {1})", "INTEGER", 2, 2),
    "DATE": _time("date", DATETIME),
    "TIME": _time("time"),
    "YEAR": _time("year"),
    "QUARTER": _time("quarter"),
    "MONTH": _time("month"),
    "WEEK": _time("week"),
    "WEEKOFYEAR": _time("weekofyear"),
    "DAY": _time("day"),
    "DAYOFMONTH": _time("day"),
    "DAYOFWEEK": _time("dayofweek"),
    "WEEKDAY": _time("weekday"),
    "DAYOFYEAR": _time("dayofyear"),
    "DAYNAME": _time("dayname", "STRING"),
    "MONTHNAME": _time("monthname", "STRING"),
    "HOUR": _time("hour"),
    "MINUTE": _time("minute"),
    "SECOND": _time("second"),
    "MICROSECOND": _time("microsecond"),
    "NOW": Function("{now}", DATETIME, 0, 0),
    "CURRENT_TIMESTAMP": Function("{now}", DATETIME, 0, 0),
    "CURDATE": Function("substr({now}, 1, 10)", DATETIME, 0, 0),
    "CURRENT_DATE": Function("substr({now}, 1, 10)", DATETIME, 0, 0),
    "CURRENT_USER": Function("{user}", "USERID", 0, 0),
    "JSON_EXTRACT": Function("json_extract({0}, {1})", least=2, most=2),
    "JSON_UNQUOTE": Function("{0}"),
    "JSON_LENGTH": Function("json_array_length({0})", "INTEGER"),
    "JSON_OVERLAPS": Function("syn_json_overlaps({0}, {1})", "BOOLEAN", 2, 2),
    "JSON_ARRAY": Function("json_array({all})", "JSON", 0, ANY),
    "JSON_OBJECT": Function("json_object({all})", "JSON", 0, ANY),
}
#: Functions whose value is one of their arguments.
CHOICES: dict[str, tuple[str, int, int, int]] = {
    # words, fewest arguments, most, which argument is the first that may be the value
    "IF": ("(CASE WHEN {0} THEN {1} ELSE {2} END)", 3, 3, 1),
    "IFNULL": ("coalesce({0}, {1})", 2, 2, 0),
    "COALESCE": ("coalesce({all}, NULL)", 1, ANY, 0),
    "NULLIF": ("nullif({0}, {1})", 2, 2, 0),
}


def call(translator: Translator, node: exp.Anonymous) -> Typed:
    """Translate a call."""
    name, arguments = str(node.this).upper(), list(node.expressions)
    if name == "UNNEST":
        _check_count(name, arguments, 1, 1)
        return translator.unnest(arguments[0])
    if name in ("DATE_ADD", "DATE_SUB"):
        _check_count(name, arguments, 2, 2)
        return shifted(translator, translator.typed(arguments[0]), arguments[1], "+" if name == "DATE_ADD" else "-")
    if name in CHOICES:
        return _choice(translator, name, arguments)
    if name in AGGREGATES:
        return _aggregate(translator, AGGREGATES[name], name, arguments)
    if name == "TEXT_MATCHES":
        raise NotServed("The local Synapse does not have full text search: TEXT_MATCHES")
    if name not in SCALARS:
        raise Invalid(f"Unknown or unsupported function: {name}")
    function = SCALARS[name]
    _check_count(name, arguments, function.least, function.most)
    return _filled(translator, function, [translator.typed(argument) for argument in arguments])


def is_aggregate(node: Any) -> bool:
    """Tell whether a call makes one value of many rows."""
    return isinstance(node, exp.GroupConcat) or (
        isinstance(node, exp.Anonymous) and str(node.this).upper() in AGGREGATES
    )


def _check_count(name: str, arguments: list[Any], least: int, most: int) -> None:
    if not least <= len(arguments) <= most:
        wanted = str(least) if least == most else f"{least} to {'any number' if most == ANY else most}"
        raise Invalid(f"{name} takes {wanted} arguments, not {len(arguments)}")


def _filled(translator: Translator, function: Function, arguments: list[Typed], once: str = "") -> Typed:
    values = [argument.sql if function.raw else argument.value for argument in arguments]
    now, user = quoted(translator.now), str(translator.user)
    if not values and function.missing:
        values = [function.missing.format(now=now)]
    if once:
        values[0] = f"{once} {values[0]}"
    sql = function.template.format(*values, all=", ".join(values), joined=" || ".join(values), now=now, user=user)
    return Typed(sql, _kind(function, arguments))


def _kind(function: Function, arguments: list[Typed]) -> str:
    if function.kind == TOTAL:
        whole = cells.TYPES.get(arguments[0].kind, cells.TYPES["DOUBLE"]).storage == cells.INTEGER
        return "INTEGER" if whole else "DOUBLE"
    return arguments[0].kind if function.kind == SAME else function.kind


def _aggregate(translator: Translator, function: Function, name: str, arguments: list[Any]) -> Typed:
    _check_count(name, arguments, function.least, function.most)
    if name == "COUNT" and isinstance(arguments[0], exp.Star):
        return Typed("count(*)", "INTEGER")
    once = ""
    if isinstance(arguments[0], exp.Distinct):
        once, arguments = "DISTINCT", list(arguments[0].expressions)
        _check_count(name, arguments, 1, 1)
    values = [translator.typed(argument) for argument in arguments]
    if once and values[0].kind in cells.TEXTUAL:
        values = [Typed(f"{values[0].sql} COLLATE NOCASE", values[0].kind)]
    return _filled(translator, function, values, once)


def _choice(translator: Translator, name: str, arguments: list[Any]) -> Typed:
    template, least, most, first = CHOICES[name]
    _check_count(name, arguments, least, most)
    values = [translator.typed(argument) for argument in arguments]
    sqls = [value.value for value in values]
    possible = values[first:] if name != "NULLIF" else values[:1]
    return Typed(template.format(*sqls, all=", ".join(sqls)), common_kind(possible))


def shifted(translator: Translator, moment: Typed, interval: Any, sign: str) -> Typed:
    """Translate a time plus or minus an interval."""
    unit = str(interval.args.get("unit") or "").upper() if isinstance(interval, exp.Interval) else ""
    if sign not in "+-" or unit not in (*UNITS, *MONTHS):
        raise Invalid(f"Not an interval that a time can be moved by: {text(interval)}")
    count = translator.typed(interval.this)
    return Typed(f"syn_shift({moment.value}, {count.value}, '{unit}', {sign}1)", DATETIME)


def group_concat(translator: Translator, node: exp.GroupConcat) -> Typed:
    """Translate GROUP_CONCAT with its order and its separator."""
    inner, order, from_end = node.this, None, False
    if isinstance(inner, exp.Order):
        if len(inner.expressions) != 1:
            raise Invalid("GROUP_CONCAT is ordered by one expression.")
        order, from_end = inner.expressions[0].this, bool(inner.expressions[0].args.get("desc"))
        inner = inner.this
    once = isinstance(inner, exp.Distinct)
    if once:
        _check_count("GROUP_CONCAT", inner.expressions, 1, 1)
        inner = inner.expressions[0]
    value = translator.typed(inner)
    separator = node.args.get("separator")
    words = separator.name if isinstance(separator, exp.Literal) else ","
    ordered = translator.typed(order).value if order is not None else ("NULL" if not once else value.value)
    return Typed(f"syn_group_concat({value.value}, {quoted(words)}, {int(once)}, {int(from_end)}, {ordered})", "STRING")
