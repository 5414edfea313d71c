"""Who is next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True)
class Waiting:
    """
    A submission that nobody works on.

    :param submission_id: its id.
    :param submitter: principal id of the team, else of the user.
    :param created_on: when it was submitted, ISO 8601 as Synapse writes it.
    :param attempt: which evaluation of it would come next, from 1.
    """

    submission_id: int
    submitter: str
    created_on: str
    attempt: int = 1


def run_id(submission_id: int | str, attempt: int = 1) -> str:
    """
    Return the run's id: ``synapse-9722233``, and ``synapse-9722233.r2`` for the second attempt.

    :raises ValueError: an attempt before the first one.
    """
    if attempt < 1:
        raise ValueError(f"attempts are counted from 1, not {attempt}")
    return f"synapse-{submission_id}" if attempt == 1 else f"synapse-{submission_id}.r{attempt}"


def order(waiting: Iterable[Waiting], in_flight: Mapping[str, int] | None = None) -> list[Waiting]:
    """
    Return the submissions in the order in which they are to start: oldest first, and fair among submitters.

    Nobody's second goes before somebody else's first: the submissions of one submitter take places in successive
    rounds, oldest first, and inside a round the oldest goes first. The result follows from the submissions alone,
    not from the order in which Synapse lists them (it promises none).

    :param waiting: any number, of any queues.
    :param in_flight: how many submissions of a submitter are in work; they count as that submitter's first rounds.
    """
    turns: Counter[str] = Counter(in_flight or {})
    placed = []
    for entry in sorted(waiting, key=_age):
        placed.append((turns[entry.submitter], entry))
        turns[entry.submitter] += 1
    # Sorting is stable: inside a round the order by age stays.
    return [entry for _, entry in sorted(placed, key=lambda place: place[0])]


def _age(entry: Waiting) -> tuple[datetime, int]:
    created = datetime.fromisoformat(entry.created_on)
    return (created if created.tzinfo else created.replace(tzinfo=UTC), entry.submission_id)
