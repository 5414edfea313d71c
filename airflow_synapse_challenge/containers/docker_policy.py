"""A policy in Docker's words, and the proof that a created container has it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from airflow_synapse_challenge.containers.policy import Policy, Rule
from airflow_synapse_challenge.containers.spec import INPUT
from airflow_synapse_challenge.errors import PermanentError

LOG_FILE_BYTES = 10 * 1024**2
OPEN_FILES = 1024
TMP = "/tmp"  # noqa: S108


def user(policy: Policy) -> str | None:
    """Return the user to run as, ``None`` for the image's own."""
    return None if policy.allow_root else policy.user


def host_config(policy: Policy) -> dict[str, Any]:
    """Return the arguments of docker-py's ``create_host_config``."""
    from docker.types import LogConfig, Ulimit

    return {
        "network_mode": "none",
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "privileged": False,
        "read_only": True,
        "tmpfs": {TMP: f"rw,nosuid,nodev,size={policy.tmp_bytes}"},
        "shm_size": policy.shm_bytes,
        "pids_limit": policy.pids,
        "mem_limit": policy.memory_bytes,
        "memswap_limit": policy.memory_bytes,
        "nano_cpus": int(policy.cpus * 1e9),
        "ulimits": [
            Ulimit(name="fsize", soft=policy.output_bytes, hard=policy.output_bytes),
            Ulimit(name="nofile", soft=OPEN_FILES, hard=OPEN_FILES),
            Ulimit(name="core", soft=0, hard=0),
        ],
        "log_config": LogConfig(
            type="json-file", config={"max-size": str(max(LOG_FILE_BYTES, policy.log_bytes)), "max-file": "2"}
        ),
        "restart_policy": {"Name": "no"},
    }


@dataclass(frozen=True)
class Created:
    """
    A container as the engine describes it.

    :param host: its ``HostConfig``.
    :param whole: all of it.
    """

    policy: Policy
    host: dict[str, Any]
    whole: dict[str, Any]


#: What must be true of a created container.
CHECKS: dict[Rule, Callable[[Created], bool]] = {
    Rule.NO_NETWORK: lambda it: it.host["NetworkMode"] == "none" and not it.host.get("PortBindings"),
    Rule.NO_CAPABILITIES: lambda it: (
        it.host["CapDrop"] == ["ALL"] and not it.host.get("CapAdd") and not it.host["Privileged"]
    ),
    Rule.NO_NEW_PRIVILEGES: lambda it: any(
        option.startswith("no-new-privileges") for option in it.host["SecurityOpt"] or []
    ),
    Rule.READ_ONLY_ROOT: lambda it: it.host["ReadonlyRootfs"] is True,
    Rule.READ_ONLY_INPUT: lambda it: any(
        mount["Destination"] == INPUT and mount["RW"] is False for mount in it.whole["Mounts"]
    ),
    Rule.SIZED_TMP: lambda it: (
        f"size={it.policy.tmp_bytes}" in (it.host["Tmpfs"] or {}).get(TMP, "")
        and it.host["ShmSize"] == it.policy.shm_bytes
    ),
    Rule.PIDS: lambda it: it.host["PidsLimit"] == it.policy.pids,
    Rule.MEMORY: lambda it: it.host["Memory"] == it.policy.memory_bytes == it.host["MemorySwap"],
    Rule.CPUS: lambda it: it.host["NanoCpus"] == int(it.policy.cpus * 1e9),
    Rule.OUTPUT: lambda it: any(
        limit["Name"] == "fsize" and limit["Hard"] == it.policy.output_bytes for limit in it.host["Ulimits"] or []
    ),
    Rule.LOG: lambda it: "max-size" in (it.host["LogConfig"]["Config"] or {}),
    Rule.NON_ROOT: lambda it: it.policy.allow_root or it.whole["Config"]["User"] == it.policy.user,
}


def check(policy: Policy, inspected: dict[str, Any]) -> None:
    """
    Prove the rules on a created container, before it is started.

    :param inspected: the engine's own description of it.
    :raises PermanentError: naming each rule that the engine does not enforce.
    """
    created = Created(policy, inspected["HostConfig"], inspected)
    broken = [rule.value for rule, holds in CHECKS.items() if not holds(created)]
    if broken:
        raise PermanentError(
            f"This Docker engine does not enforce: {', '.join(broken)}. Nothing was started. "
            "Use an engine (cgroups with swap accounting, an unprivileged daemon configuration) that does."
        )
