"""What Docker's API answers, in the words of this package: errors, moments, images."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow_synapse_challenge.containers import engine_words
from airflow_synapse_challenge.containers.docker_accounts import refuse_odd_accounts
from airflow_synapse_challenge.containers.docker_policy import Image
from airflow_synapse_challenge.containers.spec import Author, ContainerSpec
from airflow_synapse_challenge.errors import OrganiserFault, PermanentError, TransientError

if TYPE_CHECKING:
    from docker.errors import APIError

    from docker import APIClient


@contextmanager
def engine_errors() -> Iterator[None]:
    """
    Say in this package's errors what docker-py and the connection below it raise.

    :raises PermanentError: the engine refuses the request (4xx).
    :raises TransientError: the engine failed (5xx), or is away.
    """
    import requests
    from docker.errors import APIError, DockerException

    try:
        yield
    except APIError as error:
        if error.is_client_error() and error.status_code not in (404, 409, 429):
            raise PermanentError(f"The Docker engine refuses: {error.explanation or error}") from error
        raise TransientError(f"The Docker engine failed: {error.explanation or error}") from error
    except (DockerException, requests.RequestException) as error:
        raise TransientError(f"The Docker engine is away: {error}. Is it running, and DOCKER_HOST right?") from error


def environment_client() -> APIClient:
    """
    Return a client of the environment's engine: ``DOCKER_HOST`` with its TLS variables, else the local socket.

    :raises TransientError: no engine answers there.
    """
    from docker.utils import kwargs_from_env

    from docker import APIClient

    with engine_errors():
        return APIClient(version="auto", **kwargs_from_env())


def moment(text: str) -> datetime:
    """Return a moment of the engine's clock; Docker writes nanoseconds, which Python does not read."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    return datetime.fromisoformat(f"{whole}.{(fraction or '0')[:6]}+00:00")


def find_image(client: APIClient, name: str, author: Author) -> Image:
    """
    Return an image; the organisers' is pulled if the engine does not have it.

    :raises OrganiserFault: there is no such image, or the registry does not give it.
    :raises TransientError: the registry or the engine is away.
    :raises PermanentError: a participant's image, which is checked before it is pulled, is not there.
    """
    from docker.errors import APIError, ImageNotFound

    try:
        return _describe(_inspect(client, name), name)
    except ImageNotFound:
        if author == "participant":
            raise PermanentError(f"The image {name} was checked but is not on the engine.") from None
    except APIError as error:  # an image's name that is no name
        if error.is_client_error():
            raise _unavailable(name, error) from error
        raise
    _pull(client, name)
    return _describe(_inspect(client, name), name)


def start_container(client: APIClient, spec: ContainerSpec) -> None:
    """
    Start a container that was created; what of a stranger's image the engine itself reads is looked at before.

    :raises ParticipantFault: the image cannot be started, and a participant made it.
    :raises OrganiserFault: the organisers did.
    :raises TransientError: it is the machine's fault.
    """
    from docker.errors import APIError

    try:
        if spec.author == "participant":
            refuse_odd_accounts(client, spec.safe_name)
        client.start(spec.safe_name)
    except APIError as error:
        signs = {"OCI runtime", *engine_words.PLACE_PROBLEMS, *engine_words.USER_PROBLEMS}
        if not any(sign in str(error) for sign in signs):
            raise
        raise engine_words.start_fault(str(error.explanation), spec.image, spec.author) from error


def _pull(client: APIClient, image: str) -> None:
    from docker.errors import APIError

    try:
        for step in client.pull(image, stream=True, decode=True):
            if "error" in step:
                raise _unavailable(image, step["error"])
    except APIError as error:
        if error.is_client_error() or any(words in str(error).lower() for words in engine_words.FINAL_WORDS):
            raise _unavailable(image, error) from error
        raise


def _unavailable(image: str, reason: APIError | str) -> OrganiserFault:
    return OrganiserFault(
        f"The image {image} is not available.",
        f"The engine does not have it and could not pull it: {reason}\n"
        "Check its name and the engine's login at the registry, or load it on the engine's host.",
    )


def _inspect(client: APIClient, image: str) -> dict[str, Any]:
    found: dict[str, Any] = client.inspect_image(image)  # type: ignore[no-untyped-call]
    return found


def _describe(found: dict[str, Any], asked: str) -> Image:
    """With several repositories the one that was asked for counts."""
    digests: list[str] = found.get("RepoDigests") or []
    repository = asked.partition("@")[0]
    own = [digest for digest in digests if digest.partition("@")[0] == repository] or digests
    config = found.get("Config") or {}
    return Image(
        id=found["Id"],
        digest=asked if asked in digests else (own[0] if own else found["Id"]),
        variables=frozenset(variable.partition("=")[0] for variable in config.get("Env") or []),
        volumes=tuple(sorted(config.get("Volumes") or {})),
        user=config.get("User") or "",
        starts=bool(config.get("Entrypoint") or config.get("Cmd")),
        labels=tuple(sorted(config.get("Labels") or {})),
    )
