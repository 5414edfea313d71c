"""The last task of a submission's run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from airflow_synapse_challenge.challenge.faults import Fault
from airflow_synapse_challenge.errors import SynapseChallengeError
from airflow_synapse_challenge.hooks.docker import deployment_id
from airflow_synapse_challenge.hooks.engines import tidy
from airflow_synapse_challenge.links.synapse import show_link
from airflow_synapse_challenge.operators.challenge import THIS_RUN, SubmissionOperator
from airflow_synapse_challenge.steps import finish
from airflow_synapse_challenge.steps.claim import Claimed, owned
from airflow_synapse_challenge.steps.evaluate import StepReport
from airflow_synapse_challenge.steps.model import ModelReport
from airflow_synapse_challenge.synapse.files import StoredFile

if TYPE_CHECKING:
    from airflow.sdk import Context


class SynapseFinishSubmissionOperator(SubmissionOperator):
    """
    Leave a final status, the annotations, the log and the mails, whatever became of the tasks before.

    Make it a teardown (``.as_teardown()``): it then runs whatever failed, and the run still shows the failure.
    Everything in it may be repeated: the status and the log are written to the same end, mails are looked for in
    the outbox before another is sent.

    .. code-block:: python

        SynapseFinishSubmissionOperator(task_id="finish", challenge=challenge, evaluation_queue=queue).as_teardown()

    :param challenge: the challenge.
    :param evaluation_queue: the queue of the submission.
    :param claim_task_id: the task that claimed.
    :param validate_task_id: the task that validated.
    :param score_task_id: the task that scored.
    :param image_task_id: the task that checked a submitted image.
    :param model_task_id: the task that ran it.
    :param predictions_task_id: the task that filed what it wrote.
    :param token: what this run's claim is recognised by (templated).
    """

    template_fields: Sequence[str] = ("submission_id", "token")

    def __init__(
        self,
        *,
        claim_task_id: str = "claim",
        validate_task_id: str = "validate",
        score_task_id: str = "score",
        image_task_id: str = "check_image",
        model_task_id: str = "run_model",
        predictions_task_id: str = "file_predictions",
        token: str = THIS_RUN,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.token = token
        self.image_task_id = image_task_id
        self.model_task_id = model_task_id
        self.predictions_task_id = predictions_task_id
        self.claim_task_id = claim_task_id
        self.validate_task_id = validate_task_id
        self.score_task_id = score_task_id

    def act(self, context: Context, work_dir: Path) -> dict[str, Any]:
        """Write the status first: nothing that fails later can leave the submission without one."""
        ti = context["ti"]
        claimed = self._owned(context)
        evaluation = self._evaluation(context)
        folders = self.folders(context, self.claim_task_id)
        with self.hook.get_conn() as client:
            evaluation = finish.within_budget(client, claimed, self.evaluation_queue, evaluation, folders)
            show_link(
                self,
                context,
                self.hook.portal_url(folders.shared if folders else claimed.submission.entity_id),
            )
            folder = folders.of(self.evaluation_queue) if folders else None
            status = finish.write_status(client, claimed, self.evaluation_queue, evaluation, folder)
            if status is None:
                raise AirflowSkipException("Another run has taken the submission over.")
            self.log.info("Submission %s is %s.", claimed.submission.id, status.status)
            post = self.post(context, client, work_dir)
            if folders:
                finish.upload_log(
                    post.transfer,
                    claimed,
                    evaluation,
                    queue=self.evaluation_queue,
                    folders=folders,
                    work_dir=work_dir,
                )
                if evaluation.withheld:
                    locked = self.hook.portal_url(folders.locked)
                    post.to_administrators("admin_withheld", claimed, summary=evaluation.withheld, folder_url=locked)
            folder_url = self.hook.portal_url(folder) if folder else ""
            finish.send_mails(post, claimed, evaluation, folder_url=folder_url, run_url=ti.log_url)
        if self.evaluation_queue.kind == "docker_image":
            self._tidy(context, claimed)
        return {
            "submission_id": claimed.submission.id,
            "status": status.status,
            "outcome": evaluation.outcome.value,
        }

    def _owned(self, context: Context) -> Claimed:
        """Return the claim; a claiming task that failed in every try may have taken the submission all the same."""
        found = self._pull(context, self.claim_task_id, key="claimed")
        if found:
            return Claimed.from_dict(found)
        with self.hook.get_conn() as client:
            claimed = owned(client, self.submission_id, token=self.token)
        if claimed is None:
            raise AirflowSkipException("This run does not own the submission.")
        return claimed

    def _tidy(self, context: Context, claimed: Claimed) -> None:
        """Leave nothing of the submission on the engine; where that fails the sweeper does it later."""
        labels = {"submission": claimed.submission.id, "deployment": deployment_id()}
        try:
            image = self._pull(context, self.image_task_id)
            tidy(self.challenge.compute, labels, image["owned"] if image else None)
        except SynapseChallengeError as error:
            self.log.warning("The engine could not be tidied up: %s", error)

    def _evaluation(self, context: Context) -> finish.Evaluation:
        reports = [
            StepReport.from_dict(report) if report else None
            for report in (self._pull(context, self.validate_task_id), self._pull(context, self.score_task_id))
        ]
        model = self._pull(context, self.model_task_id, key="report")
        predictions = self._pull(context, self.predictions_task_id)
        return finish.Evaluation(
            validation=reports[0],
            score=reports[1],
            fault=self._fault(context, reports),
            model=ModelReport.from_dict(model) if model else None,
            predictions=StoredFile(**predictions) if predictions else None,
        )

    def _fault(self, context: Context, reports: list[StepReport | None]) -> Fault | None:
        tasks = (
            *(self.claim_task_id, self.image_task_id, self.model_task_id, self.predictions_task_id),
            *(self.validate_task_id, self.score_task_id),
        )
        for task_id in tasks:
            fault = self._pull(context, task_id, key="fault")
            if fault:
                return Fault.from_dict(fault)
        if any(report and report.result.status == "INVALID" for report in reports):
            return None
        wanted = [
            report
            for key, report in zip(("validate", "score"), reports, strict=True)
            if key in self.evaluation_queue.steps
        ]
        if all(wanted):
            return None
        return Fault(
            owner="infrastructure",
            summary="The evaluation did not come to an end: its tasks failed in every try.",
            detail=f"See the run {context['ti'].run_id} of DAG {context['ti'].dag_id} in Airflow.",
        )

    def _pull(self, context: Context, task_id: str, key: str = "return_value") -> Any:
        return context["ti"].xcom_pull(task_ids=task_id, key=key)
