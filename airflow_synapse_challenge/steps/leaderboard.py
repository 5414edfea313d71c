"""Read a queue's scores from Synapse and rank them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from airflow_synapse_challenge.challenge.config import Queue
from airflow_synapse_challenge.challenge.ranking import Entry, leaderboard
from airflow_synapse_challenge.challenge.statuses import convention_for
from airflow_synapse_challenge.errors import ConfigurationError
from airflow_synapse_challenge.synapse import annotation_stores, profiles, submissions
from airflow_synapse_challenge.synapse.client import SynapseClient
from airflow_synapse_challenge.synapse.submissions import SubmissionBundle


@dataclass(frozen=True)
class Line:
    """
    A line of a leaderboard.

    :param rank: from 1; equal entries share it.
    :param submitter: name of the team, else of the user.
    :param submission_id: the submission that counts.
    :param created_on: when it was submitted, ISO 8601.
    :param metrics: the primary metric, then the secondary one.
    """

    rank: int
    submitter: str
    submission_id: int
    created_on: str
    metrics: Mapping[str, float]


def read_leaderboard(client: SynapseClient, queue: Queue) -> list[Line]:
    """
    Return a queue's leaderboard, best first.

    One call for each 100 submissions and one for each submitter that ranks.

    :param queue: with an id and a primary metric.
    :raises ConfigurationError: it has none.
    """
    if queue.id is None:
        raise ConfigurationError(f"Queue {queue.name!r} has no id yet, so it has no leaderboard.")
    accepted = convention_for(queue).final_accepted
    found = {
        int(bundle.submission.id): bundle
        for bundle in client.pages(submissions.bundles(str(queue.id), status=accepted.value))
    }
    names: dict[int, str] = {}
    lines = []
    for ranked in leaderboard([_entry(bundle, queue) for bundle in found.values()], queue.scores):
        submission = found[ranked.entry.submission_id].submission
        if submission.submitter not in names:
            names[submission.submitter] = _name(client, submission)
        lines.append(
            Line(
                rank=ranked.rank,
                submitter=names[submission.submitter],
                submission_id=ranked.entry.submission_id,
                created_on=ranked.entry.created_on,
                metrics=ranked.entry.metrics,
            )
        )
    return lines


def _entry(bundle: SubmissionBundle, queue: Queue) -> Entry:
    annotations = annotation_stores.read(bundle.submission_status)
    metrics = {}
    for metric in (queue.scores.primary, queue.scores.secondary):
        value = annotations.get(f"{queue.annotations.prefix}{metric.metric}") if metric else None
        if metric and isinstance(value, int | float):
            metrics[metric.metric] = value
    return Entry(
        submission_id=int(bundle.submission.id),
        submitter=str(bundle.submission.submitter),
        created_on=bundle.submission.created_on,
        metrics=metrics,
    )


def _name(client: SynapseClient, submission: submissions.Submission) -> str:
    if submission.team_id:
        return client.send(profiles.team(submission.team_id)).name
    return client.send(profiles.get(submission.user_id)).user_name
