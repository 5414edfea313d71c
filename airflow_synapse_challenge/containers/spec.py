"""What to run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal

from airflow_synapse_challenge.containers.policy import Policy
from airflow_synapse_challenge.errors import ConfigurationError

INPUT = "/input"
OUTPUT = "/output"
LABEL_PREFIX = "airflow-synapse-challenge."


@dataclass(frozen=True)
class Input:
    """
    A file that the container reads.

    :param path: absolute path in the container, below ``/input``.
    :param source: a local file, or the content itself.
    """

    path: str
    source: Path | bytes

    def __post_init__(self) -> None:
        parts = PurePosixPath(self.path).parts
        if parts[:2] != ("/", "input") or len(parts) < 3 or ".." in parts:
            raise ConfigurationError(f"An input lies below {INPUT}, not at {self.path!r}.")


@dataclass(frozen=True)
class ContainerSpec:
    """
    One container.

    :param name: the same in every try, so that a retry finds what an earlier one left running.
    :param image: by digest, or by a name that the engine knows.
    :param command: argument vector; the image's entrypoint is not used.
    :param results: files to bring back, relative to ``/output``.
    :param labels: say whose container it is; a container with other labels is not adopted.
    :param environment: more variables; never credentials.
    :param author: who wrote the code: organisers or participants.
    """

    name: str
    image: str
    command: tuple[str, ...]
    policy: Policy = field(default_factory=Policy)
    inputs: tuple[Input, ...] = ()
    results: tuple[str, ...] = ("results.json",)
    labels: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    author: Literal["organiser", "participant"] = "organiser"

    def __post_init__(self) -> None:
        if not self.command:
            raise ConfigurationError(f"Container {self.name!r} has no command.")
        for result in self.results:
            path = PurePosixPath(result)
            if path.is_absolute() or ".." in path.parts or not path.parts:
                raise ConfigurationError(f"A result is a path below {OUTPUT}, not {result!r}.")

    @property
    def safe_name(self) -> str:
        """The name with only the characters that engines take."""
        return re.sub(r"[^a-zA-Z0-9_.-]", "_", self.name).lstrip("_.-")[:200] or "container"

    @property
    def full_labels(self) -> dict[str, str]:
        """The labels under this package's prefix, with the name."""
        return {f"{LABEL_PREFIX}{key}": value for key, value in {**self.labels, "name": self.name}.items()}
