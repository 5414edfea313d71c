"""The DAG of a queue: one run evaluates one submission, at most seven tasks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, BaseOperator, Param, chain

from airflow_synapse_challenge.challenge.config import Challenge, Queue, Resources
from airflow_synapse_challenge.challenge.step import slots_for
from airflow_synapse_challenge.factory import documentation
from airflow_synapse_challenge.operators.challenge import SynapseClaimSubmissionOperator
from airflow_synapse_challenge.operators.evaluation import SynapseEvaluateSubmissionOperator
from airflow_synapse_challenge.operators.finish import SynapseFinishSubmissionOperator
from airflow_synapse_challenge.operators.models import SynapseCheckImageOperator, SynapseFilePredictionsOperator
from airflow_synapse_challenge.operators.run_model import SynapseRunModelOperator

#: An outage of Synapse or of the engine is survived by trying again for about an hour and a half.
RETRIES: dict[str, Any] = {
    "retries": 8,
    "retry_delay": timedelta(seconds=10),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(minutes=20),
}


def submissions(challenge: Challenge, queue: Queue, dag_id: str) -> DAG:
    """Return the DAG that evaluates the submissions of a queue."""
    order = task_order(queue)
    with DAG(
        dag_id=dag_id,
        dag_display_name=f"{challenge.title}: {queue.name}",
        description=f"Evaluates a submission to {queue.name}.",
        doc_md=documentation.submissions(challenge, queue),
        schedule=None,
        max_active_runs=challenge.compute.max_concurrent_submissions,
        max_active_tasks=len(order) * challenge.compute.max_concurrent_submissions,
        catchup=False,
        tags=["synapse", challenge.challenge],
        default_args=RETRIES,
        params={
            "submission_id": Param(None, type="string", pattern=r"^\d+$", description="The submission to evaluate."),
            "token": Param("", type="string", description="What the claim is recognised by; leave it empty."),
            "seen": Param(
                None, type=["null", "object"], description="The submission as it was listed; leave it empty."
            ),
        },
    ) as dag:
        makers = {
            "claim": SynapseClaimSubmissionOperator,
            "check_image": SynapseCheckImageOperator,
            "run_model": SynapseRunModelOperator,
            "file_predictions": SynapseFilePredictionsOperator,
            "validate": SynapseEvaluateSubmissionOperator,
            "score": SynapseEvaluateSubmissionOperator,
            "finish": SynapseFinishSubmissionOperator,
        }
        tasks: list[BaseOperator] = [
            makers[task_id](
                task_id=task_id,
                challenge=challenge,
                evaluation_queue=queue,
                **_arguments(challenge, queue, task_id, order),
            )
            for task_id in order
        ]
        chain(*tasks)
        tasks[-1].as_teardown()
    return dag


def task_order(queue: Queue) -> list[str]:
    """Return the ids of a run's tasks."""
    model = ["check_image", "run_model", "file_predictions"] if queue.kind == "docker_image" else []
    return ["claim", *model, *queue.steps, "finish"]


def _arguments(challenge: Challenge, queue: Queue, task_id: str, order: list[str]) -> dict[str, Any]:
    """What a task gets besides challenge and queue."""
    if task_id in ("claim", "finish"):
        return {}
    # Whatever finds the submission invalid skips the tasks up to the last one.
    found: dict[str, Any] = {"skip_when_invalid": order[order.index(task_id) + 1 : -1]}
    if task_id == "run_model" and queue.model:
        found |= _place(challenge, queue.model.resources)
    elif task_id == "file_predictions" and queue.model:
        found |= {"pool": challenge.challenge, "pool_slots": slots_for(queue.model.resources.output)}
    elif task_id in queue.steps:
        found |= _place(challenge, queue.steps[task_id].resources) | {"kind": task_id}
        found["predictions_task_id"] = "file_predictions" if "file_predictions" in order else None
        found["previous_task_id"] = "validate" if task_id == "score" and "validate" in order else None
    return found


def _place(challenge: Challenge, resources: Resources) -> dict[str, Any]:
    """Where a container waits for memory; older submissions go first through the later steps."""
    return {"pool": challenge.challenge, "pool_slots": resources.pool_slots, "weight_rule": "upstream"}
