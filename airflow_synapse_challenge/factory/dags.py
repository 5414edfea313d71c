"""From a challenge to its DAGs: one that listens, and one for each queue that evaluates."""

from __future__ import annotations

from datetime import timedelta

import pendulum
from airflow.sdk import DAG

from airflow_synapse_challenge.challenge.config import Challenge, Queue
from airflow_synapse_challenge.factory import documentation
from airflow_synapse_challenge.factory.names import intake_dag_id, maintenance_dag_id, submission_dag_id
from airflow_synapse_challenge.factory.submissions import RETRIES, submissions
from airflow_synapse_challenge.operators.dispatch import SynapseDispatchOperator
from airflow_synapse_challenge.operators.maintenance import SynapseSweepOperator
from airflow_synapse_challenge.sensors.submissions import SynapseSubmissionSensor

#: A sensor that nothing rang ends after this time, so that a changed challenge.yaml takes effect.
SENSOR_LIFETIME = timedelta(minutes=10)
#: Without a start the first two runs of a continuous schedule would have one logical date, and the second never begins.
LONG_AGO = pendulum.datetime(2020, 1, 1, tz="UTC")
SWEEP_EVERY = timedelta(minutes=15)


def build(challenge: Challenge) -> list[DAG]:
    """Return the DAGs of a challenge; nothing is fetched from anywhere."""
    queues = {
        submission_dag_id(challenge, queue): queue
        for queue in challenge.queues
        if queue.is_ready and queue.kind in ("prediction_file", "docker_image")
    }
    if not queues:
        return []
    dags = [_intake(challenge, queues), *(submissions(challenge, queue, dag_id) for dag_id, queue in queues.items())]
    return dags if challenge.compute.engine == "process" else [*dags, _maintenance(challenge)]


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


def _maintenance(challenge: Challenge) -> DAG:
    with DAG(
        dag_id=maintenance_dag_id(challenge),
        dag_display_name=f"{challenge.title}: maintenance",
        description=f"Removes what runs of {challenge.title} left on the engine and on this host.",
        doc_md=documentation.maintenance(challenge),
        schedule=SWEEP_EVERY,
        start_date=LONG_AGO,
        max_active_runs=1,
        catchup=False,
        tags=["synapse", challenge.challenge],
    ) as dag:
        SynapseSweepOperator(task_id="sweep", challenge=challenge)
    return dag
