"""Who has to act when a pod does not start, or is taken away. Pure."""

from __future__ import annotations

from airflow_synapse_challenge.containers import engine_words
from airflow_synapse_challenge.containers import kubernetes_pods as pods
from airflow_synapse_challenge.containers.kubernetes_status import PodView
from airflow_synapse_challenge.containers.spec import Author, ContainerSpec
from airflow_synapse_challenge.errors import (
    OrganiserFault,
    ParticipantFault,
    PermanentError,
    SynapseChallengeError,
    TransientError,
)

#: Why a container waits for its image; the first two never end.
BAD_IMAGE = ("InvalidImageName", "ErrImageNeverPull")
NO_IMAGE = (*BAD_IMAGE, "ErrImagePull", "ImagePullBackOff", "ImageInspectError", "RegistryUnavailable")
GONE_WORDS = ("not found", "manifest unknown", "invalid reference")
LOGIN_WORDS = ("denied", "unauthorized", "authentication required", "forbidden")
#: Why a container does not start for good.
NO_START = ("CreateContainerConfigError", "CreateContainerError", "RunContainerError")
NEVER_RAN = ("StartError", "ContainerCannotRun")


def pull_problem(view: PodView, container: str, said: str) -> str:
    """
    Return what the node says about an image that it cannot pull, ``""`` if it can.

    :param said: what it said at the last look; between two attempts some nodes only say that they wait.
    """
    waiting = view.state(container).get("waiting", {})
    if waiting.get("reason") not in NO_IMAGE:
        return ""
    message = f"{waiting['reason']}: {waiting.get('message') or ''}"
    return said if said and message.endswith('"') else message


def image_fault(image: str, problem: str, author: Author) -> SynapseChallengeError | None:
    """
    Return whose fault it is that an image cannot be pulled, ``None`` if it may be later.

    :param problem: what the node says.
    :param author: who named the image.
    """
    lower = problem.lower()
    bad = problem.startswith(BAD_IMAGE)
    if author == "organiser":
        if not bad and not any(words in lower for words in engine_words.FINAL_WORDS):
            return None
        return OrganiserFault(
            f"The image {image} is not available.",
            f"The cluster cannot pull it: {problem}\nCheck its name, and the login in `pull_secret`.",
        )
    if any(words in lower for words in LOGIN_WORDS):
        return PermanentError(
            f"The cluster may not pull {image}: {problem}. Name a secret with a login that may in `compute: "
            "{kubernetes: {pull_secret: …}}`."
        )
    if bad or any(words in lower for words in GONE_WORDS):
        return ParticipantFault([f"The image {image} is not there any more. Push it again and resubmit."], "image")
    return None


def start_fault(view: PodView, spec: ContainerSpec) -> SynapseChallengeError | None:
    """Return why the code cannot be started at all, ``None`` if it can."""
    state = view.state(pods.MAIN)
    waiting, ended = state.get("waiting", {}), state.get("terminated", {})
    if waiting.get("reason") not in NO_START and ended.get("reason") not in NEVER_RAN:
        return None
    message = str(waiting.get("message") or ended.get("message") or "")
    if waiting.get("reason") == "CreateContainerConfigError":
        return PermanentError(f"The cluster cannot make the container of {spec.name!r}: {message}")
    return engine_words.start_fault(message, spec.image, spec.author)


def raise_if_lost(view: PodView) -> None:
    """
    Raise if the cluster took a pod away.

    :raises TransientError: another try starts it again.
    """
    if view.lost:
        raise TransientError(f"The cluster took the pod {view.name} away: {view.lost}")
