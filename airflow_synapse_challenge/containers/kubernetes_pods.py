"""
A spec and its policy as a pod, and folders that are held as another one.

::

    load  (init)   the organisers' image: waits for the inputs, and for the engine's word that the pod is as asked
    main           the code that is run, behind that gate
    results        the organisers' image: sleeps, and gives what lies in /output when main has ended

The three share folders, never processes. Nothing is ever executed in ``main`` from outside.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path
from types import ModuleType

from airflow_synapse_challenge.containers import kubernetes_helper, kubernetes_volumes, kubernetes_witness
from airflow_synapse_challenge.containers.holding import Holding
from airflow_synapse_challenge.containers.kubernetes_settings import (
    CLOSED_LABEL,
    ClusterSettings,
    label_values,
    pod_name,
)
from airflow_synapse_challenge.containers.kubernetes_volumes import FILE_OVERHEAD, GATE, TMP, Manifest
from airflow_synapse_challenge.containers.policy import MIB, Policy, numeric_user
from airflow_synapse_challenge.containers.spec import LABEL_PREFIX, ContainerSpec

LOAD, MAIN, RESULTS, HOLDER = "load", "main", "results", "holder"
MARKER = f"{GATE}/open"
GPU = "nvidia.com/gpu"
#: Seconds between TERM and KILL.
GRACE = 3
#: How long results stay in a pod whose code has ended, until somebody collects them.
COLLECT_WITHIN = timedelta(hours=1)
#: What a helper may use. Folders in memory that it fills count on top.
HELPER_MEMORY = 64 * MIB
HELPER_CPU = 0.25
HELPER_STORAGE = 16 * MIB
#: Disk of the node for what the code prints; the kubelet keeps 50 MiB of it unless told otherwise.
LOG_STORAGE = 128 * MIB
#: Variables with the programs of the helpers, and what runs them.
HELPER, WITNESS = "HELPER", "WITNESS"
RUN_HELPER, RUN_WITNESS = (
    ("python3", "-I", "-c", f"import os; exec(os.environ[{name!r}])") for name in (HELPER, WITNESS)
)


def pod_of(spec: ContainerSpec, settings: ClusterSettings) -> Manifest:
    """
    Return the pod of a container.

    :raises ConfigurationError: it reads a folder, and the settings do not say where folders lie.
    """
    user = user_of(spec)
    # The helpers are the same user: who else could read the private files that the code leaves?
    helper_user = user or "0:0"
    gate = ("gate", MARKER, _seconds(settings.start_within))
    load = _helper(LOAD, settings, gate, helper_user, memory=_memory_to_load(spec))
    load["env"] += _environment({WITNESS: _text_of(kubernetes_witness)})
    load["volumeMounts"] = kubernetes_volumes.loaded(spec)
    hold = ("hold", _seconds(lifetime(spec, settings)))
    # The disk of a pod is that of its containers together, and the inputs lie on it.
    disk = HELPER_STORAGE + kubernetes_volumes.input_bytes(spec)
    results = _helper(RESULTS, settings, hold, helper_user, disk=disk)
    results["volumeMounts"] = kubernetes_volumes.collected(spec)
    body = {
        **_closed_pod(settings, lifetime(spec, settings)),
        "initContainers": [load],
        # They are started in this order: what collects is there before there is anything to collect.
        "containers": [results, _main(spec, settings, user)],
        "volumes": kubernetes_volumes.volumes(spec, settings),
    }
    return _pod(pod_name(spec.name), spec.full_labels, body)


def holder_pod(holding: Holding, settings: ClusterSettings) -> Manifest:
    """Return the pod that holds folders for several containers of one run."""
    sizes = {holding.path(folder.name): folder.size_bytes for folder in holding.folders}
    hold = ("hold", _seconds(holding.lifetime))
    holder = _helper(HOLDER, settings, hold, Policy.user, memory=_whole(HELPER_MEMORY + sum(sizes.values())))
    holder["volumeMounts"] = [kubernetes_volumes.mount_at(path) for path in sizes]
    body = {
        **_closed_pod(settings, holding.lifetime),
        "containers": [holder],
        "volumes": [kubernetes_volumes.in_memory(path, size) for path, size in sizes.items()],
    }
    labels = {**holding.labels, "name": holding.safe_name, "holds": repr(holding.folders)}
    return _pod(pod_name(holding.safe_name), {f"{LABEL_PREFIX}{key}": value for key, value in labels.items()}, body)


def network_policy() -> Manifest:
    """Return the policy that denies every closed pod of its namespace all traffic."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": f"{LABEL_PREFIX}closed"},
        "spec": {"podSelector": {"matchLabels": {CLOSED_LABEL: "true"}}, "policyTypes": ["Ingress", "Egress"]},
    }


def lifetime(spec: ContainerSpec, settings: ClusterSettings) -> timedelta:
    """Return how long the cluster lets a pod be, whoever else is there to end it."""
    return settings.start_within + spec.policy.timeout + COLLECT_WITHIN


def user_of(spec: ContainerSpec) -> str | None:
    """Return who a container runs as: the image's own user if its numbers are not root's, else the policy's."""
    if spec.policy.allow_root:
        return None
    asked = spec.facts.user if spec.facts and spec.author == "participant" else ""
    return numeric_user(asked) or spec.policy.user


def literal(text: str) -> str:
    """Return a text that the kubelet takes as it is: it puts variables in place of ``$(NAME)``."""
    return text.replace("$", "$$")


@cache
def _text_of(program: ModuleType) -> str:
    return Path(str(program.__file__)).read_text("utf-8")


def _pod(name: str, labels: Mapping[str, str], body: Manifest) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "labels": {**label_values(labels), CLOSED_LABEL: "true"},
            "annotations": dict(labels),
        },
        "spec": body,
    }


def _closed_pod(settings: ClusterSettings, longest: timedelta) -> Manifest:
    body: Manifest = {
        "restartPolicy": "Never",
        "activeDeadlineSeconds": int(longest.total_seconds()),
        "terminationGracePeriodSeconds": GRACE,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "hostNetwork": False,
        "hostPID": False,
        "hostIPC": False,
        "shareProcessNamespace": False,
        # Without any name server a pod is refused; nobody listens at this one.
        "dnsPolicy": "None",
        "dnsConfig": {"nameservers": ["127.0.0.1"]},
        "securityContext": {"seccompProfile": settings.system_calls},
    }
    if settings.user_namespaces:
        body["hostUsers"] = False
    if settings.runtime_class:
        body["runtimeClassName"] = settings.runtime_class
    if settings.pull_secret:
        body["imagePullSecrets"] = [{"name": settings.pull_secret}]
    if settings.node_selector:
        body["nodeSelector"] = dict(settings.node_selector)
    if settings.tolerated_taints:
        body["tolerations"] = [{"key": key, "operator": "Exists"} for key in settings.tolerated_taints]
    return body


def _security_context(settings: ClusterSettings, user: str | None) -> Manifest:
    """
    Return what a container may do: nothing.

    :param user: user and group; ``None`` for the image's own.
    """
    context: Manifest = {
        "privileged": False,
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": settings.system_calls,
    }
    if user is not None:
        number, _, group = user.partition(":")
        context |= {"runAsNonRoot": number != "0", "runAsUser": int(number), "runAsGroup": int(group)}
    return context


def _main(spec: ContainerSpec, settings: ClusterSettings, user: str | None) -> Manifest:
    return {
        "name": MAIN,
        "image": spec.image,
        "imagePullPolicy": "IfNotPresent",
        **_command(spec),
        "workingDir": TMP,
        "env": _environment({"HOME": TMP, "TMPDIR": TMP, "LANG": "C.UTF-8", **spec.environment}),
        "resources": _resources(spec.policy.memory_bytes, spec.policy.cpus, LOG_STORAGE, spec.policy.gpus),
        "securityContext": _security_context(settings, user),
        "volumeMounts": kubernetes_volumes.used(spec, settings),
    }


def _helper(
    name: str,
    settings: ClusterSettings,
    arguments: tuple[str, ...],
    user: str,
    *,
    memory: int = HELPER_MEMORY,
    disk: int = HELPER_STORAGE,
) -> Manifest:
    return {
        "name": name,
        "image": settings.helper_image,
        "imagePullPolicy": "IfNotPresent",
        "command": list(RUN_HELPER),
        "args": list(arguments),
        "env": _environment({HELPER: _text_of(kubernetes_helper)}),
        "resources": _resources(memory, HELPER_CPU, disk),
        "securityContext": _security_context(settings, user),
    }


def _memory_to_load(spec: ContainerSpec) -> int:
    """What a helper writes to folders in memory counts as its own."""
    begun = sum(len(content) + FILE_OVERHEAD for content in spec.begun.values())
    return _whole(HELPER_MEMORY + begun + sum(mount.size_bytes for mount in spec.held))


def _whole(size: int) -> int:
    """The kernel counts memory in pages."""
    return -(-size // MIB) * MIB


def _resources(memory: int, cpus: float, storage: int, gpus: int = 0) -> Manifest:
    """Limits that are requests too: such a pod gets no swap, and nothing that somebody else may take back."""
    amounts = {
        "cpu": f"{max(1, round(cpus * 1000))}m",
        "memory": str(memory),
        "ephemeral-storage": str(storage),
        **({GPU: str(gpus)} if gpus else {}),
    }
    return {"limits": amounts, "requests": dict(amounts)}


def _command(spec: ContainerSpec) -> Manifest:
    """Without a command the image's own entrypoint and arguments are taken."""
    words = [literal(word) for word in spec.command]
    return {key: part for key, part in (("command", words[:1]), ("args", words[1:])) if part}


def _environment(variables: Mapping[str, str]) -> list[Manifest]:
    return [{"name": name, "value": literal(value)} for name, value in variables.items()]


def _seconds(duration: timedelta) -> str:
    return str(int(duration.total_seconds()))
