"""
The two annotation stores of a submission status.

The older store (``annotations``: typed lists of ``{key, value, isPrivate}``) knows privacy for each key. The newer one
(``submissionAnnotations``: typed lists of values by key) has none: submission views show it to everybody who reads the
queue (rule W-05). So private keys are kept out of it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Mapping
from typing import Any

from airflow_synapse_challenge.errors import ConfigurationError
from airflow_synapse_challenge.synapse.client import SynapseClient
from airflow_synapse_challenge.synapse.statuses import SubmissionStatus, update_status

Scalar = str | bool | int | float
Value = Scalar | list[str] | list[bool] | list[int] | list[float]

KEY = re.compile(r"^[A-Za-z0-9_.,]{1,256}$")
MOST_KEYS = 100
MOST_VALUES = 100
LONGEST_TEXT = 500
OLDER_LISTS: dict[str, type] = {"stringAnnos": str, "longAnnos": int, "doubleAnnos": float}


def merge(
    status: SubmissionStatus,
    *,
    public: Mapping[str, Any] | None = None,
    private: Mapping[str, Any] | None = None,
    private_in_views: bool = False,
    remove: Collection[str] = (),
) -> SubmissionStatus:
    """
    Return the status with annotations added to both stores; keys of others survive.

    ``None``, empty lists, NaN and infinities are dropped. A key changes its privacy to that of this call. Texts beyond
    Synapse's 500 characters are cut with "…".

    :param public: annotations for everybody who reads the queue.
    :param private: annotations for holders of READ_PRIVATE_SUBMISSION.
    :param private_in_views: write private keys to the newer store as well, where views show them.
    :param remove: keys to take out first.
    :raises ConfigurationError: a key that Synapse would refuse, a key that is public and private, or over 100 keys.
    """
    shown = _usable(public or {})
    hidden = _usable(private or {})
    both = shown.keys() & hidden.keys()
    if both:
        raise ConfigurationError(f"Annotations are either public or private, not both: {', '.join(sorted(both))}.")
    gone = {*remove, *shown, *hidden}
    older = _merge_older(status, shown, hidden, gone)
    newer = _merge_newer(status, shown | hidden if private_in_views else shown, gone)
    return status.model_copy(update={"annotations": older, "submission_annotations": newer})


def read(status: SubmissionStatus) -> dict[str, Any]:
    """Return all annotations, with the types of the stores; the newer store wins."""
    found = {entry["key"]: entry.get("value") for name in OLDER_LISTS for entry in _older_list(status, name)}
    for key, entry in _newer(status).items():
        values = [_parsed(entry["type"], value) for value in entry["value"]]
        if values:
            found[key] = values[0] if len(values) == 1 else values
    return found


def private_keys(status: SubmissionStatus) -> set[str]:
    """Return the keys that the older store hides."""
    return {entry["key"] for name in OLDER_LISTS for entry in _older_list(status, name) if entry.get("isPrivate", True)}


def annotate(
    client: SynapseClient,
    submission_id: str,
    values: Mapping[str, Any],
    *,
    private: bool = True,
    force: bool = False,
    status: str | None = None,
) -> SubmissionStatus:
    """
    Annotate as ``challengeutils annotate-submission`` does.

    :param private: hide all keys of this call.
    :param force: allow keys to change their visibility.
    :param status: also set the submission's status, in the same update.
    :raises ConfigurationError: a key exists with the other visibility and ``force`` is not given.
    """

    def change(current: SubmissionStatus) -> SubmissionStatus | None:
        hidden = private_keys(current)
        clash = {key for key in values if key in read(current) and (key in hidden) != private}
        if clash and not force:
            raise ConfigurationError(
                f"Submission {submission_id} has these annotations with the other visibility: "
                f"{', '.join(sorted(clash))}. Use force to change it."
            )
        merged = merge(current, private=values) if private else merge(current, public=values)
        changed = merged.model_copy(update={"status": status}) if status else merged
        return None if changed == current else changed

    return update_status(client, submission_id, change)


def _usable(values: Mapping[str, Any]) -> dict[str, Value]:
    usable: dict[str, Value] = {}
    for key, value in values.items():
        if not KEY.match(key):
            raise ConfigurationError(
                f"{key!r} cannot name an annotation; Synapse takes letters, digits, '_', '.' and ','."
            )
        kept = [item for item in value if _has_value(item)] if isinstance(value, list | tuple) else value
        if _has_value(kept) and kept != []:
            usable[key] = kept[:MOST_VALUES] if isinstance(kept, list) else kept
    return usable


def _has_value(value: Any) -> bool:
    return value is not None and not (isinstance(value, float) and not math.isfinite(value))


def _older_list(status: SubmissionStatus, name: str) -> list[dict[str, Any]]:
    return (status.annotations or {}).get(name) or []


def _newer(status: SubmissionStatus) -> dict[str, dict[str, Any]]:
    return (status.submission_annotations or {}).get("annotations") or {}


def _merge_older(
    status: SubmissionStatus, shown: Mapping[str, Value], hidden: Mapping[str, Value], gone: Collection[str]
) -> dict[str, Any]:
    store = {key: value for key, value in (status.annotations or {}).items() if key not in OLDER_LISTS}
    for name in OLDER_LISTS:
        kept = [entry for entry in _older_list(status, name) if entry["key"] not in gone]
        if kept:
            store[name] = kept
    for values, is_private in ((shown, False), (hidden, True)):
        for key, value in values.items():
            name, single = _older_value(value)
            store.setdefault(name, []).append({"key": key, "value": single, "isPrivate": is_private})
    return store


def _older_value(value: Value) -> tuple[str, Scalar]:
    """The older store holds single texts, whole numbers and fractions: a list becomes JSON, a truth value a text."""
    if isinstance(value, list):
        return "stringAnnos", _cut(json.dumps(value, ensure_ascii=False))
    if isinstance(value, bool):
        return "stringAnnos", str(value).lower()
    if isinstance(value, int):
        return "longAnnos", value
    if isinstance(value, float):
        return "doubleAnnos", value
    return "stringAnnos", _cut(value)


def _merge_newer(status: SubmissionStatus, values: Mapping[str, Value], gone: Collection[str]) -> dict[str, Any]:
    entries = {key: entry for key, entry in _newer(status).items() if key not in gone}
    for key, value in values.items():
        entries[key] = _newer_entry(value if isinstance(value, list) else [value])
    if len(entries) > MOST_KEYS:
        raise ConfigurationError(f"Synapse holds {MOST_KEYS} annotations for a submission, not {len(entries)}.")
    return {**(status.submission_annotations or {}), "annotations": entries}


def _newer_entry(values: list[Any]) -> dict[str, Any]:
    """Synapse returns every value as text, so they are written as text: a document then equals its own echo."""
    if all(isinstance(value, bool) for value in values):
        return {"type": "BOOLEAN", "value": [str(value).lower() for value in values]}
    if all(isinstance(value, int) and not isinstance(value, bool) for value in values):
        return {"type": "LONG", "value": [str(value) for value in values]}
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return {"type": "DOUBLE", "value": [repr(float(value)) for value in values]}
    texts = []
    room = LONGEST_TEXT
    for value in values:
        text = _cut(str(value), room)
        if not text and value:
            break
        texts.append(text)
        room -= len(text)
    return {"type": "STRING", "value": texts}


def _cut(text: str, room: int = LONGEST_TEXT) -> str:
    return text if len(text) <= room else text[: max(0, room - 1)] + "…" * min(1, room)


def _parsed(kind: str, value: str) -> Scalar:
    if kind in ("LONG", "TIMESTAMP_MS"):
        return int(value)
    if kind == "DOUBLE":
        return float(value)
    if kind == "BOOLEAN":
        return str(value).lower() == "true"
    return value
