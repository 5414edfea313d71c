"""A whole deployment: local Synapse, Airflow's four processes, Docker engine, participants."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from trial_world import PLAN, TRIALS, World

from airflow_synapse_challenge.local_synapse.server import LocalSynapse
from airflow_synapse_challenge.rehearsal.deployment import AirflowDeployment
from airflow_synapse_challenge.rehearsal.site import build_site


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home = tmp_path_factory.mktemp("world")
    with LocalSynapse.start(home / "synapse") as server:
        example = shutil.copytree(TRIALS, home / "trials")
        yield World(home, server, build_site(server, PLAN, example, home / "work", "docker"))


@pytest.fixture(scope="session")
def airflow(world: World) -> Iterator[AirflowDeployment]:
    deployment = world.deploy()
    try:
        yield deployment.start()
    finally:
        deployment.stop()


@pytest.fixture(autouse=True)
def no_faults(request: pytest.FixtureRequest) -> Iterator[None]:
    """Faults that a test ordered end with it."""
    yield
    if "world" in request.fixturenames:
        request.getfixturevalue("world").server.clear_faults()
