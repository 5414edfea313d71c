"""What became of a pod, from the API server's description of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from airflow_synapse_challenge.containers import kubernetes_pods as pods
from airflow_synapse_challenge.containers.spec import LABEL_PREFIX

#: What the kubelet says when a pod used more disk than it may; memory is another matter, and so is a full node.
TOO_MUCH_DISK = (
    "exceeds the limit",
    "exceeded its local ephemeral storage limit",
    "exceeds the total limit of containers",
)

#: Marks a pod that was put away after its results had been taken.
KEPT = f"{LABEL_PREFIX}kept"


@dataclass(frozen=True)
class PodView:
    """
    A pod.

    :param pod: plain JSON, as the API server describes it.
    """

    pod: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.pod["metadata"]["name"])

    @property
    def phase(self) -> str:
        """``Pending``, ``Running``, ``Succeeded``, ``Failed`` or ``Unknown``."""
        return str(self._status.get("phase", "Pending"))

    @property
    def reason(self) -> str:
        """Why it failed as a whole, for example ``Evicted``."""
        return str(self._status.get("reason") or "")

    @property
    def message(self) -> str:
        """The same in a sentence."""
        return str(self._status.get("message") or "")

    @property
    def _status(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.pod.get("status") or {}
        return found

    def state(self, container: str) -> Mapping[str, Any]:
        """Return the state of a container: ``waiting``, ``running`` or ``terminated``; empty before it has any."""
        statuses = [*(self._status.get("initContainerStatuses") or ()), *(self._status.get("containerStatuses") or ())]
        found: Mapping[str, Any] = next((one.get("state") or {} for one in statuses if one["name"] == container), {})
        return found

    def runs(self, container: str) -> bool:
        """Tell whether a container runs."""
        return "running" in self.state(container) and not self.over

    @property
    def leaving(self) -> bool:
        """Whether somebody told it to end and to go."""
        return "deletionTimestamp" in self.pod["metadata"]

    @property
    def over(self) -> bool:
        """Whether nothing runs in it any more."""
        return self.phase in ("Failed", "Succeeded")

    @property
    def gate_open(self) -> bool:
        """Whether the code was let run."""
        return bool(self.state(pods.LOAD).get("terminated", {}).get("exitCode") == 0)

    @property
    def ended(self) -> bool:
        """Whether the code has ended, in whatever way."""
        return self.over or "terminated" in self.state(pods.MAIN)

    @property
    def exit_code(self) -> int | None:
        """How the code ended by the kernel's word; ``None`` if it did not, or nobody saw it."""
        found = self.state(pods.MAIN).get("terminated", {}).get("exitCode")
        return int(found) if found is not None else None

    @property
    def oom_killed(self) -> bool:
        """Whether the kernel ended the code for its memory."""
        return bool(self.state(pods.MAIN).get("terminated", {}).get("reason") == "OOMKilled")

    @property
    def past_deadline(self) -> bool:
        """Whether the kubelet ended the pod for its time, or because we shortened that."""
        return self.phase == "Failed" and self.reason == "DeadlineExceeded"

    @property
    def uncollected(self) -> bool:
        """Whether the code ended well, and its results went with the pod before anybody took them."""
        kept = (self.pod["metadata"].get("annotations") or {}).get(KEPT)
        return self.over and self.exit_code == 0 and not kept

    @property
    def storage_full(self) -> bool:
        """Whether the kubelet ended the pod because it used more of the node's disk than it may."""
        return self.reason == "Evicted" and any(words in self.message for words in TOO_MUCH_DISK)

    @property
    def lost(self) -> str:
        """Why the cluster took the pod away although it did nothing wrong; empty if it did not."""
        conditions = self._status.get("conditions") or ()
        disruption = [one for one in conditions if one["type"] == "DisruptionTarget" and one["status"] == "True"]
        if self.past_deadline or self.storage_full:
            return ""
        if disruption:
            return str(disruption[0].get("message") or disruption[0].get("reason"))
        if self.phase == "Unknown" or (self.phase == "Failed" and self.reason):
            return f"{self.reason or self.phase}: {self.message}"
        return ""

    @property
    def image_digest(self) -> str | None:
        """The image that really ran, as the node knows it."""
        statuses = self._status.get("containerStatuses") or ()
        found = next((str(one.get("imageID") or "") for one in statuses if one["name"] == pods.MAIN), "")
        return found.partition("://")[2] or found or None

    @property
    def started(self) -> datetime | None:
        """When the code began."""
        state = self.state(pods.MAIN)
        return _moment((state.get("running") or state.get("terminated") or {}).get("startedAt"))

    def seconds(self, now: datetime) -> float:
        """
        Return how long the code ran.

        :param now: the API server's clock.
        """
        finished = _moment(self.state(pods.MAIN).get("terminated", {}).get("finishedAt")) or now
        return max(0.0, (finished - self.started).total_seconds()) if self.started else 0.0

    @property
    def waits_for(self) -> str:
        """What keeps the pod from running, as far as it says so itself."""
        conditions = self._status.get("conditions") or ()
        found = [str(one.get("message")) for one in conditions if one["status"] == "False" and one.get("message")]
        for container in (pods.LOAD, pods.MAIN, pods.HOLDER):
            waiting = self.state(container).get("waiting", {})
            if waiting.get("reason") not in (None, "PodInitializing", "ContainerCreating"):
                found.insert(0, f"{waiting['reason']}: {waiting.get('message', '')}")
        return found[0] if found else ""


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
