"""
Result files of organisers' scripts. A script reads what strangers wrote; here it is taken over by it altogether: the
submitted file is a program that runs inside of the scoring container.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from yard import Watch

from airflow_synapse_challenge.challenge import annotations
from airflow_synapse_challenge.challenge.config import load_challenge
from airflow_synapse_challenge.challenge.statuses import Outcome
from airflow_synapse_challenge.containers.docker_engine import DockerEngine
from airflow_synapse_challenge.errors import OrganiserFault
from airflow_synapse_challenge.steps.claim import Claimed
from airflow_synapse_challenge.steps.evaluate import evaluate
from airflow_synapse_challenge.synapse.files import DownloadedFile
from airflow_synapse_challenge.synapse.statuses import SubmissionStatus
from airflow_synapse_challenge.synapse.submissions import Submission

pytestmark = pytest.mark.docker

SCRIPT = """
import sys
arguments = dict(zip(sys.argv[1::2], sys.argv[2::2]))
exec(open(arguments["-p"]).read(), {"output": arguments["-o"], "truth": arguments["-g"]})
"""
CHALLENGE = """
challenge: hostile
title: Hostile
queues:
  - id: 1
    name: hostile
    gold_standard: syn1
    score: {script: score.py, resources: {memory: 192MiB, timeout: 5s, pids: 30, tmp: 16MiB, output: 2MiB}}
"""
SECRET = "the-truth-is-4d2f"
LABELS = {"suite": "hostile-results"}


class Files:
    """Synapse's files, on this machine."""

    def __init__(self, folder: Path) -> None:
        self.submitted, self.truth = folder / "predictions.csv", folder / "truth.csv"
        self.truth.write_text(SECRET)

    def download_submission_file(self, submission, into, largest=None):
        return self.submitted

    def download_entity(self, entity_id, into, version=None):
        return DownloadedFile(self.truth, 1)


@pytest.fixture
def score(docker_client, tmp_path):
    """Score a submission that is a program, through the real container, as the task does."""
    (tmp_path / "score.py").write_text(SCRIPT)
    (tmp_path / "challenge.yaml").write_text(CHALLENGE)
    challenge = load_challenge(tmp_path / "challenge.yaml")
    files = Files(tmp_path)
    submission = Submission(
        id="1", user_id="1", evaluation_id="1", entity_id="syn2", created_on="2026-01-01T00:00:00.000Z"
    )
    status = SubmissionStatus.model_validate({"id": "1", "etag": "a", "status": "EVALUATION_IN_PROGRESS"})
    claimed = Claimed("t", 1, submission, status)

    def score(program):
        files.submitted.write_text(program)
        work = tmp_path / "work"
        work.mkdir(exist_ok=True)
        return evaluate(
            "score",
            challenge=challenge,
            queue=challenge.queues[0],
            claimed=claimed,
            engine=DockerEngine(docker_client),
            transfer=files,
            work_dir=work,
            labels=LABELS,
        )

    yield score
    mine = {"label": f"airflow-synapse-challenge.suite={LABELS['suite']}"}
    assert docker_client.containers(all=True, filters=mine) == []
    assert not docker_client.volumes(filters=mine)["Volumes"]
    assert score('open(output, "w").write(\'{"submission_status": "SCORED", "auc": 0.5}\')').result.status == "SCORED"


def broken(score, program):
    """The organisers are told, in a summary without any content; soon."""
    begin = time.monotonic()
    with pytest.raises(OrganiserFault) as raised:
        score(program)
    assert time.monotonic() - begin < 15
    assert len(raised.value.summary) < 300
    assert raised.value.summary.isprintable()
    assert SECRET not in raised.value.summary
    assert len(raised.value.detail) < 60_000
    return raised.value.summary


def text(content):
    return f"open(output, 'w').write({content})"


GOOD = '\'{"submission_status": "SCORED", "a": \''
BOMBS = {
    "deep lists": (text("'[' * 500_000"), "nested deeper"),
    "deep maps": (text(GOOD + " + '{\"a\":' * 9000 + '1' + '}' * 9001"), "nested deeper"),
    "quotes without end": (text("""'{"a": "' + chr(92) * 1 + ('"' + chr(92)) * 400_000"""), "no JSON"),
    "many keys": (text("'{' + ','.join(f'\"k{i}\": 1' for i in range(70_000)) + '}'"), "no submission_status"),
    "more keys than fit": (
        text(GOOD + " + '1,' + ','.join(f'\"k{i}\": 1' for i in range(90)) + '}'"),
        "80 is the most",
    ),
    "long keys": (text(GOOD + " + '1, \"' + 'k' * 500_000 + '\": 1}'"), "longer than 100"),
    "a long list": (text(GOOD + " + '[' + '1,' * 300_000 + '1]}'"), "more than 100 values"),
    "no number": (text(GOOD + " + 'NaN}'"), "NaN"),
    "without end": (text(GOOD + " + '-Infinity}'"), "Infinity"),
    "out of range": (text(GOOD + " + '1e' + '9' * 100_000 + '}'"), "out of range"),
    "a million digits": (text(GOOD + " + '9' * 900_000 + '}'"), "64 bits"),
    "a key twice": (text(GOOD + " + '1, \"a\": 2}'"), "stands twice"),
    "a map": (text(GOOD + " + '{\"b\": 1}}'"), "nested"),
    "kinds mixed": (text(GOOD + " + '[1, \"b\", true]}'"), "mixes kinds"),
    "a name of the product": (text(GOOD + " + '1, \"synapse_challenge_run_id\": 1}'"), "reserved"),
    "another status": (text('\'{"submission_status": "ACCEPTED"}\''), "not one of"),
    "no text": ("open(output, 'wb').write(bytes(range(256)))", "UTF-8"),
    "another encoding": ("open(output, 'w', encoding='utf-16').write('{}')", "UTF-8"),
    "a megabyte too much": (text(GOOD + " + '\"' + 'x' * 1_200_000 + '\"}'"), "larger than 1024 KiB"),
    "the whole room": ("open(output, 'wb').write(bytes(3 * 2**20))", "larger than|exit code"),
    "nothing": ("pass", "wrote no"),
    "the truth": ("open(output, 'w').write(open(truth).read())", "no JSON"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_result_file_that_is_a_bomb(score, name):
    import re

    program, words = BOMBS[name]
    assert re.search(words, broken(score, program))


KINDS = {
    "a link to the truth": ("import os; os.symlink(truth, output)", "symbolic link"),
    "a link to the system": ("import os; os.symlink('/etc/passwd', output)", "symbolic link"),
    "a pipe": ("import os; os.mkfifo(output)", "pipe"),
    "a folder": ("import os; os.mkdir(output)", "folder"),
    "a second name of the truth": ("import os; os.link(truth, output)", "exit code"),
    "holes": ("import os; os.truncate(os.open(output, os.O_CREAT | os.O_WRONLY), 15 * 2**20)", "larger than"),
    "many files": ("[open(f'{output}{i}', 'w') for i in range(300)]; open(output, 'w').write('{}')", "more than 100"),
}


@pytest.mark.parametrize("name", KINDS)
def test_result_that_is_no_plain_file(score, name):
    program, words = KINDS[name]
    assert words in broken(score, program)


TAKEN_OVER = {
    "many processes": (
        "import os\nfor _ in range(500):\n    if not os.fork(): __import__('time').sleep(60)",
        "exit code",
    ),
    "much memory": ("x = bytearray(2**30)", "memory"),
    "much time": ("import signal; signal.signal(15, signal.SIG_IGN); __import__('time').sleep(600)", "longer"),
    "much output": ("import sys\nwhile True: sys.stdout.write('x' * 65536)", "longer|memory"),
    "the network": ("import socket; socket.create_connection(('192.0.2.1', 80), 5)", "exit code"),
    "another truth": ("open(truth, 'w').write('x')", "exit code"),
    "its own script": ("open(__import__('sys').argv[0], 'w').write('x')", "exit code"),
}


@pytest.mark.parametrize("name", TAKEN_OVER)
def test_script_that_is_taken_over(yard, score, name):
    """It is in the same closed container; what it breaks is its own."""
    import re

    program, words = TAKEN_OVER[name]
    watch = Watch(yard.client, yard.root)
    with watch.watching(), pytest.raises(OrganiserFault) as raised:
        score(program)
    assert re.search(words, raised.value.summary)
    assert SECRET not in raised.value.summary
    watch.require_calm()


def test_flood_of_annotations(score):
    """Within what Synapse holds: every key and every text is cut, and none of them is a formula."""
    program = (
        "import json; found = {f'k{i}': 'x' * 6000 for i in range(70)}; "
        "found |= {'sum': '=HYPERLINK(\"http://192.0.2.1\")', 'at': '@SUM(1)', 'plus': '+cmd|x', 'minus': '-2+3', "
        "'number': '-0.5', 'tab': '\\t=1', 'hidden': '\\u202egnp', 'many': ['=1', '=2'], "
        "'submission_status': 'SCORED', 'submission_errors': ['=cmd'] + ['y' * 1000] * 500}; "
        "json.dump(found, open(output, 'w'))"
    )
    result = score(program).result
    found = result.annotations
    assert len(found) == 78
    assert all(len(str(value)) <= 510 for value in found.values())
    assert [found[name] for name in ("sum", "at", "plus", "minus")] == [
        *('\'=HYPERLINK("http://192.0.2.1")', "'@SUM(1)", "'+cmd|x", "'-2+3")
    ]
    assert (found["number"], found["hidden"], found["many"]) == ("-0.5", "gnp", ["'=1", "'=2"])
    assert sum(len(error) for error in result.errors) <= 10_100
    queue = load_challenge_queue()
    written = annotations.result_annotations(queue, score=result, outcome=Outcome.VALID)
    errors = (written.public | written.private)["submission_errors"]
    assert errors.startswith("'=cmd")
    assert len(errors) <= 500


def load_challenge_queue():
    from airflow_synapse_challenge.challenge.queue import Queue

    return Queue.model_validate({"id": 1, "score": {"script": "score.py"}})


def test_truth_in_the_log(score):
    """What a script prints goes to the organisers: a failure's summary, which may be stored and mailed, has none."""
    program = "print(open(truth).read(), flush=True); raise SystemExit(open(truth).read())"
    with pytest.raises(OrganiserFault) as raised:
        score(program)
    assert SECRET in raised.value.detail
    assert SECRET not in raised.value.summary
