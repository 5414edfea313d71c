"""What registries and runtimes say when something cannot be run, in words for people."""

from __future__ import annotations

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


def start_problem(said: str) -> str:
    """
    Return why a container did not start, in words for whoever made the image.

    :param said: by the runtime.
    """
    for sign, words in START_PROBLEMS.items():
        if sign in said:
            return words
    return "its entrypoint or command cannot be run"
