"""Let a submitter read a log that the leak budget withheld: a decision of the organisers."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from airflow_synapse_challenge.challenge import folders as layout
from airflow_synapse_challenge.challenge import leaks
from airflow_synapse_challenge.challenge.config import Challenge, LeakBudget, Queue
from airflow_synapse_challenge.challenge.statuses import TERMINAL
from airflow_synapse_challenge.errors import ConfigurationError, PermanentError
from airflow_synapse_challenge.steps.leaks import change_ledger
from airflow_synapse_challenge.synapse import acls, entities, profiles, statuses, submissions
from airflow_synapse_challenge.synapse.client import SynapseClient
from airflow_synapse_challenge.synapse.files import FileTransfer
from airflow_synapse_challenge.synapse.submissions import Submission

#: Principals that stand for many (rule P-02).
EVERYBODY = {273949: "everybody, signed in or not", 273948: "everybody who has an account"}


@dataclass(frozen=True)
class WithheldLog:
    """
    A log of which its submitter reads the beginning only.

    :param queue: that the submission belongs to.
    :param text: all of it.
    :param shown: bytes that are read already.
    :param file_id: synID of the whole log, in the locked folder.
    :param folder_id: synID of the folder that the submitter reads.
    :param ledger_id: synID of the folder that keeps the submitter's ledger.
    """

    submission: Submission
    queue: Queue
    text: str
    shown: int
    file_id: str
    folder_id: str
    ledger_id: str

    @property
    def size(self) -> int:
        """Bytes of all of it."""
        return len(self.text.encode())

    @property
    def withheld(self) -> int:
        """Bytes that a release adds."""
        return self.size - self.shown

    @property
    def budget(self) -> LeakBudget:
        """What withheld it."""
        assert self.queue.model is not None
        return self.queue.model.leak_budget


def find_withheld(
    client: SynapseClient, transfer: FileTransfer, challenge: Challenge, submission_id: str, work_dir: Path
) -> WithheldLog | None:
    """
    Return what is withheld of a submission's log, ``None`` when nothing is, or not any more.

    A release that broke off after the upload has nothing withheld and a locked file.

    :param work_dir: an empty folder.
    :raises ConfigurationError: the submission is not one of this challenge's, or its queue shares no logs.
    :raises PermanentError: it is still being evaluated.
    """
    submission, queue = _submission(client, challenge, submission_id)
    root = challenge.synapse.logs_folder
    if root is None:
        raise ConfigurationError("The challenge has no `synapse: {logs_folder: syn…}`, so no log was filed.")
    shared = _below(client, root, layout.shared_name(submission.submitter))
    ledger = _below(client, root, layout.locked_name(submission.submitter))
    folder, locked = _below(client, shared, submission.id), _below(client, ledger, submission.id)
    name = layout.model_log_name(submission.id)
    file_id, shared_id = _below(client, locked, name), _below(client, folder, name)
    if not (file_id and folder and ledger and shared_id):
        return None
    whole = _read(transfer, file_id, work_dir / "locked")
    seen = _read(transfer, shared_id, work_dir / "shared")
    # A log that is whole and another one is newer than the locked file: nothing is withheld of it.
    shown = seen if seen == whole else leaks.shown_of(seen)
    if shown is None:
        return None
    return WithheldLog(submission, queue, whole, len(shown.encode()), file_id, folder, ledger)


def readers(client: SynapseClient, folder_id: str) -> list[str]:
    """Return who can download what lies in a folder, in words (``GET /entity/{id}/acl`` of its benefactor)."""
    acl = client.send(acls.of_entity(client.send(acls.benefactor(folder_id))))
    able = [row.principal_id for row in acl.resource_access if "DOWNLOAD" in row.access_type]
    names = {int(header.owner_id): header for header in client.send(profiles.headers(able))}
    return [_reader(principal, names.get(principal)) for principal in able]


def release(client: SynapseClient, transfer: FileTransfer, log: WithheldLog, work_dir: Path) -> leaks.Ledger:
    """
    Count the rest of a log, share all of it, and remove the locked file; broken off anywhere, it may be repeated.

    The bytes are counted before they can be read, and once.

    :param work_dir: a folder without a file of the log's name.
    :return: the submitter's ledger.
    """
    key = f"release.{hashlib.sha256(log.text.encode()).hexdigest()[:12]}"
    ledger = change_ledger(
        client,
        log.ledger_id,
        lambda before: before.counted(log.submission.id, key, log.withheld) if log.withheld else before,
    )
    if log.withheld:
        path = work_dir / layout.model_log_name(log.submission.id)
        path.write_text(log.text, encoding="utf-8")
        transfer.upload_file(path, log.folder_id)
    client.send(entities.delete(log.file_id))
    return ledger


def _submission(client: SynapseClient, challenge: Challenge, submission_id: str) -> tuple[Submission, Queue]:
    submission = client.send(submissions.get(submission_id))
    queue = next((it for it in challenge.queues if str(it.id) == submission.evaluation_id), None)
    if queue is None:
        raise ConfigurationError(
            f"Submission {submission_id} is one to evaluation {submission.evaluation_id}, which is no queue of "
            f"{challenge.challenge}. Name its challenge.yaml with --challenge."
        )
    if queue.model is None:
        raise ConfigurationError(f"Queue {queue.name!r} takes no models, so no leak budget withholds anything of it.")
    if not queue.logs.share:
        raise ConfigurationError(
            f"Queue {queue.name!r} shares no logs (`logs: {{share: false}}`): no leak budget withheld this one."
        )
    status = client.send(statuses.get(submission_id)).status
    if status not in TERMINAL:
        raise PermanentError(f"Submission {submission_id} is {status}: its log may grow. Release it when it has ended.")
    return submission, queue


def _below(client: SynapseClient, parent: str | None, name: str) -> str | None:
    return client.send(entities.child(parent, name)) if parent else None


def _read(transfer: FileTransfer, file_id: str, folder: Path) -> str:
    return transfer.download_entity(file_id, folder).path.read_text(encoding="utf-8")


def _reader(principal: int, header: profiles.PrincipalHeader | None) -> str:
    if principal in EVERYBODY:
        return EVERYBODY[principal]
    if header is None:
        return f"principal {principal}"
    return f"{header.user_name} ({'user' if header.is_individual else 'team'} {principal})"
