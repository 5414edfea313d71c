"""The programs that run inside pods, as real processes and in real containers."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
import time
from dataclasses import replace
from pathlib import Path

import pytest

from airflow_synapse_challenge.containers import kubernetes_helper, kubernetes_pods, kubernetes_witness
from airflow_synapse_challenge.containers.kubernetes_inside import check_seen
from airflow_synapse_challenge.containers.policy import Rule
from airflow_synapse_challenge.errors import PermanentError

HELPER = Path(kubernetes_helper.__file__).read_text()
WITNESS = Path(kubernetes_witness.__file__).read_text()
FOLDERS = ("/input", "/output", "/tmp", "/dev/shm", "/gate")


def helper(*arguments, stdin=b""):
    environment = {"HELPER": HELPER, "PATH": os.environ["PATH"]}
    command = [sys.executable, *kubernetes_pods.RUN_HELPER[1:], *map(str, arguments)]
    return subprocess.run(command, input=stdin, env=environment, capture_output=True, timeout=60, check=False)


def tar(*members):
    """Return a tar stream of (name, type, content or link target)."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, kind, content in members:
            member = tarfile.TarInfo(name)
            member.type = kind
            member.mode = 0o6755
            if kind == tarfile.REGTYPE:
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
            else:
                member.linkname = content.decode()
                archive.addfile(member)
    return stream.getvalue() + kubernetes_helper.END


@pytest.mark.parametrize(
    "members",
    [
        [("../out", tarfile.REGTYPE, b"x")],
        [("output/../../out", tarfile.REGTYPE, b"x")],
        [("elsewhere/out", tarfile.REGTYPE, b"x")],
        [("output/way", tarfile.SYMTYPE, b"../.."), ("output/way/out", tarfile.REGTYPE, b"x")],
        [
            ("output/way", tarfile.SYMTYPE, b"../.."),
            ("output/way", tarfile.DIRTYPE, b""),
            ("output/way/out", tarfile.REGTYPE, b"x"),
        ],
        [("output/way", tarfile.SYMTYPE, b"../../out"), ("output/way", tarfile.REGTYPE, b"x")],
    ],
    ids=["above", "detour", "beside", "through a link", "through a folder that is a link", "over a link"],
)
def test_nothing_is_written_outside_of_its_folder(tmp_path, members):
    top = tmp_path / "a" / "b"
    (top / "output").mkdir(parents=True)
    done = helper("unpack", top, "output", stdin=tar(*members))
    assert done.returncode == kubernetes_helper.REFUSED, done.stderr
    assert not list(tmp_path.rglob("out"))


def test_what_comes_in_is_written_without_special_rights(tmp_path):
    (tmp_path / "output").mkdir()
    members = [
        ("output", tarfile.DIRTYPE, b""),
        ("output/sub", tarfile.DIRTYPE, b""),
        ("output/sub/file", tarfile.REGTYPE, b"content"),
        ("output/device", tarfile.CHRTYPE, b""),
    ]
    assert helper("unpack", tmp_path, "output", stdin=tar(*members)).returncode == 0
    file = tmp_path / "output" / "sub" / "file"
    assert file.read_bytes() == b"content"
    assert file.stat().st_mode & 0o7777 == 0o755
    assert (tmp_path / "output" / "device").is_fifo()


def test_a_damaged_stream_is_read_to_its_end_mark(tmp_path):
    (tmp_path / "output").mkdir()
    done = helper("unpack", tmp_path, "output", stdin=b"no archive" * 10_000 + kubernetes_helper.END)
    assert done.returncode == kubernetes_helper.REFUSED


def test_folders_deeper_than_a_path_may_be_are_refused(tmp_path):
    descriptor = os.open(tmp_path, os.O_RDONLY)
    for _ in range(40):
        os.mkdir("d" * 200, dir_fd=descriptor)
        below = os.open("d" * 200, os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = below
    os.close(descriptor)
    done = helper("pack", tmp_path, "output", 10**6, 10**4)
    assert done.returncode == kubernetes_helper.REFUSED
    assert len(done.stdout) < 10**6


def test_a_folder_is_cleared_of_anything(tmp_path):
    folder = tmp_path / "held"
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "deep" / "er" / "file").write_text("x")
    (folder / "link").symlink_to(tmp_path / "kept")
    os.mkfifo(folder / "pipe")
    (tmp_path / "kept").write_text("kept")
    assert helper("clear", folder).returncode == 0
    assert list(folder.iterdir()) == []
    assert (tmp_path / "kept").read_text() == "kept"


def test_the_gate_opens_once_and_not_by_itself(tmp_path):
    began = time.monotonic()
    assert helper("gate", tmp_path / "open", 1).returncode == 1
    assert time.monotonic() - began >= 1
    assert helper("open_gate", tmp_path / "open").returncode == 0
    assert helper("gate", tmp_path / "open", 60).returncode == 0


@pytest.fixture
def asked(kubernetes_settings, spec_of):
    """A pod without what a container of Docker is not given here."""
    return kubernetes_pods.pod_of(spec_of("pass"), kubernetes_settings)


@pytest.fixture
def seen(asked, docker_client):
    """Return what the witness sees in a container with the rights and limits of the pod's first container."""

    def seen(**changes):
        load = asked["spec"]["initContainers"][0]
        context = load["securityContext"]
        sizes = {volume["name"]: volume["emptyDir"]["sizeLimit"] for volume in asked["spec"]["volumes"]}
        wanted = {
            "network_mode": "none",
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges:true"],
            "read_only": True,
            "tmpfs": {m["mountPath"]: f"size={sizes[m['name']]}" for m in load["volumeMounts"]},
            "mem_limit": int(load["resources"]["limits"]["memory"]),
            "nano_cpus": 250_000_000,
        } | changes
        made = docker_client.create_container(
            "airflow-synapse-challenge/evaluation:latest",
            entrypoint=list(kubernetes_pods.RUN_WITNESS),
            command=[mount["mountPath"] for mount in load["volumeMounts"]],
            user=wanted.pop("user", f"{context['runAsUser']}:{context['runAsGroup']}"),
            environment={"WITNESS": WITNESS, **wanted.pop("environment", {})},
            labels={"airflow-synapse-challenge.suite": "containers"},
            host_config=docker_client.create_host_config(**wanted),
        )
        try:
            docker_client.start(made["Id"])
            assert docker_client.wait(made["Id"])["StatusCode"] == 0, docker_client.logs(made["Id"])
            return json.loads(docker_client.logs(made["Id"], stderr=False))
        finally:
            docker_client.remove_container(made["Id"], force=True)

    return seen


@pytest.mark.docker
def test_a_closed_container_is_seen_as_such(asked, seen, kubernetes_settings):
    check_seen(asked, seen(), kubernetes_settings)


@pytest.mark.docker
@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"cap_drop": None}, Rule.NO_CAPABILITIES),
        ({"security_opt": None}, Rule.NO_NEW_PRIVILEGES),
        ({"security_opt": ["no-new-privileges:true", "seccomp=unconfined"]}, Rule.SYSTEM_CALLS),
        ({"user": "0:0"}, Rule.NON_ROOT),
        ({"read_only": False}, Rule.READ_ONLY_ROOT),
        ({"mem_limit": 1024**3}, Rule.MEMORY),
        ({"nano_cpus": None}, Rule.CPUS),
        ({"tmpfs": dict.fromkeys(FOLDERS, "size=1g")}, Rule.SIZED_OUTPUT),
    ],
)
def test_an_open_one_is_seen_as_open(asked, seen, kubernetes_settings, changes, rule):
    with pytest.raises(PermanentError, match=rule.value.partition("(")[0].strip()):
        check_seen(asked, seen(**changes), kubernetes_settings)


@pytest.mark.docker
def test_an_api_server_that_answers_is_seen(asked, seen, kubernetes_settings, fake_cluster):
    """The node's network instead of none: what must not answer does, for as long as a policy may take to hold."""
    port = fake_cluster.url.rpartition(":")[2]
    address = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": port}
    found = seen(network_mode="host", environment=address)
    assert f"127.0.0.1:{port}" in found["reachable"]
    with pytest.raises(PermanentError, match="no network"):
        check_seen(asked, found, kubernetes_settings)
    check_seen(asked, found | {"reachable": []}, replace(kubernetes_settings))
