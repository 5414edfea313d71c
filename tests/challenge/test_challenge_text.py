"""Texts cut to what Synapse takes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_synapse_challenge.challenge.text import clean, cut, length, one_line


@given(st.text(), st.integers(1, 60))
def test_a_cut_text_fits_and_begins_the_same(text: str, limit: int) -> None:
    shown = cut(text, limit)
    assert length(shown) <= limit
    if length(text) <= limit:
        assert shown == text
    else:
        assert shown.endswith("…")
        assert text.startswith(shown[:-1])
        # No more than one character of two units is given away.
        assert length(shown) >= limit - 1


@given(st.text())
def test_length_is_that_of_java(text: str) -> None:
    assert length(text) == len(text.encode("utf-16-le", "surrogatepass")) // 2


@given(st.text())
def test_clean_text_can_be_encoded_and_shown(text: str) -> None:
    shown = clean(text)
    shown.encode()
    assert not {"\x00", "\x1b", "\r", "\u202e"} & set(shown)
    assert clean(shown) == shown
    assert len(one_line(text).splitlines()) <= 1


@pytest.mark.parametrize(("text", "line"), [("a\r\nb\tc", "a b c"), ("  x  ", "x"), ("\x1b[31m\x85", "[31m")])
def test_one_line(text: str, line: str) -> None:
    assert one_line(text) == line
