"""The command as a process, a challenge.yaml without anything beside it, and models that do what a file says."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import textwrap
import uuid
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

EVALUATION_IMAGE = "airflow-synapse-challenge/evaluation:latest"
COMMAND = (sys.executable, "-m", "airflow_synapse_challenge.cli")
TRIALS = {"label": "airflow-synapse-challenge.trial"}
RESOURCES = {
    "memory": "256MiB",
    "cpus": 1,
    "timeout": "60s",
    "shm": "16MiB",
    "tmp": "16MiB",
    "output": "16MiB",
    "output_files": 20,
    "pids": 50,
}


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        """The one object on standard output."""
        found = json.loads(self.out)
        assert isinstance(found, dict)
        return found


def run(*arguments, cwd, env=None, text=None, python=()):
    """Run ``synapse-challenge`` to its end."""
    command = [sys.executable, *python, *COMMAND[1:], *map(str, arguments)]
    environment = {**os.environ, "COLUMNS": "200", **(env or {})}
    done = subprocess.run(
        command, cwd=cwd, env=environment, input=text, capture_output=True, text=True, check=False, timeout=180
    )
    return Done(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="session")
def docker_client():
    import docker

    client = docker.APIClient(base_url=os.environ["DOCKER_HOST"], version="auto")
    assert client.ping()
    return client


@pytest.fixture(scope="session")
def image(docker_client):
    """An image of a participant that runs what ``/input/model.py`` says, on Python's standard library."""
    tag = f"test-cli/model:{uuid.uuid4().hex[:12]}"
    recipe = f'FROM {EVALUATION_IMAGE}\nUSER 0\nENTRYPOINT ["python3", "-u", "/input/model.py"]\n'
    for step in docker_client.build(fileobj=io.BytesIO(recipe.encode()), tag=tag, rm=True, decode=True):
        assert "error" not in step, step
    yield tag
    docker_client.remove_image(tag, force=True)


@pytest.fixture
def loaded(docker_client):
    """Makes an image of a config and nothing else, as ``docker load`` takes it."""
    tags = []

    def loaded(*, architecture="amd64", layers=1, **config):
        tags.append(f"test-cli/made:{uuid.uuid4().hex[:12]}")
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            digests = [_add(tar, f"layer{index}.tar", _layer(index)) for index in range(layers)]
            rootfs = {"type": "layers", "diff_ids": [f"sha256:{digest}" for digest in digests]}
            document = {"os": "linux", "architecture": architecture, "rootfs": rootfs, "config": config}
            _add(tar, "config.json", json.dumps(document).encode())
            names = [f"layer{index}.tar" for index in range(layers)]
            manifest = [{"Config": "config.json", "RepoTags": [tags[-1]], "Layers": names}]
            _add(tar, "manifest.json", json.dumps(manifest).encode())
        list(docker_client.load_image(archive.getvalue()))
        return tags[-1]

    yield loaded
    for tag in tags:
        docker_client.remove_image(tag, force=True)


def _add(tar, name, content):
    import hashlib

    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))
    return hashlib.sha256(content).hexdigest()


def _layer(index):
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        content = f"{index} {uuid.uuid4().hex}".encode()
        member = tarfile.TarInfo(f"file{index}")
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    return layer.getvalue()


class Desk:
    """A participant's folder: a challenge.yaml, data, and the command."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.challenge = {
            "challenge": "ehr",
            "title": "Mortality Challenge",
            "compute": {"memory": "8GiB"},
            "queues": [
                {
                    "id": 9614001,
                    "name": "Mortality",
                    "kind": "docker_image",
                    "input_dir": "/nowhere/on/this/host",
                    "model": {"resources": dict(RESOURCES)},
                    "validate": {"script": "evaluation/validate.py"},
                    "score": {"script": "evaluation/score.py"},
                }
            ],
        }
        self.write()

    @property
    def queue(self):
        return self.challenge["queues"][0]

    def write(self):
        (self.folder / "challenge.yaml").write_text(yaml.safe_dump(self.challenge, sort_keys=False))

    def data(self, code, name="data"):
        """A folder whose model.py is what a model does there; everybody may read it, as an organiser's data."""
        folder = self.folder / name
        folder.mkdir()
        (folder / "model.py").write_text(textwrap.dedent(code))
        return folder

    def run(self, *arguments, **options):
        return run(*arguments, cwd=self.folder, **options)

    def attempt(self, image, code=None, *arguments, **options):
        """Try a model with ``--json`` and return its object, after what holds for every one of them."""
        inputs = ["--input", self.data(code)] if code is not None else []
        self.write()
        done = self.run("try", image, "--json", *inputs, *arguments, **options)
        assert done.code == {"ok": 0, "invalid": 1, "refused": 2}[done.json["verdict"]]
        assert (done.json["fault"] is None) == (done.json["reason"] == "") == (done.code == 0)
        return done.json


@pytest.fixture
def desk(tmp_path_factory):
    """Data on a path that the user of a container may walk."""
    folder = Path(os.path.realpath(tmp_path_factory.mktemp("desk")))
    for parent in (folder, *folder.parents[:2]):
        parent.chmod(0o755)
    yield Desk(folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(autouse=True)
def nothing_left(request):
    """No trial leaves a container or a volume, whatever became of it."""
    yield
    if "docker_client" in request.fixturenames:
        client = request.getfixturevalue("docker_client")
        assert client.containers(all=True, filters=TRIALS) == []
        assert not client.volumes(filters=TRIALS)["Volumes"]
