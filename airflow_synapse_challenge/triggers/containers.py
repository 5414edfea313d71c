"""Watch a container from the triggerer, for hours and at little cost."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

import structlog
from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_synapse_challenge.containers.engine import Watched
from airflow_synapse_challenge.errors import TransientError
from airflow_synapse_challenge.hooks.engines import watched
from airflow_synapse_challenge.hooks.synapse import SynapseHook
from airflow_synapse_challenge.steps.stop import ASK_EVERY, reason_in
from airflow_synapse_challenge.synapse import statuses
from airflow_synapse_challenge.synapse.client import AsyncSynapseClient

T = TypeVar("T")

log = structlog.get_logger(__name__)

LOOK_EVERY = 1.0
#: Seconds before the first look; each pause is twice as long as the one before, up to LOOK_EVERY.
FIRST_LOOK = 0.1
MEASURE_EVERY = 5.0
#: An engine that stays away this long after the container's time is left to the worker.
PATIENCE = 600.0
#: Seconds after a deferral in which the triggerer keeps what it sees. A scheduler that learns within one of its rounds
#: that the worker's process has ended and that the task goes on takes it for a task that died.
QUIET = 10.0
#: Seconds that a worker waits itself: about what a deferral adds to a container that ends soon after it.
WORKER_PATIENCE = 15.0


class EngineWatch:
    """
    What runs on an engine: asked once for all triggers that watch it, however many they are.

    :param docker_conn_id: Airflow connection of type ``docker``; ``None`` for the environment's engine.
    :param cluster: connection and namespace of a Kubernetes cluster; ``None`` for Docker.
    """

    _of: dict[str, EngineWatch] = {}

    def __init__(self, docker_conn_id: str | None, cluster: dict[str, Any] | None = None) -> None:
        self._address = (docker_conn_id, cluster)
        self._engine: Watched | None = None
        self._lock = asyncio.Lock()
        self._loop = asyncio.get_running_loop()
        self._running: frozenset[str] = frozenset()
        self._looked = float("-inf")

    @classmethod
    def of(cls, docker_conn_id: str | None, cluster: dict[str, Any] | None = None) -> EngineWatch:
        """Return the one watch of an engine in this event loop."""
        key = json.dumps([docker_conn_id, cluster], sort_keys=True)
        found = cls._of.get(key)
        if found is None or found._loop is not asyncio.get_running_loop():
            found = cls._of[key] = cls(docker_conn_id, cluster)
        return found

    async def running(self, oldest: float = LOOK_EVERY) -> frozenset[str]:
        """Return the names of this package's running containers, at most so many seconds old."""
        async with self._lock:
            engine = await asyncio.to_thread(lambda: self.engine)
            if time.monotonic() - self._looked >= max(oldest, engine.look_every):
                self._running = await asyncio.to_thread(engine.running)
                self._looked = time.monotonic()
            return self._running

    @property
    def engine(self) -> Watched:
        """The engine; to be used in threads."""
        if self._engine is None:
            self._engine = watched(*self._address)
        return self._engine

    async def call(self, ask: Callable[[Watched], T]) -> T:
        """Ask the engine something in a thread."""
        return await asyncio.to_thread(lambda: ask(self.engine))


ARGUMENTS = (
    *("container", "timeout", "docker_conn_id", "cluster", "synapse_conn_id", "submission_id", "log_every"),
    *("patience", "quiet", "peak_memory_bytes"),
)


class ContainerTrigger(BaseTrigger):
    """
    Wait until a container ends, or end it when its time is over or its submission is cancelled.

    The event is a dict with ``reason`` (``ended``, ``timed_out``, ``cancelled``, ``time_quota``, ``log``, ``waiting``)
    and ``peak_memory_bytes``. After ``log``, which says that it is time to look at the log, and ``waiting``, which says
    that patience is over, the container runs on.

    :param container: its name.
    :param timeout: seconds that it may run in all, by the engine's clock.
    :param docker_conn_id: Airflow connection of type ``docker``; ``None`` for the environment's engine.
    :param cluster: connection and namespace of a Kubernetes cluster; ``None`` for Docker.
    :param synapse_conn_id: Airflow connection of type ``synapse``; with ``submission_id``.
    :param submission_id: a submission that may be cancelled (``cancelRequested``) or run out of its time quota.
    :param log_every: seconds until ``log``; ``None`` for never.
    :param patience: seconds until ``waiting``; ``None`` for never.
    :param quiet: seconds in which no event is sent; what has happened meanwhile is told then.
    :param peak_memory_bytes: the most memory that an earlier trigger saw.
    """

    def __init__(
        self,
        *,
        container: str,
        timeout: float,
        docker_conn_id: str | None = None,
        cluster: dict[str, Any] | None = None,
        synapse_conn_id: str | None = None,
        submission_id: str | None = None,
        log_every: float | None = None,
        patience: float | None = None,
        quiet: float = 0.0,
        peak_memory_bytes: int | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.container = container
        self.timeout = timeout
        self.docker_conn_id = docker_conn_id
        self.cluster = cluster
        self.synapse_conn_id = synapse_conn_id
        self.submission_id = submission_id
        self.log_every = log_every
        self.patience = patience
        self.quiet = quiet
        self.peak_memory_bytes = peak_memory_bytes

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments that make this trigger again."""
        return f"{type(self).__module__}.{type(self).__qualname__}", {name: getattr(self, name) for name in ARGUMENTS}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look every second; outages of the engine and of Synapse are waited out."""
        watch = EngineWatch.of(self.docker_conn_id, self.cluster)
        client: AsyncSynapseClient | None = None
        if self.submission_id and self.synapse_conn_id:
            client = await SynapseHook(self.synapse_conn_id).get_async_conn(impatient=True)
        try:
            yield TriggerEvent(await self._watch(watch, client))  # type: ignore[no-untyped-call]
        finally:
            if client:
                await client.close()

    async def _watch(self, watch: EngineWatch, client: AsyncSynapseClient | None) -> dict[str, Any]:
        vigil = _Vigil(time.monotonic(), self.peak_memory_bytes or 0)
        pause = FIRST_LOOK
        reason = None
        while reason is None:
            await asyncio.sleep(pause)
            try:
                reason = await self._look(watch, client, vigil, pause)
            except TransientError as error:
                log.warning("The engine does not answer; watching goes on", error=str(error))
                reason = "timed_out" if vigil.age > self.timeout + PATIENCE else None
            if reason is None and self.log_every is not None and vigil.age >= self.log_every:
                reason = "log"
            if reason is None and self.patience is not None and vigil.age >= self.patience:
                reason = "waiting"
            pause = min(2 * pause, LOOK_EVERY)
        await asyncio.sleep(max(0.0, self.quiet - vigil.age))
        return {"reason": reason, "peak_memory_bytes": vigil.peak or None}

    async def _look(
        self, watch: EngineWatch, client: AsyncSynapseClient | None, vigil: _Vigil, pause: float
    ) -> str | None:
        """Return why watching ends; whoever is over time or cancelled is ended here."""
        name, now = self.container, time.monotonic()
        if vigil.end is None:
            vigil.end = await self._end(watch, now)
        # A listing that began before the container did does not have it yet.
        running = await watch.running(pause)
        if watch.engine.own_name(name) not in running and not await watch.call(lambda engine: engine.runs(name)):
            return "ended"
        if vigil.end is not None and now >= vigil.end:
            await watch.call(lambda engine: engine.stop(name))
            return "timed_out"
        if now - vigil.measured >= (MEASURE_EVERY if self.patience is None else LOOK_EVERY) or pause < LOOK_EVERY:
            vigil.measured = now
            vigil.peak = max(vigil.peak, await watch.call(lambda engine: engine.memory(name)))
        if client and now - vigil.asked >= ASK_EVERY:
            vigil.asked = now
            if reason := await self._stop_reason(client):
                await watch.call(lambda engine: engine.stop(name))
                return reason
        return None

    async def _end(self, watch: EngineWatch, now: float) -> float | None:
        """Return when the container's time is over, ``None`` if it is gone already."""
        left = await watch.call(lambda engine: engine.seconds_left(self.container, self.timeout))
        return None if left is None else now + left

    async def _stop_reason(self, client: AsyncSynapseClient) -> str | None:
        try:
            return reason_in(await client.send(statuses.get(str(self.submission_id))))
        except TransientError:
            return None

    async def on_kill(self) -> None:
        """End the container at once: somebody ended the task."""
        watch = EngineWatch.of(self.docker_conn_id, self.cluster)
        await watch.call(lambda engine: engine.kill(self.container))


class _Vigil:
    """What one watcher remembers: times of the monotonic clock."""

    def __init__(self, begin: float, peak: int) -> None:
        self.begin = self.asked = self.measured = begin
        self.end: float | None = None
        self.peak = peak

    @property
    def age(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self.begin


def first_event(trigger: ContainerTrigger) -> dict[str, Any]:
    """Wait in a worker as the triggerer would, and return what the event holds."""

    async def wait() -> dict[str, Any]:
        async for event in trigger.run():
            found: dict[str, Any] = event.payload
            return found
        raise AssertionError("unreachable")

    return asyncio.run(wait())
