"""Synapse's submission statuses, and the two conventions by which challenges use them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from airflow_synapse_challenge.challenge.config import Queue


class SubmissionStatusName(StrEnum):
    """Every value of Synapse's ``SubmissionStatusEnum``."""

    OPEN = "OPEN"
    CLOSED = "CLOSED"
    SCORED = "SCORED"
    INVALID = "INVALID"
    VALIDATED = "VALIDATED"
    EVALUATION_IN_PROGRESS = "EVALUATION_IN_PROGRESS"
    RECEIVED = "RECEIVED"
    REJECTED = "REJECTED"
    ACCEPTED = "ACCEPTED"


class Outcome(StrEnum):
    """How a run ended."""

    VALID = "valid"
    INVALID = "invalid"  # by the participant's fault
    FAILED = "failed"  # by the organisers' or the infrastructure's fault
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"


TERMINAL = frozenset(
    {
        SubmissionStatusName.ACCEPTED,
        SubmissionStatusName.CLOSED,
        SubmissionStatusName.INVALID,
        SubmissionStatusName.REJECTED,
        SubmissionStatusName.SCORED,
        SubmissionStatusName.VALIDATED,
    }
)
"""Statuses in which no run works on the submission. VALIDATED may wait for another stage, which is another run."""


@dataclass(frozen=True)
class Convention:
    """
    Which status is written when.

    :param received: the status of submissions to pick up.
    :param in_progress: written by the claim.
    :param validated: written after validation, before scoring; ``None`` where nothing is written then.
    :param final_accepted: the good end.
    :param final_invalid: every other end.
    """

    received: SubmissionStatusName
    in_progress: SubmissionStatusName
    validated: SubmissionStatusName | None
    final_accepted: SubmissionStatusName
    final_invalid: SubmissionStatusName = SubmissionStatusName.INVALID


_S = SubmissionStatusName
_CONVENTIONS = {
    # The orchestrator's EXECUTION_STAGE.
    ("orchestrator", "all"): Convention(_S.RECEIVED, _S.EVALUATION_IN_PROGRESS, None, _S.ACCEPTED),
    ("orchestrator", "validation"): Convention(_S.RECEIVED, _S.OPEN, None, _S.VALIDATED),
    ("orchestrator", "execution"): Convention(_S.VALIDATED, _S.EVALUATION_IN_PROGRESS, None, _S.ACCEPTED),
    ("nextflow", "all"): Convention(_S.RECEIVED, _S.EVALUATION_IN_PROGRESS, _S.VALIDATED, _S.SCORED),
    ("nextflow", "validation"): Convention(_S.RECEIVED, _S.EVALUATION_IN_PROGRESS, None, _S.VALIDATED),
    ("nextflow", "execution"): Convention(_S.VALIDATED, _S.EVALUATION_IN_PROGRESS, None, _S.SCORED),
}


def convention_for(queue: Queue) -> Convention:
    """Return the convention that a queue asks for with ``status_convention`` and ``execution_stage``."""
    return _CONVENTIONS[queue.status_convention, queue.execution_stage]


def final_status(convention: Convention, outcome: Outcome, *, scored: bool) -> SubmissionStatusName:
    """
    Return the status that ends a run.

    :param scored: whether a score script ran. Where validation has a status of its own, a submission that was only
        validated keeps that one.
    """
    if outcome is not Outcome.VALID:
        return convention.final_invalid
    if not scored and convention.validated is not None:
        return convention.validated
    return convention.final_accepted
