"""Models that want all of the host: processes, memory, processors, disk, log."""

from __future__ import annotations

import re

import pytest
from yard import MIB

pytestmark = pytest.mark.docker

MEMORY = 192 * MIB


def test_fork_bomb(yard):
    found = yard.attack("fork_bomb", limits={"timeout": "4s"}, within=25)
    found.is_invalid("timed_out", "4s")
    assert 5 < found.report["processes"] <= 48


def test_thread_bomb(yard):
    assert 5 < yard.attack("thread_bomb").is_ok().report["threads"] < 48


@pytest.mark.parametrize("kind", ["heap", "child", "memfd", "sysv", "swap"])
def test_memory_hog(yard, kind):
    """Whatever the memory is called, and whoever of the model has it; the peak is the limit, not more."""
    found = yard.attack("memory_hog", KIND=kind).is_invalid("out_of_memory", "192MiB", "smaller parts")
    assert found.found["oom_killed"]
    assert 16 <= found.report["mebibytes"] <= 192
    assert found.found["peak_memory_bytes"] <= MEMORY


def test_cpu_burner(yard):
    found = yard.attack("cpu_burner", limits={"cpus": 0.5}).is_ok()
    assert 0.1 < found.report["cores"] < 0.65


def test_disk_filler(yard):
    """Nothing can be written but /tmp and /dev/shm, and these are as large as the queue says, together."""
    found = yard.attack("fill_everything").is_ok().report
    assert 20 * MIB < found.pop("tmp") <= 24 * MIB
    assert 7 * MIB < found.pop("shm") <= 8 * MIB
    assert set(found.values()) == {0}


def test_filler_of_output(yard):
    """A prediction file of 2 GiB, where 16 MiB is the most."""
    yard.attack("fill_output").is_invalid("too_much", "/output", "16MiB")


def test_million_files_in_output(yard):
    yard.attack("many_files", PLACE="/output").is_invalid("too_much", "40 files")


def test_million_files_in_tmp(yard):
    """Empty files have no bytes, but they count as memory."""
    yard.attack("many_files", PLACE="/tmp", within=40).is_invalid("out_of_memory", "192MiB")


CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


@pytest.mark.parametrize("kind", ["one line", "empty lines", "zeros", "control characters", "markers", "secrets"])
def test_log_flood(yard, kind):
    """The log is cut, and what is left of it can be shown anywhere."""
    found = yard.attack("log_flood", KIND=kind, SECONDS=1, within=40).is_ok()
    text = found.found["log_excerpt"]
    assert len(text.encode()) <= 50_000
    assert not CONTROLS.search(text)
    assert "::group::" not in text
    assert "##[" not in text
    assert "left out" in text
    assert {"secrets": "hunter2", "markers": ": :group::", "one line": "xxxx"}.get(kind, "") in text
