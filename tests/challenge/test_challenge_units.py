"""Sizes, durations and moments."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_synapse_challenge.challenge.units import (
    LARGEST,
    format_duration,
    format_size,
    parse_duration,
    parse_moment,
    parse_size,
)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("2GiB", 2 * 2**30),
        ("50kB", 50_000),
        ("10MB", 10_000_000),
        ("1.5KiB", 1536),
        ("7B", 7),
        ("1 TiB", 2**40),
        (1024, 1024),
    ],
)
def test_sizes(text: Any, size: int) -> None:
    assert parse_size(text) == size


NO_SIZES = ["", "GiB", "2", "2gib", "2G", "-1GiB", "0B", 0, -5, True, None, 1.5, "1e3kB", [], "²GiB"]


@pytest.mark.parametrize("text", [*NO_SIZES, "9" * 30 + "TiB"])
def test_no_sizes(text: Any) -> None:
    with pytest.raises(ValueError, match='such as "2GiB"'):
        parse_size(text)


@pytest.mark.parametrize(("text", "meant"), [("2gib", "2GiB"), ("2G", "2GiB"), ("50KB", "50kB"), ("10m", "10MiB")])
def test_a_unit_misspelt(text: str, meant: str) -> None:
    with pytest.raises(ValueError, match=f'did you mean "{meant}"'):
        parse_size(text)


@given(st.integers(1, LARGEST))
def test_a_size_survives_its_text(size: int) -> None:
    assert parse_size(size) == size
    # Text goes through a float, which holds every size below 2**53 exactly.
    if size < 2**53:
        assert parse_size(format_size(size)) == size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("10s", 10),
        ("30m", 1800),
        ("3h", 10800),
        ("1h30m", 5400),
        ("2d", 172800),
        ("0.5h", 1800),
        (90, 90),
        ("1d1s", 86401),
    ],
)
def test_durations(text: Any, seconds: int) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


NO_DURATIONS = ["", "10", "10 s", "s", "30m1h", "-5m", "0s", 0, -1, True, None, "1w", "99999999d", 10**40, 2.5]


@pytest.mark.parametrize("text", NO_DURATIONS)
def test_no_durations(text: Any) -> None:
    with pytest.raises(ValueError, match='such as "1h30m"'):
        parse_duration(text)


@given(st.integers(1, 3650 * 86400))
def test_a_duration_survives_its_text(seconds: int) -> None:
    duration = timedelta(seconds=seconds)
    assert parse_duration(format_duration(duration)) == duration


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2027-01-11T00:00:00-08:00", datetime(2027, 1, 11, 8, tzinfo=UTC)),
        ("2027-01-11 00:00Z", datetime(2027, 1, 11, tzinfo=UTC)),
        ("2027-07-01T09:00 Europe/Berlin", datetime(2027, 7, 1, 7, tzinfo=UTC)),
        ("2027-07-01T09:00[America/Los_Angeles]", datetime(2027, 7, 1, 16, tzinfo=UTC)),
        ("2027-03-28T03:00 Europe/Berlin", datetime(2027, 3, 28, 1, tzinfo=UTC)),
        (datetime(2027, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))), datetime(2027, 1, 1, tzinfo=UTC)),
    ],
)
def test_moments(text: Any, moment: datetime) -> None:
    parsed = parse_moment(text)
    assert parsed == moment
    assert parsed.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("2027-01-11T00:00:00", "has no time zone"),
        (datetime(2027, 1, 11), "has no time zone"),  # noqa: DTZ001
        ("2027-01-11", "has no time of day"),
        ("2027-01-11 Europe/Berlin", "has no time of day"),
        ("soon", "is no date and time"),
        ("2027-02-30T00:00Z", "is no date and time"),
        (20270111, "is no date and time"),
        (None, "is no date and time"),
        ("2027-01-11T00:00Z Europe/Berlin", "has both an offset and a zone"),
        ("2027-01-11T00:00 Europe/Berlim", "names no known zone"),
        ("2027-01-11T00:00 America", "names no known zone"),
        ("2027-03-28T02:30 Europe/Berlin", "is skipped or repeated by a clock change"),
        ("2027-10-31T02:30 Europe/Berlin", "is skipped or repeated by a clock change"),
        ("0001-01-01T00:00+10:00", "is out of range"),
    ],
)
def test_no_moments(text: Any, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        parse_moment(text)
