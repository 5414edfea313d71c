"""Models on a real engine: every submission ends in one final status with one set of mails, and nothing is left."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest
from model_world import PLAN, ModelWorld, PrivateEngine, load_base, prepare_example
from trial_world import TRIALS

from airflow_synapse_challenge.local_synapse.server import LocalSynapse
from airflow_synapse_challenge.rehearsal.deployment import AirflowDeployment
from airflow_synapse_challenge.rehearsal.site import build_site
from airflow_synapse_challenge.synapse import annotation_stores

pytestmark = [pytest.mark.e2e, pytest.mark.docker, pytest.mark.timeout(600)]

FIGURES = "synapse_challenge_model_"
ORCHESTRATOR = "orgSagebionetworksSynapseWorkflowOrchestrator"
#: How a container ends that was stopped is noticed within these seconds.
SOON = 10.0
#: What a model does, how it is annotated, and what its submitter reads.
INVALID = {
    ("crash",): ("exit_code", "The model ended with exit code 1. Its log tells more."),
    ("memory",): ("out_of_memory", "The model needed more than 96MiB of memory"),
    ("deaf",): ("timed_out", "The model took longer than 15s"),
    ("wrong-name",): ("wrong_name", "it wrote prediction.csv instead"),
    ("nothing",): ("no_output", "ended well but wrote nothing. It has to write /output/predictions.csv"),
}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateEngine | None]:
    """An engine of these tests' own; where they may not start one, the environment's."""
    if os.geteuid() != 0:
        yield None
        return
    engine = PrivateEngine(tmp_path_factory.mktemp("engine"))
    common = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    with pytest.MonkeyPatch.context() as patch:
        try:
            engine.start()
            load_base(engine, common)
            patch.setenv("DOCKER_HOST", engine.host)
            yield engine
        finally:
            engine.stop()
            engine.remove()


@pytest.fixture(scope="module")
def world(engine: PrivateEngine | None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelWorld]:
    home = tmp_path_factory.mktemp("models")
    with LocalSynapse.start(home / "synapse", docker_registry=True) as server:
        example = prepare_example(home / "models", TRIALS)
        world = ModelWorld(home, server, build_site(server, PLAN, example, home / "work", "docker"), engine)
        yield world
        world.starts.close()
        world.sweep()


@pytest.fixture(scope="module")
def airflow(world: ModelWorld) -> Iterator[AirflowDeployment]:
    deployment = world.deploy()
    try:
        yield deployment.start()
    finally:
        deployment.stop()


@pytest.fixture(scope="module")
def batch(world: ModelWorld, airflow: AirflowDeployment) -> dict[object, str]:
    """Submissions that are evaluated at the same time, by what they do."""
    found: dict[object, str] = {
        command: world.run(*command, queue="Hasty" if command == ("deaf",) else "Plain") for command in INVALID
    }
    found["honest"] = world.run("honest", "0.75")
    found["talks"] = world.run("talk", "1000")
    found["talks and crashes"] = world.run("talk-and-crash", "1000")
    found["talks and misnames"] = world.run("talk-and-misname", "1000")
    found["file"] = world.submit("ok 1")
    found["stranger"] = world.submit_stranger("registry.example.org/somebody/model")
    name = world.push("honest", "1")
    world.forget_digest(name)
    found["gone"] = world.submit_repository(name)
    found["staged"] = world.run("ignored", queue="Staged")
    found["fails on the canary"] = world.run("ignored", queue="Staged", extra="fails-on-the-canary")
    world.wait_final(*found.values(), seconds=300)
    for submission in found.values():
        world.wait_run(airflow, submission)
    return found


def assert_scored(world: ModelWorld, airflow: AirflowDeployment, submission: str, score: float) -> None:
    """It was claimed once and is accepted with this score, and its submitter got one mail."""
    world.require_success(airflow, submission, 300)
    annotations = world.annotations(submission)
    assert (world.status(submission).status, annotations["submission_status"]) == ("ACCEPTED", "SCORED")
    assert (annotations["score"], annotations["synapse_challenge_attempt"]) == (score, 1)
    assert annotations[f"{FIGURES}outcome"] == "done"
    assert world.mails(submission) == ["scored"]
    assert world.containers(submission) == []


def assert_invalid(world: ModelWorld, airflow: AirflowDeployment, submission: str, reason: str) -> dict[str, object]:
    """It is invalid for this reason, which stands in its one mail too; return its annotations."""
    world.require_success(airflow, submission, 300)
    annotations = world.annotations(submission)
    assert (world.status(submission).status, annotations["submission_status"]) == ("INVALID", "INVALID")
    assert reason in str(annotations["submission_errors"])
    assert reason in " ".join(world.mail(submission, "invalid")["body"].split())
    assert "score" not in annotations
    assert world.mails(submission) == ["invalid"]
    assert world.containers(submission) == []
    return annotations


def test_an_honest_model(world, airflow, batch):
    """It is scored, measured, and its results are filed where its submitter cannot read them."""
    submission = batch["honest"]
    assert_scored(world, airflow, submission, 0.75)
    annotations = world.annotations(submission)
    assert annotations[f"{FIGURES}image"].startswith(f"{world.server.registry}/")
    assert annotations[f"{FIGURES}exit_code"] == 0
    assert 0 <= annotations[f"{FIGURES}seconds"] < 40
    assert annotations["prediction_file_version"] == 1
    assert annotations[f"{ORCHESTRATOR}StatusDescription"] == "DONE"
    synapse, _ = world._members["ada"]
    used = synapse.getProvenance(annotations["prediction_fileid"])["used"]
    assert [item["wasExecuted"] for item in used] == [False, True]
    allowed = synapse.restGET(f"/entity/{annotations['prediction_fileid']}/permissions")
    assert (allowed["canView"], allowed["canDownload"]) == (True, False)
    assert world.starts.of(submission) == 1
    assert world.shared_log(submission) == "honest on all\n"


@pytest.mark.parametrize("command", INVALID, ids=lambda command: command[0])
def test_a_model_that_fails(world, airflow, batch, command):
    kind, reason = INVALID[command]
    annotations = assert_invalid(world, airflow, batch[command], reason)
    assert annotations[f"{FIGURES}outcome"] == kind
    assert world.starts.of(batch[command]) == 1


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("file", "must be a Docker image, and this one is FileEntity"),
        ("gone", "is not there (any more): the registry answers 404. Push it again and resubmit."),
        ("stranger", "only, and this one is on registry.example.org."),
    ],
)
def test_what_is_no_image_that_may_run(world, airflow, batch, what, reason):
    """Nothing is started, and no registry is asked that the organisers do not know."""
    annotations = assert_invalid(world, airflow, batch[what], reason)
    assert f"{FIGURES}seconds" not in annotations
    assert world.starts.of(batch[what]) == 0


def test_two_stages_and_a_canary(world, airflow, batch):
    """Four containers; what the first stage learned reaches the second, which cannot change it."""
    submission = batch["staged"]
    assert_scored(world, airflow, submission, 0.5)
    assert (world.starts.of(submission, "train"), world.starts.of(submission, "infer")) == (2, 2)
    log = world.shared_log(submission)
    for title in ("train stage on the canary", "infer stage on the canary", "train stage", "infer stage"):
        assert f"===== {title} =====" in log
    assert log.count("learned from all; Read-only file system") == 1


def test_a_model_that_fails_on_the_canary(world, airflow, batch):
    """It never sees the data."""
    submission = batch["fails on the canary"]
    assert_invalid(world, airflow, submission, "The infer stage on the canary ended with exit code 4")
    assert (world.starts.of(submission, "train"), world.starts.of(submission, "infer")) == (1, 1)
    assert "on all" not in world.shared_log(submission)


def test_a_log_beyond_the_leak_budget(world, airflow, batch):
    """Its submitter sees the beginning and that the rest is withheld; organisers have all, and are told once."""
    submission = batch["talks"]
    assert world.mails(submission) == ["admin_withheld", "scored"]
    log = world.shared_log(submission)
    assert "withheld: the leak budget of this submission is used up" in log
    assert len(log.encode()) < 1_200
    assert len(world.locked_log(submission).encode()) > 9_000
    assert "Jane Doe" not in str(world.annotations(submission))
    assert "Jane Doe" not in world.mail(submission, "admin_withheld")["body"]


def test_a_talkative_model_that_crashes_is_told_why(world, airflow, batch):
    submission = batch["talks and crashes"]
    assert "The model ended with exit code 3." in world.annotations(submission)["submission_errors"]
    assert world.mails(submission) == ["admin_withheld", "invalid"]


def test_reasons_beyond_the_leak_budget(world, airflow, batch):
    """The log has left too little of it for the names of five files: only the organisers learn them."""
    submission = batch["talks and misnames"]
    annotations = world.annotations(submission)
    assert "withheld" in annotations["submission_errors"]
    assert annotations[f"{FIGURES}outcome"] == "wrong_name"
    assert "Jane Doe" not in str(annotations)
    assert world.mails(submission) == ["admin_withheld", "admin_withheld", "invalid"]
    said = world.mail_texts(submission)
    assert "is not told why it is invalid." in said
    assert "Jane Doe" not in said


def test_sleepers_that_are_stopped(world, airflow):
    """Cancelled on Synapse, out of its time quota, marked as failed in Airflow: the container goes within seconds."""
    cancelled, quota, failed = (world.run("sleep", "300", "1") for _ in range(3))
    for submission in (cancelled, quota, failed):
        world.wait_model(submission)
    world.wait_for(lambda: world.task_state(airflow, failed) == "deferred", "the deferral")

    world.cancel(cancelled)
    stopped_within(world, cancelled, SOON)
    status = world.status(quota)
    world.take(annotation_stores.merge(status, public={f"{ORCHESTRATOR}TimeRemaining": 0}, private={}, remove=()))
    stopped_within(world, quota, SOON)
    path = f"/dags/{world.dag_id(failed)}/dagRuns/synapse-{failed}/taskInstances/run_model"
    airflow.api("PATCH", path, json={"new_state": "failed"})
    stopped_within(world, failed, SOON)

    world.wait_final(cancelled, quota, failed)
    annotations = assert_invalid(world, airflow, cancelled, "because you cancelled the submission")
    assert annotations[f"{FIGURES}outcome"] == "cancelled"
    assert annotations[f"{ORCHESTRATOR}StatusDescription"] == "STOPPED UPON REQUEST"
    annotations = assert_invalid(world, airflow, quota, "its time quota is used up")
    assert annotations[f"{ORCHESTRATOR}StatusDescription"] == "EXCEEDED TIME QUOTA"
    assert world.wait_run(airflow, failed) == "failed"
    assert world.status(failed).status == "INVALID"
    assert world.mails(failed) == ["admin_failed", "failed"]
    assert world.containers(failed) == []


def stopped_within(world: ModelWorld, submission: str, seconds: float) -> None:
    """Wait until the model runs no more."""
    world.wait_for(lambda: not world.model_runs(submission), f"the end of the model of {submission}", seconds)


def test_a_worker_that_dies_while_the_model_runs(world, airflow):
    """The next try adopts the container that runs on: it is started once."""
    submission = world.run("sleep", "30", "0.5", queue="In workers")
    world.wait_model(submission)
    assert world.task_state(airflow, submission) == "running"
    airflow.kill_component("scheduler")
    assert world.model_runs(submission)
    airflow.start_component("scheduler")
    world.wait_final(submission, seconds=300)
    assert_scored(world, airflow, submission, 0.5)
    assert world.starts.of(submission) == 1


def test_a_triggerer_that_dies_while_the_model_runs(world, airflow):
    """The next triggerer goes on watching."""
    submission = world.run("sleep", "30", "0.5")
    world.wait_model(submission)
    world.wait_for(lambda: world.task_state(airflow, submission) == "deferred", "the deferral")
    airflow.kill_component("triggerer")
    assert world.model_runs(submission)
    airflow.start_component("triggerer")
    world.wait_final(submission, seconds=300)
    assert_scored(world, airflow, submission, 0.5)
    assert world.starts.of(submission) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start an engine that may be restarted")
def test_an_engine_that_is_restarted_while_models_run(world, airflow):
    """The models run again: their end is nobody's fault."""
    waits, deferred = world.run("sleep", "25", "0.5", queue="In workers"), world.run("sleep", "25", "0.5")
    for submission in (waits, deferred):
        world.wait_model(submission)
    world.wait_for(lambda: world.task_state(airflow, deferred) == "deferred", "the deferral")
    world.engine.stop()
    time.sleep(2)
    world.engine.start()
    world.wait_final(waits, deferred, seconds=300)
    for submission in (waits, deferred):
        assert_scored(world, airflow, submission, 0.5)
        assert world.starts.of(submission) == 2


def test_a_model_of_anybody(world, airflow, tmp_path):
    """The operator needs no challenge: a short container, one that the triggerer watches, and one that fails."""
    folder = world.site.challenges_folder / "models" / "input"
    wishes = {
        "short": {},
        "long": {"seconds": 15},
        "wrong": {"output": "/output/prediction.csv"},
    }
    for name, wish in wishes.items():
        conf = {"input_dir": str(folder), "result_path": str(tmp_path / name), **wish}
        airflow.api("POST", "/dags/anybody/dagRuns", json={"dag_run_id": name, "logical_date": None, "conf": conf})

    def tasks():
        path = "/dags/anybody/dagRuns/~/taskInstances"
        return {task["dag_run_id"]: task for task in airflow.api("GET", path)["task_instances"]}

    world.wait_for(lambda: {task["state"] for task in tasks().values()} <= {"success", "failed"}, "the three runs")
    states = {name: (task["state"], task["try_number"]) for name, task in tasks().items()}
    assert states == {"short": ("success", 1), "long": ("success", 1), "wrong": ("failed", 1)}
    for name in ("short", "long"):
        assert (tmp_path / name).read_text() == "all\n"
        path = f"/dags/anybody/dagRuns/{name}/taskInstances/predict/xcomEntries/return_value"
        found = airflow.api("GET", path)["value"]
        assert (found["exit_code"], found["log"]) == (0, "done\n")


def test_nothing_is_left_on_the_engine(world, airflow, batch):
    assert world.left() == []
