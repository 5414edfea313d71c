"""What the commands need of the Airflow that they are run beside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_synapse_challenge.challenge.config import Challenge
from airflow_synapse_challenge.errors import ConfigurationError
from airflow_synapse_challenge.factory.dag_file import DAG_FILE, DAG_FILE_NAME

if TYPE_CHECKING:
    from airflow_synapse_challenge.hooks.synapse import SynapseHook


def hook_of(challenge: Challenge) -> SynapseHook:
    """
    Return the hook of the challenge's connection, from Airflow's metadata database, environment or secrets.

    :raises ConfigurationError: Airflow has no such connection.
    """
    _be_no_task()
    from airflow.sdk.exceptions import AirflowException

    from airflow_synapse_challenge.hooks.synapse import SynapseHook

    hook = SynapseHook(challenge.synapse.connection)
    try:
        _ = hook.endpoints
    except AirflowException as error:
        raise ConfigurationError(
            f"Airflow has no connection {challenge.synapse.connection!r}: {error} Make it with: "
            f"airflow connections add {challenge.synapse.connection} --conn-type synapse --conn-password <token>"
        ) from error
    return hook


def docker_client_of(docker_conn_id: str) -> Any:
    """
    Return docker-py's client of a connection.

    :raises ConfigurationError: Airflow has no such connection, or it cannot be used.
    """
    _be_no_task()
    from airflow.sdk.exceptions import AirflowException

    from airflow_synapse_challenge.containers.docker_calls import engine_errors
    from airflow_synapse_challenge.hooks.docker import docker_client

    try:
        with engine_errors():
            return docker_client(docker_conn_id)
    except AirflowException as error:
        raise ConfigurationError(
            f"Airflow's connection {docker_conn_id!r} (`compute: {{docker_connection: …}}`) cannot be used: {error} "
            f"Make it with: airflow connections add {docker_conn_id} --conn-type docker --conn-host <registry> …"
        ) from error


def _be_no_task() -> None:
    """Outside of tasks Airflow reads its own database only when told that this is no task."""
    os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "server")


def set_pools(challenges: Sequence[Challenge]) -> None:
    """Make or change the pool of each challenge: one slot for each GiB that its evaluations may use."""
    wanted = {
        challenge.challenge: {
            "slots": challenge.compute.memory_gib,
            "description": f"{challenge.title}: GiB of memory for evaluations"[:250],
            # A model whose task waits in the triggerer has its memory all the same.
            "include_deferred": True,
        }
        for challenge in challenges
    }
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(wanted, file)
        file.flush()
        _airflow("pools", "import", file.name)


def read_pools() -> dict[str, dict[str, Any]]:
    """Return every pool by its name: ``slots``, ``include_deferred`` and ``description``."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pools.json"
        _airflow("pools", "export", str(path))
        pools: dict[str, dict[str, Any]] = json.loads(path.read_text())
    return pools


def write_dag_file(dags: Path) -> Path:
    """Write the one DAG file into Airflow's DAG folder."""
    dags.mkdir(parents=True, exist_ok=True)
    path = dags / DAG_FILE_NAME
    path.write_text(DAG_FILE, encoding="utf-8")
    return path


def _airflow(*arguments: str) -> None:
    done = subprocess.run([sys.executable, "-m", "airflow", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise ConfigurationError(
            f"`airflow {' '.join(arguments)}` failed; is Airflow's database there (`airflow db migrate`)?\n"
            f"{(done.stderr or done.stdout).strip()[-1000:]}"
        )
