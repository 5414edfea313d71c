"""An image from a participant's `docker push` to an organiser's `docker pull`, with nothing but unmodified clients."""

from __future__ import annotations

import os
import re
import uuid

import pytest
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from .accounts import Account

pytestmark = pytest.mark.docker


@pytest.fixture
def people(start_server, succeeded, tmp_path_factory):
    """An organiser and a participant of a local Synapse that has a registry."""
    with start_server(docker_registry=True) as server:
        yield [
            Account(server, name, tmp_path_factory.mktemp(name), succeeded)
            for name in ("challenge-service", "participant")
        ]


@pytest.fixture
def docker(people):
    """Runs `docker` with the credentials of somebody's home; the images of this test go when it ends."""
    label = f"airflow-synapse-challenge.test={uuid.uuid4().hex}"

    def docker(somebody, *arguments, **options):
        environment = {"DOCKER_HOST": os.environ["DOCKER_HOST"], "DOCKER_BUILDKIT": "0"}
        return somebody.run(["docker", *arguments], environment=environment, **options)

    docker.label = label
    yield docker
    for image in set(docker(people[0], "image", "ls", "--quiet", "--no-trunc", "--filter", f"label={label}").split()):
        docker(people[0], "image", "rm", "--force", image)


def repository(somebody, name, tag):
    """The synID of a repository, once the registry has told of a tag that was pushed."""

    def found():
        answer = somebody.ask("GET", "/entity/dockerRepo/id", repositoryName=name)
        assert answer.status_code == 200, answer.text
        tags = somebody.rest("GET", f"/entity/{answer.json()['id']}/dockerTag")["results"]
        assert tag in {one["tag"] for one in tags}
        return answer.json()["id"]

    patience = {"stop": stop_after_delay(20), "wait": wait_fixed(0.05)}
    return Retrying(**patience, retry=retry_if_exception_type(AssertionError), reraise=True)(found)


def test_an_image_is_pushed_submitted_looked_at_and_pulled(people, docker):
    organiser, participant = people
    registry = participant.server.registry
    site, home = organiser.create("Project", "Site"), participant.create("Project", "Home")
    queue = organiser.rest("POST", "/evaluation", {"name": "Models", "contentSource": site})["id"]
    organiser.share(f"/evaluation/{queue}", participant.id, "READ", "SUBMIT")
    participant.share(f"/entity/{home}", organiser.id, "READ", "DOWNLOAD")

    # The command line submits the image that is tagged `latest`.
    path, pushed = f"{home}/model", f"{registry}/{home}/model:latest"
    participant.write("image/marker", uuid.uuid4().hex)
    participant.write("image/Dockerfile", "FROM scratch\nCOPY marker /marker\n")
    docker(participant, "build", "--network", "none", "--label", docker.label, "--tag", pushed, "image")
    login = ("login", "--password-stdin", registry, "--username")
    docker(participant, *login, participant.name, typed=participant.token)
    digest = re.search(r"digest: (sha256:\w{64})", docker(participant, "push", pushed))[1]
    entity = repository(participant, f"{registry}/{path}", "latest")
    said = participant.synapse("submit", "--evaluationID", queue, "--entity", entity)
    submission = re.search(r"Submitted \(id: (\d+)\)", said)[1]
    assert organiser.rest("GET", f"/evaluation/submission/{submission}")["dockerDigest"] == digest

    verdicts = organiser.program(
        "validate_docker",
        client="challengeutils",
        digests=[digest, f"sha256:{'0' * 64}"],
        registry={"docker_repo": path, "index_endpoint": f"http://{registry}"},
        credentials={"username": organiser.name, "password": organiser.token},
    )
    assert verdicts == [True, "Docker image and sha digest must exist."]
    said = organiser.cnb_tools("submission", "download", submission)
    image = re.search(r"^docker pull (\S+)$", said, re.MULTILINE)[1]
    assert image == f"{registry}/{path}@{digest}"
    docker(organiser, "image", "rm", "--force", pushed)
    docker(organiser, *login, organiser.name, typed=organiser.token)
    docker(organiser, "pull", image)
    assert digest in docker(organiser, "image", "inspect", "--format", "{{.RepoDigests}}", image)
