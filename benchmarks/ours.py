"""The package: a small Airflow of its own with the challenge's DAGs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from world import World

from airflow_synapse_challenge.challenge.dispatch import run_id
from airflow_synapse_challenge.factory.dag_file import DAG_FILE, DAG_FILE_NAME, FOLDER_VARIABLE
from airflow_synapse_challenge.factory.names import intake_dag_id, submission_dag_id
from airflow_synapse_challenge.hooks.docker import engine_for
from airflow_synapse_challenge.rehearsal.deployment import AirflowDeployment
from airflow_synapse_challenge.rehearsal.site import SERVICE


class Ours:
    """
    A running Airflow.

    :param airflow: started.
    """

    def __init__(self, airflow: AirflowDeployment, world: World) -> None:
        self._airflow = airflow
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
        path = f"/dags/{self._submissions}/dagRuns?limit=100&order_by=-start_date"
        while True:
            states = {run["dag_run_id"]: run["state"] for run in self._airflow.api("GET", path)["dag_runs"]}
            if states.get(run_id(submission)) in ("success", "failed"):
                return
            time.sleep(0.5)


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
    airflow.make_pool(challenge.challenge, challenge.compute.memory_gib, challenge.title)
    with ExitStack() as stack:
        stack.callback(lambda: engine_for("docker").sweep({"challenge": challenge.challenge}))
        stack.callback(airflow.stop)
        airflow.start()
        yield Ours(airflow, world)
