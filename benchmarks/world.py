"""A local Synapse with the example's challenge on it, and participants who submit to it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import cycle
from pathlib import Path
from typing import Any

import yaml
from sleepers_world import Sleepers

from airflow_synapse_challenge.challenge.config import load_challenge
from airflow_synapse_challenge.local_synapse.server import LocalSynapse
from airflow_synapse_challenge.rehearsal.plan import load_plan
from airflow_synapse_challenge.rehearsal.site import SERVICE, build_site, log_in
from airflow_synapse_challenge.synapse import submissions
from airflow_synapse_challenge.synapse.client import Endpoints, SynapseClient

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples" / "breast-cancer"
#: As a challenge in production has them; the example itself polls faster and runs fewer, for people who watch it.
POLL_SECONDS = 10
MAX_IN_FLIGHT = 10
LOOK_SECONDS = 1.0


class World:
    """
    What both sides meet.

    :param home: empty folder.
    """

    def __init__(self, server: LocalSynapse, home: Path) -> None:
        self.server = server
        self.home = home
        self.plan = load_plan(EXAMPLE)
        self.site = build_site(server, self.plan, EXAMPLE, home / "work", "docker")
        path = self.site.challenges_folder / self.site.challenge.challenge / "challenge.yaml"
        content = yaml.safe_load(path.read_text())
        content["poll_interval"] = f"{POLL_SECONDS}s"
        content["compute"]["max_concurrent_submissions"] = MAX_IN_FLIGHT
        path.write_text(yaml.safe_dump(content, sort_keys=False))
        self.challenge = load_challenge(path)
        self.queue = self.challenge.queues[0]
        self.queue_id = str(self.queue.id)
        self.sleepers = Sleepers(server, home) if server.docker_registry else None
        self._client = SynapseClient(server.token(SERVICE), Endpoints.at(server.url))
        self._entries = cycle(self._store_files())

    def _store_files(self) -> list[tuple[Any, Any]]:
        """Store every valid file of the plan as its participant's entity."""
        from synapseclient.models import File, Project

        homes = {}
        for name in self.plan.participants:
            synapse = log_in(self.server, name, self.home / "work" / "cache" / name)
            homes[name] = synapse, Project(name=f"{name}'s files").store(synapse_client=synapse).id
        entries = []
        for planned in self.plan.submissions:
            if planned.valid and planned.file and planned.by in homes:
                synapse, project = homes[planned.by]
                file = File(path=str(EXAMPLE / planned.file), parent_id=project).store(synapse_client=synapse)
                entries.append((synapse, synapse.get(file.id, downloadFile=False)))
        return entries

    def submit(self) -> str:
        """Submit the next valid file and return the submission's id."""
        synapse, entity = next(self._entries)
        return str(synapse.submit(self.queue_id, entity, silent=True)["id"])

    def wait_for_accepted(self, wanted: Sequence[str], patience: float) -> None:
        """Wait until these submissions are accepted, or patience ends."""
        missing, end = set(wanted), time.monotonic() + patience
        while missing and time.monotonic() < end:
            missing -= {bundle.submission.id for bundle in self._accepted()}
            time.sleep(LOOK_SECONDS)

    def _accepted(self) -> Iterator[Any]:
        return self._client.pages(submissions.bundles(self.queue_id, "ACCEPTED"))

    def seconds(self, wanted: Sequence[str]) -> list[tuple[float, float]]:
        """Return when those that were accepted were made and became final, in seconds of Synapse's clock."""
        found = {}
        for bundle in self._accepted():
            moments = bundle.submission.created_on, bundle.submission_status.modified_on
            found[bundle.submission.id] = tuple(datetime.fromisoformat(moment).timestamp() for moment in moments)
        return [found[identity] for identity in wanted if identity in found]


@contextmanager
def world(home: Path, *, images: bool = False) -> Iterator[World]:
    """
    Yield a new world that ends with the block.

    :param images: with a registry, and a queue for images.
    """
    with LocalSynapse.start(home / "synapse", docker_registry=images) as server:
        yield World(server, home)
