"""
Where a submission's logs and files go, and who may read them.

::

    <logs_folder>/
      <submitter>/              service account: everything; submitter: READ, DOWNLOAD
        <submission>/           <submission>_logs.zip (holds <submission>_logs.txt)
      <submitter>_LOCKED/       service account: everything; submitter: READ (sees names, reads no content)
        <submission>/
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

ADMIN = frozenset(
    {"READ", "DOWNLOAD", "CREATE", "UPDATE", "DELETE", "CHANGE_PERMISSIONS", "CHANGE_SETTINGS", "MODERATE"}
)
READ_AND_DOWNLOAD = frozenset({"READ", "DOWNLOAD"})
READ_ONLY = frozenset({"READ"})
UNLOCK = frozenset({"READ", "CREATE", "UPDATE"})

LONGEST_NAME = 100


@dataclass(frozen=True)
class FolderSpec:
    """
    A folder that must exist.

    :param name: its name.
    :param acl: access types by principal id, set when the folder is made and never changed later; ``None`` for a
        folder that inherits.
    """

    name: str
    acl: Mapping[int, frozenset[str]] | None = None


@dataclass(frozen=True)
class FolderPlan:
    """
    The folders of one submission.

    :param submitter: below the logs folder; the submitter can read and download.
    :param submitter_locked: beside it; the submitter sees names only.
    :param submission_name: name of the submission's own folder in each of the two; inherits.
    """

    submitter: FolderSpec
    submitter_locked: FolderSpec
    submission_name: str


def plan(
    submitter_id: int | str,
    submission_id: int | str,
    service_principal: int | str,
    unlock_principal: int | str | None = None,
) -> FolderPlan:
    """
    Return the folders of a submission.

    :param submitter_id: principal id of the team, else of the user.
    :param service_principal: the account that works here.
    :param unlock_principal: another principal that may move files out of locked folders
        (the orchestrator's ``DATA_UNLOCK_SYNAPSE_PRINCIPAL_ID``).
    """
    submitter, service = int(submitter_id), int(service_principal)
    locked = [(submitter, READ_ONLY), (service, ADMIN)]
    if unlock_principal is not None:
        locked.append((int(unlock_principal), UNLOCK))
    return FolderPlan(
        submitter=FolderSpec(shared_name(submitter), _acl((submitter, READ_AND_DOWNLOAD), (service, ADMIN))),
        submitter_locked=FolderSpec(locked_name(submitter), _acl(*locked)),
        submission_name=str(submission_id),
    )


def shared_name(submitter_id: int | str) -> str:
    """Return the name of the folder that a submitter can read."""
    return str(submitter_id)


def locked_name(submitter_id: int | str) -> str:
    """Return the name of the folder whose content a submitter cannot read."""
    return f"{submitter_id}_LOCKED"


def log_archive_name(submission_id: int | str) -> str:
    """Return ``<submission>_logs.zip``."""
    return f"{safe_name(str(submission_id))}_logs.zip"


def log_text_name(submission_id: int | str) -> str:
    """Return the name of the log inside the archive, ``<submission>_logs.txt``."""
    return f"{safe_name(str(submission_id))}_logs.txt"


def model_log_name(submission_id: int | str) -> str:
    """Return the name of a model's own log, ``<submission>-docker_logs.txt``."""
    return f"{safe_name(str(submission_id))}-docker_logs.txt"


def safe_name(name: str) -> str:
    """
    Return a name that Synapse takes for a file: what is not ``[a-zA-Z0-9-]`` becomes ``_``, at most 100 characters.

    :raises ValueError: nothing is left.
    """
    if not name:
        raise ValueError("a name must have at least one character")
    return re.sub(r"[^a-zA-Z0-9-]", "_", name)[:LONGEST_NAME]


def _acl(*grants: tuple[int, frozenset[str]]) -> dict[int, frozenset[str]]:
    acl: dict[int, frozenset[str]] = {}
    for principal, access in grants:
        # The service account may submit to its own queue: it then keeps every right.
        acl[principal] = acl.get(principal, frozenset()) | access
    return acl
