"""
The result file of a script: bounded JSON that is checked before anything believes it.

Every fault here is the organisers': their script wrote the file. What a summary says is made of the key's name and
fixed words, so that it may be stored and mailed; the file's beginning goes to the detail.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from airflow_synapse_challenge.challenge import result_values
from airflow_synapse_challenge.challenge.explain import nearest
from airflow_synapse_challenge.challenge.result_values import BadResultError, Value
from airflow_synapse_challenge.challenge.step import Contract
from airflow_synapse_challenge.challenge.text import clean, cut, one_line
from airflow_synapse_challenge.errors import OrganiserFault

LARGEST_FILE = 1024 * 1024
MOST_ERRORS = 100
LONGEST_ERRORS = 10_000
SHOWN_OF_FILE = 2000

Kind = Literal["validate", "score"]
ResultStatus = Literal["VALIDATED", "SCORED", "INVALID"]

_GOOD: dict[Kind, ResultStatus] = {"validate": "VALIDATED", "score": "SCORED"}
# Each generation of scripts has its own names; a script may use either with any contract.
_NAMES: dict[Kind, tuple[str, str]] = {
    "validate": ("validation_status", "validation_errors"),
    "score": ("score_status", "score_errors"),
}
_COMMON = ("submission_status", "submission_errors")
_VERDICT_KEYS = frozenset({*_COMMON, *_NAMES["validate"], *_NAMES["score"]})


@dataclass(frozen=True)
class Result:
    """
    What a script found.

    :param status: VALIDATED, SCORED or INVALID.
    :param errors: reasons or remarks for the participant, one sentence each, without line breaks.
    :param annotations: everything else that the script reported, ready for Synapse.
    """

    status: ResultStatus
    errors: tuple[str, ...]
    annotations: dict[str, Value]

    def to_dict(self) -> dict[str, Any]:
        """Return JSON for the next task."""
        return {**asdict(self), "errors": list(self.errors)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Result:
        """
        Read what :meth:`to_dict` made.

        :raises ValueError: no known status.
        """
        if values["status"] not in get_args(ResultStatus):
            raise ValueError(f"{values['status']!r} is no result's status")
        return cls(values["status"], tuple(values["errors"]), dict(values["annotations"]))


def parse_result(raw: bytes, *, kind: Kind, contract: Contract = "cwl", previous: Result | None = None) -> Result:
    """
    Check a result file.

    :param raw: the file, at most 1 MiB of UTF-8 JSON; one object, without NaN, Infinity or a key that stands twice.
    :param kind: which script wrote it.
    :param contract: ``nextflow`` scripts write ``validation_status`` and ``score_status``, and the score script
        continues the file of the validate script; the others write ``submission_status``. Both names are understood.
    :param previous: the validation's result; under the nextflow contract its annotations remain.
    :raises OrganiserFault: the file is not such a file.
    """
    try:
        found = _object(raw)
        names = _NAMES[kind]
        status = _status(found, kind, names if contract == "nextflow" else _COMMON)
        errors = _errors(found, names if contract == "nextflow" else _COMMON, names)
        reported = {key: value for key, value in found.items() if key not in _VERDICT_KEYS}
        annotations = result_values.usable_values(reported)
        if previous is not None and contract == "nextflow":
            annotations = {**previous.annotations, **annotations}
        result_values.check_budget(annotations)
    except BadResultError as error:
        shown = clean(raw[:SHOWN_OF_FILE].decode("utf-8", "replace"))
        raise OrganiserFault(
            f"The {kind} script's results.json cannot be used: {error}.",
            f"{error}\n\nThe file begins:\n{shown}",
        ) from None
    return Result(status, errors, annotations)


def continued_file(previous: Result) -> bytes:
    """Return the validation's results.json for a score script that continues it (nextflow contract)."""
    content = {
        "validation_status": previous.status,
        "validation_errors": "\n".join(previous.errors),
        **previous.annotations,
    }
    return json.dumps(content, ensure_ascii=False, indent=2).encode()


def _object(raw: bytes) -> dict[str, Any]:
    if len(raw) > LARGEST_FILE:
        raise BadResultError(f"it is larger than {LARGEST_FILE // 1024} KiB")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadResultError("it is no UTF-8 text") from None
    if not text.strip():
        raise BadResultError("it is empty")
    return result_values.load(text)


def _status(found: dict[str, Any], kind: Kind, names: tuple[str, str]) -> ResultStatus:
    good = _GOOD[kind]
    present = [name for name in dict.fromkeys((names[0], _COMMON[0], _NAMES[kind][0])) if found.get(name) is not None]
    if not present:
        raise BadResultError(f"it has no {names[0]}; allowed: {good}, INVALID")
    value = found[present[0]]
    if value not in (good, "INVALID"):
        question = nearest(value, (good,)) if isinstance(value, str) else ""
        raise BadResultError(f"{present[0]} is not one of: {good}, INVALID{question}")
    return good if value == good else "INVALID"


def _errors(found: dict[str, Any], names: tuple[str, str], other: tuple[str, str]) -> tuple[str, ...]:
    """Read one string with a reason on each line, or a list of strings."""
    for name in dict.fromkeys((names[1], _COMMON[1], other[1])):
        value = found.get(name)
        if value is None:
            continue
        lines = value.split("\n") if isinstance(value, str) else value
        if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
            raise BadResultError(f"{name} must be text, with one reason on each line")
        return _bounded([shown for line in lines if (shown := one_line(line))])
    return ()


def _bounded(errors: list[str]) -> tuple[str, ...]:
    kept: list[str] = []
    room = LONGEST_ERRORS
    for error in errors[:MOST_ERRORS]:
        if room <= 0:
            break
        kept.append(cut(error, max(room, 2)))
        room -= len(kept[-1])
    more = len(errors) - len(kept)
    return (*kept, f"… and {more} more.") if more else tuple(kept)
