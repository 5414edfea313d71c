"""The ids of a challenge's DAGs."""

from __future__ import annotations

from airflow_synapse_challenge.challenge.config import Challenge, Queue


def submission_dag_id(challenge: Challenge, queue: Queue) -> str:
    """Return ``<challenge>__<queue>``."""
    return f"{challenge.challenge}__{queue.slug}"


def intake_dag_id(challenge: Challenge) -> str:
    """Return ``<challenge>__intake``."""
    return f"{challenge.challenge}__intake"


def maintenance_dag_id(challenge: Challenge) -> str:
    """Return ``<challenge>__maintenance``."""
    return f"{challenge.challenge}__maintenance"
