"""The folders that a submission's logs and files go to."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

from airflow_synapse_challenge.challenge import folders as layout
from airflow_synapse_challenge.challenge.config import Queue
from airflow_synapse_challenge.steps.claim import Claimed
from airflow_synapse_challenge.synapse import folders, profiles
from airflow_synapse_challenge.synapse.client import SynapseClient


@dataclass(frozen=True)
class SubmissionFolders:
    """
    Two folders for one submission.

    :param shared: synID that the submitter can read and download.
    :param locked: synID whose content the submitter sees by name only.
    :param submitter_locked: synID of the folder above that one, which keeps the submitter's leak ledger.
    """

    shared: str
    locked: str
    submitter_locked: str

    def of(self, queue: Queue) -> str:
        """Return the folder that a queue's logs go to."""
        return self.shared if queue.logs.share else self.locked

    def to_dict(self) -> dict[str, Any]:
        """Return JSON for the next task."""
        return asdict(self)


def ensure_submission_folders(client: SynapseClient, root: str, claimed: Claimed) -> SubmissionFolders:
    """
    Make ``<submitter>/<submission>`` and ``<submitter>_LOCKED/<submission>`` where they do not exist.

    Folders and their sharing are made in one call each (``POST /entity/bundle2/create``); sharing that exists is
    never changed.

    :param root: the challenge's logs folder.
    """
    submitter, submission = claimed.submission.submitter, claimed.submission.id

    @cache
    def plan() -> layout.FolderPlan:
        # Who works here matters only for a submitter's first submission.
        return layout.plan(submitter, submission, int(client.send(profiles.me()).owner_id))

    shared = folders.ensure_folder(client, root, layout.shared_name(submitter), acl=lambda: plan().submitter.acl or {})
    # Both of a submitter's folders are made together: where one was missing, the other most likely is.
    locked = folders.ensure_folder(
        client,
        root,
        layout.locked_name(submitter),
        acl=lambda: plan().submitter_locked.acl or {},
        probably_new=shared.created,
    )
    of_submission, of_submission_locked = (
        folders.ensure_folder(client, parent.id, str(submission), probably_new=True).id for parent in (shared, locked)
    )
    return SubmissionFolders(of_submission, of_submission_locked, submitter_locked=locked.id)
