"""Follow a container to its end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_synapse_challenge.containers.docker_calls import moment
from airflow_synapse_challenge.containers.engine import Cancelled
from airflow_synapse_challenge.containers.logs import BoundedLog

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
    """

    state: dict[str, Any] | None
    timed_out: bool = False
    cancelled: bool = False

    @property
    def seconds(self) -> float:
        """Run time by the engine's clock."""
        if self.state is None:
            return 0.0
        return max(0.0, (moment(self.state["FinishedAt"]) - moment(self.state["StartedAt"])).total_seconds())


def wait(
    client: APIClient, name: str, timeout: timedelta, output_ended: threading.Event, cancelled: Cancelled | None
) -> Ending:
    """
    Wait for the end of a container, or bring it about when its time is over or somebody asks for it.

    :param timeout: whole run time; what passed before this call counts, by the engine's clock.
    :param output_ended: set when no more output can come, which mostly means that the container ended.
    """
    state = _state(client, name)
    if state is None:
        return Ending(None)
    passed = moment(client.info()["SystemTime"]) - moment(state["StartedAt"])
    end = time.monotonic() + (timeout - passed).total_seconds()
    pause = FIRST_LOOK
    while True:
        state = _state(client, name)
        if state is None:
            return Ending(None, cancelled=True)
        if not state["Running"]:
            return Ending(state)
        if time.monotonic() >= end:
            return Ending(_stop(client, name), timed_out=True)
        if cancelled and cancelled():
            return Ending(_stop(client, name), cancelled=True)
        if output_ended.is_set():
            time.sleep(pause)
            pause = min(2 * pause, LOOK)
        else:
            output_ended.wait(max(0.0, min(LOOK, end - time.monotonic())))


def _stop(client: APIClient, name: str) -> dict[str, Any] | None:
    from docker.errors import NotFound

    try:
        client.stop(name, timeout=GRACE)
    except NotFound:
        return None
    return _state(client, name)


def _state(client: APIClient, name: str) -> dict[str, Any] | None:
    from docker.errors import NotFound

    try:
        state: dict[str, Any] = client.inspect_container(name)["State"]
    except NotFound:
        return None
    return state
