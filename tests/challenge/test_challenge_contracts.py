"""How scripts are called."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_synapse_challenge.challenge.config import Step
from airflow_synapse_challenge.challenge.contracts import Kind, command_line, full_entity_type, short_entity_type
from airflow_synapse_challenge.errors import ConfigurationError


def call(step: dict[str, Any], kind: Kind = "validate", **changed: Any) -> list[str]:
    values: dict[str, Any] = {
        "predictions": "/input/submission/my file.csv",
        "gold_standard": "/input/goldstandard/truth.csv",
        "gold_standard_folder": "/input/goldstandard",
        "entity_type": "org.sagebionetworks.repo.model.FileEntity",
        "output": "/output/results.json",
        **changed,
    }
    return command_line(Step.model_validate(step), kind, **values)


PREDICTIONS = ["-p", "/input/submission/my file.csv"]
SCRIPT = ["python3", "/input/evaluation/check.py"]


def test_cwl_contract() -> None:
    step = {"script": "evaluation/check.py", "task": 2}
    truth = ["-g", "/input/goldstandard/truth.csv"]
    output = ["-o", "/output/results.json"]
    assert call(step) == [*SCRIPT, *PREDICTIONS, *truth, "-e", "FileEntity", *output]
    assert call(step, "score") == [*SCRIPT, *PREDICTIONS, *truth, "-t", "2", *output]


def test_nextflow_contract() -> None:
    step = {"script": "evaluation/check.py", "contract": "nextflow"}
    expected = [*SCRIPT, *PREDICTIONS, "-g", "/input/goldstandard", "-o", "/output/results.json", "-t", "1"]
    assert call(step) == expected
    assert call(step, "score") == expected


@pytest.mark.parametrize("contract", ["cwl", "nextflow"])
def test_without_a_gold_standard_there_is_no_option_for_it(contract: str) -> None:
    step = {"script": "evaluation/check.py", "contract": contract}
    assert "-g" not in call(step, gold_standard=None, gold_standard_folder=None)


@pytest.mark.parametrize(
    ("step", "start"),
    [
        ({"script": "evaluation/check.py"}, SCRIPT),
        ({"script": "check.R", "command": "Rscript --vanilla"}, ["Rscript", "--vanilla", "/input/evaluation/check.R"]),
        (
            {"script": "check.py", "command": "timeout 5 python3 {script} --strict"},
            ["timeout", "5", "python3", "/input/evaluation/check.py", "--strict"],
        ),
        ({"image": "a/b", "command": "'my tool' check"}, ["my tool", "check"]),
        ({"image": "a/b"}, ["python3", "/usr/local/bin/validate.py"]),
        ({"image": "a/b", "contract": "nextflow"}, ["python3", "/home/user/validate.py"]),
        ({"image": "a/b", "script": "check.py"}, SCRIPT),
    ],
)
def test_what_starts_a_script(step: dict[str, Any], start: list[str]) -> None:
    assert call(step)[: len(start) + 1] == [*start, "-p"]


def test_custom_contract() -> None:
    step = {
        "script": "check.py",
        "contract": "custom",
        "entity_type": "full",
        "arguments": "-f {predictions} -r {output} --truth={gold_standard} -d {gold_standard_folder} "
        "'type {entity_type}' {task} -s {{x}}",
    }
    assert call(step) == [
        *SCRIPT,
        "-f",
        "/input/submission/my file.csv",
        "-r",
        "/output/results.json",
        "--truth=/input/goldstandard/truth.csv",
        "-d",
        "/input/goldstandard",
        "type org.sagebionetworks.repo.model.FileEntity",
        "1",
        "-s",
        "{x}",
    ]


def test_custom_arguments_need_what_they_use() -> None:
    step = {"script": "check.py", "contract": "custom", "arguments": "{gold_standard} {output}"}
    with pytest.raises(ConfigurationError, match=r"uses \{gold_standard\}, and the queue has no"):
        call(step, gold_standard=None)


@given(st.text(min_size=1), st.sampled_from(["cwl", "nextflow", "custom"]))
def test_a_file_name_stays_one_word_and_is_never_a_template(name: str, contract: str) -> None:
    arguments = {"arguments": "-p {predictions} -o {output}"} if contract == "custom" else {}
    words = call({"script": "check.py", "contract": contract, **arguments}, predictions=name)
    assert words[2:4] == ["-p", name]


@pytest.mark.parametrize(
    ("given_type", "short", "full"),
    [
        ("FileEntity", "FileEntity", "org.sagebionetworks.repo.model.FileEntity"),
        ("file", "FileEntity", "org.sagebionetworks.repo.model.FileEntity"),
        (
            "org.sagebionetworks.repo.model.docker.DockerRepository",
            "DockerRepository",
            "org.sagebionetworks.repo.model.docker.DockerRepository",
        ),
        ("DockerRepository", "DockerRepository", "org.sagebionetworks.repo.model.docker.DockerRepository"),
        ("org.example.Link", "Link", "org.example.Link"),
        ("", "", ""),
    ],
)
def test_entity_types(given_type: str, short: str, full: str) -> None:
    assert short_entity_type(given_type) == short
    assert full_entity_type(given_type) == full
