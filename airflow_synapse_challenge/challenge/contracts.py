"""How the organisers' scripts are called: the two contracts in the field, and a template for any other."""

from __future__ import annotations

import shlex
from pathlib import PurePosixPath
from typing import Literal

from airflow_synapse_challenge.challenge.config import Step
from airflow_synapse_challenge.errors import ConfigurationError

INPUT = "/input"
OUTPUT = "/output"
RESULTS = "/output/results.json"
SCRIPT_FOLDER = "/input/evaluation"

Kind = Literal["validate", "score"]

# Where the challenge templates of each generation keep their scripts.
_SCRIPTS_IN_IMAGE = {"cwl": "/usr/local/bin", "nextflow": "/home/user"}
_ENTITY_TYPES = {
    "FileEntity": "org.sagebionetworks.repo.model.FileEntity",
    "DockerRepository": "org.sagebionetworks.repo.model.docker.DockerRepository",
    "Project": "org.sagebionetworks.repo.model.Project",
    "Folder": "org.sagebionetworks.repo.model.Folder",
}
# Synapse's EntityType, as entity bundles have it.
_SHORT_NAMES = {"file": "FileEntity", "dockerrepo": "DockerRepository", "project": "Project", "folder": "Folder"}


def command_line(
    step: Step,
    kind: Kind,
    *,
    predictions: str,
    gold_standard: str | None,
    gold_standard_folder: str | None,
    entity_type: str,
    output: str = RESULTS,
) -> list[str]:
    """
    Return the words of a script's call; no shell takes part, so a file name may hold spaces and quotes.

    ====================  ===========================================================
    contract              arguments (``-g`` only where the queue has a gold standard)
    ====================  ===========================================================
    cwl, validate         ``-p FILE -g FILE -e TYPE -o RESULTS``
    cwl, score            ``-p FILE -g FILE -t TASK -o RESULTS``
    nextflow, both        ``-p FILE -g FOLDER -o RESULTS -t TASK``
    custom                the step's ``arguments``
    ====================  ===========================================================

    :param predictions: path of the submitted file in the container.
    :param gold_standard: path of the gold standard's file in the container.
    :param gold_standard_folder: path of the folder that holds nothing but that file.
    :param entity_type: type of the submitted entity: ``FileEntity``, its full Java name, or Synapse's ``file``.
    :param output: path that the script must write its result to.
    :raises ConfigurationError: the arguments need a gold standard and the queue has none.
    """
    named = full_entity_type(entity_type) if step.entity_type == "full" else short_entity_type(entity_type)
    if step.contract == "custom":
        values = {
            "predictions": predictions,
            "gold_standard": gold_standard,
            "gold_standard_folder": gold_standard_folder,
            "entity_type": named,
            "task": str(step.task),
            "output": output,
        }
        return [*_start(step, kind), *_custom(step, values)]
    truth = gold_standard if step.contract == "cwl" else gold_standard_folder
    arguments = ["-p", predictions, *(("-g", truth) if truth else ())]
    if step.contract == "nextflow":
        arguments += ["-o", output, "-t", str(step.task)]
    elif kind == "validate":
        arguments += ["-e", named, "-o", output]
    else:
        arguments += ["-t", str(step.task), "-o", output]
    return [*_start(step, kind), *arguments]


def short_entity_type(entity_type: str) -> str:
    """Return ``FileEntity`` for ``org.sagebionetworks.repo.model.FileEntity``, and for ``file``."""
    short = entity_type.rsplit(".", maxsplit=1)[-1]
    return _SHORT_NAMES.get(short, short)


def full_entity_type(entity_type: str) -> str:
    """Return Synapse's full name of a type; a type without a known one stays as it is."""
    return _ENTITY_TYPES.get(short_entity_type(entity_type), entity_type)


def _start(step: Step, kind: Kind) -> list[str]:
    script = f"{SCRIPT_FOLDER}/{PurePosixPath(step.script).name}" if step.script else None
    if step.command is None:
        return ["python3", script or f"{_SCRIPTS_IN_IMAGE[step.contract]}/{kind}.py"]
    words = shlex.split(step.command)
    if script is None:
        return words
    if "{script}" not in step.command:
        return [*words, script]
    return [word.format(script=script) for word in words]


def _custom(step: Step, values: dict[str, str | None]) -> list[str]:
    for name in ("gold_standard", "gold_standard_folder"):
        if step.uses(name) and values[name] is None:
            raise ConfigurationError(f"`arguments` uses {{{name}}}, and the queue has no `gold_standard`; give it one.")
    return [word.format_map(values) for word in shlex.split(step.arguments or "")]
