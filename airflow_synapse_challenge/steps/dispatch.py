"""Turn what waits in the queues into runs."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from airflow_synapse_challenge.challenge import dispatch as rules
from airflow_synapse_challenge.challenge.config import Queue
from airflow_synapse_challenge.challenge.statuses import convention_for
from airflow_synapse_challenge.steps.claim import attempt_of
from airflow_synapse_challenge.synapse import annotation_stores, statuses, submissions
from airflow_synapse_challenge.synapse.client import SynapseClient

ENDED = frozenset({"success", "failed"})


class Runs(Protocol):
    """Where runs are started; :mod:`airflow_synapse_challenge.hooks.dag_runs` in production."""

    def start(
        self, dag_id: str, run_id: str, *, conf: Mapping[str, Any], run_after: datetime | None = None
    ) -> bool: ...

    def state(self, dag_id: str, run_id: str) -> str: ...

    def count(self, dag_id: str, states: list[str]) -> int: ...


@dataclass(frozen=True)
class Dispatched:
    """
    A run that was started.

    :param dag_id: the queue's submission DAG.
    :param run_id: derived from the submission and its attempt.
    :param submission_id: the submission that it works on.
    """

    dag_id: str
    run_id: str
    submission_id: str


def dispatch(
    client: SynapseClient,
    queues: Mapping[str, Queue],
    *,
    runs: Runs,
    max_in_flight: int,
    note: Callable[[str], None],
) -> list[Dispatched]:
    """
    Start one run for each waiting submission, oldest first and fair among submitters, while there is room.

    Safe to repeat after any crash: run ids follow from the submission, and a run that exists counts as started.

    :param queues: queues by the id of their submission DAG.
    :param max_in_flight: bound on the queued and running runs of all these DAGs together.
    :param note: receives one line for each decision.
    """
    found: dict[int, _Found] = {}
    for dag_id, queue in queues.items():
        for bundle in client.pages(submissions.bundles(str(queue.id), convention_for(queue).received)):
            found[int(bundle.submission.id)] = _Found(dag_id, queue, bundle)
    room = max_in_flight - sum(runs.count(dag_id, ["queued", "running"]) for dag_id in queues)
    started: list[Dispatched] = []
    for entry in rules.order([_waiting(one.bundle) for one in found.values()]):
        if len(started) >= room:
            note(f"{len(found)} submissions wait; {max_in_flight} are in work, which is the limit.")
            break
        one = found[entry.submission_id]
        run_id = _start(client, entry, one, runs)
        if run_id:
            started.append(Dispatched(one.dag_id, run_id, str(entry.submission_id)))
            note(f"Submission {entry.submission_id} of {entry.submitter}: started {run_id}.")
    return started


@dataclass(frozen=True)
class _Found:
    """A waiting submission, and where it goes."""

    dag_id: str
    queue: Queue
    bundle: submissions.SubmissionBundle


def _waiting(bundle: submissions.SubmissionBundle) -> rules.Waiting:
    submission = bundle.submission
    return rules.Waiting(
        submission_id=int(submission.id),
        submitter=str(submission.submitter),
        created_on=submission.created_on,
        attempt=attempt_of(bundle.submission_status) + 1,
    )


def _worth_telling(bundle: submissions.SubmissionBundle) -> dict[str, Any] | None:
    """
    Return what saves a run two calls: the submission, and its status to be claimed as it is here.

    Annotations may be private, and whoever may look at Airflow's runs sees this; nothing is told where there are any.
    """
    if annotation_stores.read(bundle.submission_status):
        return None
    return bundle.model_copy(update={"submission": bundle.submission.without_needless_parts()}).to_json()


def _start(client: SynapseClient, entry: rules.Waiting, found: _Found, runs: Runs) -> str | None:
    """Start the run, or the next attempt where a run ended without ever claiming the submission."""
    seen = _worth_telling(found.bundle)
    attempt = entry.attempt
    while True:
        run_id = rules.run_id(entry.submission_id, attempt)
        conf = {"submission_id": str(entry.submission_id), "token": uuid.uuid4().hex, "seen": seen}
        if runs.start(found.dag_id, run_id, conf=conf, run_after=_not_after_now(entry.created_on)):
            return run_id
        if runs.state(found.dag_id, run_id) not in ENDED:
            return None
        # The list may be older than the end of that run: only the status itself tells whether it still waits.
        status = client.send(statuses.get(str(entry.submission_id)))
        if status.status != convention_for(found.queue).received:
            return None
        attempt = max(attempt, attempt_of(status)) + 1


def _not_after_now(created_on: str) -> datetime:
    """Synapse's clock may be ahead of ours, and a run must not wait for that."""
    return min(datetime.fromisoformat(created_on), datetime.now(UTC))
