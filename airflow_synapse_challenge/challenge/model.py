"""How a participant's image is run on data that it must not carry away (``kind: docker_image``)."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from datetime import timedelta
from typing import Self

from pydantic import Field, field_validator, model_validator

from airflow_synapse_challenge.challenge.section import FILE_NAME, HOST_FOLDER, STAGE_NAME, Problems, Section
from airflow_synapse_challenge.challenge.step import GIB, Resources
from airflow_synapse_challenge.challenge.units import Duration, Memory, Size
from airflow_synapse_challenge.challenge.yaml_lines import Path

MOST_STAGES = 10


class LeakBudget(Section):
    """How much a model may tell of the data that it saw, in logs and messages that participants can read."""

    per_submission: Size = Field(50_000, description="Bytes for one submission.")
    per_submitter: Size = Field(1_000_000, description="Bytes for all submissions of one submitter.")


class ModelResources(Resources):
    """What a participant's model may use."""

    memory: Memory = Field(6 * GIB, description="Memory, swap included; /tmp, /dev/shm and /output count.")
    timeout: Duration = Field(timedelta(hours=3), description="Wall-clock time of each stage.")
    shm: Size = Field(GIB, description="Size of /dev/shm; it counts as memory.")
    output: Size = Field(2 * GIB, description="Bytes that may be written to /output; they count as memory.")


class Canary(Section):
    """A small input that a model has to pass before it gets the data."""

    input_dir: str = Field(pattern=HOST_FOLDER, description="Folder on the engine's host, mounted at /input instead.")
    timeout: Duration = Field(timedelta(minutes=10), description="Wall-clock time of each stage on it.")


class Stage(Section):
    """One run of the image, for models that train first and then infer; /model passes from each to the next."""

    name: str = Field(pattern=STAGE_NAME, description="Short name, such as train.")
    command: str | None = Field(
        None, min_length=1, description="What to run in the image, no shell; else the image's own entrypoint."
    )
    input_dir: str | None = Field(
        None, pattern=HOST_FOLDER, description="Folder on the engine's host, mounted at /input; else the queue's."
    )
    timeout: Duration | None = Field(None, description="Wall-clock time; else that of `resources`.")

    @field_validator("command")
    @classmethod
    def _words(cls, command: str | None) -> str | None:
        try:
            shlex.split(command or "")
        except ValueError as error:
            raise ValueError(f"cannot be read: {str(error).lower()}; close every quote") from None
        return command

    @property
    def words(self) -> tuple[str, ...]:
        """The command's words, none for the image's own entrypoint."""
        return tuple(shlex.split(self.command or ""))


class Model(Section):
    """How a participant's image is run on the data (``kind: docker_image``)."""

    resources: ModelResources = Field(default_factory=ModelResources, description="What the model may use.")
    image_limit: Size = Field(20 * GIB, description="Largest image that is pulled, all layers together.")
    output: str = Field(
        "predictions.csv",
        pattern=FILE_NAME,
        description="File that the model must write to /output.",
    )
    allow_root: bool = Field(
        False,
        description="Run images as the user that they name, even root: without any capability, but user 0 to the "
        "kernel unless the engine maps users. Else root becomes an ordinary user.",
    )
    stages: tuple[Stage, ...] = Field(
        (), max_length=MOST_STAGES, description="Runs of the image one after another; without any, one run."
    )
    canary: Canary | None = Field(None, description="A small input that has to pass first.")
    leak_budget: LeakBudget = Field(default_factory=LeakBudget, description="How much it may tell participants.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        Problems.raise_for([*self._stage_problems()])
        return self

    def _stage_problems(self) -> Iterator[tuple[Path, str]]:
        names = [stage.name for stage in self.stages]
        for index, name in enumerate(names):
            if name in names[:index]:
                yield ("stages", index, "name"), f'"{name}" is the name of another stage too; give each its own'
