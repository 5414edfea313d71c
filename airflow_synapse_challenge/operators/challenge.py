"""The tasks of a submission's run: claim, evaluate, finish."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.sdk.exceptions import AirflowSkipException, DownstreamTasksSkipped

from airflow_synapse_challenge.challenge.config import Challenge, Queue
from airflow_synapse_challenge.challenge.faults import Fault
from airflow_synapse_challenge.challenge.results import Result
from airflow_synapse_challenge.containers.docker_engine import DockerEngine
from airflow_synapse_challenge.containers.docker_images import DockerImages
from airflow_synapse_challenge.errors import (
    OrganiserFault,
    ParticipantFault,
    PermanentError,
    SynapseChallengeError,
)
from airflow_synapse_challenge.hooks.docker import deployment_id, docker_client, engine_for
from airflow_synapse_challenge.links.synapse import show_link
from airflow_synapse_challenge.operators.base import SynapseOperator
from airflow_synapse_challenge.steps import finish
from airflow_synapse_challenge.steps.claim import Claimed, claim, owned
from airflow_synapse_challenge.steps.evaluate import Kind, StepReport, container_labels, container_name, evaluate
from airflow_synapse_challenge.steps.folders import SubmissionFolders, ensure_submission_folders
from airflow_synapse_challenge.steps.model import ModelReport
from airflow_synapse_challenge.steps.notify import Post
from airflow_synapse_challenge.steps.stop import StopWatch
from airflow_synapse_challenge.synapse.files import StoredFile

if TYPE_CHECKING:
    from airflow.sdk import Context

SUBMISSION_ID = "{{ params.submission_id }}"
THIS_RUN = "{{ params.token or run_id ~ '@' ~ dag_run.run_after }}"


def _skipped(tasks: Sequence[str]) -> DownstreamTasksSkipped:
    """The task is a success, and these tasks do not run."""
    return DownstreamTasksSkipped(tasks=list(tasks))  # type: ignore[no-untyped-call]


class SubmissionOperator(SynapseOperator):
    """
    Base of the tasks that work on one submission of a challenge's queue.

    :param challenge: the challenge, from :func:`~airflow_synapse_challenge.challenge.config.load_challenge`.
    :param evaluation_queue: the queue of the submission.
    :param submission_id: the submission (templated); by default the DAG's parameter ``submission_id``.
    """

    template_fields: Sequence[str] = ("submission_id",)

    def __init__(
        self, *, challenge: Challenge, evaluation_queue: Queue, submission_id: str = SUBMISSION_ID, **kwargs: Any
    ) -> None:
        kwargs.setdefault("synapse_conn_id", challenge.synapse.connection)
        super().__init__(**kwargs)
        self.challenge = challenge
        self.evaluation_queue = evaluation_queue
        self.submission_id = submission_id

    def post(self, context: Context, client: Any, work_dir: Path, *, recheck: bool = False) -> Post:
        """
        Return what sends this submission's mails; an earlier try may have sent some.

        :param recheck: this try itself may send a mail again.
        """
        return Post(
            client=client,
            transfer=self.hook.file_transfer(work_dir),
            challenge=self.challenge,
            queue=self.evaluation_queue,
            recheck=recheck or context["ti"].try_number > 1,
        )

    def claimed(self, context: Context, claim_task_id: str) -> Claimed:
        """Return what the claiming task left, and link to it."""
        claimed = Claimed.from_dict(context["ti"].xcom_pull(task_ids=claim_task_id, key="claimed"))
        show_link(self, context, self.hook.portal_url(claimed.submission.entity_id))
        return claimed

    def folders(self, context: Context, claim_task_id: str) -> SubmissionFolders | None:
        """Return the submission's folders, ``None`` for a challenge without a logs folder."""
        found = context["ti"].xcom_pull(task_ids=claim_task_id, key="folders")
        return SubmissionFolders(**found) if found else None

    def labels(self, context: Context, claimed: Claimed) -> dict[str, str]:
        """Return what says whose containers are those of this submission."""
        ti = context["ti"]
        owner = {"deployment": deployment_id(), "dag": ti.dag_id, "run": ti.run_id}
        return container_labels(self.challenge, self.evaluation_queue, claimed, owner)

    def end_invalid(self, context: Context, fault: ParticipantFault, skip: Sequence[str]) -> NoReturn:
        """End the task well, with the fault for the finishing task, and skip what makes no sense any more."""
        self.remember_fault(context, fault)
        if not skip:
            raise fault
        raise _skipped(skip) from fault

    def remember_fault(self, context: Context, error: SynapseChallengeError) -> None:
        """Leave the fault for the finishing task."""
        context["ti"].xcom_push(key="fault", value=Fault.from_exception(error).to_dict())


class SynapseClaimSubmissionOperator(SubmissionOperator):
    """
    Take a submission and make its folders, or skip everything when somebody else has it.

    The XCom describes the claim for the tasks that follow; the XCom ``folders`` holds the two folders.

    .. code-block:: python

        SynapseClaimSubmissionOperator(
            task_id="claim", challenge=challenge, evaluation_queue=challenge.queues[0], submission_id="9722233"
        )

    :param challenge: the challenge.
    :param evaluation_queue: the queue of the submission.
    :param submission_id: the submission (templated).
    :param token: what recognises this run's own claim in a retry; unique among all runs of all Airflows (templated).
    """

    template_fields: Sequence[str] = ("submission_id", "token")

    def __init__(self, *, token: str = THIS_RUN, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.token = token

    def act(self, context: Context, work_dir: Path) -> dict[str, Any]:
        """Claim by compare-and-swap, then make what is missing of the folders."""
        with self.hook.get_conn() as client:
            claimed = claim(client, self.submission_id, token=self.token, queue=self.evaluation_queue)
            if claimed is None:
                raise AirflowSkipException(f"Submission {self.submission_id} does not wait any more.")
            show_link(self, context, self.hook.portal_url(claimed.submission.entity_id))
            # From here on the finishing task has to know, even if the rest of this task fails.
            context["ti"].xcom_push(key="claimed", value=claimed.to_dict())
            try:
                self._prepare(context, client, claimed, work_dir)
            except PermanentError as error:
                self.remember_fault(context, error)
                raise
        return {"submission_id": claimed.submission.id, "attempt": claimed.attempt}

    def _prepare(self, context: Context, client: Any, claimed: Claimed, work_dir: Path) -> None:
        root = self.challenge.synapse.logs_folder
        if root:
            folders = ensure_submission_folders(client, root, claimed)
            context["ti"].xcom_push(key="folders", value=folders.to_dict())
        self.post(context, client, work_dir).to_submitter("started", claimed)


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
        except (PermanentError, OrganiserFault) as error:
            self.remember_fault(context, error)
            raise
        self.log.info("%s: %s %s", self.kind, report.result.status, list(report.result.errors))
        if report.result.status == "INVALID" and self.skip_when_invalid:
            ti.xcom_push(key="return_value", value=report.to_dict())
            raise _skipped(self.skip_when_invalid)
        if self.kind == "validate":
            self._tell_valid(context, claimed, work_dir)
        return report.to_dict()

    def _tell_valid(self, context: Context, claimed: Claimed, work_dir: Path) -> None:
        with self.hook.get_conn() as client:
            self.post(context, client, work_dir / "transfer").to_submitter("valid", claimed)

    def _engine(self) -> Any:
        compute = self.challenge.compute
        return engine_for(compute.engine, compute.docker_connection)

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
            if folder:
                finish.upload_log(post.transfer, claimed, evaluation, folder=folder, work_dir=work_dir)
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
        compute = self.challenge.compute
        labels = {"submission": claimed.submission.id, "deployment": deployment_id()}
        try:
            client = docker_client(compute.docker_connection)
            DockerEngine(client).sweep(labels)
            if image := self._pull(context, self.image_task_id):
                DockerImages(client, compute.evaluation_image).remove(image["owned"])
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
