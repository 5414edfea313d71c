"""The typed API against a running local Synapse: races, lost answers, outages."""

from __future__ import annotations

import threading

import httpx
import pytest

from airflow_synapse_challenge.challenge.config import Queue
from airflow_synapse_challenge.errors import ConfigurationError, TransientError
from airflow_synapse_challenge.local_synapse.server import LocalSynapse
from airflow_synapse_challenge.rehearsal.site import SERVICE, log_in
from airflow_synapse_challenge.steps.claim import claim as take
from airflow_synapse_challenge.steps.leaks import change_ledger, read_ledger
from airflow_synapse_challenge.synapse import (
    acls,
    annotation_stores,
    entities,
    folders,
    messages,
    profiles,
    statuses,
    submissions,
)
from airflow_synapse_challenge.synapse.client import Endpoints, SynapseClient
from airflow_synapse_challenge.synapse.errors import Forbidden, NotFound, SynapseUnavailable
from airflow_synapse_challenge.synapse.files import FileTransfer
from airflow_synapse_challenge.synapse.retry import RetryPolicy

PUT_STATUS = "PUT /repo/v1/evaluation/submission/{id}/status"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with LocalSynapse.start(tmp_path_factory.mktemp("synapse")) as server:
        yield server


@pytest.fixture(autouse=True)
def no_faults(server):
    yield
    server.clear_faults()


@pytest.fixture(scope="module")
def organiser(server, tmp_path_factory):
    return log_in(server, SERVICE, tmp_path_factory.mktemp("organiser"))


@pytest.fixture(scope="module")
def client(server):
    with SynapseClient(server.token(SERVICE), Endpoints.at(server.url)) as client:
        yield client


@pytest.fixture(scope="module")
def project(organiser):
    from synapseclient.models import Project

    return Project(name="API").store(synapse_client=organiser).id


@pytest.fixture(scope="module")
def queue(organiser, project):
    from synapseclient.models import Evaluation

    made = Evaluation(
        name="API",
        description="A queue",
        content_source=project,
        submission_instructions_message="Submit.",
        submission_receipt_message="Thanks.",
    ).store(synapse_client=organiser)
    return str(made.id)


@pytest.fixture(scope="module")
def file(organiser, project, tmp_path_factory):
    from synapseclient.models import File

    path = tmp_path_factory.mktemp("file") / "predictions.csv"
    path.write_text("id,probability\n1,0.5\n")
    return organiser.get(File(path=str(path), parent_id=project).store(synapse_client=organiser).id, downloadFile=False)


@pytest.fixture
def submission(organiser, queue, file):
    return str(organiser.submit(queue, file, silent=True)["id"])


@pytest.fixture
def transfer(server, tmp_path):
    return FileTransfer(server.token(SERVICE), Endpoints.at(server.url), tmp_path / "transfer")


def claim(client, submission, token):
    """Claim as a run does: the token goes in with the status."""
    return statuses.claim(
        client,
        submission,
        expected="RECEIVED",
        is_mine=lambda status: annotation_stores.read(status).get("owner") == token,
        change=lambda status: annotation_stores.merge(
            status.model_copy(update={"status": "EVALUATION_IN_PROGRESS"}), private={"owner": token}
        ),
    )


def test_one_of_many_claims_wins(server, submission):
    """Threads with clients of their own, all at once."""
    barrier, won = threading.Barrier(8), []

    def race(token):
        with SynapseClient(server.token(SERVICE), Endpoints.at(server.url)) as own:
            barrier.wait()
            if claim(own, submission, token).won:
                won.append(token)

    racers = [threading.Thread(target=race, args=(f"run-{number}",)) for number in range(8)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert len(won) == 1


def test_a_claim_whose_answer_got_lost_is_known_again(server, client, submission):
    server.fault(operation=PUT_STATUS, drop=True, where="after", count=1)
    first = claim(client, submission, "run-1")
    assert first.won or first.mine_already
    assert first.status.status == "EVALUATION_IN_PROGRESS"
    assert claim(client, submission, "run-1").mine_already
    other = claim(client, submission, "run-2")
    assert (other.won, other.mine_already) == (False, False)


@pytest.fixture(scope="module")
def rules(queue):
    return Queue.model_validate({"id": int(queue), "score": {"script": "score.py"}})


def listed(client, queue, submission):
    """A waiting submission as the dispatch finds it."""
    return next(
        found for found in client.pages(submissions.bundles(queue, "RECEIVED")) if found.submission.id == submission
    )


def test_a_claim_of_what_was_listed_asks_nothing(server, client, queue, rules, submission):
    seen = listed(client, queue, submission)
    server.reset_calls()
    claimed = take(client, submission, token="run-1", queue=rules, seen=seen)
    assert (claimed.attempt, claimed.submission.id, claimed.status.status) == (1, submission, "EVALUATION_IN_PROGRESS")
    assert server.calls() == {PUT_STATUS: 1}


def test_a_claim_of_what_has_changed_since_it_was_listed(client, queue, rules, submission):
    """Somebody annotates it, somebody else takes it: the first keeps the annotation, the second is left alone."""
    seen = listed(client, queue, submission)
    statuses.update_status(client, submission, lambda status: annotation_stores.merge(status, public={"note": "x"}))
    claimed = take(client, submission, token="run-1", queue=rules, seen=seen)
    assert annotation_stores.read(claimed.status)["note"] == "x"
    assert take(client, submission, token="run-2", queue=rules, seen=seen) is None
    again = take(client, submission, token="run-1", queue=rules, seen=seen)
    assert (again.attempt, again.status) == (1, claimed.status)


def test_an_update_meets_others_updates(server, client, submission):
    """Five threads add a key each; none is lost (U-02)."""

    def add(number):
        with SynapseClient(server.token(SERVICE), Endpoints.at(server.url)) as own:
            statuses.update_status(
                own, submission, lambda status: annotation_stores.merge(status, public={f"key{number}": number})
            )

    writers = [threading.Thread(target=add, args=(number,)) for number in range(5)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    found = annotation_stores.read(client.send(statuses.get(submission)))
    assert found == {f"key{number}": number for number in range(5)}


def test_every_release_is_counted_however_many_end_at_once(server, client, project):
    """More writers than one of them has tries."""
    folder = folders.ensure_folder(client, project, "Ledger").id
    barrier, ended = threading.Barrier(24), []

    def count(number):
        with SynapseClient(server.token(SERVICE), Endpoints.at(server.url)) as own:
            barrier.wait()
            change_ledger(own, folder, lambda ledger: ledger.counted(str(number), "1.end", 10))
            ended.append(number)

    writers = [threading.Thread(target=count, args=(number,)) for number in range(24)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(ended) == 24
    assert read_ledger(client, folder).total == 240


def test_who_loses_every_time_may_try_again_later(server, client, submission):
    """412 ten times: nobody is at fault, so that the task is tried again rather than failed."""
    server.fault(operation=PUT_STATUS, status=412)
    with pytest.raises(TransientError, match="Somebody else wrote while trying to write the status"):
        statuses.update_status(client, submission, lambda status: annotation_stores.merge(status, public={"a": 1}))
    server.clear_faults()
    assert annotation_stores.read(client.send(statuses.get(submission))) == {}


@pytest.mark.parametrize("fault", [{"status": 503}, {"status": 429, "retry_after": 0.1}, {"drop": True}])
def test_a_read_is_sent_again(server, client, project, fault):
    server.fault(operation="GET /repo/v1/entity/{id}", count=2, **fault)
    assert client.send(entities.get(project)).name == "API"


def test_a_create_whose_answer_got_lost_makes_one_folder(server, client, project):
    server.fault(operation="POST /repo/v1/entity/bundle2/create", drop=True, where="after", count=1)
    first = folders.ensure_folder(client, project, "Once", probably_new=True)
    again = folders.ensure_folder(client, project, "Once", probably_new=True)
    assert (again.created, again.id) == (False, first.id)
    assert client_children(server, project, "Once") == [first.id]


def client_children(server, parent, name):
    """Ids of the children of a name, as Synapse lists them."""
    answer = httpx.post(
        f"{server.endpoints['repo']}/entity/children",
        json={"parentId": parent, "includeTypes": ["folder"]},
        headers={"Authorization": f"Bearer {server.token(SERVICE)}"},
        timeout=10,
    ).json()
    return [child["id"] for child in answer["page"] if child["name"] == name]


def test_an_outage_ends_within_the_time_bound(server, project):
    """No sleeping here: the pauses are added up on a clock of the test's."""
    now = [0.0]
    policy = RetryPolicy(total_seconds=20, clock=lambda: now[0], jitter=lambda: 1.0)

    def sleep(seconds):
        now[0] += seconds

    server.fault(operation="*", status=503)
    own = SynapseClient(server.token(SERVICE), Endpoints.at(server.url), retry=policy, sleep=sleep)
    with own, pytest.raises(SynapseUnavailable, match="503") as error:
        own.send(entities.get(project))
    assert f"read entity {project}" in str(error.value)
    assert 10 < now[0] <= 35


def test_errors_say_what_was_asked_and_why_it_was_refused(server, client, project):
    with pytest.raises(NotFound, match="syn999") as missing:
        client.send(entities.get("syn999"))
    assert "read entity syn999" in str(missing.value)
    stranger = server.create_user("stranger")
    with SynapseClient(stranger.token, Endpoints.at(server.url)) as own, pytest.raises(Forbidden, match="403"):
        own.send(entities.get(project))


def test_a_folder_is_made_once(client, project):
    first = folders.ensure_folder(client, project, "Logs")
    second = folders.ensure_folder(client, project, "Logs")
    assert (first.created, second.created, first.id) == (True, False, second.id)


def test_permissions_of_others_stay(server, client, project):
    reader, other = (server.create_user(name).principal_id for name in ("reader", "other"))
    folder = folders.ensure_folder(client, project, "Shared").id
    acls.set_permissions(client, folder, reader, "download")
    acls.set_permissions(client, folder, other, "view")
    acls.set_permissions(client, folder, reader, "edit")
    rights = {row.principal_id: set(row.access_type) for row in client.send(acls.of_entity(folder)).resource_access}
    assert rights[other] == {"READ"}
    assert "UPDATE" in rights[reader]
    assert int(client.send(profiles.me()).owner_id) in rights
    with pytest.raises(ConfigurationError, match="download"):
        acls.set_permissions(client, folder, reader, "everything")


def test_a_message_is_sent_once(server, client, transfer):
    recipient = server.create_user("recipient").principal_id
    mail = {"recipients": [recipient], "subject": "Scored", "body": "Well done", "key": "1.1.scored.txt"}
    assert not messages.send_once(client, transfer, **mail, recheck=False).already
    assert messages.send_once(client, transfer, **mail, recheck=True).already
    server.fault(operation="POST /repo/v1/message", drop=True, where="after", count=1)
    messages.send_once(client, transfer, **{**mail, "key": "2.1.scored.txt"}, recheck=False)
    assert len(server.mailbox(recipient)) == 2


def test_pages_go_beyond_the_first(organiser, client, queue, file):
    """L-04: 100 for each page; every submission once."""
    before = {bundle.submission.id for bundle in client.pages(submissions.bundles(queue))}
    made = {str(organiser.submit(queue, file, silent=True)["id"]) for _ in range(103)}
    found = [bundle.submission.id for bundle in client.pages(submissions.bundles(queue))]
    assert len(found) == len(set(found))
    assert set(found) == before | made


def test_a_submissions_file_is_downloaded(client, submission, transfer, tmp_path):
    path = transfer.download_submission_file(client.send(submissions.get(submission)), tmp_path / "in")
    assert path.read_text() == "id,probability\n1,0.5\n"
    assert path.parent == tmp_path / "in"
