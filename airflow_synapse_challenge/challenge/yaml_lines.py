"""
YAML with the line of every key, bounded in size, depth and expansion.

The text is read with the plain types of YAML 1.2: ``yes`` is a word, ``010`` is no octal number and a date stays
text, so that the models see what the person wrote.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

LARGEST_FILE = 1024 * 1024
DEEPEST = 30
# An alias repeats a whole subtree: this bounds what a few lines of nested aliases can grow to.
MOST_NODES = 50_000

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PLAIN: tuple[tuple[re.Pattern[str], Callable[[str], Any]], ...] = (
    (re.compile(r"|~|null|Null|NULL"), lambda _: None),
    (re.compile(r"true|True|TRUE"), lambda _: True),
    (re.compile(r"false|False|FALSE"), lambda _: False),
    (re.compile(r"[-+]?[0-9]{1,100}"), int),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"), float),
)

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Problem:
    """
    Something wrong at one place.

    :param line: line in the file, from 1.
    :param path: keys and list positions that lead there.
    :param text: what is wrong and what is allowed.
    """

    line: int
    path: Path
    text: str


class YamlError(Exception):
    """
    The text is no YAML, or more of it than is read.

    :param problem: where and why.
    """

    def __init__(self, line: int, text: str, path: Path = ()) -> None:
        self.problem = Problem(line, path, text)
        super().__init__(text)


@dataclass
class Node:
    """
    A value with the place where it stands.

    :param line: line in the file, from 1.
    :param value: ``dict`` of key to :class:`Node`, ``list`` of :class:`Node`, or a scalar.
    :param key_lines: for a mapping, the line of each key.
    :param size: how many nodes it is, aliases counted as often as they are used.
    """

    line: int
    value: Any
    key_lines: dict[str, int] = field(default_factory=dict)
    size: int = 1

    def data(self) -> Any:
        """Return plain dictionaries, lists and scalars."""
        if isinstance(self.value, dict):
            return {key: node.data() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.data() for node in self.value]
        return self.value

    def line_of(self, path: Path) -> int:
        """Return the line of the key at the path, or of the deepest part of the path that exists."""
        node, line = self, self.line
        for part in path:
            if isinstance(node.value, dict) and part in node.value:
                line, node = node.key_lines[str(part)], node.value[part]
            elif isinstance(node.value, list) and isinstance(part, int) and part < len(node.value):
                node = node.value[part]
                line = node.line
            else:
                break
        return line


def parse(text: str) -> tuple[Node, list[Problem]]:
    """
    Read one YAML document.

    :return: the document, and the keys that stand twice (the first one counts).
    :raises YamlError: no YAML, several documents, tags, too deep or too large.
    """
    return _Composer(text).document()


def show_path(path: Path) -> str:
    """Return ``queues[0].score.resources``."""
    shown = ""
    for part in path:
        shown += f"[{part}]" if isinstance(part, int) else f".{part}" if shown else str(part)
    return shown


class _Composer:
    """Builds nodes from the parser's events; it recurses no deeper than :data:`DEEPEST`."""

    def __init__(self, text: str) -> None:
        self._lines = text.splitlines()
        self._events: Iterator[Any] = yaml.parse(text, Loader=_LOADER)
        self._anchors: dict[str, Node] = {}
        self._problems: list[Problem] = []

    def document(self) -> tuple[Node, list[Problem]]:
        event = self._next()
        while isinstance(event, yaml.StreamStartEvent | yaml.DocumentStartEvent):
            event = self._next()
        if isinstance(event, yaml.StreamEndEvent):
            return Node(1, None), []
        root = self._node(event, ())
        self._next()
        after = self._next()
        if not isinstance(after, yaml.StreamEndEvent):
            raise YamlError(_line(after), "a second document starts here; write one challenge in a file")
        return root, self._problems

    def _next(self) -> Any:
        try:
            return next(self._events)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = mark.line + 1 if mark else 1
            about = " ".join(filter(None, (error.context, error.problem)))
            raise YamlError(line, f"no YAML: {about}{self._hint(line)}") from None
        except yaml.YAMLError as error:
            raise YamlError(1, f"no YAML: {str(error).splitlines()[0]}") from None

    def _hint(self, line: int) -> str:
        text = self._lines[line - 1] if line <= len(self._lines) else ""
        indent = text[: len(text) - len(text.lstrip())]
        return "; indent with spaces, never with a tab" if "\t" in indent else ""

    def _node(self, event: Any, path: Path) -> Node:
        if len(path) > DEEPEST:
            raise YamlError(_line(event), f"nested deeper than {DEEPEST} levels", path[:3])
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, path)
        if event.tag is not None:
            raise YamlError(_line(event), f"the tag {event.tag} is not allowed; write a plain value", path)
        if isinstance(event, yaml.MappingStartEvent):
            node = self._mapping(event, path)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self._sequence(event, path)
        else:
            node = Node(_line(event), _scalar(event))
        if node.size > MOST_NODES:
            raise YamlError(node.line, f"more than {MOST_NODES} values, aliases counted as often as used", path)
        # Only when complete, so that an alias inside its own anchor finds nothing.
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _alias(self, event: Any, path: Path) -> Node:
        if event.anchor not in self._anchors:
            raise YamlError(_line(event), f"the alias *{event.anchor} stands for nothing written before it", path)
        return self._anchors[event.anchor]

    def _mapping(self, start: Any, path: Path) -> Node:
        node = Node(_line(start), {})
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise YamlError(_line(event), "a key must be a word", path)
            key, line = event.value, _line(event)
            child = self._node(self._next(), (*path, key))
            if key in node.value:
                self._problems.append(_twice(node.key_lines[key], line, (*path, key)))
                continue
            node.value[key], node.key_lines[key] = child, line
            node.size += child.size
        return node

    def _sequence(self, start: Any, path: Path) -> Node:
        node = Node(_line(start), [])
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            child = self._node(event, (*path, len(node.value)))
            node.value.append(child)
            node.size += child.size
        return node


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _twice(first: int, second: int, path: Path) -> Problem:
    return Problem(second, path, f"the key stands twice, in lines {first} and {second}; keep one of them")


def _scalar(event: Any) -> Any:
    if not event.implicit[0]:
        return event.value
    for pattern, make in _PLAIN:
        if pattern.fullmatch(event.value):
            return make(event.value)
    return event.value
