"""``synapse-challenge try repository@digest``: an image that the engine has to get first, from a private repository."""

from __future__ import annotations

import os
import re
import subprocess

import httpx
import pytest

from airflow_synapse_challenge.local_synapse.server import LocalSynapse

pytestmark = pytest.mark.docker

WRITE = 'open("/output/predictions.csv", "w").write("id,p\\n1,0.5\\n")\n'


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with LocalSynapse.start(tmp_path_factory.mktemp("synapse"), docker_registry=True) as server:
        yield server


@pytest.fixture(scope="module")
def logged_in(server, tmp_path_factory):
    """A participant's docker configuration with the stored login."""
    folder = tmp_path_factory.mktemp("docker")
    environment = {"DOCKER_CONFIG": str(folder)}
    somebody = server.create_user("modeller")
    _docker(environment, "login", "--username", "modeller", "--password-stdin", server.registry, text=somebody.token)
    project = httpx.post(
        f"{server.url}/repo/v1/entity",
        headers={"Authorization": f"Bearer {somebody.token}"},
        json={"name": "Models", "concreteType": "org.sagebionetworks.repo.model.Project"},
    ).json()["id"]
    return environment, f"{server.registry}/{project}/model"


@pytest.fixture
def pushed(logged_in, image, docker_client):
    """The digest name of a pushed image that the engine does not have any more."""
    environment, repository = logged_in
    _docker(environment, "tag", image, f"{repository}:v1")
    digest = re.search(r"digest: (sha256:[0-9a-f]{64})", _docker(environment, "push", f"{repository}:v1"))[1]
    name = f"{repository}@{digest}"
    docker_client.remove_image(f"{repository}:v1", force=True)
    assert not _has(docker_client, name)
    yield name
    if _has(docker_client, name):
        docker_client.remove_image(name, force=True)


def _docker(environment, *arguments, text=None):
    done = subprocess.run(
        ["docker", *arguments],
        env=os.environ | environment,
        input=text,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _has(docker_client, name):
    return any(name in (it["RepoDigests"] or []) for it in docker_client.images())


def test_an_image_is_pulled_with_the_stored_login(desk, logged_in, pushed, docker_client):
    """It stays, as after ``docker pull``, under no name of a run's."""
    desk.challenge["synapse"] = {"docker_registry": pushed.partition("/")[0]}
    found = desk.attempt(pushed, WRITE, env=logged_in[0])
    assert found["verdict"] == "ok"
    (kept,) = [it for it in docker_client.images() if pushed in (it["RepoDigests"] or [])]
    assert not [tag for tag in kept["RepoTags"] or [] if "submitted" in tag]


def test_without_a_login_a_private_image_is_refused(desk, pushed, docker_client, tmp_path):
    found = desk.attempt(pushed, env={"DOCKER_CONFIG": str(tmp_path)})
    assert (found["verdict"], found["fault"]) == ("refused", "no_image")
    assert "docker login" in found["reason"]
    assert not _has(docker_client, pushed)


def test_a_digest_that_is_gone(desk, logged_in, pushed):
    name = f"{pushed.partition('@')[0]}@sha256:{'0' * 64}"
    found = desk.attempt(name, env=logged_in[0])
    assert (found["verdict"], found["fault"]) == ("refused", "no_image")
    assert "is not there" in found["reason"]


def test_a_large_image_is_not_pulled(desk, logged_in, pushed, docker_client):
    desk.queue["model"]["image_limit"] = "1MiB"
    found = desk.attempt(pushed, env=logged_in[0])
    assert (found["verdict"], found["fault"]) == ("invalid", "image")
    assert not _has(docker_client, pushed)


def test_another_registry_than_the_challenges_is_told(desk, logged_in, pushed):
    data = desk.data(WRITE)
    done = desk.run("try", pushed, "--json", "--input", data, env=logged_in[0])
    assert done.json["verdict"] == "ok"
    assert "taken from docker.synapse.org only" in done.err


def test_a_registry_that_is_away(desk, docker_client):
    found = desk.attempt(f"127.0.0.1:9/nothing@sha256:{'0' * 64}")
    assert (found["verdict"], found["fault"]) == ("refused", "engine")
    assert "127.0.0.1:9" in found["reason"]
