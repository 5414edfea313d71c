"""What the functions of Synapse's SQL do that SQLite does not have; times are texts in UTC."""

from __future__ import annotations

import json
import math
import sqlite3
import statistics
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from weakref import WeakSet

from airflow_synapse_challenge.local_synapse.core.store import Store

TIME = "%Y-%m-%d %H:%M:%S"
MICROSECONDS = "%Y-%m-%d %H:%M:%S.%f"
#: What MySQL's formats call what Python's call otherwise, and what both call the same.
FORMATS = {
    "%i": "%M", "%M": "%B", "%s": "%S", "%S": "%S", "%h": "%I", "%I": "%I", "%k": "%H", "%l": "%I", "%e": "%d",
    "%c": "%m", "%W": "%A", "%T": "%H:%M:%S", "%r": "%I:%M:%S %p", "%D": "%d",
}  # fmt: skip
UNITS = {
    "MICROSECOND": timedelta(microseconds=1), "SECOND": timedelta(seconds=1), "MINUTE": timedelta(minutes=1),
    "HOUR": timedelta(hours=1), "DAY": timedelta(days=1), "WEEK": timedelta(weeks=1),
}  # fmt: skip
MONTHS = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}


def moment(value: Any) -> datetime | None:
    """Return the time that a text or a number such as 20300101 means."""
    try:
        return datetime.fromisoformat(str(value)).replace(tzinfo=None)
    except ValueError:
        return None


def written(value: datetime) -> str:
    """Return a time as MySQL writes it."""
    return value.strftime(MICROSECONDS if value.microsecond else TIME)


def _of_moment(read: Callable[[datetime], Any]) -> Callable[[Any], Any]:
    def function(value: Any) -> Any:
        found = moment(value)
        return None if found is None else read(found)

    return function


def unix_timestamp(value: Any) -> int | float | None:
    """Seconds since 1970."""
    found = moment(value)
    if found is None:
        return None
    seconds = found.replace(tzinfo=UTC).timestamp()
    return int(seconds) if seconds.is_integer() else seconds


def from_unixtime(seconds: Any) -> str | None:
    """The time that many seconds after 1970."""
    try:
        return written(datetime.fromtimestamp(float(seconds), UTC))
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def date_format(value: Any, pattern: Any) -> str | None:
    """A time in a format of MySQL's."""
    found = moment(value)
    if found is None or pattern is None:
        return None
    parts, text, at = [], str(pattern), 0
    while at < len(text):
        code = text[at : at + 2]
        if code.startswith("%") and len(code) == 2:
            parts.append(found.strftime(FORMATS.get(code, code)))
            at += 2
        else:
            parts.append(text[at])
            at += 1
    return "".join(parts)


def shift(value: Any, count: Any, unit: str, sign: int) -> str | None:
    """A time so many units later or earlier; a day that a month does not have becomes its last one."""
    found = moment(value)
    if found is None or count is None:
        return None
    try:
        amount = sign * int(count)
        if unit in UNITS:
            return written(found + amount * UNITS[unit])
        months = found.year * 12 + found.month - 1 + amount * MONTHS[unit]
        year, month = divmod(months, 12)
        for day in (found.day, 30, 29, 28):
            if day <= found.day:
                try:
                    return written(found.replace(year=year, month=month + 1, day=day))
                except ValueError:
                    continue
    except (TypeError, ValueError, OverflowError):
        return None
    return None


def days_between(first: Any, second: Any) -> int | None:
    """Days from the second date to the first."""
    times = moment(first), moment(second)
    return None if None in times else (times[0].date() - times[1].date()).days  # type: ignore[union-attr]


def substring_index(text: Any, delimiter: Any, count: Any) -> str | None:
    """What stands before the n-th delimiter, or after it from the end."""
    if None in (text, delimiter, count):
        return None
    parts = str(text).split(str(delimiter)) if delimiter != "" else [""]
    number = int(count)
    return str(delimiter).join(parts[:number] if number >= 0 else parts[number:])


def reverse(text: Any) -> str | None:
    """A text from its end."""
    return None if text is None else str(text)[::-1]


def _numeric(function: Callable[..., float]) -> Callable[..., float | None]:
    def safe(*values: Any) -> float | None:
        try:
            return function(*(float(value) for value in values))
        except (TypeError, ValueError, OverflowError, ZeroDivisionError):
            return None

    return safe


def truncate(value: float, digits: float) -> float:
    """A number cut after some digits."""
    scale = 10**digits
    return math.trunc(value * scale) / scale


def json_overlaps(first: Any, second: Any) -> int | None:
    """Tell whether two JSON arrays have an element in common."""
    elements = _elements(first), _elements(second)
    return None if None in elements else int(bool(elements[0] & elements[1]))  # type: ignore[operator]


def _elements(values: Any) -> set[str] | None:
    try:
        found = json.loads(values)
    except (TypeError, ValueError):
        return None
    return {_folded(value) for value in found} if isinstance(found, list) else None


def _folded(value: Any) -> str:
    return (value if isinstance(value, str) else json.dumps(value)).casefold()


class GroupConcat:
    """Texts of a group in a row; arguments: text, separator, only once each, from the end, what orders them."""

    def __init__(self) -> None:
        self._found: list[tuple[Any, str]] = []
        self._separator, self._once, self._from_end = ",", False, False

    def step(self, text: Any, separator: str, once: int, from_end: int, order: Any) -> None:
        """Take a row."""
        self._separator, self._once, self._from_end = separator, bool(once), bool(from_end)
        if text is not None:
            self._found.append((order, str(text)))

    def finalize(self) -> str | None:
        """Return the texts."""
        if not self._found:
            return None
        found = sorted(self._found, key=lambda item: _order(item[0]), reverse=self._from_end)
        texts = [text for _, text in found]
        if self._once:
            texts = list({text.casefold(): text for text in reversed(texts)}.values())[::-1]
        return self._separator.join(texts)


def _order(value: Any) -> tuple[int, Any]:
    if value is None:
        return (0, "")
    return (2, value.casefold()) if isinstance(value, str) else (1, value)


def _spread(measure: Callable[[list[float]], float], least: int) -> type:
    class Spread:
        def __init__(self) -> None:
            self._values: list[float] = []

        def step(self, value: Any) -> None:
            if isinstance(value, int | float):
                self._values.append(float(value))

        def finalize(self) -> float | None:
            return measure(self._values) if len(self._values) >= least else None

    return Spread


SCALARS: dict[str, tuple[int, Callable[..., Any]]] = {
    "syn_unix_timestamp": (1, unix_timestamp),
    "syn_from_unixtime": (1, from_unixtime),
    "syn_date_format": (2, date_format),
    "syn_shift": (4, shift),
    "syn_days_between": (2, days_between),
    "syn_substring_index": (3, substring_index),
    "syn_reverse": (1, reverse),
    "syn_json_overlaps": (2, json_overlaps),
    "syn_date": (1, _of_moment(lambda found: found.strftime("%Y-%m-%d"))),
    "syn_time": (1, _of_moment(lambda found: found.strftime("%H:%M:%S"))),
    "syn_year": (1, _of_moment(lambda found: found.year)),
    "syn_quarter": (1, _of_moment(lambda found: (found.month + 2) // 3)),
    "syn_month": (1, _of_moment(lambda found: found.month)),
    "syn_week": (1, _of_moment(lambda found: int(found.strftime("%U")))),
    "syn_weekofyear": (1, _of_moment(lambda found: found.isocalendar().week)),
    "syn_day": (1, _of_moment(lambda found: found.day)),
    "syn_dayofweek": (1, _of_moment(lambda found: found.isoweekday() % 7 + 1)),
    "syn_weekday": (1, _of_moment(lambda found: found.weekday())),
    "syn_dayofyear": (1, _of_moment(lambda found: found.timetuple().tm_yday)),
    "syn_dayname": (1, _of_moment(lambda found: found.strftime("%A"))),
    "syn_monthname": (1, _of_moment(lambda found: found.strftime("%B"))),
    "syn_hour": (1, _of_moment(lambda found: found.hour)),
    "syn_minute": (1, _of_moment(lambda found: found.minute)),
    "syn_second": (1, _of_moment(lambda found: found.second)),
    "syn_microsecond": (1, _of_moment(lambda found: found.microsecond)),
    "syn_floor": (1, _numeric(math.floor)),
    "syn_ceiling": (1, _numeric(math.ceil)),
    "syn_sqrt": (1, _numeric(math.sqrt)),
    "syn_exp": (1, _numeric(math.exp)),
    "syn_ln": (1, _numeric(math.log)),
    "syn_log10": (1, _numeric(math.log10)),
    "syn_log2": (1, _numeric(math.log2)),
    "syn_power": (2, _numeric(math.pow)),
    "syn_mod": (2, _numeric(math.fmod)),
    "syn_truncate": (2, _numeric(truncate)),
}
AGGREGATES: dict[str, tuple[int, Any]] = {
    "syn_group_concat": (5, GroupConcat),
    "syn_stddev_pop": (1, _spread(statistics.pstdev, 1)),
    "syn_stddev_samp": (1, _spread(statistics.stdev, 2)),
    "syn_var_pop": (1, _spread(statistics.pvariance, 1)),
    "syn_var_samp": (1, _spread(statistics.variance, 2)),
}

_installed: WeakSet[Store] = WeakSet()


def install(store: Store) -> sqlite3.Connection:
    """Give a store's connection the functions, and return it."""
    if store not in _installed:
        for name, (count, function) in SCALARS.items():
            store.connection.create_function(name, count, function, deterministic=True)
        for name, (count, aggregate) in AGGREGATES.items():
            store.connection.create_aggregate(name, count, aggregate)
        _installed.add(store)
    return store.connection
