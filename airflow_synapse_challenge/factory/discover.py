"""Find the challenges of a deployment."""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import DAG, get_parsing_context

from airflow_synapse_challenge.challenge.config import Challenge, load_challenge
from airflow_synapse_challenge.errors import ConfigurationError
from airflow_synapse_challenge.factory.broken import broken_challenge
from airflow_synapse_challenge.factory.dags import build


def challenge_files(folder: Path) -> list[Path]:
    """Return every ``challenge.yaml`` below a folder, sorted."""
    return sorted(folder.rglob("challenge.yaml"))


def dags_below(folder: Path) -> dict[str, DAG]:
    """
    Return the DAGs of every challenge below a folder, by their id.

    A file that cannot be used becomes a DAG that Airflow shows as an import error of that file; the others go on. When
    Airflow runs a task, only the challenge of that task is loaded.
    """
    wanted = (get_parsing_context().dag_id or "").partition("__")[0]
    dags: dict[str, DAG] = {}
    owners: dict[str, Path] = {}
    for path in challenge_files(folder):
        if wanted not in path.read_text(encoding="utf-8", errors="replace"):
            continue
        try:
            challenge = load_challenge(path)
            _require_unique(challenge, path, owners)
            made = build(challenge)
        except ConfigurationError as error:
            made = [broken_challenge(path, error)]
        dags.update({dag.dag_id: dag for dag in made})
    return dags


def _require_unique(challenge: Challenge, path: Path, owners: dict[str, Path]) -> None:
    other = owners.setdefault(challenge.challenge, path)
    if other != path:
        raise ConfigurationError(
            f"{path}: challenge: {challenge.challenge!r} is the name of {other} as well; give one of them another."
        )
