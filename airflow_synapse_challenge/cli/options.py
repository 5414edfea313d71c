"""What several commands take: a challenge.yaml, and one of its queues."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from airflow_synapse_challenge.challenge.config import Challenge, Queue, load_challenge
from airflow_synapse_challenge.challenge.explain import nearest
from airflow_synapse_challenge.errors import ConfigurationError

CHALLENGE_FILE = Path("challenge.yaml")
ChallengeFile = Annotated[
    Path, typer.Option("--challenge", help="The challenge.yaml.", show_default="./challenge.yaml")
]


def challenge_at(path: Path, *, alone: bool = False) -> Challenge:
    """
    Return the challenge of a file, or of the folder that it lies in.

    :param alone: the scripts and mail texts beside it may be missing.
    """
    return load_challenge(path / CHALLENGE_FILE if path.is_dir() else path, alone=alone)


def queue_of(queues: Sequence[Queue], name: str | None, path: Path) -> Queue:
    """
    Return the queue of a name, slug or id; without a name the only one.

    :param queues: those that will do.
    :param path: the file that they stand in, for the error.
    :raises ConfigurationError: none, or several.
    """
    names = ", ".join(queue.name for queue in queues)
    if name is None:
        if len(queues) == 1:
            return queues[0]
        raise ConfigurationError(f"{path} has {len(queues)} such queues; name one with --queue: {names}.")
    for queue in queues:
        if name in (queue.name, queue.slug, str(queue.id)):
            return queue
    guess = nearest(name, [*(queue.slug for queue in queues), *(queue.name for queue in queues)])
    raise ConfigurationError(f"{path} has no such queue {name!r}; there are: {names}{guess}.")
