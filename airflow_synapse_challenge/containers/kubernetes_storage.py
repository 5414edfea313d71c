"""What goes into pods and comes out of them, through helpers of the organisers; and folders that are held by a pod."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from tarfile import TarInfo
from typing import Any

from airflow_synapse_challenge.containers import archive, kubernetes_policy
from airflow_synapse_challenge.containers import kubernetes_pods as pods
from airflow_synapse_challenge.containers.archive import Refusal
from airflow_synapse_challenge.containers.holding import HELD, HeldFile, Holding
from airflow_synapse_challenge.containers.kubernetes_cluster import Cluster
from airflow_synapse_challenge.containers.kubernetes_exec import Place
from airflow_synapse_challenge.containers.kubernetes_faults import image_fault, pull_problem, raise_if_lost
from airflow_synapse_challenge.containers.kubernetes_settings import ClusterSettings, pod_name
from airflow_synapse_challenge.containers.kubernetes_status import PodView
from airflow_synapse_challenge.containers.policy import Policy
from airflow_synapse_challenge.containers.spec import INPUT, OUTPUT, ContainerSpec, HeldMount
from airflow_synapse_challenge.errors import OrganiserFault, TransientError

#: Seconds between two looks at a pod that is about to begin, or to go.
LOOK = 0.5
GONE_WITHIN = 90.0


def load(cluster: Cluster, spec: ContainerSpec) -> None:
    """
    Write the inputs, and what earlier containers of the run left for this one.

    :raises OrganiserFault: there is no room for them.
    """
    try:
        _load(cluster, spec)
    except Refusal as refusal:
        raise OrganiserFault(f"The inputs of {spec.name} cannot be written.", str(refusal)) from refusal


def _load(cluster: Cluster, spec: ContainerSpec) -> None:
    place = Place(pod_name(spec.name), pods.LOAD)
    if spec.inputs or not spec.holds_output:
        cluster.ask(place, "unpack", "/", *(path.strip("/") for path in (INPUT, OUTPUT)), stdin=archive.pack(spec))
    for mount in spec.held:
        holder, folder = holder_of(mount)
        path = PurePosixPath(mount.path)
        stream = _packed(cluster, holder, f"{HELD}/{folder}", path.name, mount)
        cluster.ask(place, "unpack", str(path.parent), path.name, stdin=stream)


def keep(cluster: Cluster, spec: ContainerSpec) -> None:
    """
    Copy what a container left in held folders to the pod that holds them.

    :raises Refusal: it is more than the folders hold.
    """
    for mount in spec.held:
        if not mount.read_only:
            holder, folder = holder_of(mount)
            stream = _packed(cluster, Place(pod_name(spec.name), pods.RESULTS), mount.path, folder, mount)
            cluster.ask(holder, "clear", f"{HELD}/{folder}")
            cluster.ask(holder, "unpack", HELD, folder, stdin=stream)


def results(cluster: Cluster, spec: ContainerSpec) -> dict[str, bytes]:
    """
    Return the wanted result files.

    :raises Refusal: what is there is not what may leave a container.
    """
    bounds = (str(spec.policy.output_bytes), str(spec.policy.output_files))
    stream = cluster.run(Place(pod_name(spec.name), pods.RESULTS), "pack", OUTPUT, "output", *bounds)
    return archive.read_results(stream, spec.results, spec.policy)


def holder_of(mount: HeldMount) -> tuple[Place, str]:
    """Return what holds a folder, and the folder's name there."""
    holder, _, folder = mount.volume.rpartition(".")
    return Place(pod_name(holder), pods.HOLDER), folder


def _packed(cluster: Cluster, place: Place, path: str, name: str, mount: HeldMount) -> Iterator[bytes]:
    return cluster.run(place, "pack", path, name, str(mount.size_bytes), str(mount.files))


def wait_until_running(cluster: Cluster, settings: ClusterSettings, name: str, container: str) -> PodView:
    """
    Wait until a helper runs.

    :raises OrganiserFault: its image is not available.
    :raises TransientError: it takes too long, or the cluster took the pod away.
    """
    said = ""

    def look(view: PodView) -> bool:
        nonlocal said
        said = pull_problem(view, container, said)
        if said and (fault := image_fault(settings.helper_image, said, "organiser")):
            raise fault
        return view.runs(container) or view.over or "terminated" in view.state(container)

    view = wait_until(cluster, settings, name, look)
    if not view.runs(container):
        raise TransientError(f"The helper of the pod {name} has ended: {view.state(container) or view.message}")
    return view


def wait_until(cluster: Cluster, settings: ClusterSettings, name: str, look: Callable[[PodView], bool]) -> PodView:
    """
    Look at a pod until something is the case.

    :raises TransientError: it takes too long, or the pod is gone.
    """
    end = time.monotonic() + settings.start_within.total_seconds()
    while True:
        seen = cluster.read(name)
        if seen is None:
            raise TransientError(f"The pod {name} was removed by somebody before it ran.")
        view = PodView(seen.pod)
        raise_if_lost(view)
        if look(view):
            return view
        if time.monotonic() >= end:
            why = view.waits_for or cluster.warning(name) or f"it is {view.phase}"
            raise TransientError(f"The pod {name} did not run within {settings.start_within}: {why}")
        time.sleep(LOOK)


def remove(cluster: Cluster, name: str) -> bool:
    """
    End and remove a pod, and wait until it is gone; tell whether there was one.

    :raises TransientError: it does not go; its node may be lost.
    """
    if cluster.read(name) is None:
        return False
    cluster.delete(name)
    end = time.monotonic() + GONE_WITHIN
    while cluster.read(name) is not None:
        if time.monotonic() >= end:
            raise TransientError(f"The pod {name} does not go away; its node may be lost.")
        time.sleep(LOOK)
    return True


class KubernetesHolder:
    """Folders that are held by a pod."""

    def __init__(self, cluster: Cluster, settings: ClusterSettings, holding: Holding) -> None:
        self._cluster = cluster
        self._settings = settings
        self._holding = holding
        self._name = pod_name(holding.safe_name)
        self._place = Place(self._name, pods.HOLDER)

    def ensure(self) -> bool:
        """
        Begin to hold; tell whether an earlier try had begun, so that what it wrote is there.

        :raises OrganiserFault: the image is not available.
        :raises PermanentError: a rule of the policy cannot be enforced here.
        :raises TransientError: the cluster is away, or has no room.
        """
        if self.holds():
            return True
        kubernetes_policy.check_promises(Policy(), self._settings)
        remove(self._cluster, self._name)
        asked = pods.holder_pod(self._holding, self._settings)
        self._cluster.close()
        try:
            self._cluster.create(asked)
            view = wait_until_running(self._cluster, self._settings, self._name, pods.HOLDER)
            kubernetes_policy.check_described(asked, view.pod, self._cluster.network_policies())
        except BaseException:
            self._cluster.delete(self._name)
            raise
        return False

    def holds(self) -> bool:
        """Tell whether the folders are there."""
        seen = self._cluster.read(self._name)
        if seen is None:
            return False
        asked = pods.holder_pod(self._holding, self._settings)["metadata"]["annotations"]
        found = seen.pod["metadata"].get("annotations") or {}
        view = PodView(seen.pod)
        same = all(found.get(key) == value for key, value in asked.items())
        return same and view.runs(pods.HOLDER) and not view.leaving

    def look(self, folder: str, name: str) -> HeldFile | None:
        """
        Return what stands under a name in a folder, ``None`` for nothing.

        :param name: plain file name.
        """
        found = self._ask("look", self._holding.path(folder), name)
        return _held_file(found) if found else None

    def files(self, folder: str, most: int) -> list[HeldFile]:
        """
        Return the first things that a folder holds.

        :param most: entries; reading ends there.
        """
        return [_held_file(found) for found in self._ask("listing", self._holding.path(folder), str(most))]

    def copy(self, folder: str, name: str, target: Path) -> bool:
        """
        Copy a plain file out; nothing else is ever written to the target.

        :param name: plain file name in the folder.
        :return: ``False`` when there is nothing of that name.
        :raises Refusal: it is no plain file.
        """
        if self.look(folder, name) is None:
            return False
        limit = self._holding.folder(folder).size_bytes
        path = f"{self._holding.path(folder)}/{name}"
        stream = self._cluster.run(self._place, "pack_file", path, str(limit))
        archive.copy_plain_file(stream, name, target, limit)
        return True

    def is_full(self, folder: str) -> bool:
        """Tell whether a folder has no room for one more file or block."""
        return not self._ask("room", self._holding.path(folder))

    def release(self) -> None:
        """Hold no longer: what the folders hold is gone."""
        self._cluster.delete(self._name)

    def _ask(self, *arguments: str) -> Any:
        if not self.holds():
            raise TransientError(f"The cluster lost the results of {self._holding.name}.")
        try:
            return self._cluster.ask(self._place, *arguments)
        except Refusal as refusal:
            raise TransientError(f"The results of {self._holding.name} cannot be looked at: {refusal}") from refusal


def _held_file(found: dict[str, Any]) -> HeldFile:
    member = TarInfo(found["name"])
    member.type = found["type"].encode()
    return HeldFile(found["name"], archive.kind_of(member), found["size"])
