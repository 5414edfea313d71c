"""Both status conventions in all three stages."""

from __future__ import annotations

import json

import pytest

from airflow_synapse_challenge.challenge.config import Queue
from airflow_synapse_challenge.challenge.statuses import (
    TERMINAL,
    Outcome,
    SubmissionStatusName,
    convention_for,
    final_status,
)


def queue(convention: str, stage: str) -> Queue:
    steps = {"validate": {"script": "v.py"}, "score": {"script": "s.py"}}
    return Queue.model_validate({"id": 1, "status_convention": convention, "execution_stage": stage, **steps})


@pytest.mark.parametrize(
    ("convention", "stage", "received", "in_progress", "validated", "validated_only", "scored"),
    [
        ("orchestrator", "all", "RECEIVED", "EVALUATION_IN_PROGRESS", None, "ACCEPTED", "ACCEPTED"),
        ("orchestrator", "validation", "RECEIVED", "OPEN", None, "VALIDATED", "VALIDATED"),
        ("orchestrator", "execution", "VALIDATED", "EVALUATION_IN_PROGRESS", None, "ACCEPTED", "ACCEPTED"),
        ("nextflow", "all", "RECEIVED", "EVALUATION_IN_PROGRESS", "VALIDATED", "VALIDATED", "SCORED"),
        ("nextflow", "validation", "RECEIVED", "EVALUATION_IN_PROGRESS", None, "VALIDATED", "VALIDATED"),
        ("nextflow", "execution", "VALIDATED", "EVALUATION_IN_PROGRESS", None, "SCORED", "SCORED"),
    ],
)
def test_statuses_of_a_convention(
    convention: str,
    stage: str,
    received: str,
    in_progress: str,
    validated: str | None,
    validated_only: str,
    scored: str,
) -> None:
    rules = convention_for(queue(convention, stage))
    assert (rules.received, rules.in_progress, rules.validated) == (received, in_progress, validated)
    assert final_status(rules, Outcome.VALID, scored=False) == validated_only
    assert final_status(rules, Outcome.VALID, scored=True) == scored
    assert scored in TERMINAL
    for outcome in set(Outcome) - {Outcome.VALID}:
        assert final_status(rules, outcome, scored=True) == "INVALID"
        assert final_status(rules, outcome, scored=False) == "INVALID"


def test_a_status_is_its_text() -> None:
    assert len(SubmissionStatusName) == 9
    assert f"{SubmissionStatusName.RECEIVED}" == "RECEIVED"
    assert json.dumps(SubmissionStatusName.RECEIVED) == '"RECEIVED"'
    assert TERMINAL.isdisjoint({"RECEIVED", "OPEN", "EVALUATION_IN_PROGRESS"})
