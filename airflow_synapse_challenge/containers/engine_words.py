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
#: What the runtime says when a program cannot be started.
START_PROBLEMS = {
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
