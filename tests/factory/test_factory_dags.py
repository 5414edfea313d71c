"""From challenge.yaml files to DAGs, in Airflow's own DagBag."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from airflow_synapse_challenge.factory.dag_file import DAG_FILE, DAG_FILE_NAME, FOLDER_VARIABLE

ROOT = Path(__file__).parents[2]
CHALLENGE = """\
challenge: {slug}
compute: {{memory: 8GiB, max_concurrent_submissions: 3}}
queues:
  - id: 9614001
    name: Task 1
    gold_standard: syn51000010
    validate: {{script: validate.py, resources: {{memory: 3GiB}}}}
    score: {{script: validate.py}}
  - id: 9614002
    name: Task 2
    validate: {{script: validate.py}}
  - name: Not there yet
    validate: {{script: validate.py}}
"""


@pytest.fixture
def challenges(tmp_path, monkeypatch):
    """A deployment's DAG folder with the DAG file, and its challenges."""
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "challenges"))
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / DAG_FILE_NAME).write_text(DAG_FILE)

    def write(slug, text=CHALLENGE):
        folder = tmp_path / "challenges" / slug
        folder.mkdir(parents=True)
        (folder / "validate.py").write_text("")
        (folder / "challenge.yaml").write_text(text.format(slug=slug))

    return write


@pytest.fixture
def dag_bag(tmp_path, airflow_database):
    from airflow.dag_processing.dagbag import DagBag

    return lambda: DagBag(tmp_path / "dags")


def test_the_dag_file_in_the_repository_is_the_one_that_init_airflow_writes():
    assert (ROOT / "dags" / DAG_FILE_NAME).read_text() == DAG_FILE


def test_a_challenge_becomes_an_intake_and_a_dag_for_each_ready_queue(challenges, dag_bag, monkeypatch):
    challenges("first")
    challenges("second")

    def no_network(*_):
        raise AssertionError("parsing must not use the network")

    monkeypatch.setattr(socket.socket, "connect", no_network)
    bag = dag_bag()
    assert bag.import_errors == {}
    assert set(bag.dag_ids) == {
        f"{slug}__{name}" for slug in ("first", "second") for name in ("intake", "maintenance", "task-1", "task-2")
    }
    evaluation = bag.dags["first__task-1"]
    assert [task.task_id for task in evaluation.topological_sort()] == ["claim", "validate", "score", "finish"]
    assert evaluation.get_task("validate").pool == "first"
    assert evaluation.get_task("validate").pool_slots == 3
    assert evaluation.get_task("finish").is_teardown
    assert evaluation.max_active_runs == 3
    assert "Task 1" in evaluation.doc_md
    assert [task.task_id for task in bag.dags["first__task-2"].topological_sort()] == ["claim", "validate", "finish"]


MODELS = """\
challenge: {slug}
compute: {{memory: 8GiB}}
queues:
  - id: 9614001
    name: Models
    kind: docker_image
    input_dir: /data
    model: {{resources: {{memory: 4GiB, output: 3GiB}}}}
    validate: {{script: validate.py}}
    score: {{script: validate.py}}
"""


def test_a_queue_for_images_has_seven_tasks(challenges, dag_bag):
    challenges("models", MODELS)
    dag = dag_bag().dags["models__models"]
    assert [task.task_id for task in dag.topological_sort()] == [
        *("claim", "check_image", "run_model", "file_predictions", "validate", "score", "finish"),
    ]
    assert (dag.get_task("run_model").pool, dag.get_task("run_model").pool_slots) == ("models", 4)
    assert dag.get_task("file_predictions").pool_slots == 3
    assert dag.get_task("check_image").skip_when_invalid == ["run_model", "file_predictions", "validate", "score"]


def test_a_host_without_containers_needs_no_sweeper(challenges, dag_bag):
    challenges("plain", CHALLENGE.replace("compute: {{", "compute: {{engine: process, "))
    assert "plain__maintenance" not in dag_bag().dags


def test_the_intake_starts_in_the_triggerer(challenges, dag_bag):
    challenges("first")
    intake = dag_bag().dags["first__intake"]
    doorbell = intake.get_task("doorbell")
    assert doorbell.start_from_trigger
    assert intake.max_active_runs == 1
    assert doorbell.start_trigger_args.trigger_kwargs["evaluation_ids"] == ["9614001", "9614002"]
