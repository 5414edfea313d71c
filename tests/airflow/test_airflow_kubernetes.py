"""Submissions whose containers are pods: the whole DAG of a queue in Airflow's task runner, against a cluster's API."""

from __future__ import annotations

import hashlib
import http.server
import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fake_kubernetes import FakeKubernetes

from airflow_synapse_challenge.challenge.config import Challenge, load_challenge
from airflow_synapse_challenge.errors import ConfigurationError, PermanentError
from airflow_synapse_challenge.synapse import annotation_stores, statuses

FIGURES = "synapse_challenge_model_"
SYNAPSE_DOCKER = "org.sagebionetworks.repo.model.docker.DockerRepository"
MODEL = """
import pathlib, sys, time
stage, output, model = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
print(stage, "begins", flush=True)
if stage == "train":
    (model / "weights").write_text("0.75")
    time.sleep(2)
else:
    (output / "predictions.csv").write_text((model / "weights").read_text())
"""
SCORE = """
import json, sys
found = dict(zip(sys.argv[1::2], sys.argv[2::2]))
json.dump({"submission_status": "SCORED", "score": float(open(found["-p"]).read())}, open(found["-o"], "w"))
"""
YAML = """
challenge: cluster
synapse: {{connection: synapse_default, logs_folder: {project}}}
compute:
  engine: kubernetes
  memory: 16GiB
  other_registries: ["{registry}"]
  kubernetes:
    connection: cluster
    namespace: challenge
    network_policy_enforced: true
    pids_limited: true
    core_dumps_off: true
    host_paths: true
    start_within: 30s
queues:
  - id: {queue}
    kind: docker_image
    input_dir: {input_dir}
    model:
      resources: {{memory: 64MiB, timeout: 30s, output: 1MiB}}
      stages:
        - {{name: train, command: "python3 /input/model.py train /output /model"}}
        - {{name: infer, command: "python3 /input/{last} infer /output /model"}}
    score: {{script: evaluation/score.py}}
"""


class Registry:
    """A Docker registry that has one image."""

    def __init__(self) -> None:
        config = {"architecture": "amd64", "os": "linux", "config": {"User": "1000:1000", "Cmd": ["x"], "Volumes": {}}}
        self.documents: dict[str, bytes] = {}
        layer = {"size": 1000, "digest": f"sha256:{'0' * 64}"}
        manifest = {"schemaVersion": 2, "config": {"digest": self._keep(config)}, "layers": [layer]}
        manifest["mediaType"] = "application/vnd.docker.distribution.manifest.v2+json"
        self.digest = self._keep(manifest)
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.host = f"127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def _keep(self, document: dict[str, Any]) -> str:
        raw = json.dumps(document).encode()
        digest = f"sha256:{hashlib.sha256(raw).hexdigest()}"
        self.documents[digest] = raw
        return digest

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        documents = self.documents

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                raw = documents.get(self.path.rpartition("/")[2])
                self.send_response(200 if raw else 404)
                self.end_headers()
                self.wfile.write(raw or b"")

            def log_message(self, *_: object) -> None:
                pass

        return Handler

    def close(self) -> None:
        self._server.shutdown()


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeKubernetes]:
    with FakeKubernetes(tmp_path / "cluster") as cluster:
        connection = {"conn_type": "kubernetes", "extra": {"kube_config": cluster.kube_config()}}
        monkeypatch.setenv("AIRFLOW_CONN_CLUSTER", json.dumps(connection))
        yield cluster
        assert cluster.pods() == []


@pytest.fixture
def registry() -> Iterator[Registry]:
    registry = Registry()
    yield registry
    registry.close()


@pytest.fixture
def queue(organiser: Any, project: str) -> str:
    from synapseclient.models import Evaluation

    made = Evaluation(
        name=f"Models {time.monotonic_ns()}",
        description="A queue",
        content_source=project,
        submission_instructions_message="Submit.",
        submission_receipt_message="Thanks.",
    ).store(synapse_client=organiser)
    return str(made.id)


@pytest.fixture
def challenge(project: str, queue: str, registry: Registry, tmp_path: Path) -> Callable[..., Challenge]:
    """Return a challenge whose models are a file of the node's folder."""

    def challenge(last: str = "model.py") -> Challenge:
        folder = tmp_path / "challenge"
        (folder / "evaluation").mkdir(parents=True)
        (tmp_path / "input").mkdir()
        (folder / "evaluation" / "score.py").write_text(SCORE)
        (tmp_path / "input" / "model.py").write_text(MODEL)
        path = folder / "challenge.yaml"
        names = {"project": project, "queue": queue, "registry": registry.host}
        path.write_text(YAML.format(**names, input_dir=tmp_path / "input", last=last))
        return load_challenge(path)

    return challenge


@pytest.fixture
def submit_image(organiser: Any, project: str, queue: str, registry: Registry) -> Callable[[], str]:
    """Submit the registry's image and return the submission's id."""

    def submit_image() -> str:
        name = f"{registry.host}/team/model{time.monotonic_ns()}"
        body = json.dumps({"concreteType": SYNAPSE_DOCKER, "parentId": project, "repositoryName": name})
        made = organiser.restPOST("/entity", body)
        commit = json.dumps({"tag": "latest", "digest": registry.digest})
        organiser.restPOST(f"/entity/{made['id']}/dockerCommit", commit)
        return str(organiser.submit(queue, organiser.get(made["id"], downloadFile=False), silent=True)["id"])

    return submit_image


DAG_FILE = """
from pathlib import Path
from airflow_synapse_challenge.challenge.config import load_challenge
from airflow_synapse_challenge.factory.submissions import submissions

challenge = load_challenge(Path({path!r}))
dag = submissions(challenge, challenge.queues[0], "cluster__models")
"""


@pytest.fixture
def run_dags(airflow_database: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Run a DAG of a file in Airflow's task runner, and return its task instances by id."""
    from airflow import settings
    from airflow.dag_processing.dagbag import DagBag

    folder = tmp_path / "dags"
    folder.mkdir()
    monkeypatch.setattr(settings, "DAGS_FOLDER", str(folder))

    def run_dags(text: str, dag_id: str, **conf: str) -> dict[str, Any]:
        (folder / "dags.py").write_text(text)
        found = DagBag(folder)
        assert not found.import_errors
        ended = found.dags[dag_id].test(run_conf=conf)
        return {ti.task_id: ti for ti in ended.get_task_instances()}

    return run_dags


@pytest.fixture
def evaluate(run_dags: Any, synapse: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, str]]:
    """Run the DAG of a challenge's queue on a submission, watched from a trigger; return the state of each task."""
    from airflow_synapse_challenge.operators import run_model
    from airflow_synapse_challenge.triggers import containers

    monkeypatch.setattr(run_model, "WORKER_PATIENCE", 0.5)
    monkeypatch.setattr(run_model, "QUIET", 0.0)
    monkeypatch.setattr(containers, "LOOK_EVERY", 0.5)

    resume = run_model.SynapseRunModelOperator.resume

    def resumed(operator: Any, *arguments: Any, **named: Any) -> None:
        evaluate.resumed += 1
        resume(operator, *arguments, **named)

    monkeypatch.setattr(run_model.SynapseRunModelOperator, "resume", resumed)

    def evaluate(challenge: Challenge, submission: str) -> dict[str, str]:
        text = DAG_FILE.format(path=str(challenge.folder / "challenge.yaml"))
        return {name: str(ti.state) for name, ti in run_dags(text, "cluster__models", submission_id=submission).items()}

    evaluate.resumed = 0  # how often a trigger's event went on with the model
    return evaluate


def test_a_model_of_two_stages_is_run_filed_and_scored(cluster, challenge, submit_image, evaluate, client, registry):
    submission = submit_image()
    states = evaluate(challenge(), submission)
    assert set(states.values()) == {"success"}, states
    assert evaluate.resumed >= 1
    status = client.send(statuses.get(submission))
    annotations = annotation_stores.read(status)
    assert (status.status, annotations["score"]) == ("ACCEPTED", 0.75)
    assert annotations[f"{FIGURES}exit_code"] == 0
    assert annotations[f"{FIGURES}image"].endswith(registry.digest)
    names = [pod["metadata"]["name"] for pod in cluster.created]
    assert len(names) == len(set(names)) == 4  # what holds the folders, two stages, the script
    model = next(pod for pod in cluster.created if "train" in pod["metadata"]["name"])
    main = next(one for one in model["spec"]["containers"] if one["name"] == "main")
    assert main["image"].endswith(f"@{registry.digest}")
    assert main["securityContext"]["runAsUser"] == 1000
    assert model["metadata"]["annotations"]["airflow-synapse-challenge.submission"] == submission


def test_a_model_that_fails_is_told_why(cluster, challenge, submit_image, evaluate, client):
    submission = submit_image()
    states = evaluate(challenge(last="missing.py"), submission)
    assert states["run_model"] == states["finish"] == "success"
    assert states["file_predictions"] == states["score"] == "skipped"
    status = client.send(statuses.get(submission))
    annotations = annotation_stores.read(status)
    assert (status.status, annotations[f"{FIGURES}outcome"]) == ("INVALID", "exit_code")
    assert "exit code 2" in annotations["submission_errors"]


def test_a_model_that_fills_the_disk_is_told_so(cluster, challenge, submit_image, evaluate, client):
    message = "Pod ephemeral local storage usage exceeds the total limit of containers 144Mi. "
    cluster.play("train", pod={"reason": "Evicted", "message": message})
    submission = submit_image()
    evaluate(challenge(), submission)
    annotations = annotation_stores.read(client.send(statuses.get(submission)))
    assert annotations[f"{FIGURES}outcome"] == "too_much"
    assert "filled its share" in annotations["submission_errors"]


def test_a_cluster_that_keeps_no_promise_is_the_organisers_matter(cluster, challenge, submit_image, evaluate, client):
    submission = submit_image()
    with cluster.mutated(lambda pod: pod["spec"].update(hostNetwork=True)):
        states = evaluate(challenge(), submission)
    assert states["run_model"] == "failed"
    status = client.send(statuses.get(submission))
    assert status.status == "INVALID"
    assert "no network" not in str(annotation_stores.read(status).get("submission_errors"))
    assert ["holder" in pod["metadata"]["name"] for pod in cluster.created] == [True]  # no model was even made


def test_the_sweeper_removes_pods_of_runs_that_are_gone(cluster, challenge, airflow_database, monkeypatch):
    from airflow_synapse_challenge.containers.holding import HeldFolder, Holding
    from airflow_synapse_challenge.hooks.docker import deployment_id
    from airflow_synapse_challenge.hooks.engines import model_engine_of
    from airflow_synapse_challenge.operators import maintenance

    made = challenge()
    engine = model_engine_of(made.compute)
    mine = {"challenge": "cluster", "deployment": deployment_id(), "dag": "d"}
    for run, more in (("lives", {}), ("gone", {}), ("other", {"deployment": "somebody"})):
        folders = (HeldFolder("output", 1000, 10),)
        engine.holder(Holding(run, "", folders, timedelta(hours=1), {**mine, "run": run, **more})).ensure()
    monkeypatch.setattr(maintenance, "_lives", lambda owner: owner.run == "lives")
    removed = maintenance.SynapseSweepOperator(task_id="sweep", challenge=made).execute({})["engine"]
    assert len(removed) == 1
    assert removed[0].startswith("gone-holder")
    assert len(cluster.pods()) == 2
    assert len(engine.sweep({"challenge": "cluster"})) == 2


def test_the_doctor_runs_a_pod_to_see_whether_the_cluster_is_fit(cluster, challenge, monkeypatch):
    from airflow_synapse_challenge.cli.doctor_cluster import examine_cluster

    made = challenge()
    assert all(finding.healthy for finding in examine_cluster(made))
    with (
        cluster.mutated(lambda pod: pod["spec"].update(hostPID=True)),
        pytest.raises(PermanentError, match="no namespace of the host"),
    ):
        list(examine_cluster(made))
    cluster_section = made.compute.kubernetes.model_copy(update={"pids_limited": False})
    compute = made.compute.model_copy(update={"kubernetes": cluster_section})
    (finding,) = examine_cluster(made.model_copy(update={"compute": compute}))
    assert "pids_limited: true" in finding.mend
    monkeypatch.delenv("AIRFLOW_CONN_CLUSTER")
    with pytest.raises(ConfigurationError, match="no connection 'cluster'"):
        list(examine_cluster(made))


PODS = """
from airflow.sdk import DAG
from airflow_synapse_challenge.operators.containers import EvaluationContainerOperator

section = {"connection": "cluster", "namespace": "challenge", "helper_image": "evaluation"}
promises = dict.fromkeys(("network_policy_enforced", "pids_limited", "core_dumps_off"), True)
with DAG("pods", schedule=None):
    for task_id, cluster in (("closed", section | promises), ("open", section), ("odd", {"name": "x"})):
        EvaluationContainerOperator(
            task_id=task_id,
            image="evaluation",
            command=["python3", "-c", "import sys; open(sys.argv[1], 'w').write('[1]')", "/output/r.json"],
            results=["r.json"],
            engine="kubernetes",
            cluster=cluster,
        )
"""


def test_an_operator_of_somebodys_dag_runs_a_pod(cluster, run_dags):
    found = run_dags(PODS, "pods")
    states = {name: str(ti.state) for name, ti in found.items()}
    assert states == {"closed": "success", "open": "failed", "odd": "failed"}
    assert found["closed"].xcom_pull(task_ids="closed")["results"] == {"r.json": [1]}
    assert len(cluster.created) == 1
