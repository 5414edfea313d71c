"""File what a model wrote where its submitter cannot read it, with where it came from."""

from __future__ import annotations

from pathlib import Path

from airflow_synapse_challenge.challenge import verdicts
from airflow_synapse_challenge.challenge.config import Queue
from airflow_synapse_challenge.containers.archive import Refusal
from airflow_synapse_challenge.containers.engine import Holder
from airflow_synapse_challenge.errors import ConfigurationError, TransientError
from airflow_synapse_challenge.steps.check_image import CheckedImage
from airflow_synapse_challenge.steps.claim import Claimed
from airflow_synapse_challenge.steps.folders import SubmissionFolders
from airflow_synapse_challenge.steps.model import RESULTS_FOLDER
from airflow_synapse_challenge.synapse.files import FileTransfer, StoredFile


def file_predictions(
    transfer: FileTransfer,
    holder: Holder,
    *,
    claimed: Claimed,
    queue: Queue,
    folders: SubmissionFolders | None,
    image: CheckedImage,
    work_dir: Path,
) -> StoredFile:
    """
    Copy the results out of the engine and upload them to the submission's locked folder.

    Their provenance names the submitted repository as used and the image that ran as executed. The same content again
    makes no new version.

    :raises ParticipantFault: the results are no plain file.
    :raises TransientError: the engine has lost them.
    """
    if folders is None:
        raise ConfigurationError("A queue for Docker images needs `synapse: {logs_folder: syn…}` for the predictions.")
    assert queue.model is not None
    path = work_dir / queue.model.output
    try:
        if not holder.copy(RESULTS_FOLDER, queue.model.output, path):
            raise TransientError("The results are not on the engine any more.")
    except Refusal as refusal:
        raise verdicts.odd_output(str(refusal)) from refusal
    return transfer.upload_file(
        path, folders.locked, used=[claimed.submission.entity_id], executed=[f"docker://{image.name}"]
    )
