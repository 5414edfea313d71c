"""One queue of a challenge: a Synapse evaluation and what happens with each submission to it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from airflow_synapse_challenge.challenge.model import Model
from airflow_synapse_challenge.challenge.section import HOST_FOLDER, Principal, Problems, Section, SynId
from airflow_synapse_challenge.challenge.sections import (
    AnnotationNames,
    Logs,
    MailSwitches,
    Round,
    Scores,
    overlaps,
)
from airflow_synapse_challenge.challenge.step import GIB, Step
from airflow_synapse_challenge.challenge.units import Size
from airflow_synapse_challenge.challenge.yaml_lines import Path

Kind = Literal["prediction_file", "docker_image", "writeup"]


def slug_of(name: str) -> str:
    """
    Return a name that may stand in a DAG id: ``Task 1`` gives ``task-1``.

    A name without any letter or digit of ASCII gives a stable made-up one.
    """
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:100].strip("-")
    return slug or f"queue-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


class Queue(Section):
    """A Synapse evaluation that participants submit to."""

    id: Principal | None = Field(None, description="Id of the evaluation; left out for one that `apply` creates.")
    name: str = Field("", min_length=1, max_length=256, description='Name; without it "Queue <id>".')
    kind: Kind = Field("prediction_file", description="What is submitted.")
    largest_file: Size = Field(
        5 * GIB, description="Largest submitted file; a larger one is invalid and is not downloaded."
    )
    gold_standard: SynId | None = Field(None, description="File entity with the truth; participants must not read it.")
    instructions: str = Field("", max_length=10_000, description="What to submit; shown before submitting.")
    receipt: str = Field("", max_length=10_000, description="Shown after submitting.")
    input_dir: str | None = Field(
        None, pattern=HOST_FOLDER, description="Folder on the engine's host, mounted read-only at /input of a model."
    )
    model: Model | None = Field(None, description="How a participant's image is run; kind docker_image only.")
    validate_: Step | None = Field(None, alias="validate", description="Checks a submission. 10m unless said.")
    score: Step | None = Field(None, description="Scores a valid submission. 1h unless said.")
    status_convention: Literal["orchestrator", "nextflow"] = Field(
        "orchestrator", description="Final statuses: ACCEPTED/INVALID, or VALIDATED then SCORED/INVALID."
    )
    execution_stage: Literal["all", "validation", "execution"] = Field(
        "all", description="Which part runs here: all of it, only validation, or only what follows validation."
    )
    scores: Scores = Field(default_factory=Scores, description="Who sees the scores, and how they rank.")
    mail: MailSwitches = Field(default_factory=MailSwitches, description="Which mails submitters get.")
    logs: Logs = Field(default_factory=Logs, description="What happens with the scripts' logs.")
    rounds: tuple[Round, ...] = Field(
        (), max_length=500, description="When the queue takes submissions; without rounds always."
    )
    required_for: tuple[str, ...] = Field((), description="Queues whose final ranking needs this write-up.")
    public: bool = Field(False, description="Write-ups must be readable by everybody.")
    annotations: AnnotationNames = Field(
        default_factory=AnnotationNames, description="Under which names results are annotated."
    )

    @property
    def slug(self) -> str:
        """Name for DAG ids, unique inside a challenge."""
        return slug_of(self.name)

    @property
    def is_ready(self) -> bool:
        """Whether the evaluation exists on Synapse, as far as the file says."""
        return self.id is not None

    @property
    def steps(self) -> dict[str, Step]:
        """The organisers' steps that this queue has, by their key."""
        return {key: step for key, step in (("validate", self.validate_), ("score", self.score)) if step is not None}

    @model_validator(mode="before")
    @classmethod
    def _defaults(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        given = dict(data)
        number = given.get("id")
        if "name" not in given and isinstance(number, int | str) and str(number).isdigit():
            given["name"] = f"Queue {number}"
        if given.get("kind") == "docker_image":
            given.setdefault("model", {})
        return given

    @field_validator("score")
    @classmethod
    def _time_to_score(cls, step: Step | None) -> Step | None:
        return step.with_default_timeout(timedelta(hours=1)) if step else None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        Problems.raise_for(
            [
                *self._kind_problems(),
                *self._step_problems(),
                *self._visibility_problems(),
                *((("rounds", *path), text) for path, text in overlaps(self.rounds)),
            ]
        )
        return self

    def _kind_problems(self) -> Iterator[tuple[Path, str]]:
        if not self.name:
            yield (), "has neither `id` nor `name`; give the evaluation's id, or a name for one to create"
        if self.kind != "docker_image":
            for key in ("model", "input_dir"):
                if getattr(self, key) is not None:
                    yield (key,), f"goes only with `kind: docker_image`, and the kind is {self.kind}"
        if self.kind != "writeup":
            for key in ("required_for", "public"):
                if getattr(self, key):
                    yield (key,), f"goes only with `kind: writeup`, and the kind is {self.kind}"

    def _step_problems(self) -> Iterator[tuple[Path, str]]:
        needed = {"validation": ("validate",), "execution": ("score",)}.get(self.execution_stage, ())
        for key in needed:
            if key not in self.steps and self.kind != "writeup":
                yield (key,), f"the key is missing; `execution_stage: {self.execution_stage}` needs it"
        if not needed and not self.steps and self.kind != "writeup":
            yield (), "has neither `validate` nor `score`; give at least one of them"
        for key, step in self.steps.items():
            for placeholder in ("gold_standard", "gold_standard_folder"):
                if self.gold_standard is None and step.uses(placeholder):
                    yield (key, "arguments"), f"uses {{{placeholder}}}, and the queue has no `gold_standard`"

    def _visibility_problems(self) -> Iterator[tuple[Path, str]]:
        if self.scores.visibility == "hybrid" and not any(entry.final for entry in self.rounds):
            yield (
                ("scores", "visibility"),
                "hybrid withholds the scores of rounds marked `final: true`, and no round is; mark one",
            )
