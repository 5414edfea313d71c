"""Submitted files that are somewhere else, too large, or named to land somewhere else."""

from __future__ import annotations

import json
import uuid

import pytest

from airflow_synapse_challenge.errors import ParticipantFault
from airflow_synapse_challenge.local_synapse.server import LocalSynapse
from airflow_synapse_challenge.rehearsal.site import SERVICE, log_in
from airflow_synapse_challenge.synapse import submissions
from airflow_synapse_challenge.synapse.client import Endpoints, SynapseClient
from airflow_synapse_challenge.synapse.files import FileTransfer


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with LocalSynapse.start(tmp_path_factory.mktemp("synapse")) as server:
        yield server


@pytest.fixture(scope="module")
def synapse(server, tmp_path_factory):
    return log_in(server, SERVICE, tmp_path_factory.mktemp("synapse-client"))


@pytest.fixture(scope="module")
def project(synapse):
    from synapseclient.models import Project

    return Project(name="Hostile").store(synapse_client=synapse).id


@pytest.fixture(scope="module")
def queue(synapse, project):
    from synapseclient.models import Evaluation

    texts = {"submission_instructions_message": "Submit.", "submission_receipt_message": "Thanks."}
    made = Evaluation(name="Hostile", description="A queue", content_source=project, **texts)
    return str(made.store(synapse_client=synapse).id)


@pytest.fixture
def submit(server, synapse, project, queue):
    """Store a file entity and submit it; return the submission as the product reads it."""
    from synapseclient.models import File

    def submit(**file):
        stored = File(parent_id=project, name=uuid.uuid4().hex, **file).store(synapse_client=synapse)
        made = synapse.submit(queue, synapse.get(stored.id, downloadFile=False), silent=True)
        with SynapseClient(server.token(SERVICE), Endpoints.at(server.url)) as client:
            return client.send(submissions.get(str(made["id"])))

    return submit


@pytest.fixture
def transfer(server, tmp_path):
    return FileTransfer(server.token(SERVICE), Endpoints.at(server.url), tmp_path / "transfer")


@pytest.fixture
def secret(tmp_path):
    """A file of the worker, such as its credentials or another submission."""
    path = tmp_path / "credentials"
    path.write_text("a secret of the worker")
    return path


def test_link_to_a_file_of_the_worker(submit, transfer, secret, tmp_path):
    """Synapse's client follows ``file://``: the worker's own file would have gone to the scripts as the submission."""
    submission = submit(external_url=secret.as_uri(), synapse_store=False)
    assert str(secret) in submission.entity_bundle_json
    with pytest.raises(ParticipantFault, match="link to somewhere else"):
        transfer.download_submission_file(submission, tmp_path / "in")
    assert not list(tmp_path.glob("in/*"))


def test_link_to_a_service_of_the_worker(submit, transfer, registry, tmp_path):
    """Whatever only the worker can reach: a metadata service, an administration page."""
    submission = submit(external_url=f"http://{registry.host}/latest/meta-data/", synapse_store=False)
    asked = list(registry.requests)
    with pytest.raises(ParticipantFault, match="link to somewhere else"):
        transfer.download_submission_file(submission, tmp_path / "in")
    assert registry.requests == asked


@pytest.mark.parametrize("kind", ["ExternalObjectStoreFileHandle", "ProxyFileHandle", "ExternalFileHandle", ""])
def test_kinds_of_files_that_synapse_does_not_keep(submit, transfer, secret, tmp_path, kind):
    """A bucket that a stranger names would be read with the worker's own rights."""
    submission = _changed(submit(path=str(secret)), concreteType=f"org.sagebionetworks.repo.model.file.{kind}")
    with pytest.raises(ParticipantFault, match="Upload it to Synapse"):
        transfer.download_submission_file(submission, tmp_path / "in")


def test_submission_that_is_too_large(submit, transfer, tmp_path):
    """It is refused by what Synapse says of its size, before a byte of it arrives."""
    path = tmp_path / "large.csv"
    path.write_bytes(bytes(3 * 2**20))
    with pytest.raises(ParticipantFault, match=r"has 3\.0 MiB, and 2\.0 MiB is the most"):
        transfer.download_submission_file(submit(path=str(path)), tmp_path / "in", largest=2 * 2**20)
    assert not list(tmp_path.glob("in/*"))


@pytest.mark.parametrize(
    "name",
    ["../../../escaped", "/etc/cron.d/escaped", "..", ".bashrc", "a\n::error::b", "-rf", "n" * 400, "\u202egnp.exe"],
)
def test_name_of_a_submission(submit, transfer, secret, tmp_path, name):
    """It stays in its folder, can be shown, and is no option of any command."""
    found = transfer.download_submission_file(_changed(submit(path=str(secret)), fileName=name), tmp_path / "in")
    assert found.parent == tmp_path / "in"
    assert found.read_text() == "a secret of the worker"
    assert found.name.isprintable()
    assert not found.name.startswith((".", "-"))
    assert len(found.name) <= 120


def _changed(submission, **changes):
    """A submission whose file Synapse describes otherwise."""
    bundle = json.loads(submission.entity_bundle_json)
    for handle in bundle["fileHandles"]:
        handle.update(changes)
    return submission.model_copy(update={"entity_bundle_json": json.dumps(bundle)})
