"""What every engine does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from airflow_synapse_challenge.containers.outcome import Outcome
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
