"""Answer the doorbell: one run for each waiting submission."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_synapse_challenge.challenge.config import Queue
from airflow_synapse_challenge.hooks import dag_runs
from airflow_synapse_challenge.operators.base import SynapseOperator
from airflow_synapse_challenge.steps.dispatch import dispatch

if TYPE_CHECKING:
    from airflow.sdk import Context


class SynapseDispatchOperator(SynapseOperator):
    """
    Start a DAG run for each submission that waits, oldest first and fair among submitters.

    Run ids follow from the submission (``synapse-9722233``, then ``synapse-9722233.r2``), so a task that is killed
    half-way and tried again starts nothing twice. The XCom is the list of run ids that were started.

    .. code-block:: python

        SynapseDispatchOperator(task_id="dispatch", queues={"score_task_1": challenge.queues[0]})

    :param queues: queues by the id of the DAG that works on their submissions. The DAG takes the parameters
        ``submission_id``, ``token`` and ``seen`` (the submission and its status as they were listed, or nothing).
    :param max_in_flight: bound on queued and running runs of all these DAGs together.
    :param synapse_conn_id: Airflow connection of type ``synapse``.
    """

    template_fields: Sequence[str] = ()

    def __init__(self, *, queues: Mapping[str, Queue], max_in_flight: int = 10, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.queues = queues
        self.max_in_flight = max_in_flight

    def act(self, context: Context, work_dir: Path) -> list[str]:  # noqa: ARG002
        """List the queues (``GET /evaluation/{id}/submission/bundle/all?status=``) and start runs."""
        with self.hook.get_conn() as client:
            started = dispatch(
                client,
                self.queues,
                runs=dag_runs,
                max_in_flight=self.max_in_flight,
                note=self.log.info,
            )
        return [run.run_id for run in started]
