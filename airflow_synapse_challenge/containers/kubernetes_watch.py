"""Follow a pod to its end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from airflow_synapse_challenge.containers import kubernetes_pods as pods
from airflow_synapse_challenge.containers.engine import Cancelled
from airflow_synapse_challenge.containers.kubernetes_cluster import Cluster, Described
from airflow_synapse_challenge.containers.kubernetes_faults import raise_if_lost
from airflow_synapse_challenge.containers.kubernetes_settings import pod_name
from airflow_synapse_challenge.containers.kubernetes_status import PodView
from airflow_synapse_challenge.containers.logs import BoundedLog
from airflow_synapse_challenge.containers.outcome import Observed
from airflow_synapse_challenge.containers.spec import LABEL_PREFIX, ContainerSpec
from airflow_synapse_challenge.errors import SynapseChallengeError, TransientError

#: Seconds between two looks at a pod.
LOOK = 1.0
#: Seconds between two looks at its memory: a metrics server has a new figure about every fifteen.
MEASURE = 5.0
#: Seconds that a kubelet may take to end a pod, its grace included, until its node counts as lost.
STOP_WITHIN = 60.0
#: Seconds in which output that the node still holds has to arrive after the end.
LAST_OUTPUT = 20


class OutputReader:
    """
    Read a pod's output in a thread, keep its head and tail, and pass on its lines.

    A log is read while it is printed, because nodes keep only the end of a flood.
    """

    def __init__(self, cluster: Cluster, name: str, limit: int, on_log: Callable[[str], None] | None) -> None:
        self.log = BoundedLog(limit, on_log)
        self.whole = False
        self._error: BaseException | None = None
        self._stream = cluster.output(name, pods.MAIN, follow=True)
        self._thread = threading.Thread(target=self._read, name=f"output of {name}", daemon=True)
        self._thread.start()

    def finish(self) -> bool:
        """
        Wait for the last output; tell whether all of it came.

        :raises Exception: what the receiver of the lines raised.
        """
        self._thread.join(LAST_OUTPUT)
        if self._error is not None:
            raise self._error
        return self.whole

    def _read(self) -> None:
        try:
            self.whole = _read_into(self.log, self._stream)
        except BaseException as error:  # noqa: BLE001  raised again in finish(), in the caller's thread
            self._error = error


def last_output(cluster: Cluster, spec: ContainerSpec, on_log: Callable[[str], None] | None = None) -> BoundedLog:
    """Read what the node has kept of a pod's output."""
    log = BoundedLog(spec.policy.log_bytes, on_log)
    _read_into(log, cluster.output(pod_name(spec.name), pods.MAIN, follow=False))
    return log


def _read_into(log: BoundedLog, stream: Iterable[bytes]) -> bool:
    """Tell whether the stream came to its end. A pod without output, or without a node, has none to read."""
    try:
        for chunk in stream:
            log.add(chunk)
        whole = True
    except SynapseChallengeError:
        whole = False
    log.close()
    return whole


@dataclass(frozen=True)
class Ending:
    """
    Why the code in a pod stopped.

    :param seen: the pod; ``None`` when somebody removed it.
    :param peak_memory_bytes: the most memory that was seen while it ran.
    """

    seen: Described | None
    timed_out: bool = False
    cancelled: bool = False
    peak_memory_bytes: int | None = None


def wait(cluster: Cluster, spec: ContainerSpec, cancelled: Cancelled | None) -> Ending:
    """
    Wait for the end of the code in a pod, or bring it about when its time is over or somebody asks for it.

    :param spec: its timeout is the whole run time; what passed before this call counts, by the cluster's clock.
    :raises TransientError: the cluster took the pod away.
    """
    name = pod_name(spec.name)
    peak, measured = 0, float("-inf")
    while True:
        seen = cluster.read(name)
        if seen is None:
            return Ending(None, cancelled=True, peak_memory_bytes=peak or None)
        view = PodView(seen.pod)
        raise_if_lost(view)
        _raise_if_uncollected(view)
        if view.ended:
            return Ending(seen, peak_memory_bytes=peak or None)
        if seconds_left(seen, spec.policy.timeout) <= 0:
            return Ending(stop(cluster, name), timed_out=True, peak_memory_bytes=peak or None)
        if cancelled and cancelled():
            return Ending(stop(cluster, name), cancelled=True, peak_memory_bytes=peak or None)
        if spec.author == "participant" and time.monotonic() - measured >= MEASURE:
            measured = time.monotonic()
            peak = max(peak, cluster.memory(name, pods.MAIN))
        time.sleep(LOOK)


def _raise_if_uncollected(view: PodView) -> None:
    if view.uncollected:
        raise TransientError(f"The pod {view.name} is over, and its results with it: nobody collected them in time.")


def seconds_left(seen: Described, timeout: timedelta) -> float:
    """Return how long the code in a pod may still run, by the cluster's clock."""
    return timeout.total_seconds() - PodView(seen.pod).seconds(seen.now)


def ended_by(cluster: Cluster, name: str, observed: Observed) -> Ending:
    """
    Return the ending of a pod that somebody else watched; one that still runs is ended.

    :raises TransientError: the cluster took the pod away, or its results went with it.
    """
    seen = cluster.read(name)
    if seen is not None:
        view = PodView(seen.pod)
        raise_if_lost(view)
        if not view.ended:
            seen = stop(cluster, name)
        if seen is not None and not (observed.timed_out or observed.cancelled):
            _raise_if_uncollected(PodView(seen.pod))
    return Ending(seen, observed.timed_out, observed.cancelled or seen is None, observed.peak_memory_bytes)


def stop(cluster: Cluster, name: str, annotations: Mapping[str, str] | None = None) -> Described | None:
    """
    Have the kubelet end a pod, and return it; what it printed stays.

    :param annotations: put on the pod together with that.
    :raises TransientError: the kubelet does not; its node may be lost.
    """
    if not cluster.end_now(name, annotations or {}):
        return None
    end = time.monotonic() + STOP_WITHIN
    while time.monotonic() < end:
        seen = cluster.read(name)
        if seen is None or PodView(seen.pod).over:
            return seen
        time.sleep(LOOK / 4)
    raise TransientError(f"The node of the pod {name} does not end it; it may be lost.")


class WatchedCluster:
    """
    Pods as a watcher sees them.

    :param cluster: the namespace.
    """

    #: A list of pods is a large answer.
    look_every = 2.0

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def running(self) -> frozenset[str]:
        """Return the names of the pods whose code runs."""
        found = [PodView(pod) for pod in self._cluster.pods(f"{LABEL_PREFIX}name")]
        return frozenset(view.name for view in found if _goes_on(view))

    def own_name(self, name: str) -> str:
        """Return the pod's name."""
        return pod_name(name)

    def seconds_left(self, name: str, seconds: float) -> float | None:
        """Return how long the code of a pod may still run, by the cluster's clock; ``None`` if it is gone."""
        seen = self._cluster.read(pod_name(name))
        return None if seen is None else seconds_left(seen, timedelta(seconds=seconds))

    def runs(self, name: str) -> bool:
        """Tell whether the code of a pod runs."""
        seen = self._cluster.read(pod_name(name))
        return seen is not None and _goes_on(PodView(seen.pod))

    def stop(self, name: str) -> None:
        """Have the kubelet end a pod; what it printed stays."""
        stop(self._cluster, pod_name(name))

    def memory(self, name: str) -> int:
        """Return the memory that the code uses now, 0 where the cluster has no metrics server."""
        return self._cluster.memory(pod_name(name), pods.MAIN)

    def kill(self, name: str) -> None:
        """End and remove a pod."""
        self._cluster.delete(pod_name(name))


def _goes_on(view: PodView) -> bool:
    return not (view.ended or view.lost or view.leaving)
