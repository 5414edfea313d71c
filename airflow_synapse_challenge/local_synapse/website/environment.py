"""The templates of the pages, and how they write times, sizes and types."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

FOLDER = Path(__file__).parent
STYLE = FOLDER / "static" / "style.css"
#: What people call a type of entity.
WORDS = {
    "Project": "project",
    "Folder": "folder",
    "FileEntity": "file",
    "Link": "link",
    "DockerRepository": "Docker repository",
    "TableEntity": "table",
    "EntityView": "view of files",
    "SubmissionView": "leaderboard",
    "MaterializedView": "materialized view",
    "VirtualTable": "virtual table",
}
UNITS = ("kB", "MB", "GB", "TB")


@cache
def environment() -> Environment:
    """Return the environment of the templates; whatever they put into a page is escaped."""
    made = Environment(
        loader=FileSystemLoader(FOLDER / "templates"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    made.filters |= {"moment": moment, "size": size, "word": word, "figure": figure, "listed": listed}
    made.globals["style"] = f"/website/style.css?{style_mark()}"
    return made


@cache
def style() -> bytes:
    """Return the style sheet."""
    return STYLE.read_bytes()


def style_mark() -> str:
    """Return what changes with the style sheet."""
    return hashlib.sha256(style()).hexdigest()[:12]


def moment(value: Any) -> Markup:
    """
    Write a time, in UTC.

    :param value: ISO 8601, or milliseconds since 1970.
    """
    text = str(value)
    try:
        found = datetime.fromtimestamp(int(text) / 1000, UTC) if text.isdecimal() else datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        return Markup("{}").format(text)
    form = Markup('<time datetime="{0}" title="{0}">{1}</time>')
    return form.format(found.isoformat(timespec="seconds"), f"{found:%Y-%m-%d %H:%M}")


def size(value: Any) -> str:
    """Write a number of bytes."""
    count = float(value)
    if count < 1000:
        return f"{count:.0f} bytes"
    for unit in UNITS:
        count /= 1000
        if count < 1000 or unit == UNITS[-1]:
            break
    return f"{count:.1f} {unit}"


def word(concrete_type: str) -> str:
    """Return what people call a type of entity."""
    short = concrete_type.rpartition(".")[2]
    return WORDS.get(short, short)


def figure(value: Any) -> Markup:
    """Write a value; a number with many digits is rounded, and whole where one points at it."""
    text = str(value)
    try:
        rounded = f"{float(text):.6g}" if "." in text else text
    except ValueError:
        rounded = text
    if rounded == text or len(rounded) >= len(text):
        return Markup("{}").format(text)
    return Markup('<span title="{}">{}</span>').format(text, rounded)


def listed(words: Sequence[str]) -> str:
    """Write several things as one sentence has them."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
