"""
The leak budget: how much of what a model wrote participants may read, in one submission and over all of theirs.

Counted is what the participant's own code can steer and its submitter can read: its log, the reasons why it is invalid,
its outcome, exit code, run time and memory. Scores are the organisers' to answer for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from airflow_synapse_challenge.challenge.config import LeakBudget

#: Submissions that a ledger tells apart; older ones count in its total only. All of them fit into one annotation.
REMEMBERED = 12
#: Bytes of a submission's budget that no log uses up; a quarter of it if that is less.
FOR_REASONS = 500
_WITHHELD_MARK = "[… the rest is withheld"
WITHHELD = f"{_WITHHELD_MARK}: the leak budget of this {{scope}} is used up. The organizers can release it. …]"


@dataclass(frozen=True)
class Ledger:
    """
    What was released to one submitter.

    :param total: bytes, over the whole challenge.
    :param submissions: bytes, bytes of the last release and its key by submission, the most recent one last.
    """

    total: int = 0
    submissions: Mapping[str, tuple[int, int, str]] = field(default_factory=dict)

    def of(self, submission: str) -> int:
        """Return the bytes of one submission."""
        return self._entry(submission)[0]

    def _entry(self, submission: str) -> tuple[int, int, str]:
        return self.submissions.get(submission, (0, 0, ""))

    def counted(self, submission: str, key: str, size: int) -> Ledger:
        """Return the ledger with one more release; one that a retried task repeats counts once."""
        known, _, last = self._entry(submission)
        if key == last:
            return self
        others = {name: entry for name, entry in self.submissions.items() if name != submission}
        kept = dict(list(others.items())[-(REMEMBERED - 1) :])
        return Ledger(self.total + size, {**kept, submission: (known + size, size, key)})

    def without(self, submission: str, key: str) -> Ledger:
        """Return the ledger as it was before a release, if that was the submission's last one."""
        known, size, last = self._entry(submission)
        if key != last:
            return self
        return Ledger(self.total - size, {**self.submissions, submission: (known - size, 0, "")})

    def lines(self) -> list[str]:
        """Return the submissions as texts."""
        return [f"{name}={known}={size}={key}" for name, (known, size, key) in self.submissions.items()]

    @classmethod
    def from_lines(cls, total: int, lines: Sequence[str]) -> Ledger:
        """Read what :meth:`lines` made."""
        parts = [line.split("=", 3) for line in lines]
        return cls(total, {name: (int(known), int(size), key) for name, known, size, key in parts})


@dataclass(frozen=True)
class Release:
    """
    What may be shown.

    :param text: within the budget, with a line about what is withheld if something is.
    :param size: bytes that count.
    :param withheld: bytes that are not shown.
    :param scope: whose budget is used up: ``submission``, ``submitter`` or none.
    """

    text: str
    size: int
    withheld: int
    scope: str = ""


def room(budget: LeakBudget, ledger: Ledger, submission: str) -> tuple[int, str]:
    """Return how many bytes may still be released, and whose budget is the tighter one."""
    left = {
        "submission": budget.per_submission - ledger.of(submission),
        "submitter": budget.per_submitter - ledger.total,
    }
    scope = min(left, key=lambda name: left[name])
    return max(0, left[scope]), scope


def release(text: str, budget: LeakBudget, ledger: Ledger, submission: str) -> Release:
    """Return as much of a log as the budget allows: its beginning. A little is kept for why the model is invalid."""
    raw = text.encode()
    left, scope = room(budget, ledger, submission)
    left = max(0, left - min(FOR_REASONS, budget.per_submission // 4))
    if len(raw) <= left:
        return Release(text, len(raw), 0)
    shown = raw[:left].decode("utf-8", "ignore")
    note = WITHHELD.format(scope=scope)
    return Release(f"{shown}\n{note}" if shown else note, len(shown.encode()), len(raw) - len(shown.encode()), scope)


def shown_of(text: str) -> str | None:
    """Return the part of a log that was shown when the rest was withheld, ``None`` for a log that is whole."""
    shown, mark, last = text.rpartition(_WITHHELD_MARK)
    if not mark or "\n" in last.rstrip():
        return None
    return shown.removesuffix("\n")


@dataclass(frozen=True)
class Told:
    """
    What may be told of how a submission ended.

    :param reasons: whether those that it has may be told.
    :param figures: whether everybody may read what was measured.
    :param size: bytes that count.
    """

    reasons: bool
    figures: bool
    size: int = 0


def release_ending(reasons: Sequence[str], figures: str, budget: LeakBudget, ledger: Ledger, submission: str) -> Told:
    """
    Return what may be told: each as a whole or not at all, reasons first.

    :param figures: what a model can steer of what was measured: its time is as good as a text.
    """
    left, _ = room(budget, ledger, submission)
    of_reasons, of_figures = len("\n".join(reasons).encode()), len(figures.encode())
    tells_reasons = of_reasons <= left
    size = of_reasons if tells_reasons else 0
    tells_figures = size + of_figures <= left
    return Told(tells_reasons, tells_figures, size + (of_figures if tells_figures else 0))
