"""A real Docker engine against the registry beside the local Synapse: login, push, submit, pull."""

from __future__ import annotations

import hashlib
import json
import os
import re
import socket
import subprocess
import sys
import uuid

import httpx
import pytest
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from airflow_synapse_challenge.local_synapse.server import LocalSynapse

pytestmark = pytest.mark.docker
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
EVENTS = "POST /dockerRegistryListener/v1/events"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with LocalSynapse.start(tmp_path_factory.mktemp("synapse"), docker_registry=True) as server:
        yield server


@pytest.fixture
def organiser(person):
    return person(first_name="Orga", last_name="Niser")


def eventually(check):
    """The answer of a check, once it passes: the registry tells of a push a moment after it has answered."""
    patience = {"stop": stop_after_delay(20), "wait": wait_fixed(0.05)}
    return Retrying(**patience, retry=retry_if_exception_type(AssertionError), reraise=True)(check)


class Docker:
    """The ``docker`` command of one person: its own credentials, the common engine."""

    def __init__(self, somebody, folder, label):
        self.somebody, self.folder, self.label = somebody, folder, label
        self.registry = somebody.server.registry
        folder.mkdir(parents=True)
        self.environment = os.environ | {"DOCKER_CONFIG": str(folder), "DOCKER_BUILDKIT": "0"}
        assert self.environment["DOCKER_HOST"]

    def run(self, *arguments, text=None):
        command = ["docker", *arguments]
        return subprocess.run(
            command, env=self.environment, input=text, check=False, capture_output=True, text=True, timeout=120
        )

    def ok(self, *arguments, text=None):
        done = self.run(*arguments, text=text)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def refused(self, *arguments, text=None):
        done = self.run(*arguments, text=text)
        assert done.returncode != 0, done.stdout
        return done.stderr

    def login(self):
        self.ok("login", "--username", self.somebody.name, "--password-stdin", self.registry, text=self.somebody.token)
        return self

    def build(self, path, tag="latest"):
        """An image that nobody has built before, under the registry's name for it."""
        content = self.folder / "context"
        content.mkdir(exist_ok=True)
        (content / "marker").write_text(uuid.uuid4().hex)
        (content / "Dockerfile").write_text('FROM scratch\nCOPY marker /marker\nCMD ["/marker"]\n')
        name = f"{self.registry}/{path}:{tag}"
        self.ok("build", "--quiet", "--network", "none", "--label", self.label, "--tag", name, str(content))
        return name

    def push(self, path, tag="latest"):
        """Push a new image; returns its digest, as the registry told it."""
        said = self.ok("push", self.build(path, tag))
        return re.search(r"digest: (sha256:[0-9a-f]{64})", said)[1]

    def pull(self, image):
        """Pull an image; whoever may not has to try first, as the engine keeps what it has pulled by digest."""
        self.run("image", "rm", "--force", image)
        return self.run("pull", image)


@pytest.fixture
def docker(tmp_path):
    """Makes the ``docker`` command of a person; its images go when the test ends."""
    commands = []
    label = f"airflow-synapse-challenge.test={uuid.uuid4().hex}"

    def docker(somebody):
        commands.append(Docker(somebody, tmp_path / f"docker-{somebody.name}-{len(commands)}", label))
        return commands[-1]

    yield docker
    for command in commands[:1]:
        left = command.ok("image", "ls", "--quiet", "--no-trunc", "--filter", f"label={label}").split()
        if left:
            command.ok("image", "rm", "--force", *set(left))


def repository_of(somebody, path):
    """The synID of a managed repository, once the registry has told of it."""

    def found():
        answer = somebody("GET", "/entity/dockerRepo/id", repositoryName=f"{somebody.server.registry}/{path}")
        assert answer.status_code == 200, answer.text
        return answer.json()["id"]

    return eventually(found)


def tags_of(somebody, entity, *expected):
    """The digests of a repository's tags, once the expected tags are there."""

    def found():
        page = somebody.ok("GET", f"/entity/{entity}/dockerTag")["results"]
        tags = {row["tag"]: row["digest"] for row in page}
        assert set(tags.items()) >= set(expected)
        return tags

    return eventually(found)


@pytest.mark.rule("D-02", "D-06", "S-05")
def test_from_login_to_the_organisers_pull(organiser, submitter, person, docker, wish):
    path = f"{submitter.home}/model"
    digest = docker(submitter).login().push(path, "v1")
    entity = repository_of(submitter, path)
    assert tags_of(submitter, entity, ("v1", digest)) == {"v1": digest}
    shown = submitter.ok("GET", f"/entity/{entity}")
    assert (shown["isManaged"], shown["createdBy"]) == (True, str(submitter.id))
    image = f"{shown['repositoryName']}@{digest}"
    assert "denied" in docker(organiser).login().pull(image).stderr

    body, query = wish(submitter, entity, dockerDigest=f"sha256:{'0' * 64}")
    assert submitter.refused("POST", "/evaluation/submission", body, **query)[0] == 400
    submission = submitter.ok("POST", "/evaluation/submission", body | {"dockerDigest": digest}, **query)
    image = f"{submission['dockerRepositoryName']}@{submission['dockerDigest']}"

    assert "denied" in docker(person()).login().pull(image).stderr
    assert "denied" in docker(person()).pull(image).stderr  # not logged in
    pulled = docker(organiser).login()
    assert f"Digest: {digest}" in pulled.pull(image).stdout
    assert json.loads(pulled.ok("image", "inspect", image))[0]["Config"]["Cmd"] == ["/marker"]


@pytest.mark.rule("D-06")
def test_a_push_into_somebody_elses_project_is_refused(organiser, project, person, docker):
    intruder = docker(person()).login()
    assert "denied" in intruder.refused("push", intruder.build(f"{project}/model"))
    body = {"parentId": project, "includeTypes": ["dockerrepo"]}
    assert organiser.ok("POST", "/entity/children", body)["page"] == []


@pytest.mark.rule("D-06")
def test_sharing_a_project_shares_its_images(organiser, project, person, docker, share):
    image = f"{organiser.server.registry}/{project}/model:latest"
    docker(organiser).login().push(f"{project}/model")
    repository_of(organiser, f"{project}/model")
    friend = person()
    command = docker(friend).login()
    assert command.pull(image).returncode != 0
    share(organiser, f"/entity/{project}", friend.id, "READ", "DOWNLOAD")
    assert command.pull(image).returncode == 0
    assert "denied" in command.refused("push", command.build(f"{project}/model"))


def test_a_login_with_a_token_that_nobody_has(person, docker):
    somebody = person()
    somebody.token = "guessed"
    command = docker(somebody)
    arguments = ("login", "--username", somebody.name, "--password-stdin", command.registry)
    assert "unauthorized" in command.refused(*arguments, text=somebody.token).lower()


@pytest.mark.rule("S-05", "D-05")
def test_a_tag_that_moves_on_keeps_the_old_digest(organiser, submitter, docker, wish):
    path = f"{submitter.home}/model"
    command = docker(submitter).login()
    old, new = command.push(path), command.push(path)
    entity = repository_of(submitter, path)
    assert tags_of(submitter, entity, ("latest", new)) == {"latest": new}
    body, query = wish(submitter, entity, dockerDigest=old)
    submission = submitter.ok("POST", "/evaluation/submission", body, **query)
    image = f"{submission['dockerRepositoryName']}@{old}"
    assert f"Digest: {old}" in docker(organiser).login().pull(image).stdout


@pytest.mark.rule("D-04", "S-04")
def test_a_push_between_reading_and_submitting(submitter, docker, wish):
    path = f"{submitter.home}/model"
    command = docker(submitter).login()
    first = command.push(path)
    body, query = wish(submitter, repository_of(submitter, path), dockerDigest=first)
    second = command.push(path)
    tags_of(submitter, body["entityId"], ("latest", second))
    status, reason = submitter.refused("POST", "/evaluation/submission", body, **query)
    assert (status, "eTag is out of date" in reason) == (400, True)


@pytest.mark.rule("D-02", "P-08")
def test_docker_py_pushes_and_synapseclient_submits(organiser, submitter, person, queue, docker):
    import docker as docker_py

    path = f"{submitter.home}/model"
    engine = docker_py.DockerClient(base_url=os.environ["DOCKER_HOST"])
    registry = submitter.server.registry
    name = f"{registry}/{path}"
    docker(submitter).build(path, "v7")
    credentials = {"username": submitter.name, "password": submitter.token}
    assert engine.login(**credentials, registry=registry)["Status"] == "Login Succeeded"
    said = list(engine.images.push(name, tag="v7", auth_config=credentials, stream=True, decode=True))
    assert not [line for line in said if "error" in line]
    digest = next(line["aux"]["Digest"] for line in said if "aux" in line)
    entity = repository_of(submitter, path)
    tags_of(submitter, entity, ("v7", digest))

    submission = submitter.synapse.submit(queue, submitter.synapse.get(entity), dockerTag="v7")
    assert submission["dockerDigest"] == digest
    engine.images.remove(f"{name}:v7", force=True)
    image = f"{submission['dockerRepositoryName']}@{digest}"
    stranger = {"username": person().name, "password": person().token}
    with pytest.raises(docker_py.errors.APIError, match="denied"):
        engine.images.pull(image, auth_config=stranger)
    organiser_credentials = {"username": organiser.name, "password": organiser.token}
    pulled = engine.images.pull(image, auth_config=organiser_credentials)
    assert pulled.attrs["RepoDigests"] == [image]
    engine.images.remove(image, force=True)


class RegistryFace:
    """The registry's own HTTP face, with tokens fetched as its challenges say."""

    def __init__(self, somebody):
        self.auth = (somebody.name, somebody.token)
        self.http = httpx.Client(base_url=f"http://{somebody.server.registry}/v2", timeout=30)

    def __call__(self, method, path, **more):
        answer = self.http.request(method, path, **more)
        if answer.status_code != 401:
            return answer
        kind, _, challenge = answer.headers["Www-Authenticate"].partition(" ")
        assert kind == "Bearer"
        wanted = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
        token = httpx.get(wanted.pop("realm"), params=wanted, auth=self.auth, timeout=30).json()["token"]
        headers = more.pop("headers", {}) | {"Authorization": f"Bearer {token}"}
        return self.http.request(method, path, headers=headers, **more)

    def blob(self, name, content):
        started = self("POST", f"/{name}/blobs/uploads/")
        assert started.status_code == 202, started.text
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        target = httpx.URL(started.headers["Location"]).copy_merge_params({"digest": digest})
        assert self("PUT", str(target), content=content).status_code == 201
        return digest

    def manifest(self, name, tag, media_type):
        """Push an image of one small layer; returns the digest of its manifest."""
        parts = {}
        for part, content in (("config", b"{}"), ("layer", uuid.uuid4().bytes)):
            digest = self.blob(name, content)
            parts[part] = {"mediaType": "application/octet-stream", "size": len(content), "digest": digest}
        wanted = {"schemaVersion": 2, "mediaType": media_type, "config": parts["config"], "layers": [parts["layer"]]}
        put = self("PUT", f"/{name}/manifests/{tag}", json=wanted, headers={"Content-Type": media_type})
        assert put.status_code == 201, put.text
        return put.headers["Docker-Content-Digest"]


@pytest.mark.rule("P-16", "D-06")
def test_a_manifest_by_its_digest_as_challengeutils_asks_for_it(organiser, submitter, person, docker, submit):
    """Ask, read the challenge, fetch ``token`` from its realm by Basic authentication, ask again."""
    path = f"{submitter.home}/model"
    digest = docker(submitter).login().push(path)
    submit(submitter, repository_of(submitter, path), dockerDigest=digest)
    address = f"/{path}/manifests/{digest}"
    challenge = RegistryFace(organiser).http.get(address)
    assert challenge.status_code == 401
    assert challenge.headers["Www-Authenticate"] == (
        f'Bearer realm="{organiser.server.url}/docker/v1/bearerToken",service="{organiser.server.registry}",'
        f'scope="repository:{path}:pull"'
    )
    manifest = RegistryFace(organiser)("GET", address, headers={"Accept": MANIFEST})
    assert manifest.status_code == 200
    assert sum(layer["size"] for layer in manifest.json()["layers"]) > 0
    assert RegistryFace(person())("GET", address).status_code == 401


@pytest.mark.rule("D-02")
def test_manifests_of_other_types_are_kept_but_become_no_commits(organiser, project):
    registry = RegistryFace(organiser)
    oci = registry.manifest(f"{project}/model", "oci", OCI_MANIFEST)
    docker = registry.manifest(f"{project}/model", "docker", MANIFEST)
    entity = repository_of(organiser, f"{project}/model")
    assert tags_of(organiser, entity, ("docker", docker)) == {"docker": docker}
    kept = registry("GET", f"/{project}/model/manifests/{oci}", headers={"Accept": OCI_MANIFEST})
    assert kept.headers["Docker-Content-Digest"] == oci


def test_a_mount_from_another_repository_asks_for_both(organiser, project, submitter, share):
    """A layer that lies in one repository is taken over into another; both permissions are looked at."""
    registry = RegistryFace(organiser)
    digest = registry.blob(f"{project}/one", b"the same layer")
    registry.manifest(f"{project}/one", "latest", MANIFEST)
    repository_of(organiser, f"{project}/one")
    mount = {"mount": digest, "from": f"{project}/one"}
    assert registry("POST", f"/{project}/two/blobs/uploads/", params=mount).status_code == 201
    stranger = RegistryFace(submitter)
    assert stranger("POST", f"/{submitter.home}/two/blobs/uploads/", params=mount).status_code != 201


# --- processes ------------------------------------------------------------------------------------------------------


def answers(registry):
    try:
        return httpx.get(f"http://{registry}/v2/", timeout=5).status_code == 401
    except httpx.TransportError:
        return False


def gone(registry):
    host, _, port = registry.partition(":")
    with socket.socket() as probe:
        assert probe.connect_ex((host, int(port))) != 0


@pytest.fixture
def own_server(tmp_path):
    with LocalSynapse.start(tmp_path / "own", docker_registry=True) as server:
        yield server


@pytest.fixture
def pusher(own_server, tmp_path):
    """The participant of a server that the test may stop, with a project of their own."""
    from .conftest import PROJECT, Person

    profile = httpx.get(
        f"{own_server.url}/repo/v1/userProfile",
        headers={"Authorization": f"Bearer {own_server.token('participant')}"},
        timeout=10,
    ).json()
    somebody = Person(
        own_server, "participant", int(profile["ownerId"]), own_server.token("participant"), tmp_path / "cache"
    )
    somebody.home = somebody.ok("POST", "/entity", {"concreteType": PROJECT, "name": "Home"})["id"]
    return somebody


@pytest.mark.parametrize("end", [LocalSynapse.stop, LocalSynapse.kill], ids=["stopped", "killed"])
def test_images_and_names_survive_a_restart(own_server, pusher, docker, end):
    command = docker(pusher).login()
    digest = command.push(f"{pusher.home}/model")
    entity = repository_of(pusher, f"{pusher.home}/model")
    registry = own_server.registry
    assert answers(registry)
    end(own_server)
    eventually(lambda: gone(registry))
    own_server.restart()
    assert own_server.registry == registry
    assert tags_of(pusher, entity, ("latest", digest)) == {"latest": digest}
    assert f"Digest: {digest}" in command.pull(f"{registry}/{pusher.home}/model@{digest}").stdout
    again = command.push(f"{pusher.home}/model")
    tags_of(pusher, entity, ("latest", again))


def test_a_restart_without_registry_keeps_the_names(own_server, pusher, docker):
    docker(pusher).login().push(f"{pusher.home}/model")
    entity = repository_of(pusher, f"{pusher.home}/model")
    registry = own_server.registry
    own_server.stop()
    own_server.docker_registry = False
    own_server.restart()
    assert not answers(registry)
    assert pusher.ok("GET", f"/entity/{entity}")["repositoryName"] == f"{registry}/{pusher.home}/model"
    assert repository_of(pusher, f"{pusher.home}/model") == entity


def test_a_push_of_which_synapse_does_not_hear_at_once(own_server, pusher, docker):
    """The registry tells again."""
    own_server.fault(operation=EVENTS, status=503, count=2)
    digest = docker(pusher).login().push(f"{pusher.home}/model")
    tags_of(pusher, repository_of(pusher, f"{pusher.home}/model"), ("latest", digest))


def test_a_push_of_which_synapse_never_heard(own_server, pusher, docker):
    """Both are killed after the registry has answered: what it acknowledged is there after the next start."""
    command, path = docker(pusher).login(), f"{pusher.home}/model"
    own_server.fault(operation=EVENTS, status=503)
    first, second = command.push(path, "v1"), command.push(path, "v2")
    name = f"{own_server.registry}/{path}"
    assert pusher.refused("GET", "/entity/dockerRepo/id", repositoryName=name)[0] == 404
    own_server.kill()
    own_server.restart()
    entity = pusher.ok("GET", "/entity/dockerRepo/id", repositoryName=name)["id"]
    assert pusher.ok("GET", f"/entity/{entity}")["createdBy"] == str(pusher.id)
    commits = pusher.ok("GET", f"/entity/{entity}/dockerTag")["results"]
    assert [(row["tag"], row["digest"]) for row in commits] == [("v2", second), ("v1", first)]
    own_server.kill()
    own_server.restart()
    assert pusher.ok("GET", f"/entity/{entity}/dockerTag")["results"] == commits


def test_a_tag_that_went_back_unheard(own_server, pusher, docker):
    command, path = docker(pusher).login(), f"{pusher.home}/model"
    first, second = command.push(path, "old"), command.push(path)
    entity = repository_of(pusher, path)
    command.ok("tag", f"{command.registry}/{path}:old", f"{command.registry}/{path}:latest")
    tags_of(pusher, entity, ("old", first), ("latest", second))
    own_server.fault(operation=EVENTS, status=503)
    command.ok("push", f"{command.registry}/{path}:latest")
    own_server.kill()
    own_server.restart()
    assert tags_of(pusher, entity, ("latest", first)) == {"old": first, "latest": first}


def start(data, *options):
    """The command itself, as far as it tells how it cannot start."""
    command = [sys.executable, "-m", "airflow_synapse_challenge.local_synapse", "--port", "0", "--data", str(data)]
    return subprocess.run([*command, *options], check=False, capture_output=True, text=True, timeout=60)


def test_a_port_that_somebody_else_has(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = start(tmp_path / "data", "--docker-registry", "--registry-port", port)
    assert done.returncode == 1
    assert f"Port {port} of 127.0.0.1 is taken" in done.stderr
    assert "--registry-port" in done.stderr


def test_a_registry_with_images_does_not_move(own_server, pusher, docker):
    docker(pusher).login().push(f"{pusher.home}/model")
    repository_of(pusher, f"{pusher.home}/model")
    own_server.stop()
    done = start(own_server.data, "--docker-registry", "--registry-port", "20000")
    assert done.returncode == 1
    assert "cannot move to 20000" in done.stderr
    own_server.restart()
