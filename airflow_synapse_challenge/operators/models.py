"""The tasks of a submitted image: check it, run it, file what it wrote."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_synapse_challenge.containers.engine import ModelEngine
from airflow_synapse_challenge.errors import ParticipantFault
from airflow_synapse_challenge.hooks.docker import registry_login
from airflow_synapse_challenge.hooks.engines import images_of, model_engine_of
from airflow_synapse_challenge.operators.challenge import SubmissionOperator
from airflow_synapse_challenge.steps.check_image import CheckedImage, check_image
from airflow_synapse_challenge.steps.claim import Claimed
from airflow_synapse_challenge.steps.evaluate import container_name
from airflow_synapse_challenge.steps.model import ModelRun
from airflow_synapse_challenge.steps.predictions import file_predictions

if TYPE_CHECKING:
    from airflow.sdk import Context


class ModelOperator(SubmissionOperator):
    """
    Base of the tasks that work on a submitted image.

    :param challenge: the challenge.
    :param evaluation_queue: a queue of the kind ``docker_image``.
    :param claim_task_id: the task that claimed.
    :param image_task_id: the task that checked the image.
    :param skip_when_invalid: tasks to skip when the submission turns out to be invalid.
    """

    ui_color = "#f0e6d2"

    def __init__(
        self,
        *,
        claim_task_id: str = "claim",
        image_task_id: str = "check_image",
        skip_when_invalid: Sequence[str] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.claim_task_id = claim_task_id
        self.image_task_id = image_task_id
        self.skip_when_invalid = skip_when_invalid

    @cached_property
    def engine(self) -> ModelEngine:
        """The engine that the challenge names."""
        return model_engine_of(self.challenge.compute)

    def image(self, context: Context) -> CheckedImage:
        """Return what the checking task left."""
        return CheckedImage.from_dict(context["ti"].xcom_pull(task_ids=self.image_task_id))

    def model_run(self, context: Context, claimed: Claimed) -> ModelRun:
        """Return the containers of this submission."""
        image = self.image(context)
        return ModelRun(
            self.evaluation_queue,
            name=container_name(self.challenge, claimed, "model"),
            image=image.owned,
            facts=image.facts,
            holder_image=self.challenge.compute.evaluation_image,
            labels=self.labels(context, claimed),
        )


class SynapseCheckImageOperator(ModelOperator):
    """
    Check a submitted image by its manifest, then pull it; refuse what may not run here.

    The XCom is a dict with ``name`` (repository and digest), ``owned`` (its name on the engine),
    ``compressed_bytes``, and the ``user`` and ``volumes`` that it declares.

    .. code-block:: python

        SynapseCheckImageOperator(task_id="check_image", challenge=challenge, evaluation_queue=queue)

    :param challenge: the challenge.
    :param evaluation_queue: a queue of the kind ``docker_image``.
    :param claim_task_id: the task that claimed.
    :param skip_when_invalid: tasks to skip when the image may not run.
    """

    def act(self, context: Context, work_dir: Path) -> dict[str, Any]:  # noqa: ARG002
        """Ask the registry, look at the engine's disk, pull by digest."""
        claimed = self.claimed(context, self.claim_task_id)
        try:
            checked = check_image(
                claimed.submission,
                self.challenge,
                self.evaluation_queue,
                images=images_of(self.challenge.compute),
                login=self._login,
                own_name=f"{self.challenge.challenge}.{claimed.submission.id}.{claimed.attempt}",
                labels=self.labels(context, claimed),
                note=self.log.info,
            )
        except ParticipantFault as fault:
            self.end_invalid(context, fault, self.skip_when_invalid)
        return checked.to_dict()

    def _login(self, host: str) -> tuple[str, str] | None:
        """The Docker connection's login for its registry; Synapse's own registry else takes Synapse's token."""
        found = registry_login(self.challenge.compute.docker_connection, host)
        if found is None and host == self.challenge.synapse.docker_registry:
            return self.hook.login()
        return found


class SynapseFilePredictionsOperator(ModelOperator):
    """
    Upload what a model wrote to the submission's locked folder, with its provenance, and free the engine of it.

    The XCom is a dict with ``id`` and ``version``.

    .. code-block:: python

        SynapseFilePredictionsOperator(task_id="file_predictions", challenge=challenge, evaluation_queue=queue)

    :param challenge: the challenge.
    :param evaluation_queue: a queue of the kind ``docker_image``.
    :param claim_task_id: the task that claimed.
    :param image_task_id: the task that checked the image.
    :param skip_when_invalid: tasks to skip when the results cannot be taken.
    """

    def act(self, context: Context, work_dir: Path) -> dict[str, Any]:
        """Copy out of the engine, upload, release."""
        claimed = self.claimed(context, self.claim_task_id)
        holder = self.engine.holder(self.model_run(context, claimed).results)
        try:
            stored = file_predictions(
                self.hook.file_transfer(work_dir / "transfer"),
                holder,
                claimed=claimed,
                queue=self.evaluation_queue,
                folders=self.folders(context, self.claim_task_id),
                image=self.image(context),
                work_dir=work_dir,
            )
        except ParticipantFault as fault:
            self.end_invalid(context, fault, self.skip_when_invalid)
        context["ti"].xcom_push(key="return_value", value={"id": stored.id, "version": stored.version})
        holder.release()
        return {"id": stored.id, "version": stored.version}
