"""From a challenge to its DAGs: one that listens, and one for each queue that evaluates."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pendulum
from airflow.sdk import DAG, BaseOperator, Param, chain

from airflow_synapse_challenge.challenge.config import Challenge, Queue, Step
from airflow_synapse_challenge.factory import documentation
from airflow_synapse_challenge.factory.names import intake_dag_id, submission_dag_id
from airflow_synapse_challenge.operators.challenge import (
    SynapseClaimSubmissionOperator,
    SynapseEvaluateSubmissionOperator,
    SynapseFinishSubmissionOperator,
)
from airflow_synapse_challenge.operators.dispatch import SynapseDispatchOperator
from airflow_synapse_challenge.sensors.submissions import SynapseSubmissionSensor

#: A sensor that nothing rang ends after this time, so that a changed challenge.yaml takes effect.
SENSOR_LIFETIME = timedelta(minutes=10)
#: Without a start the first two runs of a continuous schedule would have one logical date, and the second never begins.
LONG_AGO = pendulum.datetime(2020, 1, 1, tz="UTC")
#: An outage of Synapse or of the engine is survived by trying again for about an hour and a half.
RETRIES: dict[str, Any] = {
    "retries": 8,
    "retry_delay": timedelta(seconds=10),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(minutes=20),
}


def build(challenge: Challenge) -> list[DAG]:
    """Return the DAGs of a challenge; nothing is fetched from anywhere."""
    queues = {
        submission_dag_id(challenge, queue): queue
        for queue in challenge.queues
        if queue.is_ready and queue.kind == "prediction_file"
    }
    if not queues:
        return []
    return [
        _intake(challenge, queues),
        *(_submissions(challenge, queue, dag_id) for dag_id, queue in queues.items()),
    ]


def _intake(challenge: Challenge, queues: dict[str, Queue]) -> DAG:
    with DAG(
        dag_id=intake_dag_id(challenge),
        dag_display_name=f"{challenge.title}: intake",
        description=f"Starts a run for each submission to {challenge.title}.",
        doc_md=documentation.intake(challenge, queues),
        schedule="@continuous",
        start_date=LONG_AGO,
        max_active_runs=1,
        catchup=False,
        tags=["synapse", challenge.challenge],
        default_args=RETRIES,
    ) as dag:
        doorbell = SynapseSubmissionSensor(
            task_id="doorbell",
            synapse_conn_id=challenge.synapse.connection,
            evaluation_ids=[str(queue.id) for queue in queues.values()],
            poke_interval=challenge.poll_interval.total_seconds(),
            dag_ids=list(queues),
            max_in_flight=challenge.compute.max_concurrent_submissions,
            lifetime=SENSOR_LIFETIME.total_seconds(),
        )
        dispatch = SynapseDispatchOperator(
            task_id="dispatch",
            synapse_conn_id=challenge.synapse.connection,
            queues=queues,
            max_in_flight=challenge.compute.max_concurrent_submissions,
        )
        doorbell >> dispatch
    return dag


def _submissions(challenge: Challenge, queue: Queue, dag_id: str) -> DAG:
    with DAG(
        dag_id=dag_id,
        dag_display_name=f"{challenge.title}: {queue.name}",
        description=f"Evaluates a submission to {queue.name}.",
        doc_md=documentation.submissions(challenge, queue),
        schedule=None,
        max_active_runs=challenge.compute.max_concurrent_submissions,
        max_active_tasks=4 * challenge.compute.max_concurrent_submissions,
        catchup=False,
        tags=["synapse", challenge.challenge],
        default_args=RETRIES,
        params={
            "submission_id": Param(None, type="string", pattern=r"^\d+$", description="The submission to evaluate."),
            "token": Param("", type="string", description="What the claim is recognised by; leave it empty."),
        },
    ) as dag:
        common: dict[str, Any] = {"challenge": challenge, "evaluation_queue": queue}
        validates, scores = "validate" in queue.steps, "score" in queue.steps
        tasks: list[BaseOperator] = [SynapseClaimSubmissionOperator(task_id="claim", **common)]
        if queue.validate_:
            tasks.append(
                SynapseEvaluateSubmissionOperator(
                    task_id="validate",
                    kind="validate",
                    skip_when_invalid=["score"] if scores else [],
                    **_place(challenge, queue.validate_),
                    **common,
                )
            )
        if queue.score:
            tasks.append(
                SynapseEvaluateSubmissionOperator(
                    task_id="score",
                    kind="score",
                    previous_task_id="validate" if validates else None,
                    **_place(challenge, queue.score),
                    **common,
                )
            )
        finish = SynapseFinishSubmissionOperator(task_id="finish", **common)
        chain(*tasks, finish)
        finish.as_teardown()
    return dag


def _place(challenge: Challenge, step: Step) -> dict[str, Any]:
    """Where a step waits for memory; older submissions go first through the later steps."""
    return {
        "pool": challenge.challenge,
        "pool_slots": step.resources.pool_slots,
        "weight_rule": "upstream",
    }
