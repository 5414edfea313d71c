"""Operators in Airflow's task runner, against a local Synapse."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_synapse_challenge.local_synapse.server import LocalSynapse
from airflow_synapse_challenge.rehearsal.site import SERVICE, log_in
from airflow_synapse_challenge.synapse.client import Endpoints, SynapseClient

DAGS = Path(__file__).parent / "dags"


@pytest.fixture(scope="session")
def synapse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSynapse]:
    with LocalSynapse.start(tmp_path_factory.mktemp("synapse")) as server:
        connection = {"conn_type": "synapse", "password": server.token(SERVICE), "extra": {"endpoint": server.url}}
        os.environ["AIRFLOW_CONN_SYNAPSE_DEFAULT"] = json.dumps(connection)
        yield server
        del os.environ["AIRFLOW_CONN_SYNAPSE_DEFAULT"]


@pytest.fixture(scope="session")
def organiser(synapse: LocalSynapse, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return log_in(synapse, SERVICE, tmp_path_factory.mktemp("organiser"))


@pytest.fixture(scope="session")
def client(synapse: LocalSynapse) -> Iterator[SynapseClient]:
    with SynapseClient(synapse.token(SERVICE), Endpoints.at(synapse.url)) as client:
        yield client


@pytest.fixture(scope="session")
def project(organiser: Any) -> str:
    from synapseclient.models import Project

    return str(Project(name="Operators").store(synapse_client=organiser).id)


@pytest.fixture(scope="session")
def evaluation(organiser: Any, project: str) -> str:
    from synapseclient.models import Evaluation

    made = Evaluation(
        name="Operators",
        description="A queue",
        content_source=project,
        submission_instructions_message="Submit.",
        submission_receipt_message="Thanks.",
    ).store(synapse_client=organiser)
    return str(made.id)


@pytest.fixture
def submit(organiser: Any, project: str, evaluation: str, tmp_path: Path) -> Callable[[str], str]:
    """Submit a text file and return the submission's id."""
    from synapseclient.models import File

    def submit(content: str) -> str:
        path = tmp_path / f"submission-{abs(hash(content))}.csv"
        path.write_text(content)
        file = File(path=str(path), parent_id=project).store(synapse_client=organiser)
        entity = organiser.get(file.id, downloadFile=False)
        return str(organiser.submit(evaluation, entity, silent=True)["id"])

    return submit


@pytest.fixture
def run(airflow_database: None, synapse: LocalSynapse) -> Callable[..., dict[str, Any]]:
    """Run a DAG in Airflow's task runner and return state and XCom by task id."""
    from airflow.dag_processing.dagbag import DagBag

    found = DagBag(DAGS)
    assert not found.import_errors

    def run(dag_id: str, **conf: str) -> dict[str, Any]:
        ended = found.dags[dag_id].test(run_conf=conf)
        return {
            ti.task_id: {"state": str(ti.state), "xcom": ti.xcom_pull(task_ids=ti.task_id)}
            for ti in ended.get_task_instances()
        }

    return run
