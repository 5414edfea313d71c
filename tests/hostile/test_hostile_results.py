"""Models whose result is no result: links, devices, holes, names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.docker


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("/etc/shadow", "symbolic link"),
        ("{truth}", "symbolic link"),
        ("/proc/self/environ", "symbolic link"),
        ("../../../../../../etc/passwd", "symbolic link"),
        ("/output/nothing", "symbolic link"),
    ],
)
def test_result_is_a_link(yard, target, words):
    found = yard.attack("odd_result", KIND=f"link to {target.format(truth=yard.truth)}")
    found.is_invalid("odd_output", words, "not a plain file")
    assert found.result is None


@pytest.mark.parametrize(
    ("kind", "fault", "words"),
    [
        ("link to itself", "odd_output", "symbolic link"),
        ("pipe", "odd_output", "pipe"),
        ("socket", "odd_output", "socket"),
        ("folder", "odd_output", "folder"),
        ("empty", "no_output", "empty"),
        ("holes", "odd_output", "holes"),
    ],
)
def test_result_is_no_plain_file(yard, kind, fault, words):
    found = yard.attack("odd_result", KIND=kind)
    found.is_invalid(fault, words)
    assert not found.result


@pytest.mark.parametrize(
    ("kind", "fault", "error"),
    [
        ("device", "no_output", "EPERM"),
        ("hard link to the system", "no_output", "E(XDEV|PERM|ROFS)"),
        ("terabyte", "exit_code", "EFBIG"),
    ],
)
def test_result_that_cannot_be_made(yard, kind, fault, error):
    found = yard.attack("odd_result", KIND=kind).is_invalid(fault)
    assert re.fullmatch(error, found.report["made"])
    assert not found.result


@pytest.mark.parametrize(
    ("kind", "content"), [("hard link", b"a result under two names\n"), ("locked", b"nobody may read this\n")]
)
def test_odd_but_plain_result(yard, kind, content):
    """Its bytes are taken, and nothing else of it: no mode, no second name."""
    found = yard.attack("odd_result", KIND=kind).is_ok()
    assert found.result == content
    assert (found.kept / "predictions.csv").stat().st_mode & 0o7000 == 0


def test_result_is_an_archive_with_a_way_out(yard):
    """It is a file as any other: nothing unpacks it."""
    found = yard.attack("odd_result", KIND="tar").is_ok()
    assert b"../../../../tmp/escaped" in found.result
    assert not Path("/tmp/escaped").exists()


def test_names_that_spoil_what_shows_them(yard):
    reason = yard.attack("odd_names").is_invalid("wrong_name", "/output/predictions.csv").found["reason"]
    assert reason.isprintable()
    assert "::group::" not in reason
    assert "and 2 more" in reason


def test_deep_folders(yard):
    found = yard.attack("deep_folders", limits={"output_files": 2000, "memory": "256MiB"}, within=40)
    found.is_invalid("no_output")
