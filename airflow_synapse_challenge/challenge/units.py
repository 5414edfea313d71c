"""Sizes (``2GiB``), durations (``1h30m``) and moments (``2027-01-11T00:00:00-08:00``) as people write them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, WithJsonSchema

SIZE_UNITS = {
    "B": 1,
    "kB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
}
DURATION_UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
LONGEST = timedelta(days=3650)
LARGEST = 2**60
# Docker accepts no container with less.
SMALLEST_MEMORY = 6 * 2**20

SIZE_PATTERN = r"^[0-9]+(\.[0-9]+)? ?(B|kB|MB|GB|TB|KiB|MiB|GiB|TiB)$"
DURATION_PATTERN = r"^([0-9]+(\.[0-9]+)?d)?([0-9]+(\.[0-9]+)?h)?([0-9]+(\.[0-9]+)?m)?([0-9]+(\.[0-9]+)?s)?$"
MOMENT_PATTERN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}.*$"

_SIZE_ALLOWED = f'write a number and one of {", ".join(SIZE_UNITS)}, such as "2GiB"'
_DURATION_ALLOWED = 'write numbers with d, h, m or s, such as "1h30m"'
_MOMENT_ALLOWED = 'write date, time and zone, such as "2027-01-11T00:00:00-08:00"'


def parse_size(value: Any) -> int:
    """
    Return bytes.

    :param value: a whole number of bytes, or text such as ``50kB`` (1000) or ``2GiB`` (1024³).
    :raises ValueError: anything else, nothing, or a negative size.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        size = value
    else:
        match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s?([A-Za-z]+)", value.strip()) if _is_text(value) else None
        if match is None:
            raise ValueError(f"{_quoted(value)} is no size; {_SIZE_ALLOWED}")
        if match[2] not in SIZE_UNITS:
            raise ValueError(_unknown_unit(value, match[1], match[2]))
        size = int(float(match[1]) * SIZE_UNITS[match[2]])
    if not 0 < size <= LARGEST:
        raise ValueError(f"{_quoted(value)} is out of range; {_SIZE_ALLOWED}")
    return size


def format_size(size: int) -> str:
    """Return the shortest text that :func:`parse_size` reads as the same number of bytes."""
    for unit in ("TiB", "GiB", "MiB", "TB", "GB", "MB", "KiB", "kB"):
        if size % SIZE_UNITS[unit] == 0:
            return f"{size // SIZE_UNITS[unit]}{unit}"
    return f"{size}B"


def parse_duration(value: Any) -> timedelta:
    """
    Return a duration.

    :param value: a number of seconds, or text such as ``10s``, ``1h30m``, ``2d``.
    :raises ValueError: anything else, nothing, a negative duration or more than ten years.
    """
    if isinstance(value, timedelta):
        duration = value
    elif isinstance(value, int) and not isinstance(value, bool):
        duration = timedelta(seconds=min(value, 10**10))
    else:
        text = value.strip() if _is_text(value) else ""
        match = re.fullmatch(DURATION_PATTERN, text)
        if not text or match is None:
            raise ValueError(f"{_quoted(value)} is no duration; {_DURATION_ALLOWED}")
        parts = re.findall(r"([0-9.]+)([dhms])", text)
        seconds = sum(float(number) * DURATION_UNITS[unit] for number, unit in parts)
        duration = timedelta(seconds=min(seconds, 1e10))
    if not timedelta(0) < duration <= LONGEST:
        raise ValueError(f"{_quoted(value)} is out of range; {_DURATION_ALLOWED}, more than 0s and at most 3650d")
    return duration


def format_duration(duration: timedelta) -> str:
    """Return ``1h30m`` for ninety minutes; parts of a second only where there are any."""
    seconds = duration.total_seconds()
    whole, part = divmod(seconds, 1)
    text = ""
    for unit, length in DURATION_UNITS.items():
        count, whole = divmod(int(whole), length)
        if unit == "s" and part:
            text += f"{round(count + part, 6)}s"
        elif count:
            text += f"{count}{unit}"
    return text or "0s"


def at_least(shortest: timedelta) -> Callable[[timedelta], timedelta]:
    """Return a check that refuses shorter durations with :class:`ValueError`."""

    def check(duration: timedelta) -> timedelta:
        if duration < shortest:
            raise ValueError(f'"{format_duration(duration)}" is too short; give at least {format_duration(shortest)}')
        return duration

    return check


def parse_moment(value: Any) -> datetime:
    """
    Return a moment in UTC.

    :param value: ISO date and time with an offset, or with a zone's name after it
        (``2027-01-11 00:00 America/Los_Angeles``).
    :raises ValueError: no such time, no zone, or a wall-clock time that a clock change skips or repeats.
    """
    if isinstance(value, datetime):
        moment, zone = value, ""
    else:
        text = str(value).strip() if isinstance(value, str | date) else ""
        match = re.fullmatch(r"(.+?)(?:\s+|\s*\[)([A-Za-z][A-Za-z0-9_+/-]*)\]?", text)
        clock, zone = (match[1], match[2]) if match else (text, "")
        try:
            moment = datetime.fromisoformat(clock)
        except ValueError:
            raise ValueError(f"{_quoted(value)} is no date and time; {_MOMENT_ALLOWED}") from None
        if re.fullmatch(r"[0-9-]+", clock):
            raise ValueError(f"{_quoted(value)} has no time of day; {_MOMENT_ALLOWED}")
    if zone:
        moment = _in_zone(moment, zone, value)
    if moment.tzinfo is None:
        raise ValueError(f"{_quoted(value)} has no time zone; {_MOMENT_ALLOWED}")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{_quoted(value)} is out of range; {_MOMENT_ALLOWED}") from None


def _in_zone(moment: datetime, zone: str, value: Any) -> datetime:
    if moment.tzinfo is not None:
        raise ValueError(f"{_quoted(value)} has both an offset and a zone; keep one of them")
    try:
        placed = moment.replace(tzinfo=ZoneInfo(zone))
    except (KeyError, ValueError, OSError):
        raise ValueError(f'{_quoted(value)} names no known zone; write one such as "Europe/Berlin"') from None
    # PEP 495: the two folds disagree exactly where the clock is put forward or back.
    if placed.utcoffset() != placed.replace(fold=1).utcoffset():
        raise ValueError(f"{_quoted(value)} is skipped or repeated by a clock change; write the offset instead")
    return placed


def _unknown_unit(value: Any, number: str, unit: str) -> str:
    same = [known for known in SIZE_UNITS if known.lower() == unit.lower()]
    short = {known[0].lower(): known for known in ("KiB", "MiB", "GiB", "TiB")}.get(unit.lower())
    meant = same[0] if same else short
    question = f'; did you mean "{number}{meant}"?' if meant else ""
    return f"{_quoted(value)} is no size; {_SIZE_ALLOWED}{question}"


def _enough_memory(size: int) -> int:
    if size < SMALLEST_MEMORY:
        raise ValueError(f'"{format_size(size)}" is too little memory; give at least {format_size(SMALLEST_MEMORY)}')
    return size


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _quoted(value: Any) -> str:
    text = str(value)
    return f'"{text[:60]}…"' if len(text) > 60 else f'"{text}"'


Size = Annotated[
    int,
    BeforeValidator(parse_size),
    PlainSerializer(format_size, return_type=str, when_used="json"),
    WithJsonSchema({"type": ["string", "integer"], "pattern": SIZE_PATTERN, "minimum": 1, "examples": ["2GiB"]}),
]
Memory = Annotated[Size, AfterValidator(_enough_memory)]
Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration, return_type=str, when_used="json"),
    WithJsonSchema({"type": ["string", "integer"], "pattern": DURATION_PATTERN, "minimum": 1, "examples": ["1h30m"]}),
]
Moment = Annotated[
    datetime,
    BeforeValidator(parse_moment),
    WithJsonSchema({"type": "string", "pattern": MOMENT_PATTERN, "examples": ["2027-01-11T00:00:00-08:00"]}),
]
