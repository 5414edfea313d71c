"""The proof that a container which a Docker engine has created is bounded as its policy asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_synapse_challenge.containers import docker_policy
from airflow_synapse_challenge.containers.docker_policy import Image
from airflow_synapse_challenge.containers.policy import Policy, Rule
from airflow_synapse_challenge.containers.spec import OUTPUT, ContainerSpec
from airflow_synapse_challenge.errors import PermanentError


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
        expected = docker_policy.ulimits(self.policy)[name]
        return any(
            limit["Name"] == name and limit["Hard"] == limit["Soft"] == expected for limit in self.host["Ulimits"] or []
        )


def _filtered_system_calls(it: Created) -> bool:
    chosen: Sequence[str] = it.host["SecurityOpt"] or []
    offered = [option for option in it.engine.get("SecurityOptions") or [] if option.startswith("name=seccomp")]
    return bool(offered) and sorted(chosen) == sorted(docker_policy.security_options())


def _own_namespaces(it: Created) -> bool:
    chosen = (it.host.get(key) or "" for key in ("PidMode", "UTSMode", "UsernsMode", "IpcMode"))
    return all(mode in ("", "private", "none") for mode in chosen)


def _only_known_storage(it: Created) -> bool:
    expected = {(path, "volume") for path in docker_policy.volumes(it.spec)}
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
    sized = all(it.held.get(m.volume) == docker_policy.held_options(m.size_bytes, m.files) for m in it.spec.held)
    return sized and (it.spec.author == "organiser" or it.spec.holds_output)


def _only_devices_asked_for(it: Created) -> bool:
    asked = [
        (request.get("Count"), [sorted(kinds) for kinds in request.get("Capabilities") or []])
        for request in it.host.get("DeviceRequests") or []
    ]
    wanted = [(it.policy.gpus, [["gpu"]])] if it.policy.gpus else []
    return asked == wanted and not it.host.get("Devices") and not it.host.get("DeviceCgroupRules")


def _not_root(it: Created) -> bool:
    return it.policy.allow_root or it.config["User"] == docker_policy.user_of(it.spec, it.image)


def _sized_tmp(it: Created) -> bool:
    return bool(it.host["Tmpfs"] == docker_policy.tmpfs(it.spec, it.image))


def _only_known_variables(it: Created) -> bool:
    names = {variable.partition("=")[0] for variable in it.config["Env"] or []}
    return names <= it.image.variables | set(docker_policy.container_config(it.spec, it.image)["environment"])


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
    Rule.CPUS: lambda it: (
        it.host["NanoCpus"] == docker_policy.nano_cpus(it.policy) and bool(it.engine.get("CpuCfsQuota"))
    ),
    Rule.CPU_TIME: lambda it: it.limits_process("cpu"),
    Rule.FILE_SIZE: lambda it: it.limits_process("fsize"),
    Rule.OPEN_FILES: lambda it: it.limits_process("nofile"),
    Rule.NO_CORE: lambda it: it.limits_process("core"),
    Rule.LOG: lambda it: it.host["LogConfig"] == {"Type": "json-file", "Config": docker_policy.log_options(it.policy)},
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
