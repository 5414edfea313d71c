"""Texts from scripts and participants, cut to what Synapse takes."""

from __future__ import annotations

import re

# Everything that is no printable text, line breaks and tabs excepted: terminal escapes, direction marks, halves of
# characters that no encoding can hold.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")

# What spreadsheet programs compute when a table that holds it is opened.
_FORMULA = re.compile(r"\s*[=+\-@]")


def clean(text: str) -> str:
    """Return the text without characters that a screen or an encoding could choke on; line breaks stay."""
    return _UNPRINTABLE.sub(
        "", text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    )


def one_line(text: str) -> str:
    """Return the text as one line, with single spaces: safe as a header or a list entry."""
    return " ".join(clean(text).split())


def length(text: str) -> int:
    """Return the length as Synapse's Java counts it: UTF-16 units, two for an emoji."""
    return len(text) + sum(character > "\uffff" for character in text)


def cut(text: str, limit: int) -> str:
    """Return the text if it is within the limit, else its beginning and ``…``; counted as :func:`length` does."""
    if length(text) <= limit:
        return text
    kept = text[: limit - 1]
    while length(kept) > limit - 1:
        kept = kept[: -max(1, (length(kept) - limit + 1) // 2)]
    return f"{kept}…"


def inert(text: str) -> str:
    """Return the text with ``'`` before what a spreadsheet program would compute; numbers stay numbers."""
    if not _FORMULA.match(text):
        return text
    try:
        float(text)
    except ValueError:
        return f"'{text}"
    return text
