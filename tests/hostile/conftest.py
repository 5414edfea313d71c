"""One engine, one neighbour and one yard for all attacks."""

from __future__ import annotations

import json
import os
import sys
import time
import uuid
from datetime import timedelta
from pathlib import Path

import pytest

from airflow_synapse_challenge.containers.docker_engine import DockerEngine
from airflow_synapse_challenge.containers.holding import HeldFolder, Holding
from airflow_synapse_challenge.containers.policy import MIB, Policy
from airflow_synapse_challenge.containers.spec import OUTPUT, ContainerSpec

sys.path.insert(0, str(Path(__file__).parent))

import yard as yards
from fake_registry import FakeRegistry

SUITE = {"suite": f"hostile-{uuid.uuid4().hex[:8]}"}


@pytest.fixture(scope="session")
def docker_client():
    """The engine; without one these tests fail."""
    import docker

    client = docker.APIClient(base_url=os.environ["DOCKER_HOST"], version="auto")
    assert client.ping()
    return client


@pytest.fixture(scope="session")
def builder(docker_client):
    made = yards.Builder(docker_client)
    yield made
    made.remove(made.base)


class Victim:
    """A neighbour under the policy of every model, that runs beside all attacks."""

    def __init__(self, client, image):
        self._engine = DockerEngine(client)
        self._holding = Holding(
            f"victim-{SUITE['suite']}",
            yards.EVALUATION_IMAGE,
            (HeldFolder("output", 8 * MIB, 10),),
            timedelta(hours=1),
            SUITE,
        )
        policy = Policy(memory_bytes=128 * MIB, cpus=0.5, timeout=timedelta(hours=1), pids=20, output_bytes=8 * MIB)
        self._spec = ContainerSpec(
            name=f"victim-{SUITE['suite']}-model",
            image=image,
            policy=policy,
            results=(),
            labels=SUITE,
            held=(self._holding.mount("output", OUTPUT),),
            author="participant",
        )
        self._holder = self._engine.holder(self._holding)
        self._holder.ensure()
        self._engine.launch(self._spec)

    def status(self, after=0.0):
        """What it has to say of itself since a moment."""
        assert self._engine.has(self._spec), "the neighbour is gone"
        for _ in range(100):
            path = Path(os.environ["HOME"]) / f".{uuid.uuid4().hex}"
            try:
                if self._holder.copy("output", "status", path):
                    found = json.loads(path.read_text())
                    if found["now"] > max(after, time.time() - yards.LONGEST_GAP):
                        return found
            finally:
                path.unlink(missing_ok=True)
            time.sleep(0.1)
        raise AssertionError("the neighbour gives no sign of life")

    def require_calm(self, before, began):
        """It was not held up, nobody visited it, and what it keeps is whole."""
        after = self.status(time.time())
        assert after["beats"] > before["beats"]
        assert after["intact"]
        assert after["visits"] == 0
        longest = max((gap for at, gap in after["gaps"] if at >= began), default=0.0)
        assert longest < yards.LONGEST_GAP, f"the neighbour was held up for {longest:.1f} s"

    def end(self):
        self._engine.sweep(SUITE)


@pytest.fixture(scope="session")
def victim(docker_client, builder):
    image = builder.image("victim")
    found = Victim(docker_client, image)
    yield found
    found.end()
    builder.remove(image)


@pytest.fixture(scope="session")
def yard(docker_client, builder, victim, tmp_path_factory):
    folder = Path(os.path.realpath(tmp_path_factory.mktemp("yard")))
    secrets = {name: f"{name}-{uuid.uuid4().hex}" for name in ("truth", "token", "proxy")}
    found = yards.Yard(docker_client, builder, victim, folder, secrets)
    found.require_next_runs()
    yield found
    found.close()


@pytest.fixture
def registry():
    found = FakeRegistry()
    yield found
    found.close()
