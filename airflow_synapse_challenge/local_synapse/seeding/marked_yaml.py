"""YAML as plain data together with the line of each part, so that every mistake can be told by its place."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import yaml

Path = tuple[str | int, ...]

DEEPEST = 40
#: Aliases repeat whole parts: this bounds what a few lines of them can grow to.
MOST_PARTS = 200_000

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
#: What an unquoted word stands for; anything else is text, so that times and version numbers stay as written.
_PLAIN: tuple[tuple[re.Pattern[str], Callable[[str], Any]], ...] = (
    (re.compile(r"|~|null"), lambda _: None),
    (re.compile(r"true|false"), lambda word: word == "true"),
    (re.compile(r"[-+]?[0-9]{1,18}"), int),
    (re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?"), float),
)


class Misplaced(Exception):
    """
    Something is wrong at one place of a document.

    :param path: keys and positions that lead there.
    :param text: what is wrong and what is allowed.
    :param line: line from 1, where it is known already.
    """

    def __init__(self, path: Path, text: str, line: int | None = None) -> None:
        self.path, self.text, self.line = path, text, line
        super().__init__(text)


@dataclass
class Document:
    """
    A document.

    :param data: plain mappings, lists and scalars.
    :param lines: line of each part by its path.
    """

    data: Any = None
    lines: dict[Path, int] = field(default_factory=lambda: {(): 1})

    def line_of(self, path: Path) -> int:
        """Return the line of a part, or of the nearest part around it that is written."""
        while path not in self.lines:
            path = path[:-1]
        return self.lines[path]


def read(text: str) -> Document:
    """
    Read one document.

    :raises Misplaced: it is no YAML, or a key stands twice.
    """
    try:
        root = yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        about = " ".join(filter(None, (error.context, error.problem)))
        raise Misplaced((), f"no YAML: {about}", mark.line + 1 if mark else 1) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise Misplaced((), f"no YAML: {str(error).splitlines()[0]}", 1) from error
    document = Document()
    if root is not None:
        document.data = _data(document, root, ())
    return document


def show_path(path: Path) -> str:
    """Return ``queues[0].rounds[1].start``."""
    shown = ""
    for part in path:
        shown += f"[{part}]" if isinstance(part, int) else f".{part}" if shown else part
    return shown


def _data(document: Document, node: yaml.Node, path: Path) -> Any:
    line = node.start_mark.line + 1
    document.lines.setdefault(path, line)
    if len(path) > DEEPEST or len(document.lines) > MOST_PARTS:
        raise Misplaced(path[:3], f"more than {DEEPEST} levels or {MOST_PARTS} parts", line)
    if isinstance(node, yaml.MappingNode):
        return _mapping(document, node, path)
    if isinstance(node, yaml.SequenceNode):
        return [_data(document, item, (*path, position)) for position, item in enumerate(node.value)]
    return _scalar(node)


def _mapping(document: Document, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise Misplaced(path, "a key must be a word", line)
        inner = (*path, key.value)
        if key.value in data:
            first = document.lines[inner]
            raise Misplaced(inner, f"the key stands twice, in lines {first} and {line}; keep one of them", line)
        document.lines[inner] = line
        data[key.value] = _data(document, value, inner)
    return data


def _scalar(node: yaml.Node) -> Any:
    plain = isinstance(node, yaml.ScalarNode) and not node.style
    if plain and node.tag.startswith("tag:yaml.org,2002:"):
        for pattern, make in _PLAIN:
            if pattern.fullmatch(node.value):
                return make(node.value)
    return node.value
