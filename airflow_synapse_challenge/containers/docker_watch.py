"""Follow a container to its end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_synapse_challenge.containers.docker_calls import engine_errors, moment
from airflow_synapse_challenge.containers.engine import Cancelled
from airflow_synapse_challenge.containers.logs import BoundedLog
from airflow_synapse_challenge.containers.outcome import Observed
from airflow_synapse_challenge.containers.spec import LABEL_PREFIX, ContainerSpec, safe_name

if TYPE_CHECKING:
    from docker import APIClient

#: Seconds between TERM and KILL.
GRACE = 3
#: Seconds between two looks at a container that runs; its end is noticed at once by the end of its output.
LOOK = 1.0
FIRST_LOOK = 0.02
#: Seconds in which output that the engine still holds has to arrive after the end.
LAST_OUTPUT = 20


class OutputReader:
    """
    Read a container's output in a thread and keep its head and tail.

    :param started: an earlier try started it. Its output then comes from the engine's log file: an ended container
        cannot be attached to. Otherwise the engine waits for this reader, so that it sees every byte of a flood.
    """

    def __init__(
        self, client: APIClient, name: str, limit: int, on_log: Callable[[str], None] | None, *, started: bool
    ) -> None:
        self.log = BoundedLog(limit, on_log)
        self.ended = threading.Event()
        self._error: BaseException | None = None
        if started:
            self._stream = client.logs(name, stdout=True, stderr=True, stream=True, follow=True)
        else:
            self._stream = client.attach(name, stdout=True, stderr=True, stream=True)
        self._thread = threading.Thread(target=self._read, name=f"output of {name}", daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """
        Wait for the last output.

        :raises Exception: what the receiver of the lines raised.
        """
        self._thread.join(LAST_OUTPUT)
        if self._error is not None:
            raise self._error

    def _read(self) -> None:
        try:
            for chunk in self._stream:
                self.log.add(chunk)
            self.log.close()
        except OSError:
            # The connection to the engine broke. The next look at the container tells whether the engine is away.
            self.log.close()
        except BaseException as error:  # noqa: BLE001  raised again in finish(), in the caller's thread
            self._error = error
        finally:
            self.ended.set()


@dataclass(frozen=True)
class Ending:
    """
    Why a container stopped.

    :param state: the engine's ``State``; ``None`` when somebody removed the container.
    :param peak_memory_bytes: the most memory that was seen while it ran.
    """

    state: dict[str, Any] | None
    timed_out: bool = False
    cancelled: bool = False
    peak_memory_bytes: int | None = None

    @property
    def seconds(self) -> float:
        """Run time by the engine's clock."""
        if self.state is None:
            return 0.0
        return max(0.0, (moment(self.state["FinishedAt"]) - moment(self.state["StartedAt"])).total_seconds())


def wait(client: APIClient, spec: ContainerSpec, output_ended: threading.Event, cancelled: Cancelled | None) -> Ending:
    """
    Wait for the end of a container, or bring it about when its time is over or somebody asks for it.

    :param spec: its timeout is the whole run time; what passed before this call counts, by the engine's clock.
    :param output_ended: set when no more output can come, which mostly means that the container ended.
    """
    name = spec.safe_name
    state = state_of(client, name)
    if state is None:
        return Ending(None)
    end = time.monotonic() + seconds_left(client, state, spec.policy.timeout)
    pause = FIRST_LOOK
    peak: int | None = None
    while True:
        state = state_of(client, name)
        if state is None:
            return Ending(None, cancelled=True, peak_memory_bytes=peak)
        if not state["Running"]:
            return Ending(state, peak_memory_bytes=peak)
        if time.monotonic() >= end:
            return Ending(stop(client, name), timed_out=True, peak_memory_bytes=peak)
        if cancelled and cancelled():
            return Ending(stop(client, name), cancelled=True, peak_memory_bytes=peak)
        if spec.author == "participant":
            peak = max(peak or 0, memory_of(client, name)) or None
        if output_ended.is_set():
            time.sleep(pause)
            pause = min(2 * pause, LOOK)
        else:
            output_ended.wait(max(0.0, min(LOOK, end - time.monotonic())))


def seconds_left(client: APIClient, state: dict[str, Any], timeout: timedelta) -> float:
    """Return how long a started container may still run, by the engine's clock."""
    passed = moment(client.info()["SystemTime"]) - moment(state["StartedAt"])
    return (timeout - passed).total_seconds()


def ended_by(client: APIClient, name: str, observed: Observed) -> Ending:
    """Return the ending of a container that somebody else watched; one that still runs is ended."""
    state = state_of(client, name)
    if state is not None and state["Running"]:
        state = stop(client, name)
    return Ending(state, observed.timed_out, observed.cancelled or state is None, observed.peak_memory_bytes)


def last_output(client: APIClient, spec: ContainerSpec, on_log: Callable[[str], None] | None = None) -> BoundedLog:
    """Read what the engine has kept of a container's output."""
    from docker.errors import NotFound

    log = BoundedLog(spec.policy.log_bytes, on_log)
    try:
        for chunk in client.logs(spec.safe_name, stdout=True, stderr=True, stream=True, follow=False):
            log.add(chunk)
    except NotFound:
        pass
    log.close()
    return log


def memory_of(client: APIClient, name: str) -> int:
    """
    Return the most memory that a running container had, as far as the kernel remembers, else what it has now.

    Files in memory count; what the kernel can drop (the page cache of the image) does not.
    """
    from docker.errors import APIError

    try:
        found = client.stats(name, stream=False, one_shot=True).get("memory_stats") or {}
    except APIError:
        return 0
    if "max_usage" in found:
        return int(found["max_usage"])
    droppable = (found.get("stats") or {}).get("inactive_file", 0)
    return max(0, int(found.get("usage", 0)) - int(droppable))


def stop(client: APIClient, name: str) -> dict[str, Any] | None:
    """Tell a container to end, end it after a grace, and return its state."""
    from docker.errors import NotFound

    try:
        client.stop(name, timeout=GRACE)
    except NotFound:
        return None
    return state_of(client, name)


def state_of(client: APIClient, name: str) -> dict[str, Any] | None:
    """Return the engine's ``State`` of a container, ``None`` when there is none of that name."""
    from docker.errors import NotFound

    try:
        state: dict[str, Any] = client.inspect_container(name)["State"]
    except NotFound:
        return None
    return state


class WatchedDocker:
    """
    Containers as a watcher sees them.

    :param client: connected.
    """

    look_every = 0.0

    def __init__(self, client: APIClient) -> None:
        self._client = client

    def running(self) -> frozenset[str]:
        """Return the names of this package's running containers."""
        with engine_errors():
            found = self._client.containers(filters={"label": f"{LABEL_PREFIX}name"})
            return frozenset(container["Names"][0].lstrip("/") for container in found)

    def own_name(self, name: str) -> str:
        """Return the container's name as the engine writes it."""
        return safe_name(name)

    def seconds_left(self, name: str, seconds: float) -> float | None:
        """Return how long a container may still run, by the engine's clock; ``None`` if it is gone."""
        with engine_errors():
            state = state_of(self._client, safe_name(name))
            return seconds_left(self._client, state, timedelta(seconds=seconds)) if state else None

    def runs(self, name: str) -> bool:
        """Tell whether a container runs."""
        with engine_errors():
            state = state_of(self._client, safe_name(name))
            return bool(state and state["Running"])

    def stop(self, name: str) -> None:
        """Tell a container to end, and end it a little later."""
        with engine_errors():
            stop(self._client, safe_name(name))

    def memory(self, name: str) -> int:
        """Return the most memory that a running container is known to have had."""
        with engine_errors():
            return memory_of(self._client, safe_name(name))

    def kill(self, name: str) -> None:
        """End and remove a container with its volumes."""
        from airflow_synapse_challenge.containers.docker_engine import DockerEngine

        DockerEngine(self._client).kill(name)
