"""What every engine does with honest and with hostile scripts."""

from __future__ import annotations

import json
import threading

import pytest

from airflow_synapse_challenge.containers.policy import MIB
from airflow_synapse_challenge.containers.spec import Input

WRITE = "import json, sys; json.dump({}, open(sys.argv[1], 'w'))"


def test_inputs_go_in_and_results_come_out(engine, spec_of):
    code = (
        "import json, os, sys; d = os.path.dirname(sys.argv[0]); "
        "json.dump(open(d + '/deep/er/ä b.txt').read(), open(sys.argv[1], 'w'))"
    )
    outcome = engine.run(spec_of(code, inputs=(Input("/input/deep/er/ä b.txt", "grüße".encode()),)))
    assert outcome.exit_code == 0, outcome.log
    assert json.loads(outcome.results["results.json"]) == "grüße"
    assert (outcome.timed_out, outcome.oom_killed, outcome.cancelled) == (False, False, False)


def test_a_begun_file_can_be_continued(engine, spec_of):
    code = "import sys; open(sys.argv[1], 'a').write(' and more')"
    outcome = engine.run(spec_of(code, begun={"results.json": b"begun"}))
    assert outcome.results["results.json"] == b"begun and more"


def test_a_crash_leaves_its_traceback(engine, spec_of):
    lines = []
    # Docker copies the two streams one beside the other: what follows at once may come first.
    code = "import time; print('before', flush=True); time.sleep(0.3); raise ValueError('ouch')"
    outcome = engine.run(spec_of(code), on_log=lines.append)
    assert outcome.exit_code == 1
    assert "ValueError: ouch" in outcome.log
    assert lines[0] == "before"
    assert outcome.results == {}


def test_a_script_that_hangs_is_ended(engine, spec_of):
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    outcome = engine.run(spec_of(code, seconds=1))
    assert outcome.timed_out
    assert outcome.exit_code not in (0, None)
    assert outcome.seconds < 30


def test_a_flood_is_bounded(engine, spec_of):
    code = "import sys\nfor _ in range(1000): sys.stdout.write('x' * 100_000)\nprint('the end')\n" + WRITE
    outcome = engine.run(spec_of(code, policy={"log_bytes": 50_000}))
    assert outcome.exit_code == 0
    assert outcome.log_bytes_total > 100_000_000
    assert len(outcome.log.encode()) <= 50_000
    assert outcome.log.startswith("xxx")
    assert outcome.log.rstrip().endswith("the end")
    assert "bytes left out" in outcome.log


@pytest.mark.parametrize(
    "code",
    [
        "import os, sys; os.symlink('/etc/passwd', sys.argv[1])",
        "import os, sys; os.mkfifo(sys.argv[1])",
        "import os, sys; os.mkdir(sys.argv[1])",
        "import sys; open(sys.argv[1], 'w').write('x' * 3_000_000)",
    ],
    ids=["link", "pipe", "folder", "large"],
)
def test_results_that_are_no_small_plain_files_are_refused(engine, spec_of, code):
    outcome = engine.run(spec_of(code, policy={"output_bytes": MIB, "tmp_bytes": 8 * MIB}))
    assert outcome.results == {}
    assert outcome.refused or outcome.exit_code != 0


def test_results_that_are_not_there_are_left_out(engine, spec_of):
    outcome = engine.run(spec_of(WRITE, results=("results.json", "more.txt")))
    assert set(outcome.results) == {"results.json"}


def test_cancelling_ends_the_script(engine, spec_of):
    began = threading.Event()
    code = "import time; print('began', flush=True); time.sleep(600)"
    outcome = engine.run(spec_of(code), on_log=lambda _: began.set(), cancelled=began.is_set)
    assert outcome.cancelled
    assert not outcome.timed_out


def test_the_environment_has_no_credentials(engine, spec_of, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_SYNAPSE_DEFAULT", "secret-token")
    code = "import json, os, sys; json.dump(dict(os.environ), open(sys.argv[1], 'w'))"
    outcome = engine.run(spec_of(code, environment={"TASK": "1"}))
    environment = json.loads(outcome.results["results.json"])
    assert environment["TASK"] == "1"
    assert "secret-token" not in str(environment)


def test_markers_and_escapes_do_not_reach_the_log(engine, spec_of):
    code = "print('::group::mine'); print('\\x1b[31mred\\x1b[0m'); print('##[error]no')"
    outcome = engine.run(spec_of(code))
    assert "::group::" not in outcome.log
    assert "\x1b" not in outcome.log
    assert "##[" not in outcome.log
    assert "red" in outcome.log
