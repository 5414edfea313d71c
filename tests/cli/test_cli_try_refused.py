"""What ``synapse-challenge try`` cannot try, and what it leaves behind when it is stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import time

import pytest

from .conftest import COMMAND, TRIALS
from .weak_engine import weak_engine

pytestmark = pytest.mark.docker

WRITE = 'open("/output/predictions.csv", "w").write("id,p\\n1,0.5\\n")\n'
FOREVER = "import time; print('running'); time.sleep(600)"


def test_no_engine(desk, tmp_path):
    found = desk.attempt("some/image:1", None, env={"DOCKER_HOST": f"unix://{tmp_path}/none.sock"})
    assert (found["verdict"], found["fault"]) == ("refused", "engine")
    assert "DOCKER_HOST" in found["reason"]
    assert found["exit_code"] is None
    assert found["outputs"] == []


@pytest.mark.parametrize(
    ("lacks", "rule"), [({"SwapLimit": False}, "memory and swap"), ({"SecurityOptions": []}, "seccomp")]
)
def test_a_rule_that_cannot_be_enforced(desk, image, lacks, rule):
    """The container is made, found wanting, and never started."""
    with weak_engine(os.environ["DOCKER_HOST"], **lacks) as host:
        found = desk.attempt(image, "print('started')\n" + WRITE, env={"DOCKER_HOST": host})
    assert (found["verdict"], found["fault"]) == ("refused", "policy")
    assert rule in found["reason"]
    assert found["log_excerpt"] == ""


def test_more_processors_than_the_host_has(desk, image):
    desk.queue["model"]["resources"]["cpus"] = 1000
    found = desk.attempt(image, WRITE)
    assert (found["verdict"], found["fault"]) == ("refused", "policy")
    assert "CPUs" in found["reason"]


@pytest.mark.parametrize("name", ["test-cli/nothing:here", "No/Name::", "test-cli/x@sha256:12"])
def test_no_such_image(desk, docker_client, name):
    found = desk.attempt(name)
    assert (found["verdict"], found["fault"]) == ("refused", "no_image")
    assert name in found["reason"]


def test_a_folder_that_the_host_does_not_have(desk, image):
    found = desk.attempt(image)
    assert (found["verdict"], found["fault"]) == ("refused", "configuration")
    assert "/nowhere/on/this/host" in found["reason"]
    assert "--input DIR" in found["reason"]


def test_a_canary_folder_that_the_host_does_not_have(desk, image):
    desk.queue["model"]["canary"] = {"input_dir": "/nowhere/either"}
    found = desk.attempt(image, WRITE)
    assert "/nowhere/either" in found["reason"]
    assert "--input canary=DIR" in found["reason"]


def test_a_file_is_no_folder(desk, image):
    found = desk.attempt(image, None, "--input", desk.folder / "challenge.yaml")
    assert found["fault"] == "configuration"
    assert "is a file" in found["reason"]


def test_queues(desk, docker_client):
    """Several queues, a spelling mistake, none for images: told before an engine is asked for anything."""
    desk.challenge["queues"].append({**desk.queue, "id": 9614002, "name": "Readmission Risk"})
    assert "--queue: Mortality, Readmission Risk" in desk.attempt("x")["reason"]
    assert 'did you mean "Mortality"?' in desk.attempt("x", None, "--queue", "Mortalty")["reason"]
    assert desk.attempt("test-cli/none:1", None, "--queue", "readmission-risk")["fault"] == "no_image"
    assert desk.attempt("test-cli/none:1", None, "--queue", "9614002")["fault"] == "no_image"
    desk.challenge["queues"] = [{"id": 1, "score": {"script": "score.py"}}]
    assert "kind: docker_image" in desk.attempt("x")["reason"]


def test_a_broken_challenge(desk):
    desk.queue["modell"] = {}
    found = desk.attempt("x")
    assert (found["verdict"], found["fault"]) == ("refused", "configuration")
    assert "challenge.yaml:" in found["reason"]
    assert 'did you mean "model"?' in found["reason"]
    done = desk.run("try", "x", "--challenge", "other.yaml")
    assert done.code == 2
    assert "other.yaml" in done.out


def test_images_that_production_would_refuse(desk, loaded):
    """By what the engine knows of them; nothing is started."""
    cases = [
        (loaded(architecture="arm64", Cmd=["/model"]), "--platform linux/amd64"),
        (loaded(), "neither an entrypoint nor a command"),
        (loaded(Cmd=["/model"], Env=["X=" + "x" * 300_000]), "larger than 256 KiB"),
        (loaded(Cmd=["/model"], Volumes={f"/v{index}": {} for index in range(60)}), "60 volumes"),
    ]
    for name, says in cases:
        found = desk.attempt(name)
        assert (found["verdict"], found["fault"]) == ("invalid", "image")
        assert says in found["reason"]


def test_an_image_that_is_too_large(desk, image):
    desk.queue["model"]["image_limit"] = "1MiB"
    found = desk.attempt(image)
    assert (found["verdict"], found["fault"]) == ("invalid", "image")
    assert "Leave out what it does not need" in found["reason"]


def test_an_entrypoint_that_is_not_there(desk, loaded):
    found = desk.attempt(loaded(Entrypoint=["/model"]), "")
    assert (found["verdict"], found["fault"]) == ("invalid", "exit_code")
    assert "its command was not found" in found["reason"]
    assert "/model" in found["log_excerpt"]


def test_the_organisers_image_is_not_needed(desk, image):
    """A participant does not have it; the model's own then holds the results, which is said."""
    desk.challenge["compute"]["evaluation_image"] = "organisers/private:1"
    data = desk.data(WRITE)
    desk.write()
    done = desk.run("try", image, "--json", "--input", data)
    assert done.json["verdict"] == "ok"
    assert "organisers/private:1 is not on this engine" in done.err


def test_an_image_that_cannot_hold_results(desk, loaded):
    """It has no ``sleep``: the model does not start before another one is named."""
    desk.challenge["compute"]["evaluation_image"] = "organisers/private:1"
    name = loaded(Entrypoint=["/model"])
    found = desk.attempt(name, "")
    assert (found["verdict"], found["fault"]) == ("refused", "helper")
    assert "--helper" in found["reason"]
    helped = desk.attempt(
        name, None, "--input", desk.folder / "data", "--helper", "airflow-synapse-challenge/evaluation"
    )
    assert helped["fault"] == "exit_code"


def test_a_place_that_cannot_keep_the_output(desk, image):
    found = desk.attempt(image, WRITE, "--keep", desk.folder / "challenge.yaml")
    assert (found["verdict"], found["fault"]) == ("refused", "configuration")
    assert "cannot be kept" in found["reason"]


@pytest.fixture
def running(desk, docker_client, image):
    """A trial whose container runs, as a process."""
    processes = []

    def running(*options):
        command = [*COMMAND, "try", image, "--input", str(desk.data(FOREVER, f"data{len(processes)}")), *options]
        process = subprocess.Popen(command, cwd=desk.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        processes.append(process)
        end = time.monotonic() + 30
        while len(_models(docker_client)) < len(processes):
            assert time.monotonic() < end
            assert process.poll() is None, process.communicate()
            time.sleep(0.1)
        return process

    yield running
    for process in processes:
        process.kill()
        process.communicate()


def _models(docker_client):
    return [it for it in docker_client.containers(filters=TRIALS) if it["Names"][0].endswith("-model")]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_trial_that_is_stopped_leaves_nothing(running, docker_client, number):
    process = running("--json")
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert '"fault": "interrupted"' in out
    assert docker_client.containers(all=True, filters=TRIALS) == []
    assert not docker_client.volumes(filters=TRIALS)["Volumes"]


def test_impatience_does_not_keep_it_from_tidying_up(running, docker_client):
    process = running()
    for _ in range(20):
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        time.sleep(0.02)
    process.communicate(timeout=30)
    assert docker_client.containers(all=True, filters=TRIALS) == []


def test_the_next_trial_removes_what_a_killed_one_left(running, desk, docker_client, image):
    """One that still runs is left alone."""
    neighbour, killed = running(), running()
    killed.kill()
    killed.communicate()
    assert len(_models(docker_client)) == 2
    found = desk.run("try", image, "--json", "--input", desk.data(WRITE))
    assert found.json["verdict"] == "ok"
    assert "Removed try-ehr-mortality-" in found.err
    assert len(_models(docker_client)) == 1
    neighbour.send_signal(signal.SIGINT)
    neighbour.communicate(timeout=30)
