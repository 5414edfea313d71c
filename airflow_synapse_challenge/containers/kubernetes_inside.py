"""The proof from inside a pod that it has the policy, before anything of its author runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from airflow_synapse_challenge.containers.kubernetes_policy import refuse
from airflow_synapse_challenge.containers.kubernetes_settings import ClusterSettings
from airflow_synapse_challenge.containers.policy import Rule

#: A file system in memory has whole pages, and nodes have several sizes of them.
PAGE = 64 * 1024
NO_LIMIT = ("max", "-1")
#: What ``/proc`` says of a process whose system calls are filtered.
FILTERED = 2


@dataclass(frozen=True)
class Inside:
    """
    What a helper saw in the pod.

    :param facts: what ``kubernetes_witness`` prints.
    :param asked: the pod's manifest.
    :param own_kernel: a runtime class gives the pod a kernel of its own, which need not tell all that Linux does.
    """

    facts: Mapping[str, Any]
    asked: Mapping[str, Any]
    own_kernel: bool

    @property
    def load(self) -> Mapping[str, Any]:
        """The helper's own container."""
        found: Mapping[str, Any] = self.asked["spec"]["initContainers"][0]
        return found

    def sized(self) -> bool:
        """Tell whether every folder in memory is a file system of no more than its size."""
        limits = {
            mount["mountPath"]: int(volume["emptyDir"]["sizeLimit"])
            for mount in self.load["volumeMounts"]
            for volume in self.asked["spec"]["volumes"]
            if volume["name"] == mount["name"] and volume["emptyDir"].get("medium") == "Memory"
        }
        sizes: Mapping[str, int] = self.facts["sizes"]
        return all(0 < sizes.get(path, 0) <= limit + PAGE for path, limit in limits.items())


def _has_memory_limit(it: Inside) -> bool:
    found = it.facts["memory"]
    if found is None:
        return it.own_kernel
    return bool(found.isdigit() and int(found) <= int(it.load["resources"]["limits"]["memory"]))


def _has_processor_limit(it: Inside) -> bool:
    return it.own_kernel if it.facts["cpu"] is None else it.facts["cpu"] not in NO_LIMIT


def _keeps_its_privileges(it: Inside) -> bool:
    return it.own_kernel if it.facts["no_new_privileges"] is None else it.facts["no_new_privileges"] == 1


#: What must be true inside a pod.
SEEN: dict[Rule, Callable[[Inside], bool]] = {
    Rule.NO_NETWORK: lambda it: not it.facts["reachable"],
    Rule.NO_CAPABILITIES: lambda it: it.facts["capabilities"] == 0,
    Rule.NO_NEW_PRIVILEGES: _keeps_its_privileges,
    # A kernel of the pod's own is what filters; it need not filter what it gets itself.
    Rule.SYSTEM_CALLS: lambda it: it.own_kernel or it.facts["seccomp"] == FILTERED,
    Rule.NON_ROOT: lambda it: it.facts["user"] == it.load["securityContext"]["runAsUser"],
    Rule.READ_ONLY_ROOT: lambda it: it.facts["root_read_only"] is True,
    Rule.SIZED_OUTPUT: lambda it: it.sized(),
    Rule.MEMORY: _has_memory_limit,
    Rule.CPUS: _has_processor_limit,
    Rule.OPEN_FILES: lambda it: it.facts["open_files"] >= 0,
}


def check_seen(asked: Mapping[str, Any], facts: Mapping[str, Any], settings: ClusterSettings) -> None:
    """
    Prove the rules from inside a pod whose gate is still closed.

    :param facts: what ``kubernetes_witness`` prints.
    :raises PermanentError: naming each rule that does not hold.
    """
    inside = Inside(facts, asked, settings.runtime_class is not None)
    refuse([rule for rule, holds in SEEN.items() if not holds(inside)], f"what a helper saw in the pod: {facts}")
