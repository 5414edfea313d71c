"""The values of a result file, and what of them may become an annotation."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow_synapse_challenge.challenge.text import clean, cut, inert, length

Scalar = str | bool | int | float
Value = Scalar | list[str] | list[bool] | list[int] | list[float]

DEEPEST = 8
LONGEST_KEY = 100
LONGEST_TEXT = 500
MOST_VALUES = 100
# Synapse holds 100 keys for a submission; the other 20 are for what the product itself writes.
MOST_KEYS = 80
# The keys of one evaluation are remembered, so that the next one can take away what it does not report again.
MOST_KEY_CHARACTERS = 2000
LARGEST_WHOLE = 2**63

OWN_PREFIX = "synapse_challenge_"
ORCHESTRATOR_PREFIX = "orgSagebionetworksSynapseWorkflowOrchestrator"
# Synapse's own (rule U-08), and names by which the product recognises its submissions.
_TAKEN = ("_accessrequirementids", OWN_PREFIX, ORCHESTRATOR_PREFIX.lower())

# A text without its end is taken as one too: looking for its end again from each of its quotes would take hours.
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)


class BadResultError(ValueError):
    """A result that cannot be used; the message holds no text of the file but the names of keys."""


@dataclass(frozen=True)
class _Refused:
    """A number that JSON or Synapse does not have, until the key that it stands at is known."""

    text: str


def load(text: str) -> dict[str, Any]:
    """
    Read one JSON object, strictly.

    :raises BadResultError: no JSON, no object, nested too deep, or a key that stands twice.
    """
    _check_depth(text)
    try:
        found = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_Refused,
            parse_int=_whole,
            parse_float=_real,
        )
    except json.JSONDecodeError as error:
        raise BadResultError(f"it is no JSON (line {error.lineno}, column {error.colno}: {error.msg})") from None
    if not isinstance(found, dict):
        raise BadResultError("it must hold one JSON object")
    return found


def usable_values(reported: Mapping[str, Any]) -> dict[str, Value]:
    """
    Return what Synapse can hold of a script's keys and values.

    ``null`` and empty lists are left out, other characters of a key than ``[A-Za-z0-9_.]`` become ``_``, long texts
    end with ``…``, and texts that are formulas to a spreadsheet begin with ``'``.

    :raises BadResultError: a value that is no text, number, truth value or list of one of them, or keys that clash.
    """
    kept: dict[str, Value] = {}
    origin: dict[str, str] = {}
    for key, value in reported.items():
        name = _key(key)
        if name in origin:
            raise BadResultError(f"two keys become the same annotation {name}; use letters, digits, _ and . in keys")
        origin[name] = key
        usable = _value(name, value)
        if usable is not None:
            kept[name] = usable
    return kept


def check_budget(kept: Mapping[str, Value]) -> None:
    """
    Refuse more keys than a submission can carry.

    :raises BadResultError: too many, or too long together.
    """
    if len(kept) > MOST_KEYS:
        raise BadResultError(f"it has {len(kept)} keys, and {MOST_KEYS} is the most")
    if key_characters(kept) > MOST_KEY_CHARACTERS:
        raise BadResultError(f"its keys are longer than {MOST_KEY_CHARACTERS} characters together")


def key_characters(keys: Mapping[str, Value]) -> int:
    """Return the length of all keys, one separator each included."""
    return sum(len(key) + 1 for key in keys)


def shown_key(key: str) -> str:
    """Return a key as it may stand in a message to anybody."""
    return re.sub(r"[^A-Za-z0-9_.]", "_", key)[:60]


def _check_depth(text: str) -> None:
    depth = 0
    for match in _BRACKETS.finditer(text):
        if match[0] in "[{":
            depth += 1
            if depth > DEEPEST:
                raise BadResultError(f"it is nested deeper than {DEEPEST} levels")
        elif match[0] in "]}":
            depth -= 1


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise BadResultError(f"the key {shown_key(key)} stands twice")
        found[key] = value
    return found


def _whole(text: str) -> int | _Refused:
    # Twenty characters hold every number of 64 bits; int() of millions of digits would take its time.
    if len(text) > 20:
        return _Refused("a whole number of more than 64 bits")
    value = int(text)
    return value if -LARGEST_WHOLE <= value < LARGEST_WHOLE else _Refused("a whole number of more than 64 bits")


def _real(text: str) -> float | _Refused:
    value = float(text)
    return value if math.isfinite(value) else _Refused("a number out of range")


def _key(key: str) -> str:
    name = re.sub(r"[^A-Za-z0-9_.]", "_", key)
    if not key:
        raise BadResultError("a key is empty")
    if len(name) > LONGEST_KEY:
        raise BadResultError(f"the key {shown_key(key)} is longer than {LONGEST_KEY} characters")
    if name.lower().startswith(_TAKEN):
        raise BadResultError(f"the key {shown_key(key)} is reserved; give it another name")
    return name


def _value(name: str, value: Any) -> Value | None:
    if isinstance(value, list):
        return _values(name, [item for item in value if item is not None])
    return None if value is None else _scalar(name, value)


def _scalar(name: str, value: Any) -> Scalar:
    if isinstance(value, _Refused):
        raise BadResultError(f"the value of {name} is {value.text}; write a finite number or null")
    if isinstance(value, str):
        return cut(inert(clean(value)), LONGEST_TEXT)
    if isinstance(value, bool | int | float):
        return value
    raise BadResultError(f"the value of {name} is nested; write text, a number, true, false or a list of one kind")


def _values(name: str, items: list[Any]) -> Value | None:
    if not items:
        return None
    if len(items) > MOST_VALUES:
        raise BadResultError(f"the list {name} has more than {MOST_VALUES} values")
    scalars = [_scalar(name, item) for item in items]
    kinds = {type(item) for item in scalars}
    if kinds == {int, float}:
        return [float(item) for item in scalars]
    if len(kinds) > 1:
        raise BadResultError(f"the list {name} mixes kinds of values; write text, numbers or truth values only")
    if kinds == {str}:
        return _fitting([str(item) for item in scalars])
    return scalars  # type: ignore[return-value]  # one kind, as just checked


def _fitting(texts: list[str]) -> list[str]:
    """Synapse bounds the characters of all values of a key together."""
    kept: list[str] = []
    room = LONGEST_TEXT
    for text in texts:
        if length(text) > room:
            return [*kept, cut(text, room)] if room else kept
        kept.append(text)
        room -= length(text)
    return kept
