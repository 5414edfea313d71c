"""
How a model's run ended, in one word and in a sentence that helps whoever built the image.

==================  ================================================================
kind                what happened
==================  ================================================================
``image``           no image that may be run here: not Docker, gone, too large …
``start``           the container could not be started
``exit_code``       it ended with another exit code than 0
``out_of_memory``   the kernel ended it for its memory
``timed_out``       it was ended for its run time
``time_quota``      the organisers ended it: its time quota is used up
``cancelled``       its submitter asked to stop it
``no_output``       it ended well and wrote nothing
``wrong_name``      it wrote files, but not the one that is asked for
``too_much``        it filled the room for results
``odd_output``      what it wrote is no plain file
==================  ================================================================
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from airflow_synapse_challenge.challenge.text import cut, one_line
from airflow_synapse_challenge.challenge.units import format_duration, format_size
from airflow_synapse_challenge.errors import ParticipantFault

CANCELLED = "cancelled"
TIME_QUOTA = "time_quota"
#: Names of files are a stranger's words.
MOST_NAMES = 5
LONGEST_NAME = 60


def exit_code(code: int | None, stage: str) -> ParticipantFault:
    """Return the fault of a container that ended by itself, and not well."""
    hint = {
        126: " (its command could not be executed)",
        127: " (its command was not found)",
        137: " (it was killed, but not for its memory or its time)",
        139: " (a segmentation fault)",
    }.get(code or 0, "")
    return ParticipantFault([f"The {stage} ended with exit code {code}{hint}. Its log tells more."], "exit_code")


def out_of_memory(limit: int, stage: str) -> ParticipantFault:
    """Return the fault of a container that the kernel ended."""
    return ParticipantFault(
        [
            f"The {stage} needed more than {format_size(limit)} of memory, which is all that it gets; what it writes "
            "counts. Work on smaller parts of the data at a time."
        ],
        "out_of_memory",
    )


def timed_out(limit: timedelta, stage: str) -> ParticipantFault:
    """Return the fault of a container that took too long."""
    return ParticipantFault(
        [f"The {stage} took longer than {format_duration(limit)}, which is all that it gets."], "timed_out"
    )


def time_quota() -> ParticipantFault:
    """Return the fault of a submission whose time quota somebody set to nothing (``…TimeRemaining``)."""
    return ParticipantFault(["The evaluation was stopped: its time quota is used up."], TIME_QUOTA)


def cancelled() -> ParticipantFault:
    """Return what ends a submission whose submitter asked for it (``cancelRequested``)."""
    return ParticipantFault(["The evaluation was stopped because you cancelled the submission."], CANCELLED)


def no_output(wanted: str) -> ParticipantFault:
    """Return the fault of a model that wrote nothing."""
    return ParticipantFault([f"The model ended well but wrote nothing. It has to write /output/{wanted}."], "no_output")


def wrong_name(wanted: str, found: Sequence[str]) -> ParticipantFault:
    """Return the fault of a model that wrote other files."""
    names = ", ".join(cut(one_line(name), LONGEST_NAME) for name in found[:MOST_NAMES])
    more = f" and {len(found) - MOST_NAMES} more" if len(found) > MOST_NAMES else ""
    return ParticipantFault([f"The model has to write /output/{wanted}; it wrote {names}{more} instead."], "wrong_name")


def too_much(limit: int, files: int) -> ParticipantFault:
    """Return the fault of a model that filled the room for results."""
    return ParticipantFault(
        [f"The model filled /output, which holds {format_size(limit)} in {files} files and folders."], "too_much"
    )


def disk_full(stage: str) -> ParticipantFault:
    """Return the fault of a container that the engine ended for what it put on its disk."""
    return ParticipantFault(
        [
            f"The {stage} filled its share of the engine's disk. It may write to /output and /tmp, and print no more "
            "than a log."
        ],
        "too_much",
    )


def odd_output(refusal: str) -> ParticipantFault:
    """Return the fault of a model whose result is a link, a device or anything but a plain file."""
    return ParticipantFault([f"The model's result cannot be taken: {refusal}."], "odd_output")


def bad_image(reasons: Sequence[str]) -> ParticipantFault:
    """Return the fault of an image that may not be run here."""
    return ParticipantFault(reasons, "image")
