"""Wait for submissions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseSensorOperator, PokeReturnValue
from airflow.triggers.base import StartTriggerArgs

from airflow_synapse_challenge.hooks.synapse import SynapseHook
from airflow_synapse_challenge.synapse import statuses
from airflow_synapse_challenge.triggers.submissions import SynapseSubmissionTrigger

if TYPE_CHECKING:
    from airflow.sdk import Context

_TRIGGER = f"{SynapseSubmissionTrigger.__module__}.{SynapseSubmissionTrigger.__qualname__}"


class SynapseSubmissionSensor(BaseSensorOperator):
    """
    Wait until evaluation queues hold submissions in a status.

    Deferred, which is the default, the task goes straight from the scheduler to the triggerer and ends there: no
    worker is used while waiting or when it rings. The XCom ``return_value`` maps each queue to how many wait, counted
    no further than it takes to ring.

    .. code-block:: python

        SynapseSubmissionSensor(task_id="doorbell", evaluation_ids=[9614001], poke_interval=10)

    :param evaluation_ids: the queues.
    :param status: status to wait for, ``RECEIVED`` by default.
    :param synapse_conn_id: Airflow connection of type ``synapse``.
    :param dag_ids: DAGs whose queued runs are submissions that wait already.
    :param max_in_flight: do not ring while this many of those runs are queued or running.
    :param lifetime: seconds until the sensor ends as skipped; ``None`` to wait for ever.
    :param deferrable: wait in the triggerer (default) or in a worker.
    :param poke_interval: seconds between two polls, 10 by default.
    """

    template_fields: Sequence[str] = ("status",)
    ui_color = "#d6e4f0"

    def __init__(
        self,
        *,
        evaluation_ids: Sequence[int | str],
        status: str = "RECEIVED",
        synapse_conn_id: str = SynapseHook.default_conn_name,
        dag_ids: Sequence[str] = (),
        max_in_flight: int | None = None,
        lifetime: float | None = None,
        deferrable: bool = True,
        poke_interval: float = 10.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(poke_interval=poke_interval, **kwargs)
        self.evaluation_ids = evaluation_ids
        self.status = status
        self.synapse_conn_id = synapse_conn_id
        self.dag_ids = dag_ids
        self.max_in_flight = max_in_flight
        self.lifetime = lifetime
        self.deferrable = deferrable
        self.start_from_trigger = deferrable
        if deferrable:
            self.start_trigger_args = StartTriggerArgs(
                trigger_cls=_TRIGGER,
                trigger_kwargs=self._trigger().serialize()[1],
                next_method="execute_complete",
                next_kwargs=None,
                timeout=None,
            )

    def _trigger(self) -> SynapseSubmissionTrigger:
        return SynapseSubmissionTrigger(
            synapse_conn_id=self.synapse_conn_id,
            evaluation_ids=self.evaluation_ids,
            status=self.status,
            poll_interval=float(self.poke_interval),
            dag_ids=self.dag_ids,
            max_in_flight=self.max_in_flight,
            lifetime=self.lifetime,
        )

    def execute(self, context: Context) -> Any:
        """Wait in a worker, or defer where the task did not start in the triggerer (``dag.test()``)."""
        if self.deferrable:
            self.defer(trigger=self._trigger(), method_name="execute_complete")
        return super().execute(context)

    def poke(self, context: Context) -> PokeReturnValue:  # noqa: ARG002
        """Look once (``GET /evaluation/{id}/submission/status/all?status=``)."""
        with SynapseHook(self.synapse_conn_id).get_conn() as client:
            counts = {
                str(evaluation_id): len(client.send(statuses.waiting(str(evaluation_id), self.status, 1).call(0)))
                for evaluation_id in self.evaluation_ids
            }
        return PokeReturnValue(is_done=any(counts.values()), xcom_value=counts)

    def execute_complete(self, context: Context, event: Any = None) -> Any:  # noqa: ARG002
        """Pass on what the trigger saw; only reached if the task was resumed in a worker."""
        return event
