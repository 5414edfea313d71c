"""Which annotations a run writes, takes away and hides."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_synapse_challenge.challenge.annotations import (
    AnnotationSet,
    attempt_of,
    claim_annotations,
    result_annotations,
    run_id_of,
)
from airflow_synapse_challenge.challenge.config import Queue
from airflow_synapse_challenge.challenge.results import Result
from airflow_synapse_challenge.challenge.statuses import Outcome
from airflow_synapse_challenge.challenge.text import length

ORCHESTRATOR = "orgSagebionetworksSynapseWorkflowOrchestrator"
VALID = Result("VALIDATED", (), {"rows": 5})
SCORED = Result("SCORED", (), {"auc": 0.9, "f1": 0.5})
INVALID = Result("INVALID", ("Row 3 is missing.", "Row 4 too."), {})


def queue(**values: Any) -> Queue:
    return Queue.model_validate({"id": 1, "name": "Task", "score": {"script": "s.py"}, **values})


def apply(current: dict[str, Any], change: AnnotationSet) -> dict[str, Any]:
    """Do to a submission's annotations what Synapse would hold after the write."""
    kept = {key: value for key, value in current.items() if key not in change.remove}
    return {**kept, **change.private, **change.public}


def test_a_claim_says_who_and_which_attempt() -> None:
    change = claim_annotations("synapse-7.r2@now", 2, 1_700_000_000_000, queue())
    assert change.public == {"synapse_challenge_attempt": 2}
    assert change.private == {
        "synapse_challenge_run_id": "synapse-7.r2@now",
        "synapse_challenge_claimed_on": 1_700_000_000_000,
    }
    assert {"submission_status", "submission_errors", "synapse_challenge_folder"} <= set(change.remove)
    held = apply({}, change)
    assert (run_id_of(held), attempt_of(held)) == ("synapse-7.r2@now", 2)


@pytest.mark.parametrize("value", [3, "3", [3], ["3"], 3.0])
def test_the_attempt_is_read_from_either_store(value: Any) -> None:
    assert attempt_of({"synapse_challenge_attempt": value}) == 3


def test_what_was_never_claimed() -> None:
    for nothing in ({}, {"synapse_challenge_attempt": [], "synapse_challenge_run_id": []}):
        assert attempt_of(nothing) == 0
        assert run_id_of(nothing) is None
    assert run_id_of({"synapse_challenge_run_id": ["a"]}) == "a"


def test_a_scored_submission() -> None:
    change = result_annotations(queue(), VALID, SCORED, "syn9")
    assert change.public == {
        "submission_status": "SCORED",
        "synapse_challenge_folder": "syn9",
        "rows": 5,
        "auc": 0.9,
        "f1": 0.5,
    }
    assert change.private == {"synapse_challenge_result_keys": "auc,f1,rows"}


def test_an_invalid_submission_keeps_its_reasons_private_by_default() -> None:
    change = result_annotations(queue(), INVALID, None, None)
    assert change.public == {"submission_status": "INVALID"}
    assert change.private == {"submission_errors": "Row 3 is missing.\nRow 4 too."}
    shown = result_annotations(queue(scores={"private_annotations": []}), INVALID, None, None)
    assert shown.public == {"submission_status": "INVALID", "submission_errors": "Row 3 is missing.\nRow 4 too."}


def test_a_run_that_failed_says_what_it_is_told_to() -> None:
    change = result_annotations(queue(), VALID, None, None, outcome=Outcome.FAILED, reasons=("Our fault.",))
    assert change.public == {"submission_status": "INVALID", "rows": 5}
    assert change.private["submission_errors"] == "Our fault."


@pytest.mark.parametrize(
    ("visibility", "final", "hidden"),
    [
        ("immediate", False, set()),
        ("immediate", True, set()),
        ("withheld", False, {"auc", "f1"}),
        ("hybrid", False, set()),
        ("hybrid", True, {"auc", "f1"}),
    ],
)
def test_withheld_scores_are_private(visibility: str, final: bool, hidden: set[str]) -> None:
    rounds = [{"name": "F", "start": "2027-01-01T00:00Z", "end": "2027-01-02T00:00Z", "final": True}]
    change = result_annotations(queue(scores={"visibility": visibility}, rounds=rounds), VALID, SCORED, None, final)
    assert {key for key in ("auc", "f1") if key in change.private} == hidden
    assert change.public["rows"] == 5
    assert change.public["submission_status"] == "SCORED"


def test_what_validation_reported_stays_visible_when_a_score_file_repeats_it() -> None:
    continued = Result("SCORED", (), {"rows": 5, "auc": 0.9})
    change = result_annotations(queue(scores={"visibility": "withheld"}), VALID, continued)
    assert "rows" in change.public
    assert "auc" in change.private


def test_private_keys_and_a_prefix() -> None:
    named = queue(scores={"private_annotations": ["f1"]}, annotations={"prefix": "task1_"})
    change = result_annotations(named, None, SCORED)
    assert change.public == {"submission_status": "SCORED", "task1_auc": 0.9}
    assert change.private == {"task1_f1": 0.5, "synapse_challenge_result_keys": "task1_auc,task1_f1"}


def test_the_nextflow_names() -> None:
    change = result_annotations(
        queue(status_convention="nextflow", scores={"private_annotations": []}), VALID, Result("INVALID", ("Bad.",), {})
    )
    assert change.public == {
        "submission_status": "INVALID",
        "submission_errors": "Bad.",
        "validation_status": "VALIDATED",
        "score_status": "INVALID",
        "score_errors": "Bad.",
        "rows": 5,
    }
    hidden = result_annotations(queue(status_convention="nextflow"), INVALID)
    assert "validation_errors" in hidden.private


def test_the_orchestrators_names_are_written_as_well() -> None:
    both = queue(annotations={"orchestrator_names": True}, scores={"private_annotations": []})
    claim = claim_annotations("run", 1, 5, both)
    assert claim.public[f"{ORCHESTRATOR}WorkflowJobId"] == "run"
    assert claim.public[f"{ORCHESTRATOR}WorkflowLastUpdated"] == 5
    assert claim.private[f"{ORCHESTRATOR}ExecutionStarted"] == 5
    cleared = {
        "StatusDescription",
        "FailureReason",
        "TimeRemaining",
        "LastLogUpload",
        "SubmissionProcessingStartedSent",
    }
    assert {f"{ORCHESTRATOR}{suffix}" for suffix in cleared} <= set(claim.remove)

    done = result_annotations(both, VALID, SCORED, "syn9", now_ms=9)
    assert {key: value for key, value in done.public.items() if key.startswith(ORCHESTRATOR)} == {
        f"{ORCHESTRATOR}StatusDescription": "DONE",
        f"{ORCHESTRATOR}Progress": 100.0,
        f"{ORCHESTRATOR}SubmissionFolder": "syn9",
        f"{ORCHESTRATOR}WorkflowLastUpdated": 9,
    }
    assert f"{ORCHESTRATOR}FailureReason" in done.remove


@pytest.mark.parametrize(
    ("outcome", "description"),
    [
        (Outcome.INVALID, "ERROR"),
        (Outcome.FAILED, "ERROR"),
        (Outcome.CANCELLED, "STOPPED UPON REQUEST"),
        (Outcome.TIMED_OUT, "EXCEEDED TIME QUOTA"),
    ],
)
def test_the_orchestrators_words_for_an_end(outcome: Outcome, description: str) -> None:
    both = queue(annotations={"orchestrator_names": True}, scores={"private_annotations": []})
    change = result_annotations(both, INVALID, outcome=outcome, reasons=["🧬" * 400])
    assert change.public[f"{ORCHESTRATOR}StatusDescription"] == description
    reason = change.public[f"{ORCHESTRATOR}FailureReason"]
    assert isinstance(reason, str)
    assert length(reason) <= 499


def test_the_orchestrators_reason_does_not_tell_what_is_private() -> None:
    change = result_annotations(queue(annotations={"orchestrator_names": True}), INVALID)
    assert f"{ORCHESTRATOR}FailureReason" not in {**change.public, **change.private}


def test_long_reasons_are_cut_as_the_templates_cut_them() -> None:
    change = result_annotations(queue(), Result("INVALID", ("x" * 600,), {}))
    assert change.private["submission_errors"] == "x" * 496 + "…"


def test_another_evaluation_leaves_nothing_of_the_one_before() -> None:
    ours = queue(scores={"primary": {"metric": "auc"}})
    held = apply({"foreign": 1}, claim_annotations("a", 1, 1, ours))
    held = apply(held, result_annotations(ours, VALID, SCORED, "syn9", current=held))
    assert held["auc"] == 0.9
    held = apply(held, claim_annotations("b", 2, 2, ours, current=held))
    assert set(held) == {
        "foreign",
        "synapse_challenge_attempt",
        "synapse_challenge_run_id",
        "synapse_challenge_claimed_on",
    }
    held = apply(held, result_annotations(ours, INVALID, None, None, current=held))
    assert "auc" not in held
    assert held["foreign"] == 1


def test_the_end_can_be_written_twice() -> None:
    first = result_annotations(queue(), VALID, SCORED, "syn9")
    held = apply({}, first)
    second = result_annotations(queue(), VALID, SCORED, "syn9", current=held)
    assert apply(held, second) == held


def test_the_validations_surplus_gives_way_to_scores() -> None:
    many = Result("VALIDATED", (), {f"v{n}": n for n in range(80)})
    change = result_annotations(queue(), many, Result("SCORED", (), {f"s{n}": n for n in range(79)}))
    written = [key for key in change.public if key[0] in "sv" and key[1:].isdigit()]
    assert len(written) == 80
    assert sum(key.startswith("s") for key in written) == 79


keys = st.from_regex(re.compile(r"[A-Za-z][A-Za-z0-9_.]{0,98}", re.ASCII), fullmatch=True)


@given(st.dictionaries(keys, st.integers(0, 9), max_size=80), st.booleans())
def test_every_reported_key_is_remembered(metrics: dict[str, int], prefixed: bool) -> None:
    ours = queue(annotations={"prefix": "a_prefix_of_twenty_c" if prefixed else ""})
    change = result_annotations(ours, Result("VALIDATED", (), dict(metrics)))
    held = apply({}, change)
    assert all(length(value) <= 500 for value in held.values() if isinstance(value, str))
    assert len(change.public) <= 100
    left = apply(held, claim_annotations("run", 2, 1, ours, current=held))
    assert not [key for key in left if not key.startswith("synapse_challenge_")]
