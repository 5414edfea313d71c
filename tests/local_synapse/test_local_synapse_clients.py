"""The unmodified synapseclient against the local Synapse; rules by their ids."""

from __future__ import annotations

import os
from pathlib import Path

import httpx
import pytest

from airflow_synapse_challenge.local_synapse.server import LocalSynapse
from airflow_synapse_challenge.rehearsal.site import log_in


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with LocalSynapse.start(tmp_path_factory.mktemp("synapse")) as server:
        yield server


@pytest.fixture(autouse=True)
def no_faults(server):
    yield
    server.clear_faults()
    server.set_clock(offset_seconds=0)


@pytest.fixture(scope="module")
def organiser(server, tmp_path_factory):
    return log_in(server, "challenge-service", tmp_path_factory.mktemp("organiser"))


@pytest.fixture
def user(server, tmp_path, request):
    """A new participant: name, principal id, client."""
    name = f"user-{abs(hash(request.node.nodeid)) % 10**8}"
    made = server.create_user(name)
    return name, made.principal_id, log_in(server, name, tmp_path / "cache")


@pytest.fixture
def project(organiser, request):
    from synapseclient.models import Project

    name = f"Project {abs(hash(request.node.nodeid)) % 10**8}"
    return Project(name=name).store(synapse_client=organiser)


@pytest.fixture
def queue(organiser, project, user):
    """An evaluation that the user may submit to."""
    from synapseclient.models import Evaluation

    evaluation = Evaluation(
        name=f"Queue of {project.name}",
        description="A queue",
        content_source=project.id,
        submission_instructions_message="Submit.",
        submission_receipt_message="Thanks.",
    ).store(synapse_client=organiser)
    evaluation.update_acl(principal_id=user[1], access_type=["READ", "SUBMIT"], synapse_client=organiser)
    return str(evaluation.id)


@pytest.fixture
def submit(user, tmp_path):
    """Submit a file of the user's own."""
    from synapseclient.models import File, Project

    name, _, synapse = user
    home = Project(name=f"Home of {name}").store(synapse_client=synapse)

    def submit(queue, content="id,probability\n1,0.5\n", **arguments):
        path = tmp_path / "predictions.csv"
        path.write_text(content)
        file = File(path=str(path), parent_id=home.id).store(synapse_client=synapse)
        return synapse.submit(queue, synapse.get(file.id, downloadFile=False), silent=True, **arguments)

    return submit


def test_login_tells_who_it_is(server, user):
    name, principal, synapse = user
    assert synapse.credentials.owner_id == str(principal)
    assert synapse.getUserProfile()["userName"] == name


def test_a_token_that_nobody_has(server, tmp_path):
    import synapseclient

    anonymous = httpx.get(
        f"{server.endpoints['repo']}/userProfile", headers={"Authorization": "Bearer nobody"}, timeout=10
    )
    assert anonymous.status_code == 401
    assert synapseclient.__version__.startswith("4.14")


def test_a_file_of_several_parts_comes_back_whole(organiser, project, tmp_path):
    from synapseclient.models import File

    content = bytes(range(256)) * 4096 * 13  # 13 MiB: three parts
    (tmp_path / "large.bin").write_bytes(content)
    stored = File(path=str(tmp_path / "large.bin"), parent_id=project.id).store(synapse_client=organiser)
    found = File(id=stored.id, path=str(tmp_path / "down")).get(synapse_client=organiser)
    assert Path(found.path).read_bytes() == content
    assert found.file_handle.content_size == len(content)


def test_the_same_content_makes_no_new_version(organiser, project, tmp_path):
    from synapseclient.models import File

    path = tmp_path / "a.txt"
    path.write_text("first")
    versions = []
    for minute, content in enumerate(("first", "first", "second")):
        path.write_text(content)
        os.utime(path, (1_800_000_000 + 60 * minute,) * 2)  # synapseclient looks at it
        versions.append(File(path=str(path), parent_id=project.id).store(synapse_client=organiser).version_number)
    assert versions == [1, 1, 2]


def test_annotations_keep_their_types(organiser, project):
    from synapseclient.models import Folder

    values = {"text": ["a", "b"], "number": [1], "fraction": [0.5], "truth": [True]}
    made = Folder(name="Annotated", parent_id=project.id, annotations=values).store(synapse_client=organiser)
    assert dict(Folder(id=made.id).get(synapse_client=organiser).annotations) == values


def test_a_private_project_is_private(project, user):
    from synapseclient.core.exceptions import SynapseHTTPError
    from synapseclient.models import Project

    with pytest.raises(SynapseHTTPError, match="403"):
        Project(id=project.id).get(synapse_client=user[2])


def test_a_second_child_of_the_same_name_is_refused(organiser, project):
    """E-12: names are unique below a parent."""
    from synapseclient.core.exceptions import SynapseHTTPError

    body = f'{{"concreteType": "org.sagebionetworks.repo.model.Folder", "name": "Twice", "parentId": "{project.id}"}}'
    organiser.restPOST("/entity", body)
    with pytest.raises(SynapseHTTPError, match="409"):
        organiser.restPOST("/entity", body)


def test_a_submission_and_its_status(organiser, queue, submit):
    """S-01, U-01: a new submission is RECEIVED."""
    submission = submit(queue, name="Mine")
    status = organiser.restGET(f"/evaluation/submission/{submission['id']}/status")
    assert status["status"] == "RECEIVED"
    found = organiser.getSubmission(submission["id"])
    assert Path(found.filePath).read_text() == "id,probability\n1,0.5\n"


def test_only_organisers_read_submissions(queue, submit, user):
    """L-01: READ_PRIVATE_SUBMISSION is needed."""
    from synapseclient.core.exceptions import SynapseHTTPError

    submission = submit(queue)
    with pytest.raises(SynapseHTTPError, match="403"):
        user[2].restGET(f"/evaluation/submission/{submission['id']}")


def test_a_stale_etag_is_refused(organiser, queue, submit):
    """U-02: 412, and nothing is written."""
    from synapseclient.core.exceptions import SynapseHTTPError
    from synapseclient.models import SubmissionStatus

    submission = submit(queue)
    first = SubmissionStatus(id=submission["id"]).get(synapse_client=organiser)
    second = SubmissionStatus(id=submission["id"]).get(synapse_client=organiser)
    first.status = "ACCEPTED"
    first.store(synapse_client=organiser)
    second.status = "INVALID"
    with pytest.raises(SynapseHTTPError, match="412"):
        second.store(synapse_client=organiser)
    assert organiser.restGET(f"/evaluation/submission/{submission['id']}/status")["status"] == "ACCEPTED"


def test_a_put_replaces_the_whole_status(organiser, queue, submit):
    """U-05: annotations that are left out are gone."""
    import json

    submission = submit(queue)
    path = f"/evaluation/submission/{submission['id']}/status"
    status = organiser.restGET(path)
    status["submissionAnnotations"] = {
        "id": status["id"],
        "etag": status["etag"],
        "annotations": {"auc": {"type": "DOUBLE", "value": ["0.5"]}},
    }
    status = organiser.restPUT(path, json.dumps(status))
    assert status["submissionAnnotations"]["annotations"]["auc"]["value"] == ["0.5"]
    del status["submissionAnnotations"]
    status = organiser.restPUT(path, json.dumps(status))
    assert not status.get("submissionAnnotations", {}).get("annotations")


def test_private_annotations_are_hidden_from_others(server, organiser, queue, submit, user):
    """U-08: the older store's private entries need READ_PRIVATE_SUBMISSION."""
    import json

    submission = submit(queue)
    path = f"/evaluation/submission/{submission['id']}/status"
    status = organiser.restGET(path)
    status["annotations"] = {
        "stringAnnos": [
            {"key": "open", "value": "yes", "isPrivate": False},
            {"key": "closed", "value": "no", "isPrivate": True},
        ]
    }
    organiser.restPUT(path, json.dumps(status))
    seen = user[2].restGET(path)
    assert [entry["key"] for entry in seen["annotations"]["stringAnnos"]] == ["open"]


def test_a_daily_limit_and_the_slot_that_an_invalid_submission_frees(server, organiser, queue, submit):
    """T-02, T-03: INVALID gives the slot back; the next day begins at 00:00 UTC."""
    import json

    from synapseclient.core.exceptions import SynapseHTTPError

    server.set_clock(now="2026-12-31T12:00:00+00:00")
    organiser.restPOST(
        f"/evaluation/{queue}/round",
        json.dumps(
            {
                "evaluationId": queue,
                "roundStart": "2027-01-01T00:00:00.000Z",
                "roundEnd": "2027-02-01T00:00:00.000Z",
                "limits": [{"limitType": "DAILY", "maximumSubmissions": 1}],
            }
        ),
    )
    server.set_clock(now="2027-01-10T12:00:00+00:00")
    first = submit(queue)
    with pytest.raises(SynapseHTTPError, match="daily limit"):
        submit(queue)
    path = f"/evaluation/submission/{first['id']}/status"
    organiser.restPUT(path, json.dumps(organiser.restGET(path) | {"status": "INVALID"}))
    submit(queue)
    with pytest.raises(SynapseHTTPError, match="daily limit"):
        submit(queue)
    server.set_clock(now="2027-01-11T00:00:01+00:00")
    submit(queue)
    server.set_clock(now="2027-02-02T00:00:00+00:00")
    with pytest.raises(SynapseHTTPError, match="outside of the time range"):
        submit(queue)


def test_a_team_submits(server, organiser, queue, submit, user):
    """T-05: with the eligibility hash that synapseclient asks for; contributors are the members."""
    from synapseclient.models import Team

    team = Team(name=f"Team of {user[0]}", can_public_join=True).create(synapse_client=user[2])
    submission = submit(queue, team=team.name)
    found = organiser.restGET(f"/evaluation/submission/{submission['id']}")
    assert found["teamId"] == str(team.id)
    assert [entry["principalId"] for entry in found["contributors"]] == [str(user[1])]


def test_messages_reach_users_and_teams_that_let_the_sender_write(server, organiser, user):
    """X-01, X-02: a message to a team goes to its members only with SEND_MESSAGE; otherwise it is swallowed."""
    from synapseclient.models import Team

    name, principal, synapse = user
    team = Team(name=f"Readers of {name}", can_public_join=True).create(synapse_client=synapse)
    before = len(server.mailbox(principal))
    organiser.sendMessage([principal], "To you", "Hello")
    organiser.sendMessage([team.id], "To the team", "Hello")
    synapse.sendMessage([team.id], "From inside", "Hello")
    assert [mail["subject"] for mail in server.mailbox(principal)[before:]] == ["To you", "From inside"]


def test_nothing_is_lost_when_it_is_killed(server, organiser, project):
    from synapseclient.models import Project

    server.kill()
    server.restart()
    assert Project(id=project.id).get(synapse_client=organiser).name == project.name


def test_ordered_faults_hit_the_chosen_operation(server, organiser, project):
    url, headers = (
        f"{server.endpoints['repo']}/entity/{project.id}",
        {"Authorization": f"Bearer {server.token('challenge-service')}"},
    )
    server.fault(operation="GET /repo/v1/entity/{id}", status=503, count=2, retry_after=1)
    answers = [httpx.get(url, headers=headers, timeout=10) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [503, 503, 200]
    assert answers[0].headers["Retry-After"] == "1"
    server.fault(operation="GET /repo/v1/entity/{id}", drop=True, count=1)
    with pytest.raises(httpx.HTTPError):
        httpx.get(url, headers=headers, timeout=10)


def test_what_it_does_not_have_is_501_by_name(server):
    answer = httpx.get(
        f"{server.endpoints['repo']}/verificationSubmission",
        headers={"Authorization": f"Bearer {server.token('participant')}"},
        timeout=10,
    )
    assert answer.status_code == 501
    assert "GET /repo/v1/verificationSubmission" in answer.json()["reason"]


def test_pages_for_people(server, organiser, project, queue, submit):
    submission = submit(queue)
    home = httpx.get(server.url, timeout=10)
    assert home.status_code == 200
    assert project.name in home.text
    assert submission["id"] in httpx.get(f"{server.url}/queue/{queue}", timeout=10).text
    assert project.name in httpx.get(f"{server.url}/Synapse:{project.id}", timeout=10).text
