"""
DAG runs as seen from inside a task or a trigger.

Airflow gives tasks one operator for starting a run and no public call for starting many. This module holds the only
use of the Task SDK's internal messages; ``tests/airflow/test_airflow_dag_runs.py`` pins it to the supported release.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from airflow_synapse_challenge.errors import PermanentError, TransientError

ENDED = ("success", "failed")


def start(dag_id: str, run_id: str, *, conf: Mapping[str, Any], run_after: datetime | None = None) -> bool:
    """
    Start a run; return False when a run of that id exists already.

    ``logical_date`` stays empty: Airflow also refuses two runs of one DAG with the same logical date, and a clash
    would look like a run that exists.

    :param run_after: queued runs start in this order.
    :raises PermanentError: the DAG is unknown or its parameters refuse ``conf``.
    """
    from airflow.sdk.exceptions import AirflowRuntimeError, ErrorType
    from airflow.sdk.execution_time.comms import ErrorResponse, TriggerDagRun
    from airflow.sdk.execution_time.task_runner import SUPERVISOR_COMMS

    try:
        answer = SUPERVISOR_COMMS.send(
            TriggerDagRun(dag_id=dag_id, run_id=run_id, conf=dict(conf), run_after=run_after, logical_date=None)
        )
    except AirflowRuntimeError as error:
        status = (error.error.detail or {}).get("status_code")
        kind = PermanentError if status in (400, 404, 422) else TransientError
        raise kind(f"Airflow did not start run {run_id!r} of DAG {dag_id!r}: {error}") from error
    exists = isinstance(answer, ErrorResponse) and answer.error == ErrorType.DAGRUN_ALREADY_EXISTS
    return not exists


def state(dag_id: str, run_id: str) -> str:
    """Return the state of a run (``queued``, ``running``, ``success``, ``failed``)."""
    from airflow.sdk import DagRunState
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    return DagRunState(RuntimeTaskInstance.get_dagrun_state(dag_id=dag_id, run_id=run_id)).value


def count(dag_id: str, states: list[str]) -> int:
    """Return the number of runs of a DAG in the given states."""
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    return RuntimeTaskInstance.get_dr_count(dag_id=dag_id, states=states)
