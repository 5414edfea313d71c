"""Pydantic's errors in words for the person who wrote the file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from airflow_synapse_challenge.challenge.section import (
    ANNOTATION_KEY,
    DNS_LABEL,
    DNS_NAME,
    FILE_NAME,
    HOST_FOLDER,
    IMAGE,
    KEY_PREFIX,
    PLATFORM,
    SLUG,
    SYN_ID,
    WIKI_TEMPLATE,
    Problems,
)
from airflow_synapse_challenge.challenge.yaml_lines import Path

_PATTERNS = {
    SLUG: 'is no short name; use small letters, digits and -, at most 63, such as "breast-cancer"',
    SYN_ID: 'is no Synapse id; write one such as "syn51000010"',
    IMAGE: 'is no image; write its name without spaces, such as "ghcr.io/example/evaluation@sha256:…"',
    DNS_LABEL: "is no name in Kubernetes; use small letters, digits and -, at most 63",
    DNS_NAME: "is no name in Kubernetes; use small letters, digits, - and ., at most 253",
    PLATFORM: 'is no platform; write one such as "linux/amd64"',
    HOST_FOLDER: 'is no whole path; write one such as "/data/task1"',
    FILE_NAME: 'is no plain file name; write one such as "predictions.csv"',
    WIKI_TEMPLATE: 'is no template; write "dream", or the synID of a project',
    KEY_PREFIX: "is no prefix; use letters, digits, _ and . only, at most 20",
    ANNOTATION_KEY: "is no annotation key; use letters, digits, _ and . only",
}
_TYPES = {
    "bool": "must be true or false",
    "int": "must be a whole number",
    "float": "must be a number",
    "string": "must be text",
    "model": "must hold keys of its own",
    "dict": "must hold keys of its own",
    "tuple": "must be a list",
}


def problems(error: ValidationError, root: type[BaseModel]) -> Iterator[tuple[Path, str]]:
    """
    Yield the path and the words of every problem.

    :param root: the model that was validated; its fields are what is allowed.
    """
    for entry in error.errors(include_url=False):
        path = tuple(part for part in entry["loc"] if part != "[key]")
        cause = entry.get("ctx", {}).get("error")
        if isinstance(cause, Problems):
            yield from (((*path, *below), text) for below, text in cause.found)
        else:
            yield path, _words(dict(entry), path, root)


def nearest(word: str, allowed: Iterable[str]) -> str:
    """Return ``; did you mean "x"?`` for the allowed word that is spelt most alike, if one is."""
    by_lower = {name.lower(): name for name in allowed}
    close = get_close_matches(word.lower(), by_lower, n=1)
    return f'; did you mean "{by_lower[close[0]]}"?' if close else ""


def _words(entry: dict[str, Any], path: Path, root: type[BaseModel]) -> str:
    kind, value, context = entry["type"], entry["input"], entry.get("ctx", {})
    if kind == "extra_forbidden":
        allowed = _keys_at(root, path[:-1])
        return f"unknown key; allowed here: {', '.join(allowed)}{nearest(str(path[-1]), allowed)}"
    if kind == "missing":
        return "the key is missing"
    if kind in ("literal_error", "enum"):
        allowed = re.findall(r"'([^']*)'", context["expected"])
        return f"{_shown(value)} is not known; allowed: {', '.join(allowed)}{nearest(str(value), allowed)}"
    if kind == "value_error":
        return str(context["error"])
    return _limit(kind, value, context) or _type(kind, value) or f"{_shown(value)}: {entry['msg'].lower()}"


def _limit(kind: str, value: Any, context: dict[str, Any]) -> str | None:
    if kind == "string_pattern_mismatch":
        pattern = context["pattern"]
        return f"{_shown(value)} {_PATTERNS.get(pattern, f'does not have the form {pattern}')}"
    if kind == "string_too_short":
        return "is empty; write something or leave the key out"
    if kind == "string_too_long":
        return f"is longer than {context['max_length']} characters"
    if kind == "too_long":
        return f"has more than {context['max_length']} entries"
    for name, words in (("ge", "at least"), ("gt", "more than"), ("le", "at most"), ("lt", "less than")):
        if name in context:
            return f"{_shown(value)} is out of range; must be {words} {context[name]}"
    return None


def _type(kind: str, value: Any) -> str | None:
    words = _TYPES.get(kind.split("_", maxsplit=1)[0])
    if words is None:
        return None
    return f"is empty; {words}" if value is None else f"{words}, not {_shown(value)}"


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict | list | tuple):
        return "a list" if not isinstance(value, dict) else "a mapping of keys"
    text = str(value)
    return f'"{text[:60]}…"' if len(text) > 60 else f'"{text}"'


def _keys_at(root: type[BaseModel], path: Path) -> list[str]:
    model: type[BaseModel] | None = root
    for part in path:
        if isinstance(part, str) and model is not None:
            fields = {field.alias or name: field.annotation for name, field in model.model_fields.items()}
            model = _model_in(fields.get(part))
    return [field.alias or name for name, field in model.model_fields.items()] if model else []


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for argument in get_args(annotation) if (found := _model_in(argument))), None)
