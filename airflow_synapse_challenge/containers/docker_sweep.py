"""Find what nobody owns on a Docker engine, and remove it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from airflow_synapse_challenge.containers import docker_storage
from airflow_synapse_challenge.containers.docker_calls import engine_errors
from airflow_synapse_challenge.containers.docker_images import DockerImages
from airflow_synapse_challenge.containers.engine import Owner
from airflow_synapse_challenge.containers.spec import LABEL_PREFIX

if TYPE_CHECKING:
    from docker import APIClient


def remove_orphans(
    client: APIClient, images: DockerImages, labels: Mapping[str, str], *, lives: Callable[[Owner], bool]
) -> list[str]:
    """
    Remove the containers, volumes and images of runs that live no more; return their names.

    :param labels: only what carries all of these is judged; among them ``challenge``.
    :param lives: asked once for each run.
    """
    known: dict[Owner, bool] = {}

    def orphan(found: Mapping[str, Any]) -> bool:
        carried = found.get("Labels") or {}
        owner = Owner(carried.get(f"{LABEL_PREFIX}dag", ""), carried.get(f"{LABEL_PREFIX}run", ""))
        if owner not in known:
            known[owner] = lives(owner)
        return not known[owner]

    wanted = {"label": [f"{LABEL_PREFIX}{key}={value}" for key, value in labels.items()]}
    with engine_errors():
        containers = [found for found in client.containers(all=True, filters=wanted) if orphan(found)]
        removed = [found["Names"][0].lstrip("/") for found in containers]
        for name in removed:
            docker_storage.remove_container(client, name)
        volumes = [found["Name"] for found in client.volumes(filters=wanted)["Volumes"] or [] if orphan(found)]
        for name in volumes:
            docker_storage.remove_volume(client, name)
    forgotten = images.forgotten(labels["challenge"])
    for name in forgotten:
        images.remove(name)
    return sorted([*removed, *volumes, *forgotten])
