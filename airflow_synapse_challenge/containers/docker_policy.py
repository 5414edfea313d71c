"""A policy in Docker's words, and the proof that a created container has it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_synapse_challenge.containers.policy import OPEN_FILES, Policy, Rule, numeric_user
from airflow_synapse_challenge.containers.spec import INPUT, OUTPUT, ContainerSpec
from airflow_synapse_challenge.errors import PermanentError

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
    """

    id: str
    digest: str
    variables: frozenset[str]
    volumes: tuple[str, ...]
    user: str = ""
    starts: bool = True


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
        "environment": {"HOME": TMP, "TMPDIR": TMP, "LANG": "C.UTF-8", **spec.environment},
        "working_dir": TMP,
        "labels": spec.full_labels,
        "network_disabled": True,
        "stop_signal": "SIGTERM",
        # An image's health check is one more process that it brings.
        "healthcheck": {"test": ["NONE"]},
        # Otherwise docker-py hands the worker's proxy, often with a password, to the container.
        "use_config_proxy": False,
    }


def host_config(spec: ContainerSpec, image: Image) -> dict[str, Any]:
    """Return the arguments of docker-py's ``create_host_config``."""
    from docker.types import DeviceRequest, LogConfig, Ulimit

    policy = spec.policy
    return {
        "network_mode": "none",
        "ipc_mode": "private",
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "privileged": False,
        "init": True,
        "read_only": True,
        "mounts": mounts(spec),
        "tmpfs": _tmpfs(spec, image),
        "shm_size": policy.shm_bytes,
        "pids_limit": policy.pids,
        "mem_limit": policy.memory_bytes,
        "memswap_limit": policy.memory_bytes,
        "nano_cpus": _nano_cpus(policy),
        "device_requests": [DeviceRequest(count=policy.gpus, capabilities=[["gpu"]])] if policy.gpus else None,
        "ulimits": [Ulimit(name=name, soft=value, hard=value) for name, value in _ulimits(policy).items()],
        "log_config": LogConfig(type="json-file", config=_log_options(policy)),
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


def _tmpfs(spec: ContainerSpec, image: Image) -> dict[str, str]:
    """Volumes that the image declares are covered, each by a bounded one."""
    mounted = {INPUT, OUTPUT} | {mount.path for mount in spec.mounts} | {mount.path for mount in spec.held}
    covered = [path for path in image.volumes if path.rstrip("/") not in mounted]
    return dict.fromkeys([TMP, *covered], f"rw,nosuid,nodev,mode=1777,size={spec.policy.tmp_bytes}")


def _ulimits(policy: Policy) -> dict[str, int]:
    return {"fsize": policy.file_bytes, "nofile": OPEN_FILES, "core": 0, "cpu": policy.cpu_seconds}


def _log_options(policy: Policy) -> dict[str, str]:
    return {"max-size": str(max(LOG_FILE_BYTES, policy.log_bytes)), "max-file": "2"}


def _nano_cpus(policy: Policy) -> int:
    return int(policy.cpus * 1e9)


@dataclass(frozen=True)
class Created:
    """
    What has to be proved.

    :param host: the container's ``HostConfig``.
    :param config: its ``Config``.
    :param whole: all of its description.
    :param engine: the engine's description of itself.
    :param held: the driver options of each held volume, by name.
    """

    spec: ContainerSpec
    image: Image
    host: Mapping[str, Any]
    config: Mapping[str, Any]
    whole: Mapping[str, Any]
    engine: Mapping[str, Any]
    held: Mapping[str, Mapping[str, str]]

    @property
    def policy(self) -> Policy:
        """The policy that was asked for."""
        return self.spec.policy

    def limits_process(self, name: str) -> bool:
        """Tell whether a limit of the process is exactly as asked."""
        expected = _ulimits(self.policy)[name]
        return any(
            limit["Name"] == name and limit["Hard"] == limit["Soft"] == expected for limit in self.host["Ulimits"] or []
        )


def _filtered_system_calls(it: Created) -> bool:
    chosen: Sequence[str] = it.host["SecurityOpt"] or []
    offered = [option for option in it.engine.get("SecurityOptions") or [] if option.startswith("name=seccomp")]
    return bool(offered) and not any("unconfined" in option for option in [*offered, *chosen])


def _own_namespaces(it: Created) -> bool:
    chosen = (it.host.get(key) or "" for key in ("PidMode", "UTSMode", "UsernsMode", "IpcMode"))
    return all(mode in ("", "private", "none") for mode in chosen)


def _only_known_storage(it: Created) -> bool:
    expected = {(path, "volume") for path in volumes(it.spec)}
    expected |= {(mount.path, "bind") for mount in it.spec.mounts} | {(mount.path, "volume") for mount in it.spec.held}
    return (
        {(mount["Destination"], mount["Type"]) for mount in it.whole["Mounts"]} == expected
        and not it.host.get("Binds")
        and not it.host.get("VolumesFrom")
    )


def _writable_where_asked(it: Created) -> bool:
    writable = {OUTPUT, *(mount.path for mount in it.spec.held)} - {m.path for m in it.spec.held if m.read_only}
    return all(mount["RW"] is (mount["Destination"] in writable) for mount in it.whole["Mounts"])


def _sized_output(it: Created) -> bool:
    """Organisers' scripts write to disk, each file bounded; strangers write to a file system of a size."""
    sized = all(it.held.get(m.volume) == held_options(m.size_bytes, m.files) for m in it.spec.held)
    return sized and (it.spec.author == "organiser" or it.spec.holds_output)


def _only_devices_asked_for(it: Created) -> bool:
    asked = [
        (request.get("Count"), [sorted(kinds) for kinds in request.get("Capabilities") or []])
        for request in it.host.get("DeviceRequests") or []
    ]
    wanted = [(it.policy.gpus, [["gpu"]])] if it.policy.gpus else []
    return asked == wanted and not it.host.get("Devices") and not it.host.get("DeviceCgroupRules")


def _not_root(it: Created) -> bool:
    return it.policy.allow_root or it.config["User"] == user_of(it.spec, it.image)


def _sized_tmp(it: Created) -> bool:
    return bool(it.host["Tmpfs"] == _tmpfs(it.spec, it.image))


def _only_known_variables(it: Created) -> bool:
    names = {variable.partition("=")[0] for variable in it.config["Env"] or []}
    return names <= it.image.variables | set(container_config(it.spec, it.image)["environment"])


#: What must be true of a created container. Wall clock and results are this package's own work.
CHECKS: dict[Rule, Callable[[Created], bool]] = {
    Rule.NO_NETWORK: lambda it: it.host["NetworkMode"] == "none" and not it.host.get("PortBindings"),
    Rule.NO_CAPABILITIES: lambda it: (
        it.host["CapDrop"] == ["ALL"] and not it.host.get("CapAdd") and it.host["Privileged"] is False
    ),
    Rule.NO_NEW_PRIVILEGES: lambda it: "no-new-privileges:true" in (it.host["SecurityOpt"] or []),
    Rule.SYSTEM_CALLS: _filtered_system_calls,
    Rule.OWN_NAMESPACES: _own_namespaces,
    Rule.NO_DEVICES: _only_devices_asked_for,
    Rule.NON_ROOT: _not_root,
    Rule.READ_ONLY_ROOT: lambda it: it.host["ReadonlyRootfs"] is True,
    Rule.READ_ONLY_INPUT: _writable_where_asked,
    Rule.NO_OTHER_STORAGE: _only_known_storage,
    Rule.SIZED_TMP: _sized_tmp,
    Rule.SIZED_OUTPUT: _sized_output,
    Rule.SIZED_SHM: lambda it: it.host["ShmSize"] == it.policy.shm_bytes,
    Rule.PIDS: lambda it: it.host["PidsLimit"] == it.policy.pids and bool(it.engine.get("PidsLimit")),
    Rule.MEMORY: lambda it: it.host["Memory"] == it.policy.memory_bytes and bool(it.engine.get("MemoryLimit")),
    Rule.NO_SWAP: lambda it: it.host["MemorySwap"] == it.policy.memory_bytes and bool(it.engine.get("SwapLimit")),
    Rule.CPUS: lambda it: it.host["NanoCpus"] == _nano_cpus(it.policy) and bool(it.engine.get("CpuCfsQuota")),
    Rule.CPU_TIME: lambda it: it.limits_process("cpu"),
    Rule.FILE_SIZE: lambda it: it.limits_process("fsize"),
    Rule.OPEN_FILES: lambda it: it.limits_process("nofile"),
    Rule.NO_CORE: lambda it: it.limits_process("core"),
    Rule.LOG: lambda it: it.host["LogConfig"] == {"Type": "json-file", "Config": _log_options(it.policy)},
    Rule.IMAGE: lambda it: it.whole["Image"] == it.image.id,
    Rule.NO_CREDENTIALS: _only_known_variables,
}


def check(
    spec: ContainerSpec,
    image: Image,
    inspected: Mapping[str, Any],
    engine: Mapping[str, Any],
    held: Mapping[str, Mapping[str, str]],
) -> None:
    """
    Prove the rules on a created container, before it is started.

    :param inspected: the engine's own description of it (``GET /containers/{id}/json``).
    :param engine: the engine's description of itself (``GET /info``).
    :param held: the driver options of each held volume, by name (``GET /volumes/{name}``).
    :raises PermanentError: naming each rule that the engine does not enforce.
    """
    created = Created(spec, image, inspected["HostConfig"], inspected["Config"], inspected, engine, held)
    broken = [rule.value for rule, holds in CHECKS.items() if not holds(created)]
    if broken:
        raise PermanentError(
            f"This Docker engine does not enforce: {', '.join(broken)}. Nothing was started. Use an engine that does; "
            "`docker info` names what the host's kernel lacks (memory and swap accounting, CPU quota, pids, seccomp)."
        )
