"""Models that do not end, end otherwise than they say, or leave something running."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.docker


@pytest.mark.parametrize("kind", ["ignores the signal", "silent"])
def test_model_that_does_not_end(yard, kind):
    found = yard.attack("endings", KIND=kind, limits={"timeout": "2s"}, within=20)
    found.is_invalid("timed_out", "2s")
    assert found.found["timed_out"]


def test_result_that_is_written_when_time_is_over(yard):
    """Ending well after the signal does not make it good."""
    found = yard.attack("endings", KIND="writes when it is told to end", limits={"timeout": "2s"}, within=20)
    found.is_invalid("timed_out")


@pytest.mark.parametrize(
    ("kind", "fault", "words"),
    [
        ("nothing", "no_output", "wrote nothing"),
        ("claims to be killed", "exit_code", "not for its memory or its time"),
        ("kills itself", "exit_code", "137"),
        ("kills all", "exit_code", "137"),
        ("crashes", "exit_code", "segmentation fault"),
    ],
)
def test_how_it_ended(yard, kind, fault, words):
    found = yard.attack("endings", KIND=kind).is_invalid(fault, words)
    assert not found.found["oom_killed"]
    assert not found.found["timed_out"]


def test_first_process_of_a_container_cannot_be_stopped(yard):
    assert yard.attack("endings", KIND="stops the first process").is_ok().report["parent"] == 1


@pytest.mark.parametrize("kind", ["daemon", "leaves a process"])
def test_process_that_is_left_behind(yard, kind):
    """It ends with the container; the yard looks for it on the host."""
    assert yard.attack("endings", KIND=kind).is_ok().report["left"]
