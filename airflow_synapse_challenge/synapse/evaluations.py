"""Evaluations: the queues that participants submit to."""

from __future__ import annotations

from airflow_synapse_challenge.synapse.call import Call, Document


class Evaluation(Document):
    """A queue."""

    id: str
    name: str
    content_source: str
    etag: str | None = None


class EvaluationPermissions(Document):
    """What the caller may do with a queue."""

    can_view: bool = False
    can_view_private_submission_status_annotations: bool = False
    can_edit_submission_statuses: bool = False


def get(evaluation_id: str) -> Call[Evaluation]:
    """``GET /evaluation/{id}``."""
    return Call("GET", f"/evaluation/{evaluation_id}", f"read evaluation {evaluation_id}", Evaluation.model_validate)


def permissions(evaluation_id: str) -> Call[EvaluationPermissions]:
    """``GET /evaluation/{id}/permissions`` (V-13)."""
    return Call(
        "GET",
        f"/evaluation/{evaluation_id}/permissions",
        f"read the permissions on evaluation {evaluation_id}",
        EvaluationPermissions.model_validate,
    )
