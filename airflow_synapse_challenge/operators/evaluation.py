"""Run the organisers' scripts on a claimed submission."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_synapse_challenge.challenge.results import Result
from airflow_synapse_challenge.errors import ParticipantFault
from airflow_synapse_challenge.hooks.engines import engine_of
from airflow_synapse_challenge.operators.challenge import SubmissionOperator, skipped
from airflow_synapse_challenge.steps.claim import Claimed
from airflow_synapse_challenge.steps.evaluate import Kind, StepReport, container_name, evaluate
from airflow_synapse_challenge.steps.stop import StopWatch
from airflow_synapse_challenge.synapse.files import StoredFile

if TYPE_CHECKING:
    from airflow.sdk import Context


class SynapseEvaluateSubmissionOperator(SubmissionOperator):
    """
    Run the queue's validate or score script on a claimed submission.

    Invalid data is a result, not a failure: the task succeeds and skips ``skip_when_invalid``. A broken script fails
    the task without another try, an engine or a Synapse that is away fails it with one.

    .. code-block:: python

        SynapseEvaluateSubmissionOperator(
            task_id="validate", kind="validate", challenge=challenge, evaluation_queue=queue, pool=challenge.challenge
        )

    :param kind: ``validate`` or ``score``.
    :param challenge: the challenge.
    :param evaluation_queue: the queue of the submission.
    :param claim_task_id: the task that claimed.
    :param previous_task_id: the task whose result the script continues.
    :param predictions_task_id: the task that filed a model's predictions; left out, the submitted file is evaluated.
    :param skip_when_invalid: tasks to skip when the result is INVALID.
    """

    ui_color = "#f0e6d2"

    def __init__(
        self,
        *,
        kind: Kind,
        claim_task_id: str = "claim",
        previous_task_id: str | None = None,
        predictions_task_id: str | None = None,
        skip_when_invalid: Sequence[str] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.kind: Kind = kind
        self.predictions_task_id = predictions_task_id
        self.claim_task_id = claim_task_id
        self.previous_task_id = previous_task_id
        self.skip_when_invalid = skip_when_invalid
        self._container_name = ""

    def act(self, context: Context, work_dir: Path) -> dict[str, Any]:
        """Evaluate and push the report; the log of the script goes to the task's log, bounded."""
        ti = context["ti"]
        claimed = self.claimed(context, self.claim_task_id)
        self._container_name = container_name(self.challenge, claimed, self.kind)
        try:
            with self.hook.get_conn(impatient=True) as client:
                report = evaluate(
                    self.kind,
                    challenge=self.challenge,
                    queue=self.evaluation_queue,
                    claimed=claimed,
                    engine=self._engine(),
                    transfer=self.hook.file_transfer(work_dir / "transfer"),
                    work_dir=work_dir,
                    labels=self.labels(context, claimed),
                    predictions=self._predictions(context),
                    previous=self._previous(context),
                    on_log=self.log.info,
                    stop=StopWatch(client, claimed.submission.id),
                )
        except ParticipantFault as fault:
            self.end_invalid(context, fault, self.skip_when_invalid)
        self.log.info("%s: %s %s", self.kind, report.result.status, list(report.result.errors))
        if report.result.status == "INVALID" and self.skip_when_invalid:
            ti.xcom_push(key="return_value", value=report.to_dict())
            raise skipped(self.skip_when_invalid)
        if self.kind == "validate":
            self._tell_valid(context, claimed, work_dir)
        return report.to_dict()

    def _tell_valid(self, context: Context, claimed: Claimed, work_dir: Path) -> None:
        with self.hook.get_conn() as client:
            self.post(context, client, work_dir / "transfer").to_submitter("valid", claimed)

    def _engine(self) -> Any:
        return engine_of(self.challenge.compute)

    def _predictions(self, context: Context) -> StoredFile | None:
        if self.predictions_task_id is None:
            return None
        return StoredFile(**context["ti"].xcom_pull(task_ids=self.predictions_task_id))

    def _previous(self, context: Context) -> Result | None:
        if self.previous_task_id is None:
            return None
        report = context["ti"].xcom_pull(task_ids=self.previous_task_id)
        return StepReport.from_dict(report).result if report else None

    def on_kill(self) -> None:
        """Kill the container: Airflow leaves five seconds for this."""
        if self._container_name:
            self._engine().kill(self._container_name)
