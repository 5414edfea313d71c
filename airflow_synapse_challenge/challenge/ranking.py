"""Who is first."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby

from airflow_synapse_challenge.challenge.config import Metric, Scores
from airflow_synapse_challenge.errors import ConfigurationError


@dataclass(frozen=True)
class Entry:
    """
    A scored submission.

    :param submission_id: its id.
    :param submitter: principal id of the team, else of the user.
    :param created_on: when it was submitted, ISO 8601.
    :param metrics: the score script's numbers.
    """

    submission_id: int
    submitter: str
    created_on: str
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class Ranked:
    """
    A line of the leaderboard.

    :param rank: from 1; equal entries share it and the next rank leaves room for them: 1, 2, 2, 4.
    :param entry: the submission.
    """

    rank: int
    entry: Entry


def leaderboard(entries: Iterable[Entry], scores: Scores) -> list[Ranked]:
    """
    Rank submissions by the primary metric, then the secondary one.

    A submission without a finite primary metric does not rank; one without a finite secondary metric comes after
    those that have one. Entries with a shared rank stand in the order in which they were submitted. Ties by
    resampling (``ties: {method: bootstrap}``) need the predictions themselves and are no part of this function:
    here equal means the same numbers.

    :param entries: in any order; the result does not depend on it.
    :param scores: metrics, their directions, and which entries of a submitter count.
    :raises ConfigurationError: the queue names no primary metric.
    """
    primary = scores.primary
    if primary is None:
        raise ConfigurationError(
            "A leaderboard needs a metric to sort by; give `scores: {primary: {metric: …, order: …}}` in the queue."
        )
    finite = [entry for entry in entries if math.isfinite(_cost(entry, primary))]
    kept = _kept(finite, scores)
    ordered = sorted(kept, key=lambda entry: (*_costs(entry, scores), _age(entry)))
    ranked: list[Ranked] = []
    for _, equals in groupby(ordered, key=lambda entry: _costs(entry, scores)):
        rank = len(ranked) + 1
        ranked.extend(Ranked(rank, entry) for entry in equals)
    return ranked


def _kept(entries: list[Entry], scores: Scores) -> list[Entry]:
    if scores.keep == "all":
        return entries
    chosen: dict[str, Entry] = {}
    for entry in sorted(entries, key=_age):
        best = chosen.get(entry.submitter)
        # Of equally good ones the first submitted counts, so that sending the same again gains nothing.
        if best is None or scores.keep == "latest" or _costs(entry, scores) < _costs(best, scores):
            chosen[entry.submitter] = entry
    return list(chosen.values())


def _costs(entry: Entry, scores: Scores) -> tuple[float, ...]:
    return tuple(_cost(entry, metric) for metric in (scores.primary, scores.secondary) if metric)


def _cost(entry: Entry, metric: Metric) -> float:
    """Smaller is better; what is no finite number is worst."""
    value = entry.metrics.get(metric.metric)
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        return math.inf
    return float(-value if metric.order == "descending" else value)


def _age(entry: Entry) -> tuple[datetime, int]:
    created = datetime.fromisoformat(entry.created_on)
    return (created if created.tzinfo else created.replace(tzinfo=UTC), entry.submission_id)
