"""Submission statuses: the one document of a submission that changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from airflow_synapse_challenge.synapse.call import Call, Document, Pages, results_of
from airflow_synapse_challenge.synapse.client import SynapseClient
from airflow_synapse_challenge.synapse.retry import contested

MOST_OF_A_PAGE = 100


class SubmissionStatus(Document):
    """
    Status and annotations of a submission.

    ``annotations`` is the older store with a privacy flag for each key, ``submission_annotations`` the newer one that
    submission views show. Every update replaces the whole document (U-05).
    """

    id: str
    etag: str
    status: str
    status_version: int | None = None
    modified_on: str | None = None
    entity_id: str | None = None
    can_cancel: bool | None = None
    cancel_requested: bool | None = None
    annotations: dict[str, Any] | None = None
    submission_annotations: dict[str, Any] | None = None


@dataclass(frozen=True)
class Claim:
    """
    How a claim ended.

    :param won: this call moved the submission.
    :param mine_already: an earlier call with the same identity had moved it.
    :param status: the document as it is now.
    """

    won: bool
    mine_already: bool
    status: SubmissionStatus


def get(submission_id: str) -> Call[SubmissionStatus]:
    """``GET /evaluation/submission/{id}/status``; private parts only with READ_PRIVATE_SUBMISSION (L-02)."""
    return Call(
        "GET",
        f"/evaluation/submission/{submission_id}/status",
        f"read the status of submission {submission_id}",
        SubmissionStatus.model_validate,
    )


def put(status: SubmissionStatus) -> Call[SubmissionStatus]:
    """
    ``PUT /evaluation/submission/{id}/status``; 412 when the etag is stale (U-02).

    Not idempotent: the etag lets the first send pass only, so a second one would report a conflict with itself.
    """
    return Call(
        "PUT",
        f"/evaluation/submission/{status.id}/status",
        f"write the status of submission {status.id}",
        SubmissionStatus.model_validate,
        json=status.to_json(),
        idempotent=False,
    )


def waiting(evaluation_id: str, status: str, enough: int) -> Pages[SubmissionStatus]:
    """
    ``GET /evaluation/{id}/submission/status/all`` in pages that are no larger than needed.

    :param enough: how many the caller wants to see; a page holds 100 at most (L-05).
    """
    return replace(of_evaluation(evaluation_id, status), limit=min(max(1, enough), MOST_OF_A_PAGE))


def of_evaluation(evaluation_id: str, status: str | None = None) -> Pages[SubmissionStatus]:
    """``GET /evaluation/{id}/submission/status/all``."""
    return Pages(
        Call(
            "GET",
            f"/evaluation/{evaluation_id}/submission/status/all",
            f"list the statuses of evaluation {evaluation_id}",
            results_of(SubmissionStatus.model_validate),
            params={"status": status} if status else {},
        )
    )


def update_status(
    client: SynapseClient,
    submission_id: str,
    change: Callable[[SubmissionStatus], SubmissionStatus | None],
    *,
    known: SubmissionStatus | None = None,
) -> SubmissionStatus:
    """
    Change a status under its etag; where somebody wrote in between, read again and apply the change again.

    A lost answer is resolved by reading again: ``change`` then sees its own effect and has to return ``None`` for it.

    :param change: returns the new document, or ``None`` to leave it as it is.
    :param known: the document as it was seen last; saves the first read.
    :return: the document as it is now.
    :raises StaleEtag: others wrote before each of the ten tries.
    """
    for attempt in contested():
        status = known or client.send(get(submission_id))
        known = None
        wanted = change(status)
        if wanted is None:
            return status
        with attempt:
            return _with_entity(client.send(put(wanted)), status)
    raise AssertionError("unreachable")


def claim(
    client: SynapseClient,
    submission_id: str,
    *,
    expected: str,
    is_mine: Callable[[SubmissionStatus], bool],
    change: Callable[[SubmissionStatus], SubmissionStatus],
    known: SubmissionStatus | None = None,
) -> Claim:
    """
    Take a submission by compare-and-swap.

    :param expected: the status that it must have to be taken.
    :param is_mine: recognises a document that this caller wrote, also in an earlier try.
    :param change: returns the document that says who has it.
    :param known: the document as it was seen last; saves the first read where it can be taken as it was then.
    """
    seen = known if known and known.status == expected else None
    for attempt in contested():
        # Lost, or won with a lost answer, or an annotation was written in between: only the document tells.
        status = seen or client.send(get(submission_id))
        seen = None
        if status.status != expected:
            return Claim(won=False, mine_already=is_mine(status), status=status)
        with attempt:
            written = client.send(put(change(status)))
            return Claim(won=True, mine_already=False, status=_with_entity(written, status))
    raise AssertionError("unreachable")


def _with_entity(written: SubmissionStatus, before: SubmissionStatus) -> SubmissionStatus:
    """The answer to an update holds the entity only if the request did (L-03)."""
    return written.model_copy(update={"entity_id": written.entity_id or before.entity_id})
