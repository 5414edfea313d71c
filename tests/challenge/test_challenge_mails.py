"""What mails say, to whom, and what never gets into one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_synapse_challenge.challenge.config import Challenge, Queue
from airflow_synapse_challenge.challenge.mails import Event, MailContext, render, wanted
from airflow_synapse_challenge.errors import ConfigurationError


def queue(**values: Any) -> Queue:
    return Queue.model_validate({"id": 9614001, "name": "Task 1", "score": {"script": "s.py"}, **values})


def context(**values: Any) -> MailContext:
    return MailContext(**{"queue": "Task 1", "submission_id": 9722233, "name": "Team Rocket", **values})


@pytest.mark.parametrize(
    ("event", "subject"),
    [
        ("started", "Submission Processing Started in Task 1 (9614001)"),
        ("valid", "Submission to 'Task 1' accepted!"),
        ("invalid", "Submission to 'Task 1' invalid!"),
        ("scored", "Submission to 'Task 1' scored!"),
        ("failed", "Workflow Failed"),
        ("admin_failed", "Submission Pipeline Failed"),
        ("admin_withheld", "Leak budget used up in 'Task 1'"),
    ],
)
def test_subjects(event: Event, subject: str) -> None:
    mail = render(event, queue(), context())
    assert mail.subject == subject
    assert mail.body.startswith("Hello Team Rocket,\n\n")
    assert "9722233" in mail.body
    assert mail.body.endswith("\n")
    assert "\n\n\n" not in mail.body


def test_an_invalid_submission_gets_its_reasons() -> None:
    body = render("invalid", queue(), context(errors=("Row 3 is missing.", "Row 4\nis too."))).body
    assert "is invalid. Here is why:\n\n  - Row 3 is missing.\n  - Row 4 is too.\n\nSincerely" in body
    assert "No reason was given" in render("invalid", queue(), context()).body


def test_a_scored_submission_gets_its_scores() -> None:
    scores = {"submission_status": "SCORED", "auc": 0.5, "passed": True, "folds": [1, 2]}
    body = render("scored", queue(), context(scores=scores, folder_url="https://synapse/syn9")).body
    assert (
        "has been scored.\n\n  auc : 0.5\n  passed : true\n  folds : 1, 2\n\nIts log is here: https://synapse/syn9"
        in body
    )
    assert "submission_status" not in body


LATER = "has been scored. Results will be announced at a later time.\n"


@pytest.mark.parametrize(
    ("scores", "final", "told"),
    [
        ({}, False, "0.5"),
        ({"private_annotations": ["auc"]}, False, LATER),
        ({"visibility": "withheld"}, False, LATER),
        ({"visibility": "hybrid"}, False, "0.5"),
        ({"visibility": "hybrid"}, True, LATER),
    ],
)
def test_hidden_scores_are_announced_later(scores: dict[str, Any], final: bool, told: str) -> None:
    rounds = [{"name": "F", "start": "2027-01-01T00:00Z", "end": "2027-01-02T00:00Z", "final": True}]
    body = render("scored", queue(scores=scores, rounds=rounds), context(scores={"auc": 0.5}, final_round=final)).body
    assert told in body
    assert (told == LATER) == ("0.5" not in body)


def test_a_private_key_that_was_not_reported_harms_nothing() -> None:
    body = render("scored", queue(scores={"private_annotations": ["other"]}), context(scores={"auc": 1})).body
    assert "auc : 1" in body


@pytest.mark.parametrize("event", ["started", "valid", "invalid", "scored", "failed"])
def test_participants_never_read_what_is_for_administrators(event: Event) -> None:
    mail = render(event, queue(), context(summary="secret", detail="secret traceback", run_url="https://secret"))
    assert "secret" not in mail.body + mail.subject


def test_administrators_get_the_traceback_and_the_run() -> None:
    told = context(summary="The score script crashed.", detail="Traceback\n  line 1", run_url="https://airflow/run")
    body = render("admin_failed", queue(), told).body
    assert "The score script crashed." in body
    assert "Traceback\n  line 1" in body
    assert "https://airflow/run" in body


def test_no_link_where_logs_are_not_shared() -> None:
    private = queue(logs={"share": False})
    for event in ("started", "invalid", "scored"):
        assert "https" not in render(event, private, context(folder_url="https://synapse/syn9")).body  # type: ignore[arg-type]
    assert "https" in render("admin_failed", private, context(folder_url="https://synapse/syn9")).body


def test_who_wants_what() -> None:
    wishes = {event: wanted(event, queue()) for event in get_args(Event)}
    assert wishes == {
        "started": False,
        "valid": False,
        "invalid": True,
        "scored": True,
        "failed": True,
        "admin_failed": True,
        "admin_withheld": True,
    }
    assert not wanted("failed", queue(mail={"mask": 3}))
    assert wanted("valid", queue(mail={"errors_only": False}))


def test_own_texts_replace_ours(load: Callable[[str], Challenge], shortest: str, challenge_folder: Path) -> None:
    (challenge_folder / "scored.txt").write_text("Subject: {{ queue }} is done\n\nDear {{ name }}: {{ scores.auc }}\n")
    own = load(shortest + "    mail: {templates: {scored: scored.txt}}\n").queues[0]
    mail = render("scored", own, context(scores={"auc": 0.5}))
    assert (mail.subject, mail.body) == ("Task 1 is done", "Dear Team Rocket: 0.5\n")
    with pytest.raises(ConfigurationError, match=r"'scored.txt' of queue 'Queue 9614001' fails: .*no attribute 'auc'"):
        render("scored", own, context())


def test_own_texts_run_in_a_sandbox(load: Callable[[str], Challenge], shortest: str, challenge_folder: Path) -> None:
    (challenge_folder / "scored.txt").write_text("Subject: x\n\n{{ name.__class__.__mro__ }}\n")
    own = load(shortest + "    mail: {templates: {scored: scored.txt}}\n").queues[0]
    with pytest.raises(ConfigurationError, match="unsafe"):
        render("scored", own, context())


def test_texts_that_were_not_loaded_are_not_replaced_in_silence() -> None:
    with pytest.raises(ConfigurationError, match="was not loaded; use load_challenge"):
        render("scored", queue(mail={"templates": {"scored": "scored.txt"}}), context())


@given(st.text(max_size=400), st.lists(st.text(max_size=400), max_size=5), st.sampled_from(get_args(Event)))
def test_nothing_that_a_participant_writes_changes_a_mails_form(name: str, errors: list[str], event: Event) -> None:
    mail = render(event, queue(), context(queue=name, name=name, errors=errors))
    assert len(mail.subject.splitlines()) == 1
    assert len(mail.subject) <= 250
    plain = render(event, queue(), context(queue="q", name="n", errors=["e" for error in errors if _lines(error)]))
    assert mail.body.count("\n") == plain.body.count("\n")


def _lines(text: str) -> bool:
    body = render("invalid", queue(), context(errors=[text])).body
    return "  - " in body


def test_templates_of_participants_stay_text() -> None:
    evil = "{{ 7 * 7 }}{% for x in y %}\r\nBcc: all@example.org\x1b[31m"
    mail = render("invalid", queue(), context(queue=evil, name=evil, errors=[evil]))
    assert "49" not in mail.body + mail.subject
    assert mail.body.count("{{ 7 * 7 }}{% for x in y %} Bcc: all@example.org[31m") == 3
    assert "\n" not in mail.subject


def test_a_mail_is_bounded() -> None:
    assert len(render("admin_failed", queue(), context(detail="x" * 200_000)).body) < 60_000
