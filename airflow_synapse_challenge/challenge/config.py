"""
``challenge.yaml``: the whole of a challenge in one file, as typed and immutable models.

::

    load_challenge ──▶ yaml_lines   text to plain data, with the line of every key
                   ──▶ Challenge    site, queue, step, sections, units: what may be said
                   ──▶ explain      every problem as ``file:line: key.path: what is wrong; what is allowed``
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, PrivateAttr, ValidationError, field_validator, model_validator

from airflow_synapse_challenge.challenge import beside, explain, yaml_lines
from airflow_synapse_challenge.challenge.model import Canary, LeakBudget, Model, ModelResources, Stage
from airflow_synapse_challenge.challenge.queue import Queue, slug_of
from airflow_synapse_challenge.challenge.section import (
    SLUG,
    Problems,
    Section,
)
from airflow_synapse_challenge.challenge.sections import (
    AnnotationNames,
    Limits,
    Logs,
    MailSwitches,
    Metric,
    Round,
    Scores,
    Ties,
)
from airflow_synapse_challenge.challenge.site import Compute, SynapseSite, Teams
from airflow_synapse_challenge.challenge.step import Resources, Step
from airflow_synapse_challenge.challenge.units import Duration, at_least, format_size
from airflow_synapse_challenge.errors import ConfigurationError

__all__ = [
    "AnnotationNames",
    "Canary",
    "Challenge",
    "Compute",
    "LeakBudget",
    "Limits",
    "Logs",
    "MailSwitches",
    "Metric",
    "Model",
    "ModelResources",
    "Queue",
    "Resources",
    "Round",
    "Scores",
    "Stage",
    "Step",
    "SynapseSite",
    "Teams",
    "Ties",
    "json_schema",
    "load_challenge",
]

# Queues are compared with each other, and each becomes a DAG.
MOST_QUEUES = 100


class Challenge(Section):
    """A challenge: where it lives, what it may use, and its queues."""

    challenge: str = Field(pattern=SLUG, description="Short name: begins the ids of DAGs, pool and runs.")
    title: str = Field("", min_length=1, max_length=256, description="Name for people; else made of the short name.")
    synapse: SynapseSite = Field(default_factory=SynapseSite, description="Where on Synapse the challenge lives.")
    compute: Compute = Field(default_factory=Compute, description="What the host gives to evaluations.")
    poll_interval: Annotated[Duration, AfterValidator(at_least(timedelta(seconds=1)))] = Field(
        timedelta(seconds=10), description="How often each queue is looked at; at least 1s."
    )
    queues: tuple[Queue, ...] = Field(
        description="The queues that participants submit to; at least one.",
        json_schema_extra={"minItems": 1, "maxItems": MOST_QUEUES},
    )
    _folder: Path | None = PrivateAttr(default=None)

    @property
    def folder(self) -> Path:
        """
        Folder of the file: scripts and mail texts lie below it.

        :raises ConfigurationError: the challenge was not loaded from a file.
        """
        if self._folder is None:
            raise ConfigurationError(
                f"Challenge {self.challenge!r} was not loaded with its files, so its scripts cannot be found; "
                "use load_challenge."
            )
        return self._folder

    @model_validator(mode="before")
    @classmethod
    def _title(cls, data: Any) -> Any:
        if isinstance(data, dict) and "title" not in data and isinstance(data.get("challenge"), str):
            words = data["challenge"].strip().split("-")
            return {**data, "title": " ".join(word[:1].upper() + word[1:] for word in words if word)}
        return data

    @field_validator("queues", mode="before")
    @classmethod
    def _some(cls, queues: Any) -> Any:
        if queues in ([], (), None):
            raise ValueError("is empty; a challenge has at least one queue")
        if isinstance(queues, list | tuple) and len(queues) > MOST_QUEUES:
            raise ValueError(f"has {len(queues)} queues; {MOST_QUEUES} is the most")
        return queues

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        identities = [{"id": queue.id, "name": queue.name, "required_for": queue.required_for} for queue in self.queues]
        Problems.raise_for([*clashes(identities), *self._memory_problems(), *self._engine_problems()])
        return self

    def _memory_problems(self) -> Iterator[tuple[yaml_lines.Path, str]]:
        for path, resources in self._resources():
            if resources.pool_slots > self.compute.memory_gib:
                yield (
                    (*path, "resources", "memory"),
                    f"{format_size(resources.memory)} is more than compute.memory "
                    f"({format_size(self.compute.memory)}) has; raise that one or lower this one",
                )

    def _resources(self) -> Iterator[tuple[yaml_lines.Path, Resources]]:
        for index, queue in enumerate(self.queues):
            for key, step in queue.steps.items():
                yield ("queues", index, key), step.resources
            if queue.model:
                yield ("queues", index, "model"), queue.model.resources

    def _engine_problems(self) -> Iterator[tuple[yaml_lines.Path, str]]:
        for index, queue in enumerate(self.queues):
            problems = {"process": _process_problems, "kubernetes": self._cluster_problems}.get(self.compute.engine)
            for path, text in problems(queue) if problems else ():
                yield ("queues", index, *path), text

    def _cluster_problems(self, queue: Queue) -> Iterator[tuple[yaml_lines.Path, str]]:
        cluster, model = self.compute.kubernetes, queue.model
        if cluster is None or model is None:
            return
        folders: list[tuple[yaml_lines.Path, str | None]] = [(("input_dir",), queue.input_dir)]
        if model.canary:
            folders.append((("model", "canary", "input_dir"), model.canary.input_dir))
        for number, stage in enumerate(model.stages):
            folders.append((("model", "stages", number, "input_dir"), stage.input_dir))
        for path, folder in folders:
            if folder and not (cluster.data_claim or cluster.host_paths):
                yield (
                    path,
                    f'"{folder}" lies nowhere in the cluster; name the claim with it in '
                    "compute.kubernetes.data_claim, or say compute.kubernetes.host_paths: true",
                )
        if model.allow_root and not cluster.user_namespaces:
            yield (
                ("model", "allow_root"),
                "needs compute.kubernetes.user_namespaces: true; root in a pod is root on its node otherwise",
            )


def _process_problems(queue: Queue) -> Iterator[tuple[yaml_lines.Path, str]]:
    if queue.kind == "docker_image":
        yield (
            ("kind",),
            "docker_image runs participants' code, and `engine: process` never does; use `engine: docker`",
        )
    for key, step in queue.steps.items():
        if step.image:
            yield (key, "image"), "needs `engine: docker`; `engine: process` runs a `script` only"


def clashes(queues: list[dict[str, Any]]) -> Iterator[tuple[yaml_lines.Path, str]]:
    """
    Yield what queues have in common and must not, and references to queues that do not exist.

    :param queues: ``id``, ``name`` and ``required_for`` of each, unchecked.
    """
    names = [_name(queue) for queue in queues]
    for index, queue in enumerate(queues):
        for other in range(index):
            where = f"queues[{other}]"
            if type(queue.get("id")) is int and queue["id"] == queues[other].get("id"):
                yield ("queues", index, "id"), f'"{queue["id"]}" is the id of {where} too; each queue has its own'
            if names[index] and names[index] == names[other]:
                yield ("queues", index, "name"), f'"{names[index]}" is the name of {where} too; give each its own'
            elif names[index] and names[other] and slug_of(names[index]) == slug_of(names[other]):
                yield (
                    ("queues", index, "name"),
                    f'"{names[index]}" gives the DAG name "{slug_of(names[index])}", as {where} does; change it',
                )
        wanted = queue.get("required_for")
        for position, name in enumerate(wanted if isinstance(wanted, list | tuple) else ()):
            others = [other for place, other in enumerate(names) if other and place != index]
            if name not in others:
                yield (
                    ("queues", index, "required_for", position),
                    f'"{name}" is no other queue; allowed: {", ".join(others)}{explain.nearest(str(name), others)}',
                )


def _name(queue: dict[str, Any]) -> str:
    name, number = queue.get("name"), queue.get("id")
    if isinstance(name, str):
        return name.strip()
    return f"Queue {number}" if name is None and number is not None else ""


def load_challenge(path: Path, *, alone: bool = False) -> Challenge:
    """
    Read and check a challenge, the files that it names included.

    Nothing is fetched from anywhere else.

    :param path: the challenge's YAML file.
    :param alone: for whoever has only this file: the scripts and mail texts that it names are not looked at. What
        needs them fails on such a challenge.
    :raises ConfigurationError: with every problem, one on each line:
        ``file:line: key.path: what is wrong; what is allowed; did you mean "x"?``
    """
    path = Path(path)
    try:
        document, found = yaml_lines.parse(_read(path))
    except yaml_lines.YamlError as error:
        raise _refusal(path, [error.problem]) from None
    data = document.data()
    if not isinstance(data, dict):
        text = "a challenge is a mapping of keys; begin with `challenge: <short name>`"
        raise _refusal(path, [yaml_lines.Problem(1, (), text)])
    entries = [(problem.path, problem.text) for problem in found]
    texts: dict[int, dict[str, str]] = {}
    challenge = None
    try:
        challenge = Challenge.model_validate(data)
    except ValidationError as error:
        entries += explain.problems(error, Challenge)
        entries += _unseen_clashes(data)
    if not alone:
        texts = beside.read(data, path.parent, entries)
    if entries or challenge is None:
        lines = {problem.path: problem.line for problem in found}
        unique = dict.fromkeys(entries)
        raise _refusal(
            path,
            [yaml_lines.Problem(lines.get(where, document.line_of(where)), where, text) for where, text in unique],
        )
    challenge._folder = None if alone else path.parent
    for index, own in texts.items():
        challenge.queues[index].mail._texts.update(own)
    return challenge


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of ``challenge.yaml``, for editors that complete and check while typing."""
    schema = Challenge.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "challenge.yaml"}


def _unseen_clashes(data: dict[str, Any]) -> list[tuple[yaml_lines.Path, str]]:
    """Queues are compared only when each of them is sound; the person wants to hear of clashes all the same."""
    queues = data.get("queues")
    if not isinstance(queues, list) or len(queues) > MOST_QUEUES:
        return []
    if not all(isinstance(queue, dict) for queue in queues):
        return []
    return list(clashes(queues))


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            if not stat.S_ISREG(path.stat().st_mode):
                raise ConfigurationError(f"{path}: is no file; name the challenge.yaml itself.")
            raw = file.read(yaml_lines.LARGEST_FILE + 1)
    except OSError as error:
        raise ConfigurationError(
            f"{path}: cannot be read ({error.strerror}); check the path and its permissions."
        ) from error
    if len(raw) > yaml_lines.LARGEST_FILE:
        raise ConfigurationError(
            f"{path}: is larger than {format_size(yaml_lines.LARGEST_FILE)}, the most that is read."
        )
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(f"{path}:{line}: is no UTF-8 text; save the file as UTF-8.") from None


def _refusal(path: Path, found: list[yaml_lines.Problem]) -> ConfigurationError:
    ordered = sorted(found, key=lambda problem: problem.line)
    return ConfigurationError("\n".join(_line(path, problem) for problem in ordered))


def _line(path: Path, problem: yaml_lines.Problem) -> str:
    where = f"{yaml_lines.show_path(problem.path)}: " if problem.path else ""
    return f"{path}:{problem.line}: {where}{problem.text}"
