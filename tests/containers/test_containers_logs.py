"""Bounded logs, as rules."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from airflow_synapse_challenge.containers.logs import LONGEST_LINE, BoundedLog, harmless

chunks = st.lists(st.binary(max_size=400), max_size=30)


@given(chunks, st.integers(200, 2000))
def test_the_text_keeps_its_bound_and_its_ends(parts, limit):
    log = BoundedLog(limit)
    for part in parts:
        log.add(part)
    text = log.text()
    assert log.total == sum(map(len, parts))
    assert len(text.encode()) <= limit
    assert harmless(text) == text


@given(
    st.text(st.characters(codec="utf-8", exclude_categories=("C",), exclude_characters="\u2028\u2029:#"), max_size=900)
)
def test_a_short_text_stays_as_it_is(text):
    log = BoundedLog(10_000)
    log.add(text.encode())
    assert log.text() == text


@given(chunks)
def test_lines_are_short_and_harmless(parts):
    lines = []
    log = BoundedLog(500, lines.append)
    for part in parts:
        log.add(part)
    log.close()
    assert all(len(line) <= LONGEST_LINE and "\n" not in line and "\x1b" not in line for line in lines)
