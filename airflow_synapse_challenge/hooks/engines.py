"""The engine that a challenge names, for those who run containers, watch them or tidy up after them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from airflow_synapse_challenge.challenge.site import Compute, Kubernetes
from airflow_synapse_challenge.containers.engine import Engine, ModelEngine, Owner, Watched
from airflow_synapse_challenge.containers.image_check import Images
from airflow_synapse_challenge.containers.kubernetes_settings import ClusterSettings
from airflow_synapse_challenge.errors import ConfigurationError
from airflow_synapse_challenge.hooks.docker import docker_client, engine_for

if TYPE_CHECKING:
    from airflow_synapse_challenge.containers.kubernetes_engine import KubernetesEngine


def engine_of(compute: Compute) -> Engine:
    """Return the engine that runs the organisers' scripts."""
    return (
        model_engine_of(compute)
        if compute.kubernetes_is_used
        else engine_for(compute.engine, compute.docker_connection)
    )


def model_engine_of(compute: Compute) -> ModelEngine:
    """Return the engine that runs models."""
    if compute.kubernetes_is_used:
        return _cluster_engine(compute)
    from airflow_synapse_challenge.containers.docker_engine import DockerEngine

    return DockerEngine(docker_client(compute.docker_connection))


def images_of(compute: Compute) -> Images:
    """Return what has submitted images ready for the engine."""
    if compute.kubernetes_is_used:
        from airflow_synapse_challenge.containers.kubernetes_images import ClusterImages

        return ClusterImages(cluster_settings(compute).platform)
    from airflow_synapse_challenge.containers.docker_images import DockerImages

    return DockerImages(docker_client(compute.docker_connection), compute.evaluation_image)


def watched(docker_conn_id: str | None, cluster: Mapping[str, Any] | None) -> Watched:
    """
    Return an engine to be watched.

    :param docker_conn_id: Airflow connection of type ``docker``; ``None`` for the environment's engine.
    :param cluster: what :func:`watched_cluster` returned; ``None`` for Docker.
    """
    if cluster is not None:
        from airflow_synapse_challenge.containers.kubernetes_watch import WatchedCluster
        from airflow_synapse_challenge.hooks.kubernetes import cluster_of

        return WatchedCluster(cluster_of(cluster["connection"], cluster["namespace"]))
    from airflow_synapse_challenge.containers.docker_watch import WatchedDocker

    return WatchedDocker(docker_client(docker_conn_id))


def watched_cluster(compute: Compute) -> dict[str, str | None] | None:
    """Return what a trigger has to know to find the challenge's cluster, ``None`` where there is none."""
    if compute.kubernetes is None or not compute.kubernetes_is_used:
        return None
    return {"connection": compute.kubernetes.connection, "namespace": compute.kubernetes.namespace}


def remove_orphans(compute: Compute, labels: Mapping[str, str], *, lives: Callable[[Owner], bool]) -> list[str]:
    """
    Remove what runs of the challenge that live no more left on its engine; return the names.

    :param labels: only what carries all of these is judged; among them ``challenge``.
    :param lives: asked once for each run.
    """
    if compute.kubernetes_is_used:
        return _cluster_engine(compute).remove_orphans(labels, lives=lives)
    from airflow_synapse_challenge.containers import docker_sweep
    from airflow_synapse_challenge.containers.docker_images import DockerImages

    client = docker_client(compute.docker_connection)
    return docker_sweep.remove_orphans(client, DockerImages(client, compute.evaluation_image), labels, lives=lives)


def tidy(compute: Compute, labels: Mapping[str, str], image: str | None) -> None:
    """
    Leave nothing of a run on the engine.

    :param labels: of its containers.
    :param image: under which it owns a submitted image.
    """
    model_engine_of(compute).sweep(labels)
    if image:
        images_of(compute).remove(image)


def cluster_engine(section: Mapping[str, Any]) -> KubernetesEngine:
    """
    Return the engine of a cluster that is described outside of a challenge.yaml.

    :param section: the keys of ``compute: {kubernetes: …}``.
    :raises ConfigurationError: they are not what such a section may hold.
    """
    try:
        return _cluster_engine(Compute(engine="kubernetes", kubernetes=Kubernetes.model_validate(section)))
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise ConfigurationError(f"`cluster` is not like `compute: {{kubernetes: …}}`: {problems}") from error


def cluster_settings(compute: Compute) -> ClusterSettings:
    """
    Return what the configuration says about its cluster.

    :raises ConfigurationError: it says nothing.
    """
    found = compute.kubernetes
    if found is None:
        raise ConfigurationError(
            "`engine: kubernetes` needs `compute: {kubernetes: {namespace: …}}` in challenge.yaml."
        )
    said = found.model_dump(exclude={"connection", "helper_image"})
    return ClusterSettings(helper_image=found.helper_image or compute.evaluation_image, **said)


def _cluster_engine(compute: Compute) -> KubernetesEngine:
    from airflow_synapse_challenge.hooks.kubernetes import kubernetes_engine

    settings = cluster_settings(compute)
    assert compute.kubernetes is not None
    return kubernetes_engine(compute.kubernetes.connection, settings)
