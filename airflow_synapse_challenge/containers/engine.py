"""What every engine does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from airflow_synapse_challenge.containers.holding import HeldFile, Holding
from airflow_synapse_challenge.containers.outcome import UNOBSERVED, Observed, Outcome
from airflow_synapse_challenge.containers.policy import Rule
from airflow_synapse_challenge.containers.spec import ContainerSpec

Cancelled = Callable[[], bool]


@dataclass(frozen=True)
class Owner:
    """The run that something on an engine belongs to."""

    dag: str
    run: str


class Engine(Protocol):
    """Where containers run."""

    @property
    def name(self) -> str:
        """``docker``, ``kubernetes`` or ``process``."""
        ...

    @property
    def enforces(self) -> frozenset[Rule]:
        """The rules that this engine can enforce."""
        ...

    def run(
        self,
        spec: ContainerSpec,
        *,
        on_log: Callable[[str], None] | None = None,
        cancelled: Cancelled | None = None,
    ) -> Outcome:
        """
        Run a container to its end, or adopt the one of that name that an earlier try left.

        :param on_log: receives harmless lines while it runs.
        :param cancelled: asked about every second; a true answer ends the container.
        :raises OrganiserFault: the image cannot be used.
        :raises TransientError: the engine is away.
        :raises PermanentError: a rule of the policy cannot be enforced here.
        """
        ...

    def kill(self, name: str) -> bool:
        """End the container of that name at once and remove what belongs to it; tell whether there was one."""
        ...


class Holder(Protocol):
    """Folders of a run on an engine; what they hold is looked at and copied out."""

    def ensure(self) -> bool:
        """Begin to hold; tell whether an earlier try had begun, so that what it wrote is there."""
        ...

    def holds(self) -> bool:
        """Tell whether the folders are there."""
        ...

    def look(self, folder: str, name: str) -> HeldFile | None:
        """Return what stands under a name in a folder, ``None`` for nothing."""
        ...

    def files(self, folder: str, most: int) -> list[HeldFile]:
        """Return the first things that a folder holds."""
        ...

    def copy(self, folder: str, name: str, target: Path) -> bool:
        """
        Copy a plain file out; ``False`` when there is nothing of that name.

        :raises Refusal: it is no plain file.
        """
        ...

    def is_full(self, folder: str) -> bool:
        """Tell whether a folder has no room for one more file or block."""
        ...

    def release(self) -> None:
        """Hold no longer."""
        ...


class ModelEngine(Engine, Protocol):
    """An engine that also runs strangers' code: one caller starts a container, others look at it and collect it."""

    def launch(self, spec: ContainerSpec) -> bool:
        """
        Start a container; tell whether an earlier try had started it.

        :raises ParticipantFault: the image cannot be used. :class:`OrganiserFault` if it is one of the organisers.
        :raises TransientError: the engine is away.
        :raises PermanentError: a rule of the policy cannot be enforced here.
        """
        ...

    def has(self, spec: ContainerSpec) -> bool:
        """Tell whether exactly this container was started and is there; clear away anything else of its name."""
        ...

    def log(self, spec: ContainerSpec) -> str:
        """Return the head and the tail of what a launched container has printed so far."""
        ...

    def collect(
        self,
        spec: ContainerSpec,
        observed: Observed = UNOBSERVED,
        on_log: Callable[[str], None] | None = None,
    ) -> Outcome:
        """
        Return the outcome of a launched container, ended here if it still runs; it stays, to be collected again.

        :param observed: what whoever watched it saw of its end.
        :param on_log: receives the harmless lines of its log.
        """
        ...

    def finish(
        self,
        spec: ContainerSpec,
        observed: Observed = UNOBSERVED,
        on_log: Callable[[str], None] | None = None,
    ) -> Outcome:
        """Collect the outcome of a launched container as :meth:`collect` does, and remove it."""
        ...

    def holder(self, holding: Holding) -> Holder:
        """Return what holds the folders of a run; it begins with ``ensure()``."""
        ...

    def sweep(self, labels: Mapping[str, str]) -> list[str]:
        """End and remove everything that carries all of these labels; return the names."""
        ...


class Watched(Protocol):
    """An engine as whoever only watches containers sees it, over many hours. Every call may take seconds."""

    @property
    def look_every(self) -> float:
        """Seconds for which a list of what runs is good enough."""
        ...

    def running(self) -> frozenset[str]:
        """Return the names of this package's running containers, as the engine writes them."""
        ...

    def own_name(self, name: str) -> str:
        """Return a container's name as the engine writes it."""
        ...

    def seconds_left(self, name: str, seconds: float) -> float | None:
        """
        Return how long a container may still run, by the engine's clock; ``None`` if it is gone.

        :param seconds: that it may run in all.
        """
        ...

    def runs(self, name: str) -> bool:
        """Tell whether a container runs."""
        ...

    def stop(self, name: str) -> None:
        """Tell a container to end, and end it a little later; what it left stays to be collected."""
        ...

    def memory(self, name: str) -> int:
        """Return the most memory that a container is known to have used, in bytes; 0 if nothing is known."""
        ...

    def kill(self, name: str) -> None:
        """End and remove a container."""
        ...
