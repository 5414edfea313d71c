"""A folder with the scripts that the example challenges name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_synapse_challenge.challenge.config import Challenge, load_challenge
from airflow_synapse_challenge.errors import ConfigurationError

SHORTEST = """\
challenge: breast-cancer
queues:
  - id: 9614001
    gold_standard: syn51000010
    validate: {script: evaluation/validate.py}
    score: {script: evaluation/score.py}
"""

FULL = """\
challenge: breast-cancer                 # slug: prefixes DAG ids, pool and run ids
title: Breast Cancer Diagnosis DREAM Challenge

synapse:
  connection: synapse_default
  live_project: syn51000001
  staging_project: syn51000002
  teams: {participants: 3400001, organizers: 3400002, administrators: 3400003, preregistrants: 3400004}
  logs_folder: syn51000003
  administrators: [3379097]
  wiki_template: dream

compute:
  memory: 40GiB
  max_concurrent_submissions: 10
  engine: docker

poll_interval: 10s

queues:
  - id: 9614001
    name: Task 1
    kind: prediction_file
    gold_standard: syn51000010
    instructions: Submit a CSV with the columns id and probability.
    receipt: Thank you.

    validate:
      image: ghcr.io/example/evaluation@sha256:…
      command: python3 /usr/local/bin/validate.py
      contract: cwl
      resources: {memory: 2GiB, cpus: 1, timeout: 10m}
    score:
      script: evaluation/score.py
      resources: {memory: 10GiB, cpus: 1, timeout: 1h}

    status_convention: orchestrator
    scores:
      visibility: immediate
      private_annotations: [submission_errors]
      primary: {metric: auc_roc, order: descending}
      secondary: {metric: auc_pr, order: descending}
      keep: best
      ties: {method: bootstrap, bayes_factor: 3}
    mail:
      started: false
      invalid: true
      valid: false
      scored: true
      failed: true
    logs: {share: true, upload_every: 30m, limit: 50kB}

    rounds:
      - {name: Leaderboard, start: 2027-01-11T00:00:00-08:00, end: 2027-03-01T17:00:00-08:00, limits: {daily: 3, total: 50}}
      - {name: Final, start: 2027-03-02T00:00:00-08:00, end: 2027-03-09T17:00:00-08:00, limits: {total: 2}, final: true}

  - name: Task 2 (model to data)
    kind: docker_image
    gold_standard: syn51000011
    input_dir: /data/task2
    model:
      resources: {memory: 16GiB, cpus: 4, gpus: 1, timeout: 3h, pids: 1024, shm: 1GiB, output: 2GiB, output_files: 100}
      image_limit: 20GiB
      output: predictions.csv
      leak_budget: {per_submission: 50kB, per_submitter: 1MB}
    validate: {script: evaluation/validate.py}
    score: {script: evaluation/score.py}

  - name: Write-ups
    kind: writeup
    required_for: [Task 1, Task 2 (model to data)]
    public: true
"""  # noqa: E501


@pytest.fixture
def challenge_folder(tmp_path: Path) -> Path:
    """A challenge's folder with its evaluation scripts."""
    (tmp_path / "evaluation").mkdir()
    for name in ("validate.py", "score.py", "score.R"):
        (tmp_path / "evaluation" / name).write_text("")
    return tmp_path


@pytest.fixture
def load(challenge_folder: Path) -> Callable[[str], Challenge]:
    """Load a challenge from its text."""

    def load_text(text: str) -> Challenge:
        path = challenge_folder / "challenge.yaml"
        path.write_text(text, encoding="utf-8")
        return load_challenge(path)

    return load_text


@pytest.fixture
def complaints(load: Callable[[str], Challenge], challenge_folder: Path) -> Callable[[str], list[str]]:
    """Load a wrong challenge and return its problems, each as ``line: key.path: what is wrong``."""

    def complaints_of(text: str) -> list[str]:
        with pytest.raises(ConfigurationError) as caught:
            load(text)
        start = f"{challenge_folder / 'challenge.yaml'}:"
        lines = str(caught.value).splitlines()
        assert all(line.startswith(start) for line in lines)
        return [line.removeprefix(start) for line in lines]

    return complaints_of


@pytest.fixture
def shortest() -> str:
    """The shortest complete file."""
    return SHORTEST


@pytest.fixture
def full() -> str:
    """A file with every part that a challenge can have."""
    return FULL
