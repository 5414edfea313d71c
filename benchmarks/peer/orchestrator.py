"""
Today's way to evaluate: poll queues, start a workflow for each submission, look after it, give it its final status.

``python orchestrator.py SETTINGS.json`` works until SIGTERM.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import synapseclient
from synapseclient.models import File, Folder

HERE = Path(__file__).resolve().parent
PREFIX = "orgSagebionetworksSynapseWorkflowOrchestrator"
PAGE = 10
TOIL_OPTIONS = (
    *("--batchSystem", "single_machine", "--retryCount", "0", "--defaultMemory", "100M", "--defaultDisk", "100M"),
    *("--bypass-file-store", "--caching", "false", "--disableProgress", "--no-compute-checksum"),
    # Every image is on the engine already.
    *("--clean", "always", "--custom-net", "host", "--no-prepull"),
)


@dataclass
class Job:
    """A workflow that runs on a submission."""

    submission_id: str
    folder: Path
    upload_to: str
    process: subprocess.Popen[bytes]


class Orchestrator:
    """
    One process for a queue.

    :param settings: ``endpoint``, ``token``, ``evaluation``, ``root``, ``ground_truth``, ``organizers``, ``home``,
        ``engine`` (path of the runner), ``poll_seconds`` and ``max_in_flight``.
    """

    def __init__(self, settings: SimpleNamespace) -> None:
        self._settings = settings
        self._home = Path(settings.home)
        self._config = self._home / ".synapseConfig"
        self._config.write_text(_config_file(settings.endpoint, settings.token))
        self._synapse = synapseclient.Synapse(
            configPath=str(self._config), skip_checks=True, silent=True, cache_root_dir=str(self._home / "cache")
        )
        self._synapse.login(silent=True)
        self._jobs: list[Job] = []

    def work(self) -> None:
        """Take in and look after, again and again."""
        try:
            while True:
                self._take_in()
                self._look_after()
                time.sleep(self._settings.poll_seconds)
        finally:
            for job in self._jobs:
                os.killpg(job.process.pid, signal.SIGTERM)

    def _take_in(self) -> None:
        room = self._settings.max_in_flight - len(self._jobs)
        for bundle in self._waiting()[:room]:
            self._start(bundle["submission"])

    def _waiting(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        path = f"/evaluation/{self._settings.evaluation}/submission/bundle/all?status=RECEIVED&limit={PAGE}&offset="
        while True:
            page = self._synapse.restGET(f"{path}{len(found)}")["results"]
            found += page
            if len(page) < PAGE:
                return found

    def _start(self, submission: dict[str, Any]) -> None:
        identity = str(submission["id"])
        folder = self._home / identity
        for name in ("work", "tmp", "out"):
            (folder / name).mkdir(parents=True)
        shared, _ = self._folders(str(submission.get("teamId") or submission["userId"]), identity)
        inputs = {
            "submissionId": identity,
            "submitterUploadSynId": shared,
            "organizersId": str(self._settings.organizers),
            "groundtruthSynId": self._settings.ground_truth,
            "synapseConfig": {"class": "File", "path": str(self._config)},
            "check": {"class": "File", "path": str(HERE / "steps" / "check_status.py")},
        }
        (folder / "inputs.json").write_text(json.dumps(inputs))
        with (folder / "log.txt").open("wb") as log:
            process = subprocess.Popen(
                [
                    *(self._settings.engine, *TOIL_OPTIONS),
                    *("--jobStore", str(folder / "jobs"), "--workDir", str(folder / "work")),
                    *("--outdir", str(folder / "out"), str(HERE / "workflow.cwl"), str(folder / "inputs.json")),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # The engine calls helpers of its own by name.
                env={
                    **os.environ,
                    "TMPDIR": str(folder / "tmp"),
                    "PATH": f"{Path(self._settings.engine).parent}:{os.environ['PATH']}",
                },
                start_new_session=True,
            )
        self._jobs.append(Job(identity, folder, shared, process))
        self._write_status(
            identity, "EVALUATION_IN_PROGRESS", can_cancel=True, notes={"WorkflowJobId": f"workflow_job.{process.pid}"}
        )

    def _look_after(self) -> None:
        for job in list(self._jobs):
            code = job.process.poll()
            if code is None:
                continue
            self._jobs.remove(job)
            self._upload_log(job)
            self._write_status(
                job.submission_id,
                "INVALID" if code else "ACCEPTED",
                can_cancel=False,
                notes={"StatusDescription": "ERROR" if code else "DONE", "SubmissionFolder": job.upload_to},
            )
            if not code:
                shutil.rmtree(job.folder)

    def _folders(self, submitter: str, submission: str) -> tuple[str, str]:
        """Make the two folders of a submission where they do not exist."""
        made = []
        for name, access in ((submitter, ["READ", "DOWNLOAD"]), (f"{submitter}_LOCKED", ["READ"])):
            parent = self._synapse.findEntityId(name, parent=self._settings.root)
            if not parent:
                folder = Folder(name=name, parent_id=self._settings.root).store(synapse_client=self._synapse)
                folder.set_permissions(principal_id=int(submitter), access_type=access, synapse_client=self._synapse)
                parent = folder.id
            made.append(Folder(name=submission, parent_id=parent).store(synapse_client=self._synapse).id)
        return made[0], made[1]

    def _upload_log(self, job: Job) -> None:
        archive = job.folder / f"{job.submission_id}_logs.zip"
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
            target.write(job.folder / "log.txt", f"{job.submission_id}_logs.txt")
        File(path=str(archive), parent_id=job.upload_to).store(synapse_client=self._synapse)

    def _write_status(self, identity: str, status: str, *, can_cancel: bool, notes: dict[str, str]) -> None:
        path = f"/evaluation/submission/{identity}/status"
        document = self._synapse.restGET(path)
        document |= {"status": status, "canCancel": can_cancel, "cancelRequested": False}
        legacy = document.setdefault("annotations", {})
        modern = document.setdefault("submissionAnnotations", {}).setdefault("annotations", {})
        for name, value in notes.items():
            entry = {"key": PREFIX + name, "value": value, "isPrivate": False}
            legacy["stringAnnos"] = [*(legacy.get("stringAnnos") or []), entry]
            modern[PREFIX + name] = {"type": "STRING", "value": [value]}
        self._synapse.restPUT(path, json.dumps(document))


def _config_file(endpoint: str, token: str) -> str:
    endpoints = {"repo": "repoEndpoint", "auth": "authEndpoint", "file": "fileHandleEndpoint"}
    lines = [f"{name} = {endpoint}/{service}/v1" for service, name in endpoints.items()]
    return "\n".join(
        ["[authentication]", f"authtoken = {token}", "[endpoints]", *lines, f"portalEndpoint = {endpoint}"]
    )


def _end(*_: object) -> None:
    sys.exit(0)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _end)
    Orchestrator(SimpleNamespace(**json.loads(Path(sys.argv[1]).read_text()))).work()
