"""
The proof that a created pod has the policy, before anything of its author runs.

Three witnesses: the pod and the network policies as the API server describes them, whatever admission plugins made of
them; what a helper in the pod sees of its kernel and its network; and for the rest the administrator's promises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_synapse_challenge.containers import kubernetes_pods as pods
from airflow_synapse_challenge.containers import kubernetes_volumes
from airflow_synapse_challenge.containers.kubernetes_settings import CLOSED_LABEL, ClusterSettings
from airflow_synapse_challenge.containers.policy import Policy, Rule
from airflow_synapse_challenge.containers.spec import ContainerSpec
from airflow_synapse_challenge.errors import PermanentError


@dataclass(frozen=True)
class CreatedPod:
    """
    What has to be proved.

    :param asked: the manifest that was sent.
    :param pod: the pod as the API server describes it.
    :param policies: all network policies of its namespace.
    """

    asked: Mapping[str, Any]
    pod: Mapping[str, Any]
    policies: Sequence[Mapping[str, Any]]

    @property
    def body(self) -> Mapping[str, Any]:
        """The pod's ``spec``."""
        found: Mapping[str, Any] = self.pod["spec"]
        return found

    def pairs(self) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
        """Yield each container as it was asked for, and as it is."""
        for kind in ("initContainers", "containers"):
            yield from zip(self.asked["spec"].get(kind, ()), self.body.get(kind) or (), strict=True)

    def each(self, holds: Callable[[Mapping[str, Any]], bool]) -> bool:
        """Tell whether something holds for the security context of every container."""
        return all(holds(found.get("securityContext") or {}) for _, found in self.pairs())

    def as_asked(self, *path: str) -> bool:
        """Tell whether something in every container is what was asked for."""
        return all(_at(asked, *path) == _at(found, *path) for asked, found in self.pairs())

    def amounts(self, resource: str) -> bool:
        """Tell whether every container gets exactly what was asked for of a resource, as limit and as request."""
        return all(
            _quantity(_at(asked, "resources", kind, resource)) == _quantity(_at(found, "resources", kind, resource))
            for asked, found in self.pairs()
            for kind in ("limits", "requests")
        )

    def volume(self, name: str) -> Mapping[str, Any]:
        """Return a volume by its name."""
        return next((volume for volume in self.body.get("volumes") or () if volume["name"] == name), {})


def _at(value: Any, *path: str) -> Any:
    for key in path:
        value = (value or {}).get(key)
    return value


def _quantity(text: str | None) -> Any:
    from kubernetes.utils.quantity import parse_quantity

    return None if text is None else parse_quantity(text)


def _no_network(it: CreatedPod) -> bool:
    return (
        not it.body.get("hostNetwork")
        and it.body.get("dnsPolicy") == "None"
        and all(not found.get("ports") for _, found in it.pairs())
        and _is_closed(it.pod["metadata"].get("labels") or {}, it.policies)
    )


def _is_closed(labels: Mapping[str, str], policies: Sequence[Mapping[str, Any]]) -> bool:
    """What several network policies allow adds up: one has to deny everything, and no other one may allow anything."""
    closing = pods.network_policy()["spec"]
    own = [policy["spec"] for policy in policies if _selects(policy["spec"].get("podSelector") or {}, labels)]
    return (
        labels.get(CLOSED_LABEL) == "true"
        and any(sorted(spec.get("policyTypes") or ()) == sorted(closing["policyTypes"]) for spec in own)
        and all(not spec.get("ingress") and not spec.get("egress") for spec in own)
    )


def _selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    operators: dict[str, Callable[[str, Sequence[str]], bool]] = {
        "In": lambda key, values: labels.get(key) in values,
        "NotIn": lambda key, values: labels.get(key) not in values,
        "Exists": lambda key, _: key in labels,
        "DoesNotExist": lambda key, _: key not in labels,
    }
    return all(labels.get(key) == value for key, value in (selector.get("matchLabels") or {}).items()) and all(
        operators[rule["operator"]](rule["key"], rule.get("values") or ())
        for rule in selector.get("matchExpressions") or ()
    )


def _own_namespaces(it: CreatedPod) -> bool:
    shared = ("hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace")
    return (
        not any(it.body.get(key) for key in shared)
        and all(it.body.get(key) == it.asked["spec"].get(key) for key in ("hostUsers", "runtimeClassName"))
        # Anything else in there opens something: an unmasked /proc, another type of SELinux …
        and all(set(found["securityContext"]) <= set(asked["securityContext"]) for asked, found in it.pairs())
    )


def _not_root(it: CreatedPod) -> bool:
    context = it.body.get("securityContext") or {}
    groups = {context.get("fsGroup"), *(context.get("supplementalGroups") or ())}
    return 0 not in groups and all(
        it.as_asked("securityContext", key) for key in ("runAsNonRoot", "runAsUser", "runAsGroup")
    )


def _only_devices_asked_for(it: CreatedPod) -> bool:
    def kinds(container: Mapping[str, Any]) -> set[str]:
        return set(_at(container, "resources", "limits") or ()) | set(_at(container, "resources", "requests") or ())

    return (
        all(kinds(found) == kinds(asked) and not found.get("volumeDevices") for asked, found in it.pairs())
        and it.amounts(pods.GPU)
        and not it.body.get("resourceClaims")
    )


def _only_known_storage(it: CreatedPod) -> bool:
    def places(body: Mapping[str, Any]) -> list[tuple[str, str]]:
        return sorted(
            (volume["name"], next((key for key in volume if key != "name"), "")) for volume in body.get("volumes") or ()
        )

    def mounts(container: Mapping[str, Any]) -> list[tuple[str, str, str]]:
        found = container.get("volumeMounts") or ()
        return sorted((mount["mountPath"], mount["name"], mount.get("subPath", "")) for mount in found)

    sources = ("persistentVolumeClaim", "hostPath")
    return (
        places(it.body) == places(it.asked["spec"])
        and all(mounts(asked) == mounts(found) for asked, found in it.pairs())
        and all(
            _at(it.volume(volume["name"]), kind) == volume[kind]
            for volume in it.asked["spec"]["volumes"]
            for kind in sources
            if kind in volume
        )
    )


def _read_only_input(it: CreatedPod) -> bool:
    def read_only(container: Mapping[str, Any]) -> set[str]:
        return {mount["mountPath"] for mount in container.get("volumeMounts") or () if mount.get("readOnly")}

    return all(read_only(asked) == read_only(found) for asked, found in it.pairs())


def _sized(it: CreatedPod, *paths: str) -> bool:
    """
    Tell whether folders are in memory and have their sizes.

    :param paths: where they are; left out, every folder of the pod.
    """
    names = {kubernetes_volumes.volume_name(path) for path in paths}
    return all(
        _at(found, "emptyDir", "medium") == volume["emptyDir"].get("medium")
        and _quantity(_at(found, "emptyDir", "sizeLimit")) == _quantity(volume["emptyDir"]["sizeLimit"])
        for volume in it.asked["spec"]["volumes"]
        if "emptyDir" in volume and (not names or volume["name"] in names)
        for found in [it.volume(volume["name"])]
    )


def _bounded_processors(it: CreatedPod) -> bool:
    return it.amounts("cpu")


def _bounded_time(it: CreatedPod) -> bool:
    return bool(it.body.get("activeDeadlineSeconds") == it.asked["spec"]["activeDeadlineSeconds"])


def _no_credentials(it: CreatedPod) -> bool:
    def variables(container: Mapping[str, Any]) -> list[tuple[str, str | None]]:
        found = container.get("env") or ()
        return [(one["name"], None if "valueFrom" in one else one.get("value", "")) for one in found]

    return (
        it.body.get("automountServiceAccountToken") is False
        and all(variables(asked) == variables(found) for asked, found in it.pairs())
        and all(not found.get("envFrom") for _, found in it.pairs())
    )


def _only_its_own_program(it: CreatedPod) -> bool:
    more = ("lifecycle", "livenessProbe", "readinessProbe", "startupProbe")
    return all(it.as_asked(key) for key in ("image", "command", "args")) and not any(
        found.get(key) for _, found in it.pairs() for key in more
    )


#: What must be true of a pod as the API server describes it.
DESCRIBED: dict[Rule, Callable[[CreatedPod], bool]] = {
    Rule.NO_NETWORK: _no_network,
    Rule.NO_CAPABILITIES: lambda it: it.each(
        lambda context: context.get("capabilities") == {"drop": ["ALL"]} and context.get("privileged") is False
    ),
    Rule.NO_NEW_PRIVILEGES: lambda it: it.each(lambda context: context.get("allowPrivilegeEscalation") is False),
    Rule.SYSTEM_CALLS: lambda it: it.as_asked("securityContext", "seccompProfile"),
    Rule.OWN_NAMESPACES: _own_namespaces,
    Rule.NO_DEVICES: _only_devices_asked_for,
    Rule.NON_ROOT: _not_root,
    Rule.READ_ONLY_ROOT: lambda it: it.each(lambda context: context.get("readOnlyRootFilesystem") is True),
    Rule.READ_ONLY_INPUT: _read_only_input,
    Rule.NO_OTHER_STORAGE: _only_known_storage,
    Rule.SIZED_TMP: lambda it: _sized(it, kubernetes_volumes.TMP),
    Rule.SIZED_OUTPUT: _sized,
    Rule.SIZED_SHM: lambda it: _sized(it, kubernetes_volumes.SHM),
    Rule.MEMORY: lambda it: it.amounts("memory"),
    Rule.NO_SWAP: lambda it: _at(it.pod, "status", "qosClass") == "Guaranteed",
    Rule.CPUS: _bounded_processors,
    # A process gets no more than its container, and that gets no more than its cores in its time.
    Rule.CPU_TIME: lambda it: _bounded_processors(it) and _bounded_time(it),
    Rule.WALL_CLOCK: _bounded_time,
    # Whatever can be written lies in a folder of bounded size.
    Rule.FILE_SIZE: lambda it: _sized(it) and _only_known_storage(it),
    # What is printed counts as ephemeral storage.
    Rule.LOG: lambda it: it.amounts("ephemeral-storage"),
    Rule.IMAGE: _only_its_own_program,
    Rule.NO_CREDENTIALS: _no_credentials,
}


def check_promises(policy: Policy, settings: ClusterSettings) -> None:
    """
    Refuse what nobody promises, before anything is made.

    :raises PermanentError: naming each rule with the setting that promises it.
    """
    missing = [f"{rule.value} (`{setting}: true`)" for rule, setting in settings.undeclared(policy).items()]
    if missing:
        raise PermanentError(
            f"Kubernetes does not tell whether this cluster enforces: {', '.join(missing)}. Nothing was started. Where "
            "it does, say so in `compute: {kubernetes: …}` of challenge.yaml."
        )


def check_known(spec: ContainerSpec) -> None:
    """
    Refuse a participant's image that nobody has looked at.

    :raises PermanentError: it is not named by its digest, or what it declares is not known.
    """
    if spec.author == "participant" and (spec.facts is None or "@sha256:" not in spec.image):
        raise PermanentError(
            f"The image {spec.image} was not looked up by its digest, so what it declares is not known. Check it first."
        )


def check_described(asked: Mapping[str, Any], pod: Mapping[str, Any], policies: Sequence[Mapping[str, Any]]) -> None:
    """
    Prove the rules on a created pod whose gate is still closed.

    :param asked: the manifest that was sent.
    :param pod: the pod as the API server describes it.
    :param policies: all network policies of its namespace.
    :raises PermanentError: naming each rule that does not hold.
    """
    found = CreatedPod(asked, pod, policies)
    known = [container["name"] for container in _containers(asked)]
    names = [container["name"] for container in _containers(pod)]
    if names != known:
        raise PermanentError(
            f"The cluster made another pod than it was asked for: its containers are {', '.join(names)}. Keep webhooks "
            "that add containers (service meshes, agents) away from this namespace. Nothing was started."
        )
    refuse([rule for rule, holds in DESCRIBED.items() if not holds(found)], "its description of the pod")


def _containers(pod: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    kinds = ("initContainers", "containers", "ephemeralContainers")
    return [container for kind in kinds for container in pod["spec"].get(kind) or ()]


def refuse(broken: Sequence[Rule], witness: str) -> None:
    """
    Raise if any rule is broken.

    :param witness: who says so.
    :raises PermanentError: naming each of them.
    """
    if broken:
        raise PermanentError(
            f"This Kubernetes cluster does not enforce: {', '.join(rule.value for rule in broken)}. Nothing was "
            f"started; the witness is {witness}."
        )
