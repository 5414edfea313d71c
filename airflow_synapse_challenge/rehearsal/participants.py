"""People who take part in a rehearsal: each submits through a synapseclient of their own."""

from __future__ import annotations

import random
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_synapse_challenge.local_synapse.server import LocalSynapse
from airflow_synapse_challenge.rehearsal.plan import Plan, PlannedSubmission
from airflow_synapse_challenge.rehearsal.site import Site, log_in

if TYPE_CHECKING:
    from synapseclient import Synapse


class Participants:
    """
    Submit what a plan says, one after the other, spread over its time.

    :param example: folder that the plan's files lie in.
    :param work: folder for caches and files that are made.
    """

    def __init__(self, server: LocalSynapse, plan: Plan, site: Site, example: Path, work: Path) -> None:
        self._server = server
        self._plan = plan
        self._site = site
        self._example = example
        self._work = work
        self._clients: dict[str, tuple[Synapse, str]] = {}
        self._thread = threading.Thread(target=self._submit_all, name="participants", daemon=True)
        self._stopped = threading.Event()
        self._error: BaseException | None = None
        self.submitted: dict[str, PlannedSubmission] = {}

    def start(self) -> None:
        """Begin to submit."""
        self._thread.start()

    def stop(self) -> None:
        """Submit nothing more."""
        self._stopped.set()

    @property
    def finished(self) -> bool:
        """
        Whether everything is submitted.

        :raises Exception: a submission could not be made.
        """
        if self._error:
            raise self._error
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
        from synapseclient.models import File

        member = self._plan.teams.get(planned.by, (planned.by,))[0]
        synapse, project = self._client(member)
        file = File(path=str(self._path(planned)), parent_id=project).store(synapse_client=synapse)
        entity = synapse.get(file.id, downloadFile=False)
        team = planned.by if planned.by in self._plan.teams else None
        submission = synapse.submit(self._queue(planned), entity, name=planned.name, team=team, silent=True)
        return str(submission["id"])

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
