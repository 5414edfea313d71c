"""The model-to-data example without engine and Synapse: its data, its scripts, and its models as plain programs."""

from __future__ import annotations

import csv
import filecmp
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_synapse_challenge.challenge.config import load_challenge
from airflow_synapse_challenge.rehearsal.plan import load_plan

EXAMPLE = Path(__file__).parents[2] / "examples" / "ehr-mortality"
PLAN = load_plan(EXAMPLE)
VALID = {planned.name: planned.valid for planned in PLAN.submissions if planned.valid}
TRUTH = EXAMPLE / "data" / "goldstandard.csv"


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def files(folder):
    return sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())


def run(model, output):
    """Run a model without its container."""
    environment = os.environ | {"INPUT": str(EXAMPLE / "data" / "input"), "OUTPUT": str(output)}
    script = EXAMPLE / "models" / model / "model.py"
    subprocess.run([sys.executable, script], env=environment, check=True, capture_output=True)


def call(script, predictions, output):
    command = [sys.executable, EXAMPLE / "evaluation" / f"{script}.py", "-p", predictions, "-g", TRUTH, "-o", output]
    subprocess.run(command, check=True, capture_output=True)
    return json.loads(output.read_text())


@pytest.fixture
def good(tmp_path):
    """The predictions of an honest model, as lines."""
    run("risk-score", tmp_path)
    return (tmp_path / "predictions.csv").read_text().splitlines()


def test_the_data_come_out_the_same_every_time(tmp_path):
    command = [sys.executable, EXAMPLE / "making" / "make.py", "--into", tmp_path]
    subprocess.run(command, check=True)
    made = files(tmp_path)
    assert [Path("data", path) for path in files(EXAMPLE / "data")] + [Path("rehearsal.yaml")] == made
    assert filecmp.cmpfiles(EXAMPLE, tmp_path, made, shallow=False) == (made, [], [])


def test_what_a_model_sees_does_not_hold_the_truth():
    """No death of those to predict, nobody in two parts, and enough deaths to learn from and to predict."""
    seen = {
        part: {row["person_id"] for row in rows(EXAMPLE / "data" / "input" / part / "person.csv")}
        for part in ("train", "infer")
    }
    canary = {row["person_id"] for path in (EXAMPLE / "data" / "canary").glob("*/person.csv") for row in rows(path)}
    truth = {row["person_id"]: row["death"] for row in rows(TRUTH)}
    dead = [row["person_id"] for row in rows(EXAMPLE / "data" / "input" / "train" / "death.csv")]
    assert truth.keys() == seen["infer"]
    assert not seen["infer"] & seen["train"]
    assert not canary & (seen["infer"] | seen["train"])
    assert set(dead) <= seen["train"]
    assert not list((EXAMPLE / "data").glob("*/infer/death.csv"))
    assert 0.05 < len(dead) / len(seen["train"]) < 0.25
    assert 0.05 < list(truth.values()).count("1") / len(truth) < 0.25


@pytest.mark.parametrize("model", VALID)
def test_an_honest_model_is_better_than_a_coin(model, tmp_path):
    """The expected metrics are computed from their definitions, those of the script in shorter ways."""
    run(model, tmp_path)
    predictions = tmp_path / "predictions.csv"
    assert call("validate", predictions, tmp_path / "v.json") == {
        "submission_status": "VALIDATED",
        "submission_errors": "",
    }
    scores = call("score", predictions, tmp_path / "s.json")
    assert scores.pop("submission_status") == "SCORED"
    assert scores == pytest.approx(VALID[model], abs=2e-6)
    assert scores["auc_roc"] > 0.65


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda lines: lines[:-3], "3 patients are missing."),
        (lambda lines: [*lines, lines[1]], "1 patients occur more than once."),
        (lambda lines: [*lines, "P001,0.5"], "1 patients are not among those to predict."),
        (lambda lines: [*lines[:-1], lines[-1].partition(",")[0] + ",Jane Doe"], "1 probabilities are not numbers."),
        (lambda lines: [*lines[:-1], lines[-1].partition(",")[0] + ",7"], "1 probabilities are not between 0 and 1."),
        (lambda lines: [*lines, "Jane,Doe,0.5"], "1 lines do not have two columns."),
        (lambda lines: ["Jane Doe,probability", *lines[1:]], "The first line must be: person_id,probability."),
        (lambda lines: ["", ""], "The file is empty."),
        (lambda lines: ["\0Jane Doe"], "The file holds binary data."),
        (lambda lines: ["x" * 1_100_000], "The file is larger than 1000000 bytes."),
    ],
)
def test_the_reasons_never_quote_what_a_model_wrote(good, change, reason, tmp_path):
    """A model has seen the patients: its file may hold them."""
    (tmp_path / "predictions.csv").write_text("\n".join(change(good)) + "\n")
    verdict = call("validate", tmp_path / "predictions.csv", tmp_path / "v.json")
    assert verdict["submission_status"] == "INVALID"
    assert reason in verdict["submission_errors"]
    assert "Doe" not in verdict["submission_errors"]


def test_the_plan_fits_the_challenge():
    challenge = load_challenge(EXAMPLE / "challenge.yaml")
    (queue,) = challenge.queues
    assert set(PLAN.gold_standards) == {queue.name}
    assert set(PLAN.host_folders) == {queue.input_dir, queue.model.canary.input_dir}
    images = {planned.name for planned in PLAN.submissions if planned.image}
    assert images == {path.name for path in (EXAMPLE / "models").iterdir()}
    for image in images:
        assert (EXAMPLE / "models" / image / "Dockerfile").read_text().startswith("FROM python:3.12-slim\n")
