"""Submissions on pages: each with its status and what is annotated on it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from airflow_synapse_challenge.local_synapse.core.store import Json

#: The older generation's lists in the order in which pages show what is in them: numbers are scores, most often.
OLDER = {"doubleAnnos": "DOUBLE", "longAnnos": "LONG", "stringAnnos": "STRING"}
KINDS = ("DOUBLE", "LONG", "TIMESTAMP_MS", "BOOLEAN", "STRING")
MOST_NOTES = 8


@dataclass(frozen=True)
class Note:
    """
    An annotation of a submission.

    :param values: as texts.
    :param private: it is hidden from those who may only read the queue.
    :param stores: the generations of annotations that hold it: ``older``, ``newer`` or both.
    """

    key: str
    kind: str
    values: tuple[str, ...]
    private: bool
    stores: tuple[str, ...]

    @property
    def text(self) -> str:
        """All values."""
        return ", ".join(self.values)

    @property
    def place(self) -> tuple[bool, int, str]:
        """Where it stands among the others: public numbers first."""
        return self.private, KINDS.index(self.kind), self.key


@dataclass(frozen=True)
class Entry:
    """
    A submission.

    :param status: ``SubmissionStatus``, as the viewer sees it.
    :param submission: ``Submission``; nothing where the viewer sees its status only.
    """

    status: Json
    submission: Json = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Its id."""
        return str(self.status["id"])

    @property
    def submitter(self) -> Any:
        """The team, or else the user; ``None`` where the viewer is not told."""
        return self.submission.get("teamId") or self.submission.get("userId")

    @cached_property
    def notes(self) -> list[Note]:
        """What is annotated on it: the same in both generations stands once."""
        newer, others = _newer(self.status), []
        for note in _older(self.status):
            twin = newer.get(note.key)
            if twin and twin.values == note.values and not note.private:
                newer[note.key] = replace(twin, stores=("older", "newer"))
            else:
                others.append(note)
        return sorted([*newer.values(), *others], key=lambda note: note.place)

    @property
    def first_notes(self) -> list[Note]:
        """As many of them as a list has room for."""
        return self.notes[:MOST_NOTES]

    @property
    def more_notes(self) -> int:
        """How many a list has no room for."""
        return len(self.notes) - len(self.first_notes)


def _newer(status: Json) -> dict[str, Note]:
    annotations = (status.get("submissionAnnotations") or {}).get("annotations", {})
    return {
        key: Note(key, entry["type"], tuple(map(str, entry["value"])), False, ("newer",))
        for key, entry in annotations.items()
    }


def _older(status: Json) -> list[Note]:
    lists = status.get("annotations") or {}
    return [
        Note(entry["key"], kind, (str(entry.get("value", "")),), bool(entry.get("isPrivate")), ("older",))
        for name, kind in OLDER.items()
        for entry in lists.get(name, [])
    ]
