"""Take a submission, exactly once."""

from __future__ import annotations

import dataclasses
import json
import time
from typing import Any

from airflow_synapse_challenge.challenge import annotations as names
from airflow_synapse_challenge.challenge.config import Queue
from airflow_synapse_challenge.challenge.statuses import TERMINAL, convention_for
from airflow_synapse_challenge.synapse import annotation_stores, statuses, submissions
from airflow_synapse_challenge.synapse.client import SynapseClient
from airflow_synapse_challenge.synapse.statuses import SubmissionStatus
from airflow_synapse_challenge.synapse.submissions import Submission


@dataclasses.dataclass(frozen=True)
class Claimed:
    """
    A submission that this run owns.

    :param token: what the claim was made with; a retry recognises its own claim by it.
    :param attempt: 1 for the first evaluation of the submission, then counted up.
    :param submission: the submission without the parts that no later step needs.
    :param status: the status document as it was written by the claim.
    """

    token: str
    attempt: int
    submission: Submission
    status: SubmissionStatus

    @property
    def submission_id(self) -> str:
        """Id of the submission."""
        return str(self.submission.id)

    @property
    def submitter(self) -> int:
        """Principal id of the team that submitted, else of the user."""
        return int(self.submission.team_id or self.submission.user_id)

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


def claim(client: SynapseClient, submission_id: str, *, token: str, queue: Queue) -> Claimed | None:
    """
    Move a submission from RECEIVED to EVALUATION_IN_PROGRESS, or find that somebody else has it.

    Compare-and-swap on the etag of the status (``PUT /evaluation/submission/{id}/status``, 412 means lost). A run
    that was cleared in Airflow after it had ended claims its own submission again, as a new attempt.

    :param token: unique to the run; the same in every retry of it.
    :return: ``None`` when the submission is not waiting any more.
    """
    convention = convention_for(queue)
    taken = statuses.claim(
        client,
        submission_id,
        expected=convention.received,
        new=convention.in_progress,
        is_mine=lambda status: owner_of(status) == token,
        change=lambda status: _claimed(status, token=token, queue=queue),
    )
    status = taken.status
    if taken.mine_already and status.status in TERMINAL:
        status = statuses.update_status(
            client,
            submission_id,
            lambda current: _claimed(current, token=token, queue=queue, status=convention.in_progress),
            known=status,
        )
    elif not (taken.won or taken.mine_already):
        return None
    submission = client.send(submissions.get(submission_id))
    return Claimed(token=token, attempt=attempt_of(status), submission=_slim(submission), status=status)


def owner_of(status: SubmissionStatus) -> str | None:
    """Return the token of the run that claimed last, ``None`` when nobody did."""
    return names.run_id_of(annotation_stores.read(status))


def attempt_of(status: SubmissionStatus) -> int:
    """Return how often the submission was claimed, 0 for never."""
    return names.attempt_of(annotation_stores.read(status))


def _claimed(
    status: SubmissionStatus, *, token: str, queue: Queue, status_name: str | None = None, **replace: str
) -> SubmissionStatus:
    marks = names.claim_annotations(token, attempt_of(status) + 1, int(time.time() * 1000), queue)
    merged = annotation_stores.merge(status, public=marks.public, private=marks.private, remove=marks.remove)
    return merged.model_copy(update=replace) if replace else merged


def _slim(submission: Submission) -> Submission:
    """Keep of the frozen entity bundle what a download needs: its size is the participant's choice."""
    bundle = json.loads(submission.entity_bundle_json or "{}")
    entity = bundle.get("entity", {})
    kept = {
        "entity": {key: entity[key] for key in ("id", "name", "concreteType") if key in entity},
        "entityType": bundle.get("entityType"),
        "fileHandles": bundle.get("fileHandles", []),
    }
    return submission.model_copy(update={"entity_bundle_json": json.dumps(kept)})
