"""A queue for images that only sleep, on the same local Synapse, and somebody who submits them."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import Any

from airflow_synapse_challenge.local_synapse.server import LocalSynapse
from airflow_synapse_challenge.rehearsal.docker_command import DockerCommand
from airflow_synapse_challenge.rehearsal.plan import Plan
from airflow_synapse_challenge.rehearsal.site import build_site, log_in

FOLDER = Path(__file__).resolve().parent / "sleepers"
SUBMITTER = "morpheus"
PLAN = {"participants": [SUBMITTER], "submissions": [{"by": SUBMITTER, "image": "model", "valid": {}}]}
DOCKERFILE = """\
FROM airflow-synapse-challenge/evaluation:latest
ENTRYPOINT ["sh", "-c", "sleep {seconds} && echo done > /output/predictions.csv"]
"""


class Sleepers:
    """
    :param server: with its Docker registry.
    :param home: folder of the world.
    """

    def __init__(self, server: LocalSynapse, home: Path) -> None:
        from synapseclient.models import Project

        self._server = server
        self._home = home / "sleepers"
        self.site = build_site(server, Plan.model_validate(PLAN), FOLDER, home / "work", "docker")
        self.challenge = self.site.challenge
        self.queue = self.challenge.queues[0]
        self._synapse = log_in(server, SUBMITTER, home / "work" / "cache" / SUBMITTER)
        self._project = Project(name="Dreams").store(synapse_client=self._synapse).id
        self._docker = DockerCommand(self._home / "docker", "bench=sleepers")
        self._docker.login(server.registry, SUBMITTER, server.token(SUBMITTER))
        self._entities: dict[int, Any] = {}

    def image(self, seconds: int) -> str:
        """Return the image that sleeps so long, pushed to the registry."""
        name = f"{self._server.registry}/{self._project}/sleeps-{seconds}"
        if seconds not in self._entities:
            folder = self._home / str(seconds)
            folder.mkdir()
            (folder / "Dockerfile").write_text(DOCKERFILE.format(seconds=seconds))
            self._docker.build_and_push(folder, f"{name}:latest")
            self._entities[seconds] = self._synapse.get(self._repository(name), downloadFile=False)
        return f"{name}:latest"

    def submit(self, seconds: int) -> str:
        """Submit the image that sleeps so long and return the submission's id."""
        self.image(seconds)
        return str(self._synapse.submit(str(self.queue.id), self._entities[seconds], silent=True)["id"])

    def remove_images(self) -> None:
        """Leave no image behind."""
        subprocess.run(["docker", "rmi", "--force", *map(self.image, self._entities)], check=False, capture_output=True)

    def _repository(self, name: str) -> str:
        """Return the synID; the registry tells Synapse of a push a moment after it has answered."""
        from synapseclient.core.exceptions import SynapseHTTPError

        for _ in range(100):
            try:
                return str(self._synapse.restGET(f"/entity/dockerRepo/id?repositoryName={name}")["id"])
            except SynapseHTTPError:
                time.sleep(0.1)
        raise SystemExit(f"Synapse has not heard that {name} was pushed.")
