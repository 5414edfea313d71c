"""Has somebody asked to stop the evaluation of a submission?"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

from airflow_synapse_challenge.challenge import verdicts
from airflow_synapse_challenge.challenge.annotations import stop_reason
from airflow_synapse_challenge.errors import ParticipantFault, TransientError
from airflow_synapse_challenge.synapse import annotation_stores, statuses
from airflow_synapse_challenge.synapse.client import SynapseClient
from airflow_synapse_challenge.synapse.statuses import SubmissionStatus

#: Seconds between two questions: a stop takes effect within ten, the container's grace included.
ASK_EVERY = 5.0


def reason_in(status: SubmissionStatus) -> str | None:
    """Return why a submission has to stop, ``None`` if it need not."""
    return stop_reason(status.cancel_requested, annotation_stores.read(status))


def fault_of(reason: str) -> ParticipantFault:
    """Return how a stopped submission ends."""
    return verdicts.time_quota() if reason == verdicts.TIME_QUOTA else verdicts.cancelled()


class StopWatch:
    """
    Ask Synapse now and then (``GET /evaluation/submission/{id}/status``); an outage of Synapse stops nothing.

    :param client: that gives up soon, because whoever watches a container waits for it.
    :param every: seconds between two questions; the first is asked after as many.
    """

    def __init__(
        self,
        client: SynapseClient,
        submission_id: str,
        *,
        every: float = ASK_EVERY,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._submission_id = submission_id
        self._every = every
        self._clock = clock
        self._next = clock() + every
        self.reason: str | None = None

    def __call__(self) -> bool:
        """Tell whether to stop."""
        if self.reason is None and self._clock() >= self._next:
            with contextlib.suppress(TransientError):
                self.reason = reason_in(self._client.send(statuses.get(self._submission_id)))
            self._next = self._clock() + self._every
        return self.reason is not None
