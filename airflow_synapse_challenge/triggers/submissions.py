"""Wait in the triggerer until a queue has something to dispatch."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import structlog
from airflow.triggers.base import BaseTrigger, TaskSkippedEvent, TaskSuccessEvent, TriggerEvent
from asgiref.sync import sync_to_async

from airflow_synapse_challenge.errors import TransientError
from airflow_synapse_challenge.hooks import dag_runs
from airflow_synapse_challenge.hooks.synapse import SynapseHook
from airflow_synapse_challenge.synapse import statuses
from airflow_synapse_challenge.synapse.call import Pages
from airflow_synapse_challenge.synapse.client import AsyncSynapseClient
from airflow_synapse_challenge.synapse.statuses import SubmissionStatus

log = structlog.get_logger(__name__)

#: Seconds between two looks at Airflow's own run counts while every slot is taken. Costs Synapse nothing.
CAPACITY_INTERVAL = 2.0
#: An outage of Synapse stretches the interval between two polls up to this many seconds.
LONGEST_BACK_OFF = 300.0


class SynapseSubmissionTrigger(BaseTrigger):
    """
    Ring when evaluation queues hold submissions that nobody has dispatched.

    One call for each queue and poll (``GET /evaluation/{id}/submission/status/all?status=``), whatever the backlog: no
    more statuses are asked for than it takes to know. (Synapse's own count knows no status.) Synapse's outages only
    stretch the interval. The bell may ring twice for the same submission: whoever answers it lists the queue and claims
    for himself.

    :param synapse_conn_id: Airflow connection of type ``synapse``.
    :param evaluation_ids: the queues.
    :param status: status of the submissions to wait for.
    :param poll_interval: seconds between two polls.
    :param dag_ids: DAGs whose runs work on these submissions. Their queued runs are submissions that wait already.
    :param max_in_flight: no ringing while this many of those runs are queued or running; ``None`` for no limit.
    :param lifetime: seconds until the task ends as skipped, so that a changed configuration takes effect;
        ``None`` to wait for ever.
    """

    def __init__(
        self,
        *,
        synapse_conn_id: str,
        evaluation_ids: Sequence[int | str],
        status: str = "RECEIVED",
        poll_interval: float = 10.0,
        dag_ids: Sequence[str] = (),
        max_in_flight: int | None = None,
        lifetime: float | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.synapse_conn_id = synapse_conn_id
        self.evaluation_ids = [str(evaluation_id) for evaluation_id in evaluation_ids]
        self.status = status
        self.poll_interval = poll_interval
        self.dag_ids = list(dag_ids)
        self.max_in_flight = max_in_flight
        self.lifetime = lifetime

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments that make this trigger again."""
        return (
            f"{type(self).__module__}.{type(self).__qualname__}",
            {
                "synapse_conn_id": self.synapse_conn_id,
                "evaluation_ids": self.evaluation_ids,
                "status": self.status,
                "poll_interval": self.poll_interval,
                "dag_ids": self.dag_ids,
                "max_in_flight": self.max_in_flight,
                "lifetime": self.lifetime,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Poll until there is work, then end the task in the triggerer itself: no worker is needed."""
        clock = asyncio.get_running_loop()
        end = clock.time() + self.lifetime if self.lifetime else float("inf")
        pause = self.poll_interval
        async with await SynapseHook(self.synapse_conn_id).get_async_conn() as client:
            # A poll at once would see the submissions whose runs have not claimed them yet.
            await asyncio.sleep(pause)
            while clock.time() < end:
                if not await self._has_room():
                    await asyncio.sleep(min(CAPACITY_INTERVAL, self.poll_interval))
                    continue
                try:
                    queued = await self._queued()
                    counts = await self._waiting(client, queued + 1)
                except TransientError as error:
                    pause = min(pause * 2, LONGEST_BACK_OFF)
                    log.warning("Synapse does not answer; polling goes on", error=str(error), next_poll_seconds=pause)
                else:
                    pause = self.poll_interval
                    if sum(counts.values()) > queued:
                        yield TaskSuccessEvent(xcoms={"return_value": counts})
                        return
                await asyncio.sleep(pause)
        yield TaskSkippedEvent()

    async def _waiting(self, client: AsyncSynapseClient, enough: int) -> dict[str, int]:
        """Count what waits in each queue, up to what is enough."""
        return {
            evaluation_id: await _count(client, statuses.waiting(evaluation_id, self.status, enough), enough)
            for evaluation_id in self.evaluation_ids
        }

    async def _has_room(self) -> bool:
        if self.max_in_flight is None or not self.dag_ids:
            return True
        return await self._runs(["queued", "running"]) < self.max_in_flight

    async def _queued(self) -> int:
        return await self._runs(["queued"])

    async def _runs(self, states: list[str]) -> int:
        counts = [await sync_to_async(dag_runs.count)(dag_id, states) for dag_id in self.dag_ids]
        return sum(counts)


async def _count(client: AsyncSynapseClient, pages: Pages[SubmissionStatus], enough: int) -> int:
    found = 0
    async for _ in client.pages(pages):
        found += 1
        if found >= enough:
            break
    return found
