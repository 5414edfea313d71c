"""Submissions (``org.sagebionetworks.evaluation.model.Submission``)."""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any

from airflow_synapse_challenge.synapse.call import Call, Document, Pages, results_of
from airflow_synapse_challenge.synapse.statuses import SubmissionStatus


class Submission(Document):
    """
    What a participant handed in. Immutable.

    ``entity_bundle_json`` is the entity as it was then: a JSON text with ``entity`` and ``fileHandles`` (rule S-03).
    """

    id: str
    user_id: str
    evaluation_id: str
    entity_id: str
    created_on: str
    team_id: str | None = None
    name: str | None = None
    version_number: int | None = None
    entity_bundle_json: str | None = None
    docker_repository_name: str | None = None
    docker_digest: str | None = None

    @cached_property
    def _bundle(self) -> dict[str, Any]:
        bundle: dict[str, Any] = json.loads(self.entity_bundle_json or "{}")
        return bundle

    @property
    def submitter(self) -> int:
        """Principal id of the team that submitted, else of the user."""
        return int(self.team_id or self.user_id)

    @property
    def entity_type(self) -> str:
        """Short type of the entity, for example ``FileEntity`` or ``DockerRepository``; empty if unknown."""
        return str(self._bundle.get("entity", {}).get("concreteType", "")).rpartition(".")[2]

    @property
    def data_file_handle(self) -> dict[str, Any] | None:
        """The submitted file's handle (``id``, ``fileName``, ``contentSize`` …), ``None`` without a file."""
        handles = self._bundle.get("fileHandles", [])
        wanted = self._bundle.get("entity", {}).get("dataFileHandleId")
        chosen = [handle for handle in handles if handle.get("id") == wanted] or [
            handle for handle in handles if not str(handle.get("concreteType", "")).endswith("PreviewFileHandle")
        ]
        return chosen[0] if chosen else None

    def without_needless_parts(self) -> Submission:
        """Return a copy whose entity bundle holds only what a download needs: the rest can be of any size."""
        entity = self._bundle.get("entity", {})
        kept = {
            "entity": {key: entity[key] for key in ("id", "name", "concreteType", "dataFileHandleId") if key in entity},
            "fileHandles": self._bundle.get("fileHandles", []),
        }
        return Submission.model_validate({**self.to_json(), "entityBundleJSON": json.dumps(kept)})


class SubmissionBundle(Document):
    """A submission with its status."""

    submission: Submission
    submission_status: SubmissionStatus


def get(submission_id: str) -> Call[Submission]:
    """``GET /evaluation/submission/{id}``; needs READ_PRIVATE_SUBMISSION on the evaluation (L-01)."""
    return Call(
        "GET",
        f"/evaluation/submission/{submission_id}",
        f"read submission {submission_id}",
        Submission.model_validate,
    )


def bundles(evaluation_id: str, status: str | None = None) -> Pages[SubmissionBundle]:
    """``GET /evaluation/{id}/submission/bundle/all``; pages of 100, in no promised order (L-04, L-05)."""
    return Pages(
        Call(
            "GET",
            f"/evaluation/{evaluation_id}/submission/bundle/all",
            f"list the submissions of evaluation {evaluation_id}",
            results_of(SubmissionBundle.model_validate),
            params={"status": status} if status else {},
        )
    )
