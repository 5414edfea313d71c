"""What registries and runtimes say when something cannot be run, in words for people."""

from __future__ import annotations

from airflow_synapse_challenge.containers.spec import Author
from airflow_synapse_challenge.errors import OrganiserFault, ParticipantFault, SynapseChallengeError, TransientError

#: A registry's or resolver's answer that trying again does not change.
FINAL_WORDS = (
    "no such host",
    "not found",
    "manifest unknown",
    "denied",
    "unauthorized",
    "invalid reference",
    "no match",
)
#: What an engine says of a user that an image asks for and cannot be had.
USER_PROBLEMS = {
    "unable to find user": "the user that it asks for is not in its /etc/passwd",
    "unable to find group": "the group that it asks for is not in its /etc/group",
    "uids and gids must be in range": "the number of the user or group that it asks for is too large",
}
#: What an engine says of a place in an image where a folder of the container does not fit.
PLACE_PROBLEMS = dict.fromkeys(
    ("not a directory", "error mounting", "too many links"),
    "a file or link stands in it where it gets a folder, such as /input or /output, or where the engine reads a file",
)
#: What the runtime says when a program cannot be started.
START_PROBLEMS = {
    **USER_PROBLEMS,
    **PLACE_PROBLEMS,
    "executable file not found": "its entrypoint or command is not in the image",
    "no such file or directory": "its entrypoint or command, or the interpreter that it names, is not in the image",
    "permission denied": "its entrypoint or command cannot be executed by the user that it runs as",
    "exec format error": "its entrypoint or command is for another architecture, or a script without its first line",
}
#: What the runtime says when the machine is in the way.
HOST_PROBLEMS = (
    *("context deadline exceeded", "timed out", "transport is closing", "ttrpc: closed"),
    *("resource temporarily unavailable", "device or resource busy", "too many open files"),
    *("cannot allocate memory", "no space left on device", "input/output error"),
)


def host_problem(said: str) -> str | None:
    """
    Return what of the machine kept a container from starting, ``None`` if it was the image.

    :param said: by the runtime; a name that a stranger chose may stand in it.
    """
    if any(sign in said for sign in START_PROBLEMS):
        return None
    return next((sign for sign in HOST_PROBLEMS if sign in said), None)


def start_fault(said: str, image: str, author: Author) -> SynapseChallengeError:
    """
    Return whose fault it is that a container did not start.

    :param said: by the runtime.
    :param image: as it was asked for.
    :param author: who made it.
    """
    if problem := host_problem(said):
        return TransientError(f"The engine could not start a container: {problem}.")
    if author == "organiser":
        return OrganiserFault(f"A container of the image {image} cannot be started.", said)
    found = (words for sign, words in START_PROBLEMS.items() if sign in said)
    problem = next(found, "its entrypoint or command cannot be run")
    return ParticipantFault([f"The container cannot be started: {problem}."])
