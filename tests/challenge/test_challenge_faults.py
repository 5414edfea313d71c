"""Whose fault it was."""

from __future__ import annotations

import json

import pytest

from airflow_synapse_challenge.challenge.faults import Fault
from airflow_synapse_challenge.errors import (
    ConfigurationError,
    OrganiserFault,
    ParticipantFault,
    PermanentError,
    TransientError,
)


@pytest.mark.parametrize(
    ("error", "owner", "summary"),
    [
        (ParticipantFault(["No file.", "No id."]), "participant", "No file.; No id."),
        (OrganiserFault("The score script crashed.", "Traceback"), "organiser", "The score script crashed."),
        (ConfigurationError("wrong key"), "organiser", "The configuration of the challenge is wrong."),
        (PermanentError("no permission"), "infrastructure", "no permission"),
        (TransientError("503"), "infrastructure", "503"),
        (KeyError("token"), "infrastructure", "The evaluation was stopped by an unexpected KeyError."),
        (KeyboardInterrupt(), "infrastructure", "The evaluation was stopped by an unexpected KeyboardInterrupt."),
    ],
)
def test_attribution(error: BaseException, owner: str, summary: str) -> None:
    fault = Fault.from_exception(error)
    assert (fault.owner, fault.summary) == (owner, summary)


def test_details_are_for_the_one_who_mends() -> None:
    assert Fault.from_exception(ParticipantFault(["a", "b"])).detail == "a\nb"
    assert Fault.from_exception(OrganiserFault("s", "x" * 30_000 + "the end")).detail.endswith("the end")
    assert len(Fault.from_exception(OrganiserFault("s", "x" * 30_000)).detail) == 20_000
    try:
        raise ValueError("inner text")
    except ValueError as error:
        fault = Fault.from_exception(error)
    assert "inner text" not in fault.summary
    assert "Traceback" in fault.detail
    assert "inner text" in fault.detail


def test_a_fault_travels_between_tasks() -> None:
    fault = Fault("organiser", "s", "d")
    assert Fault.from_dict(json.loads(json.dumps(fault.to_dict()))) == fault
    with pytest.raises(ValueError, match="allowed: participant, organiser, infrastructure"):
        Fault.from_dict({"owner": "nobody", "summary": "s"})
