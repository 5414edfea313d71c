"""A Docker engine, and short ways to run a script on it."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest

from airflow_synapse_challenge.containers.docker_engine import DockerEngine
from airflow_synapse_challenge.containers.policy import MIB, Policy
from airflow_synapse_challenge.containers.process import ProcessEngine
from airflow_synapse_challenge.containers.spec import ContainerSpec, Input

IMAGE = "airflow-synapse-challenge/evaluation:latest"


@pytest.fixture(scope="session")
def docker_client():
    import docker

    client = docker.APIClient(base_url=os.environ["DOCKER_HOST"], version="auto")
    assert client.ping()
    return client


@pytest.fixture
def docker_engine(docker_client):
    return DockerEngine(docker_client)


@pytest.fixture(params=[pytest.param("docker", marks=pytest.mark.docker), "process"])
def engine(request):
    if request.param == "docker":
        return request.getfixturevalue("docker_engine")
    return ProcessEngine(accept_unenforced=True)


@pytest.fixture
def spec_of(request):
    """Return the spec of a Python script, named after the test."""

    def spec_of(code, *, seconds=20, inputs=(), **changes):
        policy = {"memory_bytes": 256 * MIB, "tmp_bytes": 8 * MIB, "timeout": timedelta(seconds=seconds)}
        policy |= changes.pop("policy", {})
        defaults = {
            "name": f"test {request.node.name}",
            "image": IMAGE,
            "command": ("python3", "/input/script.py", "/output/results.json"),
            "inputs": (Input("/input/script.py", code.encode()), *inputs),
            "policy": Policy(**policy),
            "labels": {"suite": "containers"},
        }
        return ContainerSpec(**{**defaults, **changes})

    return spec_of


@pytest.fixture(autouse=True)
def nothing_left(request):
    """No container or volume of the test outlives it."""
    yield
    if "docker_engine" in request.fixturenames or "docker_client" in request.fixturenames:
        client = request.getfixturevalue("docker_client")
        mine = {"label": "airflow-synapse-challenge.suite=containers"}
        assert client.containers(all=True, filters=mine) == []
        assert not client.volumes(filters=mine)["Volumes"]
