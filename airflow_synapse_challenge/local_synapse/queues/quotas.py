"""The deprecated quota of a queue, and the rounds that it becomes (V-08, R-08)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from airflow_synapse_challenge.local_synapse.core.errors import Invalid
from airflow_synapse_challenge.local_synapse.core.store import Json, as_text

from .shapes import moment

#: Synapse's `new Date(2121, 0, 1)`, whose years count from 1900.
OPEN_END = datetime(4021, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
DAY = timedelta(days=1) // MILLISECOND
MOST_ROUNDS = 10_000


@dataclass(frozen=True)
class Quota:
    """
    So many rounds of equal length, one after the other.

    :param duration: of one round, in milliseconds.
    :param limit: how many submissions each round takes from each submitter, ``None`` for any number.
    """

    start: datetime
    duration: int
    rounds: int
    limit: int | None

    @classmethod
    def of(cls, doc: Json) -> Self:
        """
        Read a quota, of a body or as it was stored.

        :raises Invalid: it is incomplete or has a negative number (V-08).
        """
        if doc.get("submissionLimit", 0) < 0:
            raise Invalid("submissionLimit must be a non-negative integer.")
        for name in ("numberOfRounds", "roundDurationMillis"):
            if doc.get(name, -1) < 0:
                raise Invalid(f"{name} must be defined and be a non-negative integer.")
        if "firstRoundStart" not in doc:
            raise Invalid("firstRoundStart must be defined.")
        start = doc["firstRoundStart"]
        return cls(
            start if isinstance(start, datetime) else moment(start),
            doc["roundDurationMillis"],
            doc["numberOfRounds"],
            doc.get("submissionLimit"),
        )

    @property
    def doc(self) -> Json:
        """The quota as Synapse shows it."""
        shown = {
            "firstRoundStart": as_text(self.start),
            "roundDurationMillis": self.duration,
            "numberOfRounds": self.rounds,
        }
        return shown if self.limit is None else shown | {"submissionLimit": self.limit}

    @property
    def end(self) -> datetime:
        """The end of the last round."""
        return self._start_of(self.rounds)

    def _start_of(self, number: int) -> datetime:
        elapsed = number * self.duration
        if elapsed > (OPEN_END - self.start) // MILLISECOND:
            return max(OPEN_END, self.start)
        return self.start + elapsed * MILLISECOND

    def round_at(self, now: datetime) -> tuple[datetime, datetime] | None:
        """Return the half-open round in which a moment lies, ``None`` before the first and after the last."""
        if not self.start <= now < self.end:
            return None
        number = (now - self.start) // MILLISECOND // self.duration
        return self._start_of(number), self._start_of(number + 1)

    def as_rounds(self) -> list[tuple[datetime, datetime, list[Json]]]:
        """
        Return start, end and limits of the rounds that do the same.

        Rounds of a day, a week or a month become one round with such a limit; others stay as many as they are.
        """
        kind = self._limit_type()
        limits = [] if self.limit is None else [{"limitType": kind, "maximumSubmissions": self.limit}]
        if kind != "TOTAL":
            return [(self.start, self.end, limits)] if self.rounds else []
        if self.rounds > MOST_ROUNDS:
            raise Invalid(f"A quota of more than {MOST_ROUNDS} rounds cannot be converted.")
        return [(self._start_of(number), self._start_of(number + 1), limits) for number in range(self.rounds)]

    def _limit_type(self) -> str:
        if self.duration == DAY:
            return "DAILY"
        if self.duration == 7 * DAY:
            return "WEEKLY"
        return "MONTHLY" if 28 * DAY <= self.duration <= 31 * DAY else "TOTAL"
