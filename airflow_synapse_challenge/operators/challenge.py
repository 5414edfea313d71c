"""What the tasks of a submission's run have in common, and the first of them: claim."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.sdk.exceptions import AirflowSkipException, DownstreamTasksSkipped
from pydantic import ValidationError

from airflow_synapse_challenge.challenge.config import Challenge, Queue
from airflow_synapse_challenge.challenge.faults import Fault
from airflow_synapse_challenge.errors import (
    ConfigurationError,
    OrganiserFault,
    ParticipantFault,
    PermanentError,
    SynapseChallengeError,
)
from airflow_synapse_challenge.hooks.docker import deployment_id
from airflow_synapse_challenge.links.synapse import show_link
from airflow_synapse_challenge.operators.base import SynapseOperator
from airflow_synapse_challenge.steps.claim import Claimed, claim
from airflow_synapse_challenge.steps.evaluate import container_labels
from airflow_synapse_challenge.steps.folders import SubmissionFolders, ensure_submission_folders
from airflow_synapse_challenge.steps.notify import Post
from airflow_synapse_challenge.synapse.submissions import SubmissionBundle

if TYPE_CHECKING:
    from airflow.sdk import Context

SUBMISSION_ID = "{{ params.submission_id }}"
THIS_RUN = "{{ params.token or run_id ~ '@' ~ dag_run.run_after }}"


def skipped(tasks: Sequence[str]) -> DownstreamTasksSkipped:
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

    @contextmanager
    def failures(self, context: Context) -> Iterator[None]:
        """Leave for the finishing task what another try cannot mend."""
        with super().failures(context):
            try:
                yield
            except (PermanentError, OrganiserFault) as error:
                self.remember_fault(context, error)
                raise

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
        raise skipped(skip) from fault

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
            claimed = claim(
                client,
                self.submission_id,
                token=self.token,
                queue=self.evaluation_queue,
                seen=self._seen(context),
            )
            if claimed is None:
                raise AirflowSkipException(f"Submission {self.submission_id} does not wait any more.")
            show_link(self, context, self.hook.portal_url(claimed.submission.entity_id))
            # From here on the finishing task has to know, even if the rest of this task fails.
            context["ti"].xcom_push(key="claimed", value=claimed.to_dict())
            self._prepare(context, client, claimed, work_dir)
        return {"submission_id": claimed.submission.id, "attempt": claimed.attempt}

    def _seen(self, context: Context) -> SubmissionBundle | None:
        """Return what the dispatching task saw of this submission, if it did."""
        seen = context["params"].get("seen")
        try:
            bundle = SubmissionBundle.model_validate(seen) if seen else None
        except ValidationError as error:
            raise ConfigurationError(f"The parameter 'seen' is no submission; leave it empty. {error}") from error
        return bundle if bundle and bundle.submission.id == self.submission_id else None

    def _prepare(self, context: Context, client: Any, claimed: Claimed, work_dir: Path) -> None:
        root = self.challenge.synapse.logs_folder
        if root:
            folders = ensure_submission_folders(client, root, claimed)
            context["ti"].xcom_push(key="folders", value=folders.to_dict())
        self.post(context, client, work_dir).to_submitter("started", claimed)
