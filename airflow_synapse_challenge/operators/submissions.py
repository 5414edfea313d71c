"""Read and change submissions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_synapse_challenge.links.synapse import show_link
from airflow_synapse_challenge.operators.base import SynapseOperator
from airflow_synapse_challenge.synapse import annotation_stores, statuses, submissions
from airflow_synapse_challenge.synapse.statuses import SubmissionStatus

if TYPE_CHECKING:
    from airflow.sdk import Context


class SynapseDownloadSubmissionOperator(SynapseOperator):
    """
    Download the file of a submission.

    The XCom is a dict with ``path`` (``None`` for a submission without a file, for example a Docker image),
    ``entity_id``, ``entity_type``, ``evaluation_id``, ``docker_repository`` and ``docker_digest``.

    .. code-block:: python

        SynapseDownloadSubmissionOperator(
            task_id="download", submission_id="{{ params.submission_id }}", folder="/data/incoming"
        )

    :param submission_id: the submission (templated).
    :param folder: existing or new folder that the file goes to, under its own name (templated).
    :param synapse_conn_id: Airflow connection of type ``synapse``.
    """

    template_fields: Sequence[str] = ("submission_id", "folder")

    def __init__(self, *, submission_id: str, folder: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.submission_id = submission_id
        self.folder = folder

    def act(self, context: Context, work_dir: Path) -> dict[str, Any]:
        """Read the submission (``GET /evaluation/submission/{id}``) and fetch its file handle."""
        with self.hook.get_conn() as client:
            submission = client.send(submissions.get(self.submission_id))
        show_link(self, context, self.hook.portal_url(submission.entity_id))
        path = None
        if not submission.docker_digest:
            path = self.hook.file_transfer(work_dir).download_submission_file(submission, Path(self.folder))
        return {
            "path": str(path) if path else None,
            "entity_id": submission.entity_id,
            "entity_type": submission.entity_type,
            "evaluation_id": submission.evaluation_id,
            "docker_repository": submission.docker_repository_name,
            "docker_digest": submission.docker_digest,
        }


class SynapseAnnotateSubmissionOperator(SynapseOperator):
    """
    Merge annotations into a submission's status.

    Both of Synapse's stores are written; keys that others wrote survive. Private keys go only to the store that
    hides them, so that no submission view shows them.

    .. code-block:: python

        SynapseAnnotateSubmissionOperator(
            task_id="annotate", submission_id="{{ params.submission_id }}", public={"auc_roc": 0.93}
        )

    :param submission_id: the submission (templated).
    :param public: annotations that everybody who reads the queue sees (templated).
    :param private: annotations for those with READ_PRIVATE_SUBMISSION (templated).
    :param synapse_conn_id: Airflow connection of type ``synapse``.
    """

    template_fields: Sequence[str] = ("submission_id", "public", "private")

    def __init__(
        self,
        *,
        submission_id: str,
        public: Mapping[str, Any] | None = None,
        private: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.submission_id = submission_id
        self.public = public or {}
        self.private = private or {}

    def act(self, context: Context, work_dir: Path) -> str:  # noqa: ARG002
        """Read, merge and write under the etag (``PUT /evaluation/submission/{id}/status``)."""

        def change(status: SubmissionStatus) -> SubmissionStatus | None:
            merged = annotation_stores.merge(status, public=self.public, private=self.private)
            return None if merged == status else merged

        with self.hook.get_conn() as client:
            status = statuses.update_status(client, self.submission_id, change)
        if status.entity_id:
            show_link(self, context, self.hook.portal_url(status.entity_id))
        return status.status


class SynapseSetSubmissionStatusOperator(SynapseOperator):
    """
    Set the status of a submission.

    .. code-block:: python

        SynapseSetSubmissionStatusOperator(
            task_id="requeue", submission_id="{{ params.submission_id }}", status="RECEIVED"
        )

    :param submission_id: the submission (templated).
    :param status: one of Synapse's statuses (templated).
    :param expected: write only if the status is this one now, otherwise fail; ``None`` for any.
    :param synapse_conn_id: Airflow connection of type ``synapse``.
    """

    template_fields: Sequence[str] = ("submission_id", "status", "expected")

    def __init__(self, *, submission_id: str, status: str, expected: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.submission_id = submission_id
        self.status = status
        self.expected = expected

    def act(self, context: Context, work_dir: Path) -> str:  # noqa: ARG002
        """Write under the etag (``PUT /evaluation/submission/{id}/status``); nothing when it is so already."""
        from airflow_synapse_challenge.challenge.statuses import SubmissionStatusName
        from airflow_synapse_challenge.errors import ConfigurationError, PermanentError

        allowed = [name.value for name in SubmissionStatusName]
        if self.status not in allowed:
            raise ConfigurationError(f"{self.status!r} is no submission status; use one of {', '.join(allowed)}.")

        def change(status: SubmissionStatus) -> SubmissionStatus | None:
            if status.status == self.status:
                return None
            if self.expected not in (None, status.status):
                raise PermanentError(
                    f"Submission {self.submission_id} is {status.status}, not {self.expected}; nothing was written."
                )
            return status.model_copy(update={"status": self.status})

        with self.hook.get_conn() as client:
            status = statuses.update_status(client, self.submission_id, change)
        if status.entity_id:
            show_link(self, context, self.hook.portal_url(status.entity_id))
        return status.status
