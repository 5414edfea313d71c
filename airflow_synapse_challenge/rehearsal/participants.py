"""People who take part in a rehearsal: each submits through a synapseclient and a ``docker`` of their own."""

from __future__ import annotations

import random
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_synapse_challenge.errors import PermanentError, TransientError
from airflow_synapse_challenge.local_synapse.server import LocalSynapse
from airflow_synapse_challenge.rehearsal.docker_command import DockerCommand
from airflow_synapse_challenge.rehearsal.plan import Plan, PlannedSubmission
from airflow_synapse_challenge.rehearsal.site import Site, log_in

if TYPE_CHECKING:
    from synapseclient import Synapse

#: Seconds in which Synapse hears from its registry of a push.
HEARSAY_SECONDS = 30.0
#: Seconds that somebody may still need for what is on its way when all stop.
LAST_SECONDS = 60.0


class Participants:
    """
    Submit what a plan says, one after the other, spread over its time.

    :param example: folder that the plan's files lie in.
    :param work: folder for caches and files that are made.
    :param label: ``key=value`` for the images that they build.
    """

    def __init__(self, server: LocalSynapse, plan: Plan, site: Site, example: Path, work: Path, *, label: str) -> None:
        self._server = server
        self._plan = plan
        self._site = site
        self._example = example
        self._work = work
        self._label = label
        self._clients: dict[str, tuple[Synapse, str]] = {}
        self._dockers: dict[str, DockerCommand] = {}
        self._thread = threading.Thread(target=self._submit_all, name="participants", daemon=True)
        self._stopped = threading.Event()
        self._error: BaseException | None = None
        self.submitted: dict[str, PlannedSubmission] = {}

    def start(self) -> None:
        """Begin to submit."""
        self._thread.start()

    def stop(self) -> None:
        """Submit nothing more; what is on its way may come to its end."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(LAST_SECONDS)

    @property
    def finished(self) -> bool:
        """
        Whether everything is submitted.

        :raises PermanentError: a submission could not be made.
        """
        if self._error:
            raise PermanentError(f"A participant could not submit: {self._error}") from self._error
        return not self._thread.is_alive()

    def _submit_all(self) -> None:
        begin = time.monotonic()
        pause = self._plan.over.total_seconds() / len(self._plan.submissions)
        try:
            for index, planned in enumerate(self._plan.submissions):
                if self._stopped.wait(max(0.0, begin + index * pause - time.monotonic())):
                    return
                self.submitted[self._submit(planned)] = planned
        except BaseException as error:  # noqa: BLE001  raised again in `finished`, in the caller's thread
            self._error = error

    def _submit(self, planned: PlannedSubmission) -> str:
        member = self._plan.teams.get(planned.by, (planned.by,))[0]
        synapse, _ = self._client(member)
        entity = self._push(planned, member) if planned.image else self._store(planned, member)
        team = planned.by if planned.by in self._plan.teams else None
        # Of an image the client looks up which digest the tag has, and submits that.
        submission = synapse.submit(self._queue(planned), entity, name=planned.name, team=team, silent=True)
        return str(submission["id"])

    def _store(self, planned: PlannedSubmission, member: str) -> Any:
        from synapseclient.models import File

        synapse, project = self._client(member)
        file = File(path=str(self._path(planned)), parent_id=project).store(synapse_client=synapse)
        return synapse.get(file.id, downloadFile=False)

    def _push(self, planned: PlannedSubmission, member: str) -> Any:
        """Build and push an image to the member's project; return its repository's entity."""
        synapse, project = self._client(member)
        name = f"{self._server.registry}/{project}/{planned.name}"
        self._docker(member).build_and_push(self._example / str(planned.image), f"{name}:latest")
        return synapse.get(self._repository(synapse, name), downloadFile=False)

    def _repository(self, synapse: Synapse, name: str) -> str:
        """Return the synID of a repository; the registry tells Synapse of a push a moment after it has answered."""
        from synapseclient.core.exceptions import SynapseHTTPError

        end = time.monotonic() + HEARSAY_SECONDS
        while True:
            try:
                return str(synapse.restGET(f"/entity/dockerRepo/id?repositoryName={name}")["id"])
            except SynapseHTTPError as error:
                if time.monotonic() > end:
                    raise TransientError(f"Synapse has not heard that {name} was pushed: {error}") from error
            time.sleep(0.1)

    def _docker(self, member: str) -> DockerCommand:
        if member not in self._dockers:
            docker = DockerCommand(self._work / "docker" / member, self._label)
            docker.login(self._server.registry, member, self._server.token(member))
            self._dockers[member] = docker
        return self._dockers[member]

    def _queue(self, planned: PlannedSubmission) -> str:
        queues = self._site.challenge.queues
        return str(next(queue.id for queue in queues if planned.queue in (None, queue.name)))

    def _path(self, planned: PlannedSubmission) -> Path:
        if planned.file:
            return self._example / planned.file
        path = self._work / planned.name
        path.write_bytes(random.Random(planned.name).randbytes(planned.junk or 0))  # noqa: S311
        return path

    def _client(self, member: str) -> tuple[Synapse, str]:
        from synapseclient.models import Project

        if member not in self._clients:
            synapse = log_in(self._server, member, self._work / "cache" / member)
            project = Project(name=f"{member}'s work").store(synapse_client=synapse)
            self._clients[member] = synapse, str(project.id)
        return self._clients[member]
