"""``synapse-challenge size``: how many submissions run at once, what bounds them, what the host needs."""

from __future__ import annotations

import os

import pytest

from airflow_synapse_challenge.challenge import sizing
from airflow_synapse_challenge.challenge.config import Challenge
from airflow_synapse_challenge.challenge.sizing import Host

GIB = 2**30
SPARE = 2 * GIB
NOBODY = {"DOCKER_HOST": "unix:///nowhere/docker.sock"}


def challenge(*, compute=None, score=None, **queue):
    """A challenge with one queue for files, or for what is said."""
    step = {"script": "score.py", "resources": {"memory": "10GiB", "cpus": 1, "timeout": "2h", **(score or {})}}
    return Challenge.model_validate(
        {
            "challenge": "c",
            "compute": {"memory": "40GiB", **(compute or {})},
            "queues": [{"id": 1, "score": step, **queue}],
        }
    )


def model(**resources):
    """A queue for images whose model takes 6 GiB."""
    default = {"memory": "6GiB", "cpus": 2, "timeout": "3h"}
    return {"kind": "docker_image", "model": {"resources": {**default, **resources}}}


UNKNOWN = Host()


def warnings(it, host=UNKNOWN):
    return list(sizing.warnings(it, host, SPARE))


def changes(it, host, submissions):
    return {change.what: (change.now, change.needed) for change in sizing.changes(it, host, submissions, SPARE)}


def test_the_guides_own_example():
    """A file that takes 10 GB: four at once take 40, ten take 100."""
    (size,) = sizing.measure(challenge(), Host(cpus=16, memory=64 * GIB))
    assert (size.carries, size.bottleneck) == (4, "memory")
    assert changes(challenge(), Host(16, 64 * GIB), 4) == {}
    assert changes(challenge(), Host(16, 64 * GIB), 10) == {
        "compute.memory": ("40GiB", "100GiB"),
        "memory of the host": ("64.0 GiB", "100 GiB, and what the system itself needs"),
    }


@pytest.mark.parametrize(
    ("host", "compute", "carries", "bottleneck"),
    [
        (Host(), {}, 4, "memory"),
        (Host(cpus=3), {}, 3, "cpu"),
        (Host(cpus=64), {"memory": "400GiB"}, 10, "submissions"),
        (Host(cpus=64), {"memory": "400GiB", "max_concurrent_submissions": 100}, 40, "memory"),
    ],
)
def test_what_bounds(host, compute, carries, bottleneck):
    (size,) = sizing.measure(challenge(compute=compute), host)
    assert (size.carries, size.bottleneck) == (carries, bottleneck)


def test_the_largest_step_counts():
    """A model with a small script behind it; what it wrote is filed through memory too."""
    it = challenge(**model(output="9GiB", memory="16GiB"), score={"memory": "1GiB"})
    (size,) = sizing.measure(it, Host(cpus=8))
    assert [(step.name, step.slots) for step in size.steps] == [
        ("run_model", 16),
        ("file_predictions", 9),
        ("score", 1),
    ]
    assert size.at_once == {"memory": 2, "cpu": 4, "submissions": 10}


def test_submissions_a_day():
    """Four at once, each of them two hours: two dozen and two dozen more."""
    (size,) = sizing.measure(challenge(), Host())
    assert size.per_day == 48
    stages = [{"name": "train", "timeout": "20h"}, {"name": "infer"}]
    canary = {"input_dir": "/canary", "timeout": "30m"}
    queue = {"kind": "docker_image", "model": {"stages": stages, "canary": canary}}
    (size,) = sizing.measure(challenge(**queue), Host())
    assert size.longest.total_seconds() == 3600 * (20 + 3 + 2 * 0.5 + 2)
    assert size.per_day == 3


def test_images_take_disk():
    it = challenge(**model())
    assert sizing.image_room(it, 10, SPARE) == 202 * GIB
    assert sizing.image_room(challenge(), 10, SPARE) == 0
    full, roomy = Host(disk_free=50 * GIB), Host(disk_free=500 * GIB)
    assert any("50.0 GiB" in text for text in warnings(it, full))
    assert not any("disk" in text for text in warnings(it, roomy))
    assert changes(it, full, 2)["processors of the host"] == ("", "4")
    assert "free disk of the engine" not in changes(it, full, 2)
    assert changes(it, full, 3)["free disk of the engine"] == ("50.0 GiB", "62.0 GiB")


@pytest.mark.parametrize(
    ("it", "host", "says"),
    [
        (challenge(**model(output="5GiB")), Host(), "may hold 7.00 GiB, and all of it counts as its memory of 6GiB"),
        (challenge(), Host(), "the pool carries 4 at once, and max_concurrent_submissions is 10"),
        (challenge(), Host(memory=32 * GIB), "compute.memory is 40GiB, and the host has 32.0 GiB"),
        (challenge(), Host(memory=8 * GIB), "score can never have its memory: 10GiB"),
        (challenge(score={"cpus": 9}), Host(cpus=8), "score can never run: it asks for 9 processors"),
        (challenge(score={"gpus": 1}), Host(gpus=False), "score can never run: it asks for graphics processors"),
        (
            challenge(compute={"memory": "1GiB"}, score={"memory": "1GiB"}, **model(memory="1GiB")),
            Host(),
            "file_predictions can never run: it takes 2 slots, and the pool has 1",
        ),
        (challenge(**model()), Host(cpus=64, memory=41 * GIB), "results wait in memory until they are filed"),
    ],
)
def test_warnings(it, host, says):
    assert len([text for text in warnings(it, host) if says in text]) == 1


def test_two_stages_hold_twice():
    stages = [{"name": "train"}, {"name": "infer"}]
    one = {"kind": "docker_image", "model": {"stages": stages[:1]}}
    two = {"kind": "docker_image", "model": {"stages": stages, "resources": {"output": "3GiB"}}}
    assert not any("may hold" in text for text in warnings(challenge(**one)))
    assert any("/model" in text and "may hold 8.00 GiB" in text for text in warnings(challenge(**two)))


def test_nothing_to_warn_of():
    it = challenge(compute={"max_concurrent_submissions": 4})
    assert warnings(it, Host(cpus=8, memory=64 * GIB, disk_free=GIB, gpus=False)) == []


def test_the_command_without_an_engine(desk):
    """The file alone is answered; what the host has is said to be unknown."""
    desk.challenge["compute"] = {"memory": "40GiB"}
    desk.write()
    found = desk.run("size", "--json", env=NOBODY)
    assert found.code == 0
    assert found.json["host"]["cpus"] is None
    assert "away" in found.json["host"]["about"]
    assert found.json["changes"] is None
    (queue,) = found.json["queues"]
    assert queue["at_once"] == {"memory": 20, "submissions": 10}
    assert queue["steps"][0]["at_once"] == {"memory": 40}


def test_the_command_asks_for_a_number(desk):
    assert desk.run("size", "--submissions", "0", env=NOBODY).code == 2
    done = desk.run("size", "--submissions", "100", env=NOBODY)
    assert done.code == 0
    for said in ("max_concurrent_submissions   10", "run_model", "compute.memory", "200GiB", "bounded by memory"):
        assert " ".join(said.split()) in " ".join(done.out.split())


def test_plain_processes_run_on_this_host(desk):
    desk.challenge["compute"] = {"engine": "process"}
    desk.challenge["queues"] = [{"id": 1, "score": {"script": "score.py"}}]
    desk.write()
    found = desk.run("size", "--json", env=NOBODY)
    assert found.json["host"]["cpus"] == os.cpu_count()
    assert found.json["image_disk_bytes"] == 0


def test_mistakes_in_the_file(desk):
    desk.challenge["computer"] = {}
    desk.write()
    done = desk.run("size", env=NOBODY)
    assert done.code == 1
    assert 'did you mean "compute"?' in done.err


@pytest.mark.docker
def test_the_command_asks_the_engine(desk, docker_client):
    about = docker_client.info()
    desk.queue["model"]["resources"]["cpus"] = about["NCPU"]
    desk.write()
    found = desk.run("size", "--json", "--submissions", "2").json
    assert found["host"]["cpus"] == about["NCPU"]
    assert found["host"]["memory_bytes"] == about["MemTotal"]
    assert found["host"]["disk_free_bytes"] > 0
    (queue,) = found["queues"]
    assert (queue["carries"], queue["bottleneck"]) == (1, "cpu")
    assert {"what": "processors of the host", "now": str(about["NCPU"]), "needed": str(2 * about["NCPU"])} in found[
        "changes"
    ]
