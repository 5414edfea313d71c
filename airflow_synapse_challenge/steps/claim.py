"""Take a submission, exactly once."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from airflow_synapse_challenge.challenge import annotations as names
from airflow_synapse_challenge.challenge.config import Queue
from airflow_synapse_challenge.challenge.statuses import TERMINAL, convention_for
from airflow_synapse_challenge.synapse import annotation_stores, statuses, submissions
from airflow_synapse_challenge.synapse.client import SynapseClient
from airflow_synapse_challenge.synapse.statuses import SubmissionStatus
from airflow_synapse_challenge.synapse.submissions import Submission, SubmissionBundle


@dataclass(frozen=True)
class Claimed:
    """
    A submission that this run owns.

    :param token: what the claim was made with; a retry recognises its own claim by it.
    :param attempt: 1 for the first evaluation of the submission, then counted up.
    :param submission: the submission without the parts that no later step needs.
    :param status: the status document as the claim left it.
    """

    token: str
    attempt: int
    submission: Submission
    status: SubmissionStatus

    def to_dict(self) -> dict[str, Any]:
        """Return JSON for the next task."""
        return {
            "token": self.token,
            "attempt": self.attempt,
            "submission": self.submission.to_json(),
            "status": self.status.to_json(),
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Claimed:
        """Read what :meth:`to_dict` made."""
        return cls(
            token=values["token"],
            attempt=values["attempt"],
            submission=Submission.model_validate(values["submission"]),
            status=SubmissionStatus.model_validate(values["status"]),
        )


def claim(
    client: SynapseClient, submission_id: str, *, token: str, queue: Queue, seen: SubmissionBundle | None = None
) -> Claimed | None:
    """
    Move a submission from RECEIVED to EVALUATION_IN_PROGRESS, or find that somebody else has it.

    Compare-and-swap on the etag of the status (``PUT /evaluation/submission/{id}/status``, 412 means lost). A run
    that is cleared in Airflow after it had ended claims its own submission again, as a new attempt.

    :param token: unique to the run; the same in every retry of it.
    :param seen: the submission as it was listed; what is out of date is read again.
    :return: ``None`` when the submission is not waiting any more.
    """
    in_progress = convention_for(queue).in_progress

    def taken(status: SubmissionStatus) -> SubmissionStatus:
        current = annotation_stores.read(status)
        attempt = names.attempt_of(current) + 1
        marks = names.claim_annotations(token, attempt, int(time.time() * 1000), queue, current=current)
        merged = annotation_stores.merge(status, public=marks.public, private=marks.private, remove=marks.remove)
        return merged.model_copy(update={"status": in_progress, "can_cancel": True, "cancel_requested": False})

    def again(status: SubmissionStatus) -> SubmissionStatus | None:
        return taken(status) if owner_of(status) == token and status.status in TERMINAL else None

    result = statuses.claim(
        client,
        submission_id,
        expected=convention_for(queue).received,
        is_mine=lambda status: owner_of(status) == token,
        change=taken,
        known=seen.submission_status if seen else None,
    )
    if not (result.won or result.mine_already):
        return None
    status = statuses.update_status(client, submission_id, again, known=result.status)
    return _claimed(client, token, status, seen.submission if seen else None)


def owned(client: SynapseClient, submission_id: str, *, token: str) -> Claimed | None:
    """
    Return what a claim took whose task died before it could say so.

    :return: ``None`` when the submission is not in work, or in somebody else's.
    """
    status = client.send(statuses.get(submission_id))
    if owner_of(status) != token or status.status in TERMINAL:
        return None
    return _claimed(client, token, status)


def _claimed(
    client: SynapseClient, token: str, status: SubmissionStatus, submission: Submission | None = None
) -> Claimed:
    submission = submission or client.send(submissions.get(status.id)).without_needless_parts()
    return Claimed(token=token, attempt=attempt_of(status), submission=submission, status=status)


def owner_of(status: SubmissionStatus) -> str | None:
    """Return the token of the run that claimed last, ``None`` when nobody did."""
    return names.run_id_of(annotation_stores.read(status))


def attempt_of(status: SubmissionStatus) -> int:
    """Return how often the submission was claimed, 0 for never."""
    return names.attempt_of(annotation_stores.read(status))
