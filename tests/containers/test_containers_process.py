"""The engine for a host without Docker: what it refuses, and that it leaves nothing behind."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from airflow_synapse_challenge.containers.process import ProcessEngine
from airflow_synapse_challenge.errors import PermanentError


def test_it_never_runs_code_of_participants(spec_of, tmp_path):
    mark = tmp_path / "ran"
    with pytest.raises(PermanentError, match="participants"):
        ProcessEngine(accept_unenforced=True).run(spec_of(f"open('{mark}', 'w')", author="participant"))
    assert not mark.exists()


def test_the_configuration_has_to_ask_for_it(spec_of):
    with pytest.raises(PermanentError, match="no network"):
        ProcessEngine().run(spec_of("pass"))


def test_children_of_the_script_end_with_it(spec_of):
    code = (
        "import os, sys, time\npid = os.fork()\nif pid == 0: time.sleep(600)\n"
        "else: open(sys.argv[1], 'w').write(str(pid))"
    )
    outcome = ProcessEngine(accept_unenforced=True).run(spec_of(code))
    child = int(outcome.results["results.json"])
    about = Path(f"/proc/{child}/stat")
    for _ in range(100):
        if not about.exists() or about.read_text().rpartition(")")[2].split()[0] == "Z":
            break
        time.sleep(0.05)
    assert not about.exists() or about.read_text().rpartition(")")[2].split()[0] == "Z"
