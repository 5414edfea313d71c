"""The rules of annotation values (U-07, U-08, U-09)."""

from __future__ import annotations

import math
import re
from typing import Any

from airflow_synapse_challenge.local_synapse.core.errors import Invalid
from airflow_synapse_challenge.local_synapse.core.store import Json

MOST_KEYS = 100
MOST_VALUES = 100
MOST_CHARACTERS = 500
TYPES = ("STRING", "DOUBLE", "LONG", "TIMESTAMP_MS", "BOOLEAN")
OLDER_LISTS = ("stringAnnos", "doubleAnnos", "longAnnos")
KEY = re.compile(r"[a-zA-Z0-9,_.]+")
RESERVED_KEY = "_accessrequirementids"
LARGEST_LONG = 2**63 - 1
WHOLE_NUMBER = re.compile(r"[+-]?\d{1,19}")
NUMBER = re.compile(r"[+-]?(?:nan|inf|infinity|(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)", re.IGNORECASE)


def checked(annotations: Any) -> dict[str, Json]:
    """Return the newer generation's annotations as Synapse stores them: every value a text (U-08, U-09)."""
    if not isinstance(annotations, dict):
        raise Invalid("annotations must be an object")
    if len(annotations) > MOST_KEYS:
        raise Invalid(f"Exceeded maximum number of annotation keys: {MOST_KEYS}")
    return {_key(key): _entry(key, entry) for key, entry in annotations.items()}


def _key(key: str) -> str:
    if not KEY.fullmatch(key):
        raise Invalid(
            f"Invalid annotation name: '{key}'. Annotation names may only contain; letters, numbers, '_' and '.'"
        )
    if key.lower() == RESERVED_KEY:
        raise Invalid(f"{key} is a reserved annotation key")
    return key


def _entry(key: str, entry: Any) -> Json:
    if not isinstance(entry, dict):
        raise Invalid(f"The annotation {key} must be an object with a type and a value")
    kind, values = entry.get("type"), entry.get("value")
    if kind not in TYPES:
        raise Invalid(f"type of annotation {key} must be one of {', '.join(TYPES)}")
    if not isinstance(values, list):
        raise Invalid(f"value of annotation {key} must be a list")
    if len(values) > MOST_VALUES:
        raise Invalid(f"Exceeded maximum number of values for key={key}: {MOST_VALUES}")
    texts = [_text(key, kind, value) for value in values]
    if kind == "STRING" and sum(map(len, texts)) > MOST_CHARACTERS:
        raise Invalid(f"Total String value too long. Can be at most {MOST_CHARACTERS} characters.")
    return {"type": kind, "value": texts}


def _text(key: str, kind: str, value: Any) -> str:
    if value is None:
        raise Invalid("null is not allowed. To indicate no values, use an empty list.")
    if isinstance(value, dict | list):
        raise Invalid(f"Value associated with key={key} must not be an object or a list")
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if not _fits(kind, text):
        raise Invalid(f"Value associated with key={key} is not valid for type={kind}: {text}")
    return text


def _fits(kind: str, text: str) -> bool:
    if kind == "DOUBLE":
        return NUMBER.fullmatch(text) is not None
    if kind in ("LONG", "TIMESTAMP_MS"):
        return WHOLE_NUMBER.fullmatch(text) is not None and -LARGEST_LONG - 1 <= int(text) <= LARGEST_LONG
    return kind != "BOOLEAN" or text.lower() in ("true", "false")


def is_finite(text: str) -> bool:
    """Tell whether a number can be written as a JSON number."""
    return math.isfinite(float(text))


def older(annotations: Any, submission: int, evaluation: int) -> Json:
    """Return the older generation's annotations as Synapse stores them (U-07)."""
    seen: set[str] = set()
    stored: Json = {}
    for name in OLDER_LISTS:
        entries = []
        for entry in annotations.get(name) or []:
            if entry.get("key") in seen:
                raise Invalid(f"Duplicate annotations found for key: {entry['key']}")
            seen.add(entry.get("key"))
            entries.append({**entry, "isPrivate": entry.get("isPrivate", True)})
        if entries:
            stored[name] = entries
    return {**stored, "objectId": str(submission), "scopeId": str(evaluation)}


def without_private(annotations: Json) -> Json:
    """Return the older generation's annotations that everybody may see (L-02)."""
    kept = dict(annotations)
    for name in OLDER_LISTS:
        if name in kept:
            kept[name] = [entry for entry in kept[name] if not entry.get("isPrivate", True)]
    return kept
