"""What a challenge says about its Kubernetes cluster, and the names that the cluster takes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from airflow_synapse_challenge.containers.policy import Policy, Rule
from airflow_synapse_challenge.containers.spec import LABEL_PREFIX

#: Pods with this label are closed: a network policy denies them everything.
CLOSED_LABEL = f"{LABEL_PREFIX}closed"
#: A pod's name is its host name too.
LONGEST_POD_NAME = 63
LONGEST_LABEL = 63


@dataclass(frozen=True)
class ClusterSettings:
    """
    A cluster, and what its administrators promise about it.

    What an API server neither guarantees nor tells has to be declared; without the declaration the engine refuses.

    :param namespace: where pods are made; for nothing else.
    :param helper_image: an image of the organisers with ``python3``: it takes inputs and gives results.
    :param network_policy_enforced: the cluster has a controller that enforces network policies.
    :param pids_limited: the nodes limit the processes of a pod (kubelet's ``podPidsLimit``).
    :param core_dumps_off: the nodes keep no core dumps of containers.
    :param user_namespaces: the nodes map users, so that root in a pod is nobody on the node.
    :param runtime_class: runtime class of pods, for example of gVisor or Kata.
    :param seccomp_profile: file below the nodes' folder of seccomp profiles; ``None`` for the runtime's own profile.
    :param pull_secret: secret of the namespace with the login of the registries.
    :param data_claim: persistent volume claim with the organisers' data; folders are named relative to its root.
    :param host_paths: data may lie in folders of the nodes.
    :param node_selector: labels of the nodes that run pods.
    :param tolerated_taints: keys of taints that pods tolerate.
    :param platform: of the nodes, for example ``linux/amd64``.
    :param start_within: how long a node, an image or a helper may be waited for.
    """

    namespace: str
    helper_image: str
    network_policy_enforced: bool = False
    pids_limited: bool = False
    core_dumps_off: bool = False
    user_namespaces: bool = False
    runtime_class: str | None = None
    seccomp_profile: str | None = None
    pull_secret: str | None = None
    data_claim: str | None = None
    host_paths: bool = False
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerated_taints: tuple[str, ...] = ()
    platform: str = "linux/amd64"
    start_within: timedelta = timedelta(minutes=15)

    @property
    def system_calls(self) -> dict[str, str]:
        """The filter of system calls, as a pod asks for it."""
        if self.seccomp_profile is None:
            return {"type": "RuntimeDefault"}
        return {"type": "Localhost", "localhostProfile": self.seccomp_profile}

    def undeclared(self, policy: Policy) -> dict[Rule, str]:
        """Return the rules that nobody promises to hold, each with the setting that would."""
        promises = {
            Rule.NO_NETWORK: ("network_policy_enforced", self.network_policy_enforced),
            Rule.PIDS: ("pids_limited", self.pids_limited),
            Rule.NO_CORE: ("core_dumps_off", self.core_dumps_off),
            Rule.NON_ROOT: ("user_namespaces", self.user_namespaces or not policy.allow_root),
        }
        return {rule: name for rule, (name, given) in promises.items() if not given}


def pod_name(name: str) -> str:
    """
    Return a name as pods take it: letters, digits and hyphens.

    A name that has to be changed gets a part of its hash, so that different names stay different.
    """
    clean = re.sub(r"[^a-z0-9-]+", "-", name.lower()).strip("-")
    if clean == name and len(name) <= LONGEST_POD_NAME:
        return name
    return f"{clean[: LONGEST_POD_NAME - 17].strip('-')}-{_hash(name)}".strip("-")


def label_value(value: str) -> str:
    """Return a text as label values take it; one that has to be changed gets a part of its hash."""
    clean = re.sub(r"[^A-Za-z0-9_.-]", "_", value).strip("_.-")
    if clean == value and len(value) <= LONGEST_LABEL:
        return value
    return f"{clean[: LONGEST_LABEL - 17].strip('_.-')}.{_hash(value)}".strip("_.-")


def label_values(labels: Mapping[str, str]) -> dict[str, str]:
    """Return labels as the cluster takes them; the exact texts stand in annotations of the same keys."""
    return {key: label_value(value) for key, value in labels.items()}


def label_selector(labels: Mapping[str, str]) -> str:
    """
    Return what selects the pods of this package that carry all of these labels.

    :param labels: as in a spec, without this package's prefix.
    """
    return ",".join(f"{LABEL_PREFIX}{key}={label_value(value)}" for key, value in labels.items())


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
