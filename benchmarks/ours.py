"""The package: a small Airflow of its own with the challenge's DAGs."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime

from world import World

from airflow_synapse_challenge.challenge.dispatch import run_id
from airflow_synapse_challenge.containers.docker_engine import DockerEngine
from airflow_synapse_challenge.factory.dag_file import DAG_FILE, DAG_FILE_NAME, FOLDER_VARIABLE
from airflow_synapse_challenge.factory.names import intake_dag_id, submission_dag_id
from airflow_synapse_challenge.hooks.docker import docker_client
from airflow_synapse_challenge.rehearsal.deployment import AirflowDeployment
from airflow_synapse_challenge.rehearsal.site import SERVICE


class Ours:
    """
    A running Airflow.

    :param airflow: started.
    """

    def __init__(self, airflow: AirflowDeployment, world: World) -> None:
        self._airflow = airflow
        self._sleepers = world.sleepers
        self._intake = intake_dag_id(world.challenge)
        self._submissions = submission_dag_id(world.challenge, world.queue)

    def pause(self) -> None:
        """Take in nothing new."""
        self._set(paused=True)

    def resume(self) -> None:
        """Take in again."""
        self._set(paused=False)

    def _set(self, *, paused: bool) -> None:
        self._airflow.api("PATCH", f"/dags/{self._intake}", json={"is_paused": paused})

    def wait_for_run(self, submission: str) -> None:
        """Wait until the run of a submission has ended, without asking Synapse."""
        self._wait(self._submissions, submission)

    def _wait(self, dag_id: str, submission: str) -> None:
        path = f"/dags/{dag_id}/dagRuns?limit=100&order_by=-start_date"
        while True:
            states = {run["dag_run_id"]: run["state"] for run in self._airflow.api("GET", path)["dag_runs"]}
            if states.get(run_id(submission)) in ("success", "failed"):
                return
            time.sleep(0.5)

    def model_seconds(self, submissions: Sequence[str]) -> list[float]:
        """Return the seconds from the end of each image's check to the end of its model's task."""
        return [ended - checked for checked, ended in self._moments(submissions)]

    def span_of_models(self, submissions: Sequence[str]) -> float:
        """Return the seconds from the end of the first check to the end of the last model's task."""
        moments = self._moments(submissions)
        return max(ended for _, ended in moments) - min(checked for checked, _ in moments)

    def _moments(self, submissions: Sequence[str]) -> list[tuple[float, float]]:
        assert self._sleepers is not None
        dag_id = submission_dag_id(self._sleepers.challenge, self._sleepers.queue)
        found = []
        for submission in submissions:
            self._wait(dag_id, submission)
            tasks = self._airflow.api("GET", f"/dags/{dag_id}/dagRuns/{run_id(submission)}/taskInstances")
            ends = {task["task_id"]: task["end_date"] for task in tasks["task_instances"] if task["end_date"]}
            if "file_predictions" not in ends:
                raise SystemExit(f"The model of submission {submission} did not come to its end.")
            found.append(tuple(datetime.fromisoformat(ends[name]).timestamp() for name in ("check_image", "run_model")))
        return found


@contextmanager
def ours(world: World) -> Iterator[Ours]:
    """Yield a running Airflow that ends with the block, and leave no container behind."""
    dags = world.home / "dags"
    dags.mkdir()
    (dags / DAG_FILE_NAME).write_text(DAG_FILE)
    connection = {
        "conn_type": "synapse",
        "password": world.server.token(SERVICE),
        "extra": {"endpoint": world.server.url},
    }
    challenge = world.challenge
    airflow = AirflowDeployment(
        world.home / "airflow",
        dags,
        connections={challenge.synapse.connection: connection},
        environment={FOLDER_VARIABLE: str(world.site.challenges_folder)},
    )
    airflow.prepare()
    challenges = [challenge, *([world.sleepers.challenge] if world.sleepers else [])]
    with ExitStack() as stack:
        for one in challenges:
            airflow.make_pool(one.challenge, one.compute.memory_gib, one.title)
            stack.callback(DockerEngine(docker_client(None)).sweep, {"challenge": one.challenge})
        stack.callback(airflow.stop)
        airflow.start()
        yield Ours(airflow, world)
