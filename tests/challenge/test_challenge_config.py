"""What challenge.yaml may say, and what follows from leaving things out."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import BaseModel, ValidationError

from airflow_synapse_challenge.challenge import yaml_lines
from airflow_synapse_challenge.challenge.config import (
    Challenge,
    Queue,
    Resources,
    Scores,
    Step,
    json_schema,
    load_challenge,
)
from airflow_synapse_challenge.errors import ConfigurationError

Load = Callable[[str], Challenge]
GIB = 2**30


def test_the_shortest_file_is_complete(load: Load, shortest: str, challenge_folder: Path) -> None:
    challenge = load(shortest)
    queue = challenge.queues[0]
    assert challenge.title == "Breast Cancer"
    assert challenge.folder == challenge_folder
    assert challenge.poll_interval == timedelta(seconds=10)
    assert challenge.synapse.connection == "synapse_default"
    assert (challenge.compute.engine, challenge.compute.memory_gib) == ("docker", 4)
    assert challenge.compute.max_concurrent_submissions == 10
    assert (queue.name, queue.slug, queue.kind, queue.is_ready) == (
        "Queue 9614001",
        "queue-9614001",
        "prediction_file",
        True,
    )
    assert queue.validate_ is not None
    assert queue.score is not None
    assert queue.validate_.resources.timeout == timedelta(minutes=10)
    assert queue.score.resources.timeout == timedelta(hours=1)
    assert queue.score.resources.memory_bytes == 2 * GIB
    assert queue.score.contract == "cwl"
    assert queue.scores.private_annotations == ("submission_errors",)
    assert queue.logs.limit == 50_000


def test_every_key_of_the_full_file_is_understood(load: Load, full: str) -> None:
    challenge = load(full)
    first, second, third = challenge.queues
    assert challenge.title == "Breast Cancer Diagnosis DREAM Challenge"
    assert challenge.synapse.teams.organizers == 3400002
    assert challenge.synapse.administrators == (3379097,)
    assert challenge.compute.memory == 40 * GIB
    assert first.score is not None
    assert first.score.resources.pool_slots == 10
    assert first.scores.primary is not None
    assert first.scores.primary.metric == "auc_roc"
    assert first.rounds[0].start == datetime(2027, 1, 11, 8, tzinfo=UTC)
    assert first.rounds[0].limits.daily == 3
    assert [entry.final for entry in first.rounds] == [False, True]
    assert (second.slug, second.is_ready) == ("task-2-model-to-data", False)
    assert second.model is not None
    assert second.model.resources.gpus == 1
    assert second.model.resources.output == 2 * GIB
    assert second.model.leak_budget.per_submitter == 1_000_000
    assert third.required_for == ("Task 1", "Task 2 (model to data)")
    assert third.public


def test_a_challenge_is_immutable_and_can_travel(load: Load, full: str) -> None:
    challenge = load(full)
    with pytest.raises(ValidationError):
        challenge.title = "another"
    for copied in (copy.deepcopy(challenge), pickle.loads(pickle.dumps(challenge))):
        assert copied == challenge
        assert copied.folder == challenge.folder


def test_a_dump_can_be_loaded_again(load: Load, full: str) -> None:
    challenge = load(full)
    dumped = challenge.model_dump(mode="json", by_alias=True)
    assert dumped["compute"]["memory"] == "40GiB"
    assert dumped["queues"][0]["logs"] == {"share": True, "upload_every": "30m", "limit": "50kB"}
    again = Challenge.model_validate(dumped)
    assert again.model_dump() == challenge.model_dump()


def test_a_challenge_without_a_file_has_no_folder() -> None:
    challenge = Challenge(challenge="a", queues=(Queue(id=1, score=Step(script="score.py")),))
    with pytest.raises(ConfigurationError, match="use load_challenge"):
        _ = challenge.folder


@pytest.mark.parametrize(
    ("memory", "slots"), [("6MiB", 1), ("1GiB", 1), ("1025MiB", 2), ("10GiB", 10), ("10.5GiB", 11)]
)
def test_a_container_takes_a_slot_for_each_gib_begun(memory: str, slots: int) -> None:
    assert Resources.model_validate({"memory": memory}).pool_slots == slots


@pytest.mark.parametrize(
    ("mail", "expected"),
    [
        ({}, {"started": False, "invalid": True, "valid": False, "scored": True, "failed": True}),
        ({"errors_only": False}, {"valid": True}),
        ({"errors_only": True}, {"valid": False}),
        ({"mask": 31}, {"started": True, "scored": True, "failed": True, "invalid": True}),
        ({"mask": 0}, {"started": False, "scored": False, "failed": False}),
        ({"mask": 4}, {"started": False, "scored": False, "failed": True}),
        ({"mask": 2, "started": True}, {"started": True, "scored": True, "failed": False}),
    ],
)
def test_mail_switches(mail: dict[str, Any], expected: dict[str, bool]) -> None:
    switches = Queue.model_validate({"id": 1, "score": {"script": "s.py"}, "mail": mail}).mail
    assert {key: getattr(switches, key) for key in expected} == expected


def test_a_docker_queue_has_a_model_with_its_own_limits() -> None:
    queue = Queue.model_validate({"name": "Models", "kind": "docker_image", "score": {"script": "s.py"}})
    assert queue.model is not None
    assert queue.model.resources.timeout == timedelta(hours=3)
    assert queue.model.output == "predictions.csv"


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Task 1", "task-1"),
        ("  Größe / Ω  ", "gr-e"),
        ("Final — round", "final-round"),
        ("x" * 300, "x" * 100),
    ],
)
def test_slug_of_a_queue(name: str, slug: str) -> None:
    queue = Queue.model_validate({"name": name[:256], "score": {"script": "s.py"}})
    assert queue.slug == slug


def test_a_name_without_ascii_has_a_stable_slug() -> None:
    slugs = {
        Queue.model_validate({"name": name, "score": {"script": "s.py"}}).slug for name in ("課題", "課題", "任務")
    }
    assert len(slugs) == 2
    assert all(slug.startswith("queue-") for slug in slugs)


def test_aliases_may_repeat_a_part(load: Load) -> None:
    challenge = load(
        "challenge: a\nqueues:\n"
        "  - {id: 1, score: &step {script: evaluation/score.py, resources: {memory: 3GiB}}}\n"
        "  - {id: 2, score: *step}\n"
    )
    assert challenge.queues[0].score == challenge.queues[1].score


def test_a_time_can_name_its_zone(load: Load, shortest: str) -> None:
    challenge = load(
        shortest + "    rounds: [{name: a, start: 2027-01-11 09:00 Europe/Berlin, end: '2027-07-01T00:00[UTC]'}]\n"
    )
    assert challenge.queues[0].rounds[0].start == datetime(2027, 1, 11, 8, tzinfo=UTC)


def test_a_round_may_start_where_another_ends(load: Load, shortest: str) -> None:
    first = "{name: a, start: 2027-01-11T00:00Z, end: 2027-02-01T00:00Z}"
    second = "{name: b, start: 2027-01-31T16:00-08:00, end: 2027-03-01T00:00Z}"
    challenge = load(f"{shortest}    rounds: [{second}, {first}]\n")
    assert [entry.name for entry in challenge.queues[0].rounds] == ["b", "a"]


def test_own_mail_texts_are_read_once(load: Load, shortest: str, challenge_folder: Path) -> None:
    (challenge_folder / "mails").mkdir()
    text = challenge_folder / "mails" / "scored.txt"
    text.write_text("Subject: Done\n\nHello {{ name }}")
    challenge = load(shortest + "    mail: {templates: {scored: mails/scored.txt}}\n")
    text.unlink()
    assert challenge.queues[0].mail.text_of("scored") == "Subject: Done\n\nHello {{ name }}"
    assert challenge.queues[0].mail.text_of("valid") is None


def test_a_file_with_a_byte_order_mark_is_read(challenge_folder: Path, shortest: str) -> None:
    path = challenge_folder / "challenge.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + shortest.encode())
    assert load_challenge(path).challenge == "breast-cancer"


def test_the_schema_accepts_what_the_models_accept(full: str, shortest: str) -> None:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    for text in (full, shortest):
        jsonschema.validate(yaml_lines.parse(text)[0].data(), schema)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("engine: docker", "engine: dockr"),
        ("poll_interval: 10s", "poll_interval: soon"),
        ("memory: 40GiB", "memory: -1GiB"),
        ("    receipt:", "    reciept:"),
        ("challenge: breast-cancer", "challenge: Breast"),
        ("gold_standard: syn51000010", "gold_standard: gold.csv"),
    ],
)
def test_the_schema_refuses_what_the_models_refuse(full: str, load: Load, old: str, new: str) -> None:
    text = full.replace(old, new, 1)
    assert text != full
    with pytest.raises(ConfigurationError):
        load(text)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml_lines.parse(text)[0].data(), json_schema())


def test_the_schema_describes_every_key_and_is_stable() -> None:
    schema = json_schema()
    sections = [schema, *schema["$defs"].values()]
    undescribed = [
        (section["title"], key)
        for section in sections
        for key, entry in section["properties"].items()
        if not (entry.get("description") or schema["$defs"][entry["$ref"].removeprefix("#/$defs/")]["description"])
    ]
    assert undescribed == []
    assert schema["title"] == "challenge.yaml"
    assert "validate" in schema["$defs"]["Queue"]["properties"]
    assert json.dumps(schema) == json.dumps(json_schema())


def test_sections_can_be_made_in_python() -> None:
    queue = Queue(id=7, validate_=Step(image="example/evaluation"), scores=Scores(visibility="withheld"))
    assert isinstance(queue, BaseModel)
    assert list(queue.steps) == ["validate"]
