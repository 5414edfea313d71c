"""What to run."""

from __future__ import annotations

import hashlib
import json
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
LONGEST_NAME = 100
Author = Literal["organiser", "participant"]


@dataclass(frozen=True)
class Input:
    """
    A file that the container reads.

    :param path: absolute path in the container, below ``/input``.
    :param source: a local file, or the content itself.
    :param mode: permissions in the container, where root owns the file.
    """

    path: str
    source: Path | bytes
    mode: int = 0o444

    def __post_init__(self) -> None:
        if not (_lies_below(self.path, INPUT) or _lies_below(self.path, OUTPUT)):
            raise ConfigurationError(f"An input lies below {INPUT}, not at {self.path!r}.")


@dataclass(frozen=True)
class HostFolder:
    """
    A folder of the engine's host that the container reads, for data too large to copy. Always read-only.

    :param path: ``/input`` itself, or an absolute path below it.
    :param source: absolute path on the engine's host.
    """

    path: str
    source: str

    def __post_init__(self) -> None:
        if self.path != INPUT and not _lies_below(self.path, INPUT):
            raise ConfigurationError(f"A folder of the host is mounted at or below {INPUT}, not at {self.path!r}.")
        if not PurePosixPath(self.source).is_absolute() or ".." in PurePosixPath(self.source).parts:
            raise ConfigurationError(f"A folder of the host is named by its absolute path, not {self.source!r}.")


@dataclass(frozen=True)
class HeldMount:
    """
    A folder that something else holds (:mod:`~airflow_synapse_challenge.containers.holding`).

    :param path: absolute path in the container.
    :param volume: its volume.
    :param size_bytes: of all files together.
    :param files: files and folders.
    """

    path: str
    volume: str
    size_bytes: int
    files: int
    read_only: bool = False

    def __post_init__(self) -> None:
        path = PurePosixPath(self.path)
        if not path.is_absolute() or len(path.parts) < 2 or ".." in path.parts or path.is_relative_to(INPUT):
            raise ConfigurationError(
                f"A held folder is mounted at an absolute path outside {INPUT}, not {self.path!r}."
            )


@dataclass(frozen=True)
class ImageFacts:
    """
    What an image's manifest says, for engines that start images without being able to look at them.

    :param user: user and group that it asks for.
    :param volumes: folders that it declares as volumes, which would be storage without bounds.
    """

    user: str = ""
    volumes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ContainerSpec:
    """
    One container.

    :param name: the same in every try, so that a retry finds what an earlier one left running.
    :param image: by digest, or by a name that the engine knows.
    :param command: argument vector, in place of the image's entrypoint; empty for that one, which only a participant's
        image may use.
    :param begun: files that the command finds in ``/output`` and may change: content by path relative to it.
    :param results: files to bring back, relative to ``/output``.
    :param labels: say whose container it is; a container with other labels is not adopted.
    :param mounts: folders of the engine's host.
    :param held: folders that outlive the container; one at ``/output`` takes the results.
    :param environment: more variables; never credentials.
    :param author: who wrote the code: organisers or participants.
    :param facts: what is known of the image, where the engine does not find out by itself.
    """

    name: str
    image: str
    command: tuple[str, ...] = ()
    policy: Policy = field(default_factory=Policy)
    inputs: tuple[Input, ...] = ()
    begun: Mapping[str, bytes] = field(default_factory=dict)
    results: tuple[str, ...] = ("results.json",)
    labels: Mapping[str, str] = field(default_factory=dict)
    mounts: tuple[HostFolder, ...] = ()
    held: tuple[HeldMount, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    author: Author = "organiser"
    facts: ImageFacts | None = None

    def __post_init__(self) -> None:
        if not self.command and self.author != "participant":
            raise ConfigurationError(f"Container {self.name!r} has no command.")
        for result in (*self.begun, *self.results):
            if not _lies_below(f"{OUTPUT}/{result}", OUTPUT) or str(PurePosixPath(result)) != result:
                raise ConfigurationError(f"A file in {OUTPUT} is named by a plain path relative to it, not {result!r}.")
        if self.inputs and any(mount.path == INPUT for mount in self.mounts):
            raise ConfigurationError(f"A folder of the host at {INPUT} would hide the inputs; mount it below {INPUT}.")
        if self.holds_output and (self.begun or self.results):
            raise ConfigurationError(f"The results of {self.name!r} are read from the folder that holds them.")

    @property
    def holds_output(self) -> bool:
        """Whether the results outlive the container."""
        return any(mount.path == OUTPUT for mount in self.held)

    @property
    def safe_name(self) -> str:
        """The name as engines take it."""
        return safe_name(self.name)

    @property
    def full_labels(self) -> dict[str, str]:
        """The labels under this package's prefix, with the name and a fingerprint of all that decides the outcome."""
        labels = {**self.labels, "name": self.name, "spec": self._fingerprint()}
        return {f"{LABEL_PREFIX}{key}": value for key, value in labels.items()}

    def _fingerprint(self) -> str:
        paths = [item.path for item in self.inputs]
        decisive = [self.image, self.command, self.results, self.author, dict(self.environment), paths]
        text = json.dumps([*decisive, repr(self.mounts), repr(self.held), repr(self.policy)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def safe_name(name: str) -> str:
    """
    Return a name with only the characters that engines take.

    A name that has to be changed gets a part of its hash, so that different names stay different.
    """
    clean = re.sub(r"[^a-zA-Z0-9_.-]", "_", name).lstrip("_.-")
    if clean == name and 2 <= len(name) <= LONGEST_NAME:
        return name
    return f"{clean[: LONGEST_NAME - 17]}-{hashlib.sha256(name.encode()).hexdigest()[:16]}".lstrip("-")


def _lies_below(path: str, folder: str) -> bool:
    """Tell whether a path is absolute, without detours, and lies below a folder."""
    parts = PurePosixPath(path).parts
    top = PurePosixPath(folder).parts
    return parts[: len(top)] == top and len(parts) > len(top) and ".." not in parts and "\0" not in path
