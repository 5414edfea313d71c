"""How one container runs: an organisers' script, or a participant's model."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator
from datetime import timedelta
from difflib import get_close_matches
from pathlib import PurePosixPath
from string import Formatter
from typing import Literal, Self

from pydantic import Field, model_validator

from airflow_synapse_challenge.challenge.section import IMAGE, Number, Problems, Section, Whole
from airflow_synapse_challenge.challenge.units import Duration, Memory, Size
from airflow_synapse_challenge.challenge.yaml_lines import Path

GIB = 2**30

PLACEHOLDERS = (
    "predictions",
    "gold_standard",
    "gold_standard_folder",
    "entity_type",
    "task",
    "output",
)

Contract = Literal["cwl", "nextflow", "custom"]


class Resources(Section):
    """What a container may use. Every limit is enforced on the container, and nothing is shared between two of them."""

    memory: Memory = Field(2 * GIB, description="Memory, swap included.")
    cpus: Number = Field(1, gt=0, le=1024, description="Processors; parts of one are possible.")
    gpus: Whole = Field(0, ge=0, le=64, description="Graphics processors.")
    timeout: Duration = Field(
        timedelta(minutes=10),
        description="Wall-clock time; without this key 10m to validate, 1h to score and 3h for a model.",
    )
    pids: Whole = Field(256, ge=1, le=100_000, description="Processes and threads at one time.")
    shm: Size = Field(64 * 2**20, description="Size of /dev/shm; it counts as memory.")
    tmp: Size = Field(GIB, description="Size of /tmp; it counts as memory.")
    output: Size = Field(10 * 2**20, description="Bytes that may be written to /output.")
    output_files: Whole = Field(100, ge=1, le=100_000, description="Files that may be written to /output.")

    @property
    def memory_bytes(self) -> int:
        """Memory in bytes."""
        return self.memory

    @property
    def pool_slots(self) -> int:
        """Slots of the challenge's pool that the container takes: one for each GiB begun."""
        return slots_for(self.memory)


def slots_for(size: int) -> int:
    """Return the slots of the challenge's pool that so many bytes of memory take: one for each GiB begun."""
    return max(1, math.ceil(size / GIB))


class Step(Section):
    """An organisers' script that validates or scores: in an image of theirs, or a file beside ``challenge.yaml``."""

    image: str | None = Field(
        None,
        pattern=IMAGE,
        max_length=512,
        description="Image with the script, by digest (name@sha256:…); with `script`, what to run that in.",
    )
    script: str | None = Field(
        None,
        min_length=1,
        description="Script beside this file; runs in compute.evaluation_image unless `image` is given.",
    )
    command: str | None = Field(
        None,
        min_length=1,
        description="What starts the script; no shell. {script} stands for the script's path, which else comes last.",
    )
    contract: Contract = Field(
        "cwl",
        description="How the script is called and answers: cwl (-p -g -e -o), nextflow (-p -g FOLDER -o -t) or custom.",
    )
    arguments: str | None = Field(
        None,
        description="For `contract: custom`: the arguments, with " + ", ".join(f"{{{name}}}" for name in PLACEHOLDERS),
    )
    entity_type: Literal["short", "full"] = Field(
        "short", description="How -e names the type: FileEntity, or org.sagebionetworks.repo.model.FileEntity."
    )
    task: Whole = Field(1, description="Number of the task, for scripts that serve several (-t).")
    resources: Resources = Field(default_factory=Resources, description="What the container may use.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        Problems.raise_for([*self._script_problems(), *self._command_problems(), *self._argument_problems()])
        return self

    def _script_problems(self) -> Iterator[tuple[Path, str]]:
        if self.script is None:
            if self.image is None:
                yield (), "says not what to run; give `script` (a file beside this one), `image`, or both"
            return
        path = PurePosixPath(self.script)
        if path.is_absolute() or ".." in path.parts or "\\" in self.script:
            yield (
                ("script",),
                f'"{self.script}" leads out of the folder of this file; use a path such as "evaluation/score.py"',
            )
        elif path.suffix != ".py" and self.command is None:
            yield ("script",), f'"{self.script}" is no Python script; give `command` as well, such as "Rscript"'

    def _command_problems(self) -> Iterator[tuple[Path, str]]:
        if self.command is None:
            if self.script is None and self.image is not None and self.contract == "custom":
                yield (
                    ("command",),
                    "the key is missing; `contract: custom` in an image needs the command that starts the script",
                )
            return
        yield from _template_problems("command", self.command, ("script",) if self.script else ())
        if self.script and "{script}" not in self.command and PurePosixPath(self.script).name in self.command:
            yield (
                ("command",),
                "names the script itself; write {script} for its path, or leave it out: it then comes last",
            )

    def _argument_problems(self) -> Iterator[tuple[Path, str]]:
        if self.contract != "custom":
            if self.arguments is not None:
                yield ("arguments",), f"goes only with `contract: custom`, and the contract is {self.contract}"
        elif self.arguments is None:
            yield ("arguments",), "the key is missing; `contract: custom` needs the arguments of the script"
        else:
            yield from _template_problems("arguments", self.arguments, PLACEHOLDERS)
            if "{output}" not in self.arguments:
                yield ("arguments",), "has no {output}; the script must be told where to write its result"

    def uses(self, placeholder: str) -> bool:
        """Tell whether the custom arguments use a placeholder."""
        return f"{{{placeholder}}}" in (self.arguments or "")

    def with_default_timeout(self, timeout: timedelta) -> Self:
        """Return the step with this timeout unless the file gives one."""
        if "timeout" in self.resources.model_fields_set:
            return self
        return self.model_copy(update={"resources": self.resources.model_copy(update={"timeout": timeout})})


def _template_problems(key: str, template: str, allowed: tuple[str, ...]) -> Iterator[tuple[Path, str]]:
    names = ", ".join(f"{{{name}}}" for name in allowed) or "none"
    try:
        words = shlex.split(template)
        fields = [part for word in words for part in Formatter().parse(word)]
    except ValueError as error:
        yield (
            (key,),
            f"cannot be read: {str(error).lower()}; close every quote and brace, and write {{{{ for a brace",
        )
        return
    for _, name, form, conversion in fields:
        if name is not None and (name not in allowed or form or conversion):
            close = get_close_matches(name, allowed, n=1)
            question = f'; did you mean "{{{close[0]}}}"?' if close else ""
            yield (key,), f'"{{{name}}}" is no placeholder; allowed here: {names}{question}'
