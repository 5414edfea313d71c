"""File what a model printed, and let its submitter read as much of it as the leak budget allows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from airflow_synapse_challenge.challenge import folders as layout
from airflow_synapse_challenge.challenge import leaks
from airflow_synapse_challenge.challenge.config import Queue
from airflow_synapse_challenge.steps.claim import Claimed
from airflow_synapse_challenge.steps.folders import SubmissionFolders
from airflow_synapse_challenge.steps.leaks import change_ledger
from airflow_synapse_challenge.synapse.client import SynapseClient
from airflow_synapse_challenge.synapse.files import FileTransfer

NO_OUTPUT = "The container printed nothing.\n"


@dataclass(frozen=True)
class FiledLog:
    """
    Where a model's log is.

    :param file_id: synID of what the queue shares or keeps.
    :param withheld: bytes that the budget keeps from the submitter; then the whole log is in the locked folder.
    """

    file_id: str
    withheld: int = 0


def file_log(
    client: SynapseClient,
    transfer: FileTransfer,
    text: str,
    *,
    claimed: Claimed,
    queue: Queue,
    folders: SubmissionFolders,
    key: str,
    work_dir: Path,
) -> FiledLog:
    """
    Upload a log as ``<submission>-docker_logs.txt``, a new version for each other content.

    :param text: head and tail, within the queue's limit.
    :param key: what makes this upload the same in every try; it counts once.
    """
    assert queue.model is not None
    name = layout.model_log_name(claimed.submission.id)
    submission, budget = claimed.submission.id, queue.model.leak_budget
    whole = text or NO_OUTPUT
    if not queue.logs.share:
        return FiledLog(_upload(transfer, whole, name, folders.locked, work_dir))
    told = leaks.Release("", 0, 0)

    def count(ledger: leaks.Ledger) -> leaks.Ledger:
        nonlocal told
        # A retry sees its own release in the ledger: it must cut where the first try did.
        told = leaks.release(text, budget, ledger.without(submission, key), submission)
        return ledger.counted(submission, key, told.size)

    change_ledger(client, folders.submitter_locked, count)
    shared = _upload(transfer, told.text or NO_OUTPUT, name, folders.shared, work_dir)
    if told.withheld:
        _upload(transfer, whole, name, folders.locked, work_dir)
    return FiledLog(shared, told.withheld)


def _upload(transfer: FileTransfer, text: str, name: str, folder: str, work_dir: Path) -> str:
    place = work_dir / folder
    place.mkdir(exist_ok=True)
    path = place / name
    path.write_text(text, encoding="utf-8")
    return transfer.upload_file(path, folder).id
