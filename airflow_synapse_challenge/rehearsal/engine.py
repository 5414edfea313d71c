"""The engine that a rehearsal's containers run on, and how it is left."""

from __future__ import annotations

import shutil
from contextlib import suppress

from airflow_synapse_challenge.challenge.config import Challenge
from airflow_synapse_challenge.containers.docker_calls import environment_client
from airflow_synapse_challenge.containers.docker_engine import DockerEngine
from airflow_synapse_challenge.containers.docker_images import DockerImages
from airflow_synapse_challenge.errors import ConfigurationError, PermanentError, TransientError

#: Label of every image that a rehearsal's participants build; its value tells one rehearsal from others. Labels of the
#: provider itself are refused in submitted images.
REHEARSAL_LABEL = "synapse-rehearsal"
#: What participants and the local Synapse call.
PROGRAMS = {"docker": "Docker's command", "docker-registry": "Debian's package docker-registry"}


def engine_for_rehearsal(challenge: Challenge, wanted: str | None, *, images: bool) -> str:
    """
    Return ``docker`` if an engine answers, else ``process``.

    :param wanted: one of the two; ``None`` for the first that is there.
    :param images: participants submit images.
    :raises ConfigurationError: the engine is not there or lacks the evaluation image, or a program is missing.
    """
    if wanted == "process" and images:
        raise ConfigurationError("Submitted images run on a Docker engine only: leave --engine out.")
    answers = wanted != "process" and _answers()
    if not answers and (images or wanted == "docker"):
        raise ConfigurationError(
            "No Docker engine answers, and this challenge needs one. Start one, or set DOCKER_HOST to its address."
        )
    if not answers:
        return "process"
    _require_image(challenge.compute.evaluation_image)
    for program, what in PROGRAMS.items() if images else ():
        if shutil.which(program) is None:
            raise ConfigurationError(f"There is no program {program}; submitting images takes it. Install {what}.")
    return "docker"


def _answers() -> bool:
    try:
        environment_client().close()
    except (TransientError, PermanentError):
        return False
    return True


def _require_image(image: str) -> None:
    from docker.errors import ImageNotFound

    client = environment_client()
    try:
        client.inspect_image(image)  # type: ignore[no-untyped-call]
    except ImageNotFound:
        raise ConfigurationError(
            f"The Docker engine has no image {image}; run scripts/evaluation-image.sh, or use --engine process."
        ) from None
    finally:
        client.close()


def sweep(challenge: Challenge, deployment: str, rehearsal: str) -> None:
    """
    Remove what a rehearsal left on the engine: containers, volumes, submitted images and those that were built.

    :param deployment: id of its Airflow.
    :param rehearsal: value of :data:`REHEARSAL_LABEL`.
    """
    from docker.errors import APIError

    client = environment_client()
    DockerEngine(client).sweep({"challenge": challenge.challenge, "deployment": deployment})
    images = DockerImages(client, challenge.compute.evaluation_image)
    for name in images.forgotten(challenge.challenge):
        images.remove(name)
    for built in client.images(filters={"label": f"{REHEARSAL_LABEL}={rehearsal}"}, quiet=True):
        with suppress(APIError):  # somebody else's container uses it
            client.remove_image(built, force=True)
