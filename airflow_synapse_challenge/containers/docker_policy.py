"""A policy in Docker's words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from airflow_synapse_challenge.containers import system_calls
from airflow_synapse_challenge.containers.policy import OPEN_FILES, Policy, numeric_user
from airflow_synapse_challenge.containers.spec import INPUT, OUTPUT, ContainerSpec

TMP = "/tmp"  # noqa: S108
#: What the engine keeps of the output for a retry that adopts the container.
LOG_FILE_BYTES = 10 * 1024**2


@dataclass(frozen=True)
class Image:
    """
    An image that the engine has.

    :param id: what runs; a name can move to another image, an id cannot.
    :param digest: how it can be found again: the repository's digest, else the id.
    :param variables: names in its environment.
    :param volumes: folders that it declares as volumes, which would be storage without bounds.
    :param user: user and group that it asks for.
    :param starts: whether it says what to start.
    :param labels: names of its labels.
    """

    id: str
    digest: str
    variables: frozenset[str]
    volumes: tuple[str, ...]
    user: str = ""
    starts: bool = True
    labels: tuple[str, ...] = ()


def volumes(spec: ContainerSpec) -> dict[str, str]:
    """Return the volumes of a container: name by path."""
    made = {} if spec.holds_output else {OUTPUT: f"{spec.safe_name}.output"}
    return made if any(mount.path == INPUT for mount in spec.mounts) else {INPUT: f"{spec.safe_name}.input", **made}


def user_of(spec: ContainerSpec, image: Image) -> str | None:
    """Return who a container runs as: the image's own user if its numbers are not root's, else the policy's."""
    if spec.policy.allow_root:
        return None
    own = numeric_user(image.user) if spec.author == "participant" else None
    return own or spec.policy.user


def container_config(spec: ContainerSpec, image: Image) -> dict[str, Any]:
    """Return the arguments of docker-py's ``create_container``, without the host's part."""
    return {
        "image": image.id,
        "name": spec.safe_name,
        # Without a command the image's own entrypoint and arguments are taken.
        "entrypoint": [spec.command[0]] if spec.command else None,
        "command": list(spec.command[1:]) if spec.command else None,
        "user": user_of(spec, image),
        "environment": {**environment(spec), **spec.environment},
        "working_dir": TMP,
        # A container has its image's labels too, and this package and others on the host obey labels.
        "labels": {**dict.fromkeys(image.labels, ""), **spec.full_labels},
        "network_disabled": True,
        "stop_signal": "SIGTERM",
        # An image's health check is one more process that it brings.
        "healthcheck": {"test": ["NONE"]},
        # Otherwise docker-py hands the worker's proxy, often with a password, to the container.
        "use_config_proxy": False,
    }


def environment(spec: ContainerSpec) -> dict[str, str]:
    found = {"HOME": TMP, "TMPDIR": TMP, "LANG": "C.UTF-8"}
    if not spec.policy.gpus:
        # Where NVIDIA's runtime is the engine's default, a variable of the image would get it graphics processors.
        found["NVIDIA_VISIBLE_DEVICES"] = "void"
    if spec.mounts:
        # Locks on a folder that several models read are seen by all of them: one could keep the others out.
        found["HDF5_USE_FILE_LOCKING"] = "FALSE"
    return found


def host_config(spec: ContainerSpec, image: Image) -> dict[str, Any]:
    """Return the arguments of docker-py's ``create_host_config``."""
    from docker.types import DeviceRequest, LogConfig, Ulimit

    policy = spec.policy
    return {
        "network_mode": "none",
        "ipc_mode": "private",
        "cap_drop": ["ALL"],
        "security_opt": security_options(),
        "privileged": False,
        "init": True,
        "read_only": True,
        "mounts": mounts(spec),
        "tmpfs": tmpfs(spec, image),
        "shm_size": policy.shm_bytes,
        "pids_limit": policy.pids,
        "mem_limit": policy.memory_bytes,
        "memswap_limit": policy.memory_bytes,
        "nano_cpus": nano_cpus(policy),
        "device_requests": [DeviceRequest(count=policy.gpus, capabilities=[["gpu"]])] if policy.gpus else None,
        "ulimits": [Ulimit(name=name, soft=value, hard=value) for name, value in ulimits(policy).items()],
        "log_config": LogConfig(type="json-file", config=log_options(policy)),
        "restart_policy": {"Name": "no"},
    }


def mounts(spec: ContainerSpec, *, filling: bool = False) -> list[Any]:
    """
    Return the mounts of a container.

    :param filling: for the container through which the inputs are written before the real one sees them read-only.
    """
    from docker.types import Mount

    # What the image has at those paths stays out of the volumes.
    found = [
        Mount(path, name, type="volume", no_copy=True, read_only=path == INPUT and not filling, labels=spec.full_labels)
        for path, name in volumes(spec).items()
    ]
    if not filling:
        found += [
            Mount(mount.path, mount.source, type="bind", read_only=True, propagation="rprivate")
            for mount in spec.mounts
        ]
        found += [
            Mount(mount.path, mount.volume, type="volume", no_copy=True, read_only=mount.read_only)
            for mount in spec.held
        ]
    return found


def held_options(size_bytes: int, files: int) -> dict[str, str]:
    """Return the driver options of a held folder's volume: a file system in memory, sized by the kernel."""
    # The folder itself takes one inode.
    options = f"size={size_bytes},nr_inodes={files + 1},mode=1777,nosuid,nodev"
    return {"type": "tmpfs", "device": "tmpfs", "o": options}


def tmpfs(spec: ContainerSpec, image: Image) -> dict[str, str]:
    """Return the folders in memory: /tmp, and one over each volume that the image declares."""
    mounted = {INPUT, OUTPUT} | {mount.path for mount in spec.mounts} | {mount.path for mount in spec.held}
    covered = [path for path in image.volumes if path.rstrip("/") not in mounted]
    return dict.fromkeys([TMP, *covered], f"rw,nosuid,nodev,mode=1777,size={spec.policy.tmp_bytes}")


def security_options() -> list[str]:
    """Return what holds for every container."""
    return ["no-new-privileges:true", f"seccomp={system_calls.profile()}"]


def ulimits(policy: Policy) -> dict[str, int]:
    """Return the limits of each process, by Docker's names."""
    # 0 bytes would not keep the kernel from piping a core to a program of the host; 1 byte does.
    return {"fsize": policy.file_bytes, "nofile": OPEN_FILES, "core": 1, "cpu": policy.cpu_seconds}


def log_options(policy: Policy) -> dict[str, str]:
    """Return the options of the log's driver."""
    return {"max-size": str(max(LOG_FILE_BYTES, policy.log_bytes)), "max-file": "2"}


def nano_cpus(policy: Policy) -> int:
    """Return the CPU cap in billionths of a core."""
    return int(policy.cpus * 1e9)
