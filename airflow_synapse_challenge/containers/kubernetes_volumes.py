"""The folders of a pod: in memory and sized, or read-only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from airflow_synapse_challenge.containers.kubernetes_settings import ClusterSettings, pod_name
from airflow_synapse_challenge.containers.spec import INPUT, OUTPUT, ContainerSpec
from airflow_synapse_challenge.errors import ConfigurationError

TMP, SHM = "/tmp", "/dev/shm"  # noqa: S108
#: Where the helper that loads waits for the engine's word.
GATE = "/gate"
GATE_BYTES = 64 * 1024
#: Disk that a file takes at most besides its content.
FILE_OVERHEAD = 16 * 1024

Manifest = dict[str, Any]


def input_bytes(spec: ContainerSpec) -> int:
    """Return the disk that the inputs take."""
    sizes = [len(item.source) if isinstance(item.source, bytes) else item.source.stat().st_size for item in spec.inputs]
    return sum(sizes) + FILE_OVERHEAD * (len(sizes) + 8)


def sized_folders(spec: ContainerSpec) -> dict[str, int]:
    """Return the folders in memory of a container, each with its size in bytes."""
    policy = spec.policy
    covered = spec.facts.volumes if spec.facts else ()
    found = {TMP: policy.tmp_bytes, SHM: policy.shm_bytes}
    if not spec.holds_output:
        found[OUTPUT] = policy.output_bytes
    found |= {mount.path: mount.size_bytes for mount in spec.held}
    taken = {INPUT, GATE, *found, *(mount.path for mount in spec.mounts)}
    return found | {path: policy.tmp_bytes for path in covered if path.rstrip("/") not in taken}


def volume_name(path: str) -> str:
    """Return the name of the volume at a path."""
    return pod_name(f"at-{path.strip('/')}")


def mount_at(path: str, *, read_only: bool = False) -> Manifest:
    """Return the mount of the volume that belongs to a path."""
    return {"name": volume_name(path), "mountPath": path, **({"readOnly": True} if read_only else {})}


def in_memory(path: str, size: int) -> Manifest:
    """Return the volume of a path that is a file system in memory, sized by the kernel."""
    return {"name": volume_name(path), "emptyDir": {"medium": "Memory", "sizeLimit": str(size)}}


def loaded(spec: ContainerSpec) -> list[Manifest]:
    """Return the mounts of the helper that loads: everything that the code sees of its own, writable."""
    return [mount_at(path) for path in (*_own_folders(spec), GATE)]


def used(spec: ContainerSpec, settings: ClusterSettings) -> list[Manifest]:
    """Return the mounts of the code."""
    closed = {INPUT, *(mount.path for mount in spec.held if mount.read_only)}
    # A volume that the image declares where the gate is would be storage without bounds.
    gate = [GATE] if spec.facts and GATE in (path.rstrip("/") for path in spec.facts.volumes) else []
    own = [mount_at(path, read_only=path in closed) for path in (*_own_folders(spec), *gate)]
    return [*own, *_data_mounts(spec, settings)]


def collected(spec: ContainerSpec) -> list[Manifest]:
    """Return the mounts of the helper that gives the results."""
    paths = [mount.path for mount in spec.held if not mount.read_only]
    return [mount_at(path) for path in paths or [OUTPUT]]


def volumes(spec: ContainerSpec, settings: ClusterSettings) -> list[Manifest]:
    """
    Return the volumes of a pod.

    :raises ConfigurationError: it reads a folder, and the settings do not say where folders lie.
    """
    sizes = {GATE: GATE_BYTES, **sized_folders(spec)}
    own = [in_memory(path, size) for path, size in sizes.items()]
    if INPUT in _own_folders(spec):
        own.append({"name": volume_name(INPUT), "emptyDir": {"sizeLimit": str(input_bytes(spec))}})
    return [*own, *_data_volumes(spec, settings)]


def _own_folders(spec: ContainerSpec) -> list[str]:
    has_data_there = any(mount.path == INPUT for mount in spec.mounts)
    return [*sized_folders(spec)] if has_data_there else [INPUT, *sized_folders(spec)]


def _data_mounts(spec: ContainerSpec, settings: ClusterSettings) -> Iterator[Manifest]:
    for mount in spec.mounts:
        inside = mount.source.strip("/")
        if settings.data_claim:
            part = {"subPath": inside} if inside else {}
            yield {"name": "data", "mountPath": mount.path, "readOnly": True, **part}
        else:
            yield mount_at(mount.path, read_only=True)


def _data_volumes(spec: ContainerSpec, settings: ClusterSettings) -> Iterator[Manifest]:
    if not spec.mounts:
        return
    if settings.data_claim:
        yield {"name": "data", "persistentVolumeClaim": {"claimName": settings.data_claim, "readOnly": True}}
    elif settings.host_paths:
        for mount in spec.mounts:
            yield {"name": volume_name(mount.path), "hostPath": {"path": mount.source, "type": "Directory"}}
    else:
        raise ConfigurationError(
            f"The folder {spec.mounts[0].source} lies nowhere in the cluster: name the claim with the data in "
            "`compute: {kubernetes: {data_claim: …}}`, or allow folders of the nodes with `host_paths: true`."
        )
