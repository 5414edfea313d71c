"""What hooks/dag_runs.py uses of the Task SDK's internals, pinned to the supported release."""

from __future__ import annotations

import inspect


def test_the_sdk_still_has_what_is_used():
    from airflow.sdk.exceptions import AirflowRuntimeError, ErrorType
    from airflow.sdk.execution_time.comms import ErrorResponse, TriggerDagRun
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    wanted = {"dag_id", "run_id", "conf", "run_after", "logical_date"}
    assert wanted <= set(TriggerDagRun.model_fields)
    assert ErrorType.DAGRUN_ALREADY_EXISTS
    assert {"error", "detail"} <= set(ErrorResponse.model_fields)
    assert "error" in inspect.signature(AirflowRuntimeError).parameters
    assert {"dag_id", "states"} <= set(inspect.signature(RuntimeTaskInstance.get_dr_count).parameters)
    assert {"dag_id", "run_id"} <= set(inspect.signature(RuntimeTaskInstance.get_dagrun_state).parameters)
