"""
File transfer through synapseclient, which knows Synapse's multipart uploads and presigned downloads.

It is imported inside functions: importing it costs a task most of a second and changes global state (JSON encoder,
warnings), which no DAG file should.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from airflow_synapse_challenge import __version__
from airflow_synapse_challenge.errors import ParticipantFault, PermanentError, TransientError
from airflow_synapse_challenge.synapse.client import Endpoints
from airflow_synapse_challenge.synapse.errors import BY_STATUS, SynapseRejected, SynapseUnavailable
from airflow_synapse_challenge.synapse.submissions import Submission

if TYPE_CHECKING:
    from synapseclient import Synapse

LONGEST_NAME = 120
#: Files that Synapse keeps. Others are addresses that a stranger chose, among them files of this host (``file://``).
STORED = ("S3FileHandle", "GoogleCloudFileHandle")
MIB = 1024**2


@dataclass(frozen=True)
class StoredFile:
    """
    A file on Synapse.

    :param id: synID.
    :param version: version number.
    """

    id: str
    version: int


@dataclass(frozen=True)
class DownloadedFile:
    """
    A file from Synapse.

    :param path: where it is now.
    :param version: which version of the entity it is.
    """

    path: Path
    version: int


class FileTransfer:
    """
    Upload and download files.

    :param token: personal access token.
    :param endpoints: which Synapse.
    :param work_dir: folder for a cache of its own: tasks that share one can spoil each other's files.
    """

    def __init__(self, token: str, endpoints: Endpoints, work_dir: Path) -> None:
        self._token = token
        self._endpoints = endpoints
        self._work_dir = work_dir

    def __repr__(self) -> str:
        return f"FileTransfer({self._endpoints.repo})"

    @cached_property
    def _synapse(self) -> Synapse:
        import synapseclient

        self._work_dir.mkdir(parents=True, exist_ok=True)
        for name in ("synapseclient_default", "synapseclient_silent", "synapseclient"):
            logging.getLogger(name).setLevel(logging.WARNING)
        synapse = synapseclient.Synapse(
            repoEndpoint=self._endpoints.repo,
            authEndpoint=self._endpoints.auth,
            fileHandleEndpoint=self._endpoints.file,
            portalEndpoint=self._endpoints.portal,
            skip_checks=True,
            silent=True,
            cache_client=False,
            configPath=str(self._work_dir / "no-configuration"),
            cache_root_dir=str(self._work_dir / "cache"),
            user_agent=[f"airflow-synapse-challenge/{__version__}"],
        )
        synapse.login(authToken=self._token, silent=True)
        return synapse

    def download_submission_file(self, submission: Submission, into: Path, largest: int | None = None) -> Path | None:
        """
        Download what was submitted, under its own name made safe.

        Access comes from READ_PRIVATE_SUBMISSION through the association SubmissionAttachment (S-09).

        :param largest: bytes.
        :return: ``None`` when the submission holds no file.
        :raises ParticipantFault: Synapse does not keep the file, or it is too large.
        """
        handle = submission.data_file_handle
        if handle is None:
            return None
        _refuse_unfit(handle, largest)
        target = into / safe_file_name(str(handle.get("fileName") or submission.name or submission.id))
        words = f"download the file of submission {submission.id}"
        return self._download(words, str(handle["id"]), submission.id, "SubmissionAttachment", target)

    def download_entity(self, entity_id: str, into: Path, version: int | None = None) -> DownloadedFile:
        """Download a version of a File, the current one unless said otherwise."""
        from synapseclient.models import File

        into.mkdir(parents=True, exist_ok=True)
        words = f"download {entity_id}"
        file = self._run(
            words,
            lambda: File(id=entity_id, path=str(into), download_file=True, version_number=version).get_async(
                synapse_client=self._synapse
            ),
        )
        if not file.path:
            raise PermanentError(f"{entity_id} is no file that can be downloaded; check the id and its sharing.")
        path = Path(file.path)
        return DownloadedFile(path.rename(path.with_name(safe_file_name(path.name))), int(file.version_number))

    def upload_file(
        self,
        path: Path,
        parent_id: str,
        *,
        name: str | None = None,
        used: Sequence[str] = (),
        executed: Sequence[str] = (),
    ) -> StoredFile:
        """
        Store a file as an entity; the same content under the same name makes no new version.

        :param used: entities that it was made from.
        :param executed: entities or URLs that made it.
        """
        from synapseclient.models import Activity, File, UsedEntity, UsedURL

        def reference(item: str) -> Any:
            return UsedURL(url=item) if "://" in item else UsedEntity(target_id=item)

        activity = (
            Activity(used=[reference(item) for item in used], executed=[reference(item) for item in executed])
            if used or executed
            else None
        )
        file = self._run(
            f"upload {path.name} to {parent_id}",
            lambda: File(path=str(path), parent_id=parent_id, name=name or path.name, activity=activity).store_async(
                synapse_client=self._synapse
            ),
        )
        return StoredFile(file.id, int(file.version_number))

    def upload_text(self, text: str, file_name: str, content_type: str = "text/plain") -> str:
        """Store a text as a file handle, the same handle for the same text and name (F-01); return its id."""
        from synapseclient.core.upload.multipart_upload_async import multipart_upload_string_async

        handle = self._run(
            f"upload the text {file_name}",
            lambda: multipart_upload_string_async(
                self._synapse, text, dest_file_name=file_name, content_type=content_type
            ),
        )
        return str(handle)

    def _download(self, words: str, handle_id: str, object_id: str, kind: str, target: Path) -> Path:
        from synapseclient.core.download import download_by_file_handle

        target.parent.mkdir(parents=True, exist_ok=True)
        path = self._run(
            words,
            lambda: download_by_file_handle(
                file_handle_id=handle_id,
                synapse_id=object_id,
                entity_type=kind,
                destination=str(target),
                synapse_client=self._synapse,
            ),
        )
        return Path(path)

    def _run(self, words: str, make: Any) -> Any:
        """Run one of synapseclient's coroutines and turn its errors into ours."""

        async def go() -> Any:
            return await make()

        try:
            synapse = self._synapse
            del synapse
            return asyncio.run(go())
        except Exception as error:
            raise _translated(words, error) from error


def _refuse_unfit(handle: dict[str, Any], largest: int | None) -> None:
    kind = str(handle.get("concreteType")).rpartition(".")[2]
    if kind not in STORED:
        raise ParticipantFault(["The submitted file is a link to somewhere else. Upload it to Synapse and resubmit."])
    size = int(handle.get("contentSize") or 0)
    if largest is not None and size > largest:
        raise ParticipantFault(
            [f"The submitted file has {size / MIB:.1f} MiB, and {largest / MIB:.1f} MiB is the most."]
        )


def safe_file_name(name: str) -> str:
    """Return a file name without folders, control characters or a leading dot; extension and spaces survive."""
    base = PurePosixPath(name.replace("\\", "/")).name
    kept = "".join(letter if letter.isprintable() and letter not in ':*?"<>|' else "_" for letter in base)
    kept = kept.lstrip(".-").strip() or "file"
    extension = PurePosixPath(kept).suffix[:LONGEST_NAME]
    return kept.removesuffix(extension)[: LONGEST_NAME - len(extension)] + extension


def _translated(words: str, error: Exception) -> Exception:
    """Say whether another try may help; synapseclient's own errors do not."""
    from synapseclient.core.exceptions import SynapseFileNotFoundError, SynapseHTTPError

    if isinstance(error, PermanentError | TransientError):
        return error
    response = getattr(error, "response", None)
    status = getattr(response, "status_code", None)
    if status is None:
        if isinstance(error, SynapseFileNotFoundError | ValueError | TypeError | FileNotFoundError):
            return PermanentError(f"Could not {words}: {error}")
        return SynapseUnavailable(words, f"{type(error).__name__}: {error}")
    if isinstance(error, SynapseHTTPError) and 400 <= status < 500 and status != 429:
        return BY_STATUS.get(status, SynapseRejected)(words, str(error), status)
    return SynapseUnavailable(words, str(error), status)
