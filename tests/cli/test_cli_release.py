"""``synapse-challenge release`` against a local Synapse: what the submitter can read before and afterwards."""

from __future__ import annotations

import json
import os
from pathlib import Path

import httpx
import pytest

from airflow_synapse_challenge.challenge.config import Challenge
from airflow_synapse_challenge.local_synapse.server import LocalSynapse
from airflow_synapse_challenge.rehearsal.site import log_in
from airflow_synapse_challenge.steps.claim import claim
from airflow_synapse_challenge.steps.folders import ensure_submission_folders
from airflow_synapse_challenge.steps.leaks import read_ledger
from airflow_synapse_challenge.steps.model_log import file_log
from airflow_synapse_challenge.synapse import statuses
from airflow_synapse_challenge.synapse.client import Endpoints, SynapseClient
from airflow_synapse_challenge.synapse.files import FileTransfer

SERVICE = "challenge-service"
LOG = "".join(f"epoch {number}: loss 0.{number}\n" for number in range(1, 101))
BUDGET = 300
#: A quarter of the budget is kept for reasons.
SHOWN = 225


class World:
    """A queue for models, and somebody who submits to it."""

    def __init__(self, server, folder):
        self.server, self.folder = server, folder
        self.service = log_in(server, SERVICE, folder / "cache" / SERVICE)
        self.user = server.create_user("hopper", first_name="Grace", last_name="Hopper")
        self.participant = log_in(server, "hopper", folder / "cache" / "hopper")
        self.client = SynapseClient(server.token(SERVICE), Endpoints.at(server.url))
        self.transfer = FileTransfer(server.token(SERVICE), Endpoints.at(server.url), folder / "transfer")
        self.project = self._project(self.service, "Challenge")
        self.logs = self._folder(self.project)
        self.evaluation = self._evaluation()

    def _project(self, synapse, name):
        from synapseclient.models import Project

        return Project(name=name).store(synapse_client=synapse).id

    def _folder(self, project):
        from synapseclient.models import Folder

        return Folder(name="Logs", parent_id=project).store(synapse_client=self.service).id

    def _evaluation(self):
        from synapseclient.models import Evaluation

        made = Evaluation(
            name="Mortality",
            description="Mortality",
            content_source=self.project,
            submission_instructions_message="Submit.",
            submission_receipt_message="Received.",
        ).store(synapse_client=self.service)
        made.update_acl(
            principal_id=self.user.principal_id, access_type=["READ", "SUBMIT"], synapse_client=self.service
        )
        return int(made.id)

    def submit(self):
        from synapseclient.models import File

        path = self.folder / f"{os.urandom(4).hex()}.txt"
        path.write_text("a model")
        project = self._project(self.participant, f"work {path.stem}")
        file = File(path=str(path), parent_id=project).store(synapse_client=self.participant)
        entity = self.participant.get(file.id, downloadFile=False)
        return str(self.participant.submit(self.evaluation, entity, silent=True)["id"])

    def text_of(self, synapse, file_id):
        entity = synapse.get(file_id, downloadLocation=str(self.folder / os.urandom(4).hex()))
        return Path(entity.path).read_text(encoding="utf-8")

    def readable(self, submission):
        """The log as its submitter reads it."""
        folder = self.child(self.child(self.logs, str(self.user.principal_id)), submission)
        return self.text_of(self.participant, self.child(folder, f"{submission}-docker_logs.txt"))

    def locked(self, submission):
        folder = self.child(self.child(self.logs, f"{self.user.principal_id}_LOCKED"), submission)
        return self.child(folder, f"{submission}-docker_logs.txt")

    def child(self, parent, name):
        return self.service.findEntityId(name, parent=parent)

    def ledger(self):
        return read_ledger(self.client, self.child(self.logs, f"{self.user.principal_id}_LOCKED"))


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    with LocalSynapse.start(folder / "synapse") as server:
        yield World(server, folder)


@pytest.fixture
def here(desk, world):
    """A desk whose challenge is the one of the local Synapse, and whose Airflow knows the connection."""
    desk.challenge["synapse"] = {"logs_folder": world.logs}
    desk.queue["id"] = world.evaluation
    desk.queue["model"]["leak_budget"] = {"per_submission": f"{BUDGET}B"}
    desk.write()
    connection = {
        "conn_type": "synapse",
        "password": world.server.token(SERVICE),
        "extra": {"endpoint": world.server.url},
    }
    environment = {"AIRFLOW_CONN_SYNAPSE_DEFAULT": json.dumps(connection)}
    desk.release = lambda *arguments, **options: desk.run("release", *arguments, env=environment, **options)
    return desk


@pytest.fixture
def evaluated(here, world, tmp_path):
    """Evaluates a submission as far as its log is concerned."""

    def evaluated(*logs, final="ACCEPTED"):
        queue = Challenge.model_validate(here.challenge).queues[0]
        submission = world.submit()
        claimed = claim(world.client, submission, token=submission, queue=queue)
        folders = ensure_submission_folders(world.client, world.logs, claimed)
        for number, log in enumerate(logs):
            place = {"queue": queue, "folders": folders, "key": f"1.{number}", "work_dir": tmp_path}
            file_log(world.client, world.transfer, log, claimed=claimed, **place)
        if final:
            status = world.client.send(statuses.get(submission))
            world.client.send(statuses.put(status.model_copy(update={"status": final})))
        return submission

    return evaluated


def test_the_whole_log_becomes_readable(here, world, evaluated):
    """After its size, end and readers were shown; done again, nothing is counted twice."""
    submission = evaluated(LOG)
    before = world.readable(submission)
    assert LOG.startswith(before.partition("\n[…")[0])
    assert "withheld" in before
    counted = world.ledger().total
    done = here.release(submission, text="y\n")
    assert done.code == 0, done.err
    assert "Downloaded" not in done.err
    assert f"{len(LOG)} bytes, of which {SHOWN} can be read already and {len(LOG) - SHOWN} are withheld" in done.out
    assert f"hopper (user {world.user.principal_id})" in done.out
    assert "public" not in done.out.lower()
    assert "epoch 100: loss 0.100" in done.out
    assert "epoch 1: " not in done.out
    assert world.readable(submission) == LOG
    assert world.locked(submission) is None
    assert world.ledger().total == counted + len(LOG) - SHOWN
    assert world.ledger().of(submission) == len(LOG)
    after = world.ledger()
    again = here.release(submission, "--yes")
    assert again.code == 0
    assert "Nothing is withheld" in again.out
    assert world.ledger() == after
    assert world.readable(submission) == LOG


def test_a_no_leaves_everything_as_it_was(here, world, evaluated):
    submission = evaluated(LOG)
    before, counted = world.readable(submission), world.ledger()
    for answer in ("n\n", ""):
        assert here.release(submission, text=answer).code == 1
    assert world.readable(submission) == before
    assert world.ledger() == counted
    assert world.text_of(world.service, world.locked(submission)) == LOG
    assert world.participant.get(world.locked(submission)).path is None


@pytest.mark.parametrize("operation", ["POST /file/v1/file/multipart", "DELETE /repo/v1/entity/{id}"])
def test_broken_off_anywhere_it_ends_the_next_time(here, world, evaluated, operation):
    """Counted before it can be read, and once."""
    submission = evaluated(LOG)
    counted = world.ledger().total
    world.server.fault(operation=operation, status=403, count=1)
    try:
        broken = here.release(submission, "--yes")
    finally:
        world.server.clear_faults()
    assert broken.code == 1, broken.out
    assert world.locked(submission) is not None
    assert world.ledger().total == counted + len(LOG) - SHOWN
    assert here.release(submission, "--yes").code == 0
    assert world.ledger().total == counted + len(LOG) - SHOWN
    assert world.readable(submission) == LOG
    assert world.locked(submission) is None


def test_nothing_is_withheld_of_a_short_log(here, world, evaluated):
    submission = evaluated("short\n")
    done = here.release(submission, "--yes")
    assert done.code == 0
    assert "Nothing is withheld" in done.out
    assert world.readable(submission) == "short\n"


def test_a_log_that_tells_of_withholding_itself(here, world, evaluated):
    """A model's own words do not make a whole log look cut."""
    log = "[… the rest is withheld: or so it says …]\nand more\n"
    submission = evaluated(log)
    assert "Nothing is withheld" in here.release(submission, "--yes").out
    assert world.readable(submission) == log


def test_a_submission_in_work_has_to_end_first(here, evaluated):
    submission = evaluated(LOG, final=None)
    done = here.release(submission, "--yes")
    assert done.code == 1
    assert "EVALUATION_IN_PROGRESS" in done.err


def test_a_queue_that_shares_no_logs(here, world, evaluated):
    here.queue["logs"] = {"share": False}
    here.write()
    submission = evaluated(LOG)
    done = here.release(submission, "--yes")
    assert done.code == 1
    assert "shares no logs" in done.err
    assert world.locked(submission) is not None


def test_a_submission_of_another_challenge(here, world, evaluated):
    submission = evaluated(LOG)
    here.queue["id"] = 1
    here.write()
    done = here.release(submission, "--yes")
    assert done.code == 1
    assert str(world.evaluation) in done.err
    unknown = here.release("987654321", "--yes")
    assert unknown.code == 1
    assert "987654321" in unknown.err


def test_wide_sharing_is_told(here, world, evaluated):
    """Who opened the folder of logs to everybody hears of it before anything is released."""
    submission = evaluated(LOG)
    folder = world.child(world.logs, str(world.user.principal_id))
    headers = {"Authorization": f"Bearer {world.server.token(SERVICE)}"}
    acl = httpx.get(f"{world.server.url}/repo/v1/entity/{folder}/acl", headers=headers).json()
    rows = [*acl["resourceAccess"], {"principalId": 273948, "accessType": ["READ", "DOWNLOAD"]}]
    url = f"{world.server.url}/repo/v1/entity/{folder}/acl"
    assert httpx.put(url, headers=headers, json={**acl, "resourceAccess": rows}).is_success
    assert "everybody who has an account" in here.release(submission, text="n\n").out
