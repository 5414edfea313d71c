"""The example's scripts on their own, as any contract-keeping runner calls them."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_synapse_challenge.challenge.config import load_challenge
from airflow_synapse_challenge.rehearsal.plan import load_plan

EXAMPLE = Path(__file__).parents[2] / "examples" / "breast-cancer"
PLAN = load_plan(EXAMPLE)
FILES = [planned for planned in PLAN.submissions if planned.file]


def call(script, predictions, output):
    truth = EXAMPLE / "data" / "goldstandard.csv"
    command = [sys.executable, EXAMPLE / "evaluation" / f"{script}.py", "-p", predictions, "-g", truth, "-o", output]
    subprocess.run(command, check=True, capture_output=True)
    return json.loads(output.read_text())


@pytest.mark.parametrize("planned", FILES, ids=[planned.name for planned in FILES])
def test_each_sample_submission_ends_as_planned(planned, tmp_path):
    """The expected metrics are scikit-learn's."""
    verdict = call("validate", EXAMPLE / planned.file, tmp_path / "validation.json")
    if planned.invalid:
        assert verdict["submission_status"] == "INVALID"
        assert planned.invalid in verdict["submission_errors"]
        return
    assert verdict == {"submission_status": "VALIDATED", "submission_errors": ""}
    scores = call("score", EXAMPLE / planned.file, tmp_path / "scores.json")
    assert scores.pop("submission_status") == "SCORED"
    assert scores == pytest.approx(planned.valid, abs=2e-6)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"id,probability\nS0007\n", "two columns"),
        (b"id,probability\nS0007,1e400\n", "between 0 and 1"),
        (b'id,probability\nS0007,"' + b"x" * 200_000, "cannot be read as CSV"),
        (b"\xff\xd8\xff\xe0 a picture", "not UTF-8"),
        (b"id,probability\rS0007,0.5\r", "ids are missing"),
        (b"id,probability\nS0007,0.5\0\n", "binary"),
    ],
)
def test_other_ways_to_fail_are_no_crash(content, reason, tmp_path):
    (tmp_path / "predictions.csv").write_bytes(content)
    verdict = call("validate", tmp_path / "predictions.csv", tmp_path / "validation.json")
    assert verdict["submission_status"] == "INVALID"
    assert reason in verdict["submission_errors"]


def test_the_split_is_whole():
    """569 patients, each in one of the two sets, and the truth of the test set only in the gold standard."""
    rows = {
        name: list(csv.DictReader((EXAMPLE / "data" / f"{name}.csv").open()))
        for name in ("train", "test", "goldstandard")
    }
    train, test = ({row["id"] for row in rows[name]} for name in ("train", "test"))
    assert len(train | test) == len(train) + len(test) == 569
    assert [row["id"] for row in rows["goldstandard"]] == [row["id"] for row in rows["test"]]
    assert "diagnosis" not in rows["test"][0]


def test_the_plan_fits_the_challenge():
    challenge = load_challenge(EXAMPLE / "challenge.yaml")
    assert set(PLAN.gold_standards) == {queue.name for queue in challenge.queues}
    assert len(PLAN.submissions) == 24
    assert len(PLAN.participants) == 5
    assert len(PLAN.teams) == 2
