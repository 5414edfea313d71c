"""A Docker engine, and short ways to run a script on it."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest
from fake_kubernetes import FakeKubernetes

from airflow_synapse_challenge.containers import kubernetes_storage, kubernetes_watch
from airflow_synapse_challenge.containers.docker_engine import DockerEngine
from airflow_synapse_challenge.containers.holding import HeldFolder, Holding
from airflow_synapse_challenge.containers.kubernetes_cluster import Cluster
from airflow_synapse_challenge.containers.kubernetes_engine import KubernetesEngine
from airflow_synapse_challenge.containers.kubernetes_settings import ClusterSettings
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


@pytest.fixture
def holding():
    return Holding(
        "test holding", IMAGE, (HeldFolder("output", 4 * MIB, 10),), timedelta(minutes=5), {"suite": "containers"}
    )


@pytest.fixture
def holder(docker_engine, holding):
    found = docker_engine.holder(holding)
    yield found
    found.release()


@pytest.fixture(scope="session")
def whole_cluster(tmp_path_factory):
    with FakeKubernetes(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture
def fake_cluster(whole_cluster):
    """A cluster that is empty before and after a test."""
    yield whole_cluster
    left = whole_cluster.pods()
    whole_cluster.node.stop()
    whole_cluster.reset()
    assert left == []


@pytest.fixture
def kubernetes_settings():
    return ClusterSettings(
        namespace="challenge",
        helper_image=IMAGE,
        network_policy_enforced=True,
        pids_limited=True,
        core_dumps_off=True,
        start_within=timedelta(seconds=20),
    )


@pytest.fixture
def kubernetes_cluster(fake_cluster, monkeypatch):
    """The namespace, reached as Airflow does: the provider's hook, its client, its pod manager."""
    # Nothing else asks this API server.
    monkeypatch.setattr(kubernetes_storage, "LOOK", 0.05)
    monkeypatch.setattr(kubernetes_watch, "LOOK", 0.1)
    from airflow.providers.cncf.kubernetes.hooks.kubernetes import KubernetesHook
    from airflow.providers.cncf.kubernetes.utils.pod_manager import PodManager

    core = KubernetesHook(conn_id=None, kubernetes_conn_id=None, config_dict=fake_cluster.kube_config()).core_v1_client
    return Cluster(core, PodManager(core), "challenge")


@pytest.fixture
def kubernetes_engine(kubernetes_cluster, kubernetes_settings):
    return KubernetesEngine(kubernetes_cluster, kubernetes_settings)


@pytest.fixture(params=[pytest.param("docker", marks=pytest.mark.docker), "process", "kubernetes"])
def engine(request):
    if request.param == "process":
        return ProcessEngine(accept_unenforced=True)
    return request.getfixturevalue(f"{request.param}_engine")


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
