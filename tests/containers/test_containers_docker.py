"""The policy on a real engine: what was created, what is enforced, what is adopted."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from docker.errors import APIError
from requests import Response

from airflow_synapse_challenge.containers import docker_policy
from airflow_synapse_challenge.containers.policy import MIB, Rule
from airflow_synapse_challenge.containers.spec import OUTPUT
from airflow_synapse_challenge.errors import (
    ConfigurationError,
    OrganiserFault,
    ParticipantFault,
    PermanentError,
    TransientError,
)

pytestmark = pytest.mark.docker

LOOK = """
import json, os, socket, sys
def attempt(action):
    try:
        action()
        return "allowed"
    except OSError as error:
        return type(error).__name__
found = {
    "uid": os.getuid(),
    "capabilities": [line.split()[1] for line in open("/proc/self/status") if line.startswith("CapEff")][0],
    "privileges": [line.split()[1] for line in open("/proc/self/status") if line.startswith("NoNewPrivs")][0],
    "seccomp": [line.split()[1] for line in open("/proc/self/status") if line.startswith("Seccomp:")][0],
    "network": attempt(lambda: socket.create_connection(("10.0.0.1", 80), 2)),
    "interfaces": sorted(os.listdir("/sys/class/net")),
    "root": attempt(lambda: open("/etc/new", "w")),
    "input": attempt(lambda: open("/input/new", "w")),
    "tmp": attempt(lambda: open("/tmp/new", "w").write("x")),
    "large_tmp": attempt(lambda: open("/tmp/large", "w").write("x" * 16 * 2**20)),
    "processes": len([name for name in os.listdir("/proc") if name.isdigit()]),
}
json.dump(found, open(sys.argv[1], "w"))
"""


def test_the_container_is_closed_from_inside(docker_engine, spec_of):
    found = json.loads(docker_engine.run(spec_of(LOOK)).results["results.json"])
    assert found["uid"] == 65534
    assert int(found["capabilities"], 16) == 0
    assert found["privileges"] == "1"
    assert found["seccomp"] == "2"
    assert found["interfaces"] == ["lo"]
    assert found["network"] != "allowed"
    assert found["root"] != "allowed"
    assert found["input"] != "allowed"
    assert found["tmp"] == "allowed"
    assert found["large_tmp"] != "allowed"
    assert found["processes"] <= 3


def test_the_created_container_is_bounded_as_asked(docker_engine, docker_client, spec_of):
    """The engine's own description, taken while the container runs."""
    seen = {}
    spec = spec_of(
        "import time; print('here', flush=True); time.sleep(600)",
        policy={"cpus": 0.5, "pids": 20, "shm_bytes": 4 * MIB, "tmp_bytes": 6 * MIB},
    )

    def look(_):
        seen.update(docker_client.inspect_container(spec.safe_name))

    assert docker_engine.run(spec, on_log=look, cancelled=lambda: bool(seen)).cancelled
    host = seen["HostConfig"]
    assert host["NetworkMode"] == "none"
    assert host["CapDrop"] == ["ALL"]
    assert host["ReadonlyRootfs"] is True
    assert host["Privileged"] is False
    assert host["Memory"] == host["MemorySwap"] == 256 * MIB
    assert host["NanoCpus"] == 500_000_000
    assert host["PidsLimit"] == 20
    assert host["ShmSize"] == 4 * MIB
    assert host["Tmpfs"] == {"/tmp": f"rw,nosuid,nodev,mode=1777,size={6 * MIB}"}
    assert {mount["Destination"]: mount["RW"] for mount in seen["Mounts"]} == {"/input": False, "/output": True}
    assert seen["Config"]["User"] == "65534:65534"
    assert seen["Config"]["Labels"]["airflow-synapse-challenge.suite"] == "containers"


def test_memory_is_bounded_by_the_kernel(docker_engine, spec_of):
    outcome = docker_engine.run(spec_of("x = bytearray(2**30)"))
    assert outcome.oom_killed
    assert outcome.exit_code == 137


def test_a_fork_bomb_is_harmless(docker_engine, spec_of):
    code = "import os, time\nfor _ in range(500):\n    if os.fork() == 0: time.sleep(60)\n"
    outcome = docker_engine.run(spec_of(code, policy={"pids": 20}))
    assert outcome.exit_code == 1
    assert "BlockingIOError" in outcome.log


class WorkerDied(Exception):
    """Ends the waiting without a chance to tidy up."""


def die():
    raise WorkerDied


@pytest.mark.parametrize("ended", [False, True])
def test_a_container_is_adopted(docker_engine, docker_client, spec_of, ended):
    """A worker that died left its container; the next try takes that one and sees its whole output."""
    code = (
        "import time; print('first', flush=True); time.sleep(3); print('last'); "
        "open('/output/results.json', 'w').write('{}')"
    )
    spec = spec_of(code)
    with pytest.raises(WorkerDied):
        docker_engine.run(spec, cancelled=die)
    if ended:
        docker_client.wait(spec.safe_name)
    outcome = docker_engine.run(spec)
    assert outcome.adopted
    assert outcome.log == "first\nlast\n"
    assert outcome.results == {"results.json": b"{}"}


def test_a_container_of_another_spec_is_not_adopted(docker_engine, spec_of):
    sleeper = "import time; print('x', flush=True); time.sleep(600)"
    with pytest.raises(WorkerDied):
        docker_engine.run(spec_of(sleeper, environment={"VERSION": "1"}), cancelled=die)
    other = spec_of("open('/output/results.json', 'w').write('2')", environment={"VERSION": "2"})
    outcome = docker_engine.run(other)
    assert not outcome.adopted
    assert outcome.results == {"results.json": b"2"}


def test_kill_removes_everything(docker_engine, docker_client, spec_of):
    spec = spec_of("import time; print('x', flush=True); time.sleep(600)")
    with pytest.raises(WorkerDied):
        docker_engine.run(spec, cancelled=die)
    assert docker_engine.kill(spec.name)
    assert not docker_engine.kill(spec.name)


def test_an_image_that_does_not_exist_is_the_organisers_fault(docker_engine, spec_of):
    with pytest.raises((OrganiserFault, TransientError), match=r"image|engine"):
        docker_engine.run(spec_of("", image="127.0.0.1:9/nothing:here"))


def test_a_participants_image_is_never_pulled(docker_engine, spec_of):
    with pytest.raises(PermanentError, match="not on the engine"):
        docker_engine.run(spec_of("", image="127.0.0.1:9/nothing:here", author="participant"))


def test_an_engine_that_weakens_a_rule_is_refused(docker_engine, docker_client, spec_of, monkeypatch):
    """A container that the engine created otherwise than asked never starts."""
    real = docker_policy.host_config
    monkeypatch.setattr(docker_policy, "host_config", lambda *a: real(*a) | {"cap_drop": None, "network_mode": "host"})
    with pytest.raises(PermanentError) as refusal:
        docker_engine.run(spec_of("print('started')"))
    assert Rule.NO_NETWORK.value in str(refusal.value)
    assert Rule.NO_CAPABILITIES.value in str(refusal.value)


def test_the_engine_is_away(spec_of, tmp_path):
    import docker
    from airflow_synapse_challenge.containers.docker_engine import DockerEngine

    client = docker.APIClient(base_url=f"unix://{tmp_path}/none.sock", version="1.41")
    with pytest.raises(TransientError, match="away"):
        DockerEngine(client).run(spec_of(""))


def test_bounds_have_to_be_sensible(spec_of):
    for change in ({"memory_bytes": 0}, {"timeout": timedelta(0)}, {"user": "0:0"}, {"user": "root"}):
        with pytest.raises(ConfigurationError):
            spec_of("", policy=change)


def lose_output(docker_client, monkeypatch, times):
    """Let the engine lose what a program printed, as a busy one now and then does."""
    real, losses = docker_client.exec_start, iter(range(times))

    def exec_start(run):
        output = real(run)
        return output if next(losses, None) is None else b""

    monkeypatch.setattr(docker_client, "exec_start", exec_start)


def test_lost_output_is_asked_for_again(docker_client, holder, monkeypatch):
    lose_output(docker_client, monkeypatch, 2)
    assert not holder.ensure()
    lose_output(docker_client, monkeypatch, 2)
    assert not holder.is_full("output")


def test_output_that_is_lost_every_time_is_nobodys_fault(docker_client, holder, monkeypatch):
    holder.ensure()
    lose_output(docker_client, monkeypatch, 100)
    with pytest.raises(TransientError, match="`df` printed '' in"):
        holder.is_full("output")
    holder.release()
    with pytest.raises(OrganiserFault, match="it has no `df`"):
        holder.ensure()


REFUSES = 'OCI runtime create failed: exec: "{name}": {why}: unknown'


@pytest.mark.parametrize(
    ("author", "name", "why", "error"),
    [
        ("participant", "/model", "context deadline exceeded", TransientError),
        ("organiser", "/model", "resource temporarily unavailable", TransientError),
        ("participant", "/cannot allocate memory", "stat: no such file or directory", ParticipantFault),
        ("participant", "/model", "argument list too long", ParticipantFault),
        ("organiser", "/model", "permission denied", OrganiserFault),
    ],
)
def test_a_busy_machine_is_not_the_fault_of_an_image(
    docker_engine, docker_client, spec_of, holding, holder, monkeypatch, author, name, why, error
):
    """The runtime's words, as an engine passes them on; what a stranger called a file does not count."""

    holder.ensure()

    def start(_):
        answer = Response()
        answer.status_code = 500
        raise APIError("500 Server Error", response=answer, explanation=REFUSES.format(name=name, why=why))

    monkeypatch.setattr(docker_client, "start", start)
    with pytest.raises(error):
        docker_engine.launch(spec_of("pass", author=author, results=(), held=(holding.mount("output", OUTPUT),)))
