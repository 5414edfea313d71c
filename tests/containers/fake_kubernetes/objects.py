"""What an API server makes of an object: refuse it, or fill in defaults. Written from Kubernetes' documentation."""

from __future__ import annotations

import copy
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import kubernetes_validate

#: The oldest and the newest release whose schemas manifests have to keep.
RELEASES = ("1.29", "1.33", "1.37")
LABEL_KEY = re.compile(r"([a-z0-9.-]{1,253}/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")
DNS_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]+)?)(m|k|M|G|T|Ki|Mi|Gi|Ti)?")
FACTORS = {
    None: 1, "m": Decimal("0.001"), "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12,
    "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40,
}  # fmt: skip


class Invalid(Exception):
    """The object is refused (422)."""


def amount(text: str) -> Decimal:
    """Return a quantity as a number."""
    match = QUANTITY.fullmatch(text)
    if match is None:
        raise Invalid(f"{text!r} is no quantity")
    return Decimal(match[1]) * FACTORS[match[2]]


def canonical(text: str) -> str:
    """Return a quantity as the API server writes it: no fraction, the largest suffix that keeps it whole."""
    number = amount(text)
    if number != int(number):
        return f"{int(number * 1000)}m"
    suffixes = ("Ti", "Gi", "Mi", "Ki") if text.endswith("i") else ("T", "G", "M", "k")
    for suffix in suffixes:
        if number and number % FACTORS[suffix] == 0:
            return f"{int(number / FACTORS[suffix])}{suffix}"
    return str(int(number))


def check(manifest: dict[str, Any]) -> None:
    """Refuse an object that Kubernetes would refuse."""
    for release in RELEASES:
        try:
            kubernetes_validate.validate(manifest, release, strict=True)
        except kubernetes_validate.ValidationError as error:
            raise Invalid(f"schema of {release}: {error}") from error
    for key, value in (manifest["metadata"].get("labels") or {}).items():
        if not LABEL_KEY.fullmatch(key) or not LABEL_VALUE.fullmatch(value):
            raise Invalid(f"{key}={value!r} is no label")
    if manifest["kind"] == "Pod":
        _check_pod(manifest)


def _check_pod(manifest: dict[str, Any]) -> None:
    body = manifest["spec"]
    if not DNS_LABEL.fullmatch(manifest["metadata"]["name"]):
        raise Invalid(f"{manifest['metadata']['name']!r} is no name of a pod and a host")
    if len(str(manifest["metadata"].get("annotations") or {})) > 256 * 1024:
        raise Invalid("annotations are too large")
    if body.get("dnsPolicy") == "None" and not (body.get("dnsConfig") or {}).get("nameservers"):
        raise Invalid("dnsPolicy None needs a name server")
    volumes = [volume["name"] for volume in body.get("volumes") or ()]
    if len(set(volumes)) != len(volumes) or not all(DNS_LABEL.fullmatch(name) for name in volumes):
        raise Invalid(f"names of volumes: {volumes}")
    for container in [*(body.get("initContainers") or ()), *body["containers"]]:
        _check_container(container, volumes)


def _check_container(container: dict[str, Any], volumes: list[str]) -> None:
    mounts = container.get("volumeMounts") or ()
    paths = [mount["mountPath"] for mount in mounts]
    if len(set(paths)) != len(paths):
        raise Invalid(f"must be unique: {paths}")
    for mount in mounts:
        inside = mount.get("subPath", "")
        if mount["name"] not in volumes or ":" in mount["mountPath"]:
            raise Invalid(f"{mount} mounts nothing")
        if inside.startswith("/") or ".." in inside.split("/"):
            raise Invalid(f"{inside} is no sub-path")
    resources = container.get("resources") or {}
    for name, asked in (resources.get("requests") or {}).items():
        if amount(asked) > amount((resources.get("limits") or {}).get(name, asked)):
            raise Invalid(f"{name}: more is requested than the limit")
    context = container.get("securityContext") or {}
    if not all(0 <= context.get(key, 1) < 2**31 for key in ("runAsUser", "runAsGroup")):
        raise Invalid("no number of a user")


def defaulted(manifest: dict[str, Any], namespace: str) -> dict[str, Any]:
    """Return an object as the API server stores and shows it."""
    made = copy.deepcopy(manifest)
    made["metadata"] |= {"namespace": namespace, "creationTimestamp": moment(), "uid": manifest["metadata"]["name"]}
    if made["kind"] == "Pod":
        body = made["spec"]
        for key in ("hostNetwork", "hostPID", "hostIPC"):
            if not body.get(key):
                body.pop(key, None)
        body |= {"serviceAccountName": "default", "schedulerName": "default-scheduler", "priority": 0}
        body.setdefault("tolerations", []).append({"key": "node.kubernetes.io/not-ready", "operator": "Exists"})
        for volume in body.get("volumes") or ():
            if "sizeLimit" in volume.get("emptyDir", {}):
                volume["emptyDir"]["sizeLimit"] = canonical(volume["emptyDir"]["sizeLimit"])
        for container in [*(body.get("initContainers") or ()), *body["containers"]]:
            _default_container(container)
        made["status"] = {"phase": "Pending", "qosClass": _quality(body)}
    return made


def _default_container(container: dict[str, Any]) -> None:
    container |= {"terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"}
    for key in ("command", "args"):
        if not container.get(key):
            container.pop(key, None)
    for variable in container.get("env") or ():
        if variable.get("value") == "":
            del variable["value"]
    for kind in ("limits", "requests"):
        amounts = (container.get("resources") or {}).get(kind) or {}
        amounts |= {name: canonical(text) for name, text in amounts.items()}


def _quality(body: dict[str, Any]) -> str:
    def guaranteed(container: dict[str, Any]) -> bool:
        resources = container.get("resources") or {}
        limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
        return all(name in limits and requests.get(name, limits[name]) == limits[name] for name in ("cpu", "memory"))

    containers = [*(body.get("initContainers") or ()), *body["containers"]]
    return "Guaranteed" if all(guaranteed(container) for container in containers) else "Burstable"


def moment() -> str:
    """Return now, as objects carry it: whole seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def selects(selector: str, labels: dict[str, str]) -> bool:
    """Tell whether a label selector of keys and equalities selects."""
    terms = [term.partition("=") for term in selector.split(",") if term]
    return all(labels.get(key) == value if equals else key in labels for key, equals, value in terms)
