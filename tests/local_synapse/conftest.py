"""A local Synapse for the whole run, people who use it, and what most tests need to begin with."""

from __future__ import annotations

import itertools
import uuid
from functools import cached_property
from pathlib import Path

import httpx
import pytest
from synapse_contract.recording import VARIABLE, Journal
from synapse_contract.whole_run import run_last

from airflow_synapse_challenge.local_synapse.server import LocalSynapse

FOLDER = "org.sagebionetworks.repo.model.Folder"
PROJECT = "org.sagebionetworks.repo.model.Project"
FILE = "org.sagebionetworks.repo.model.FileEntity"
TABLE = "org.sagebionetworks.repo.model.table."
_numbers = itertools.count(1)

HERE = Path(__file__).parent
RECORDING_SERVER = HERE.parent / "contract" / "recording_server.py"
_journal = Journal()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    """Compare what was answered when everything has been asked; what nobody asked for, only after a whole run."""
    run_last(config, items, HERE / "test_local_synapse_contract.py")


def pytest_runtest_logstart(nodeid):
    _journal.begin(nodeid)


def pytest_runtest_logfinish():
    _journal.begin("")


@pytest.fixture(scope="session", autouse=True)
def journal(tmp_path_factory):
    """What the servers of these tests answer is written down."""
    _journal.folder = tmp_path_factory.mktemp("records")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, str(_journal.folder))
        patch.setattr(LocalSynapse, "program", (str(RECORDING_SERVER),))
        yield _journal


class Person:
    """Somebody with a token: plain HTTP by calling, synapseclient as ``synapse``."""

    def __init__(self, server, name, principal_id, token, cache):
        self.server, self.name, self.id, self.token, self._cache = server, name, principal_id, token, cache
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.http = httpx.Client(base_url=server.url, headers=headers, timeout=30)

    def __call__(self, method, path, body=None, service="repo", **params):
        return self.http.request(method, f"/{service}/v1{path}", json=body, params=params)

    def ok(self, method, path, body=None, service="repo", **params):
        """The answer of a request that has to succeed."""
        answer = self(method, path, body, service, **params)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def refused(self, method, path, body=None, service="repo", **params):
        """Status and reason of a request that has to fail."""
        answer = self(method, path, body, service, **params)
        assert answer.is_error, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.status_code, answer.json()["reason"]

    def job(self, path, body):
        """The answer of an asynchronous job."""
        token = self.ok("POST", f"{path}/start", body)["token"]
        return self("GET", f"{path}/get/{token}")

    def query(self, table, sql, mask=0x1, **query):
        """The answer of a job that queries a table; ``$`` in the statement is the table."""
        body = {"query": {"sql": sql.replace("$", table), **query}, "partMask": mask}
        return self.job(f"/entity/{table}/table/query/async", body)

    def bundle(self, table, sql, mask=0x1, **query):
        """The parts of a query's result."""
        answer = self.query(table, sql, mask, **query)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def rows(self, table, sql, **query):
        """The values of the rows that a query finds."""
        return [row["values"] for row in self.bundle(table, sql, **query)["queryResult"]["queryResults"]["rows"]]

    def query_refused(self, table, sql):
        """Status and reason of a query that has to fail."""
        answer = self.query(table, sql)
        assert answer.is_error, answer.text
        return answer.status_code, answer.json()["reason"]

    @cached_property
    def synapse(self):
        import synapseclient

        synapse = synapseclient.Synapse(
            repoEndpoint=self.server.endpoints["repo"],
            authEndpoint=self.server.endpoints["auth"],
            fileHandleEndpoint=self.server.endpoints["file"],
            portalEndpoint=self.server.url,
            skip_checks=True,
            silent=True,
            cache_client=False,
            cache_root_dir=str(self._cache),
            configPath=str(self._cache / "no-configuration"),
        )
        synapse.login(authToken=self.token, silent=True)
        return synapse


@pytest.fixture(scope="session")
def server(journal, tmp_path_factory):
    with LocalSynapse.start(tmp_path_factory.mktemp("local-synapse")) as server:
        yield server


@pytest.fixture(autouse=True)
def calm(server):
    """No fault and no foreign time outlives its test."""
    yield
    server.clear_faults()
    server.set_clock(offset_seconds=0)


@pytest.fixture
def setting(server):
    """Sets settings of the server until the test ends."""
    names = set()

    def setting(**values):
        names.update(values)
        server.control("POST", "/control/settings", values)

    yield setting
    server.control("POST", "/control/settings", dict.fromkeys(names))


@pytest.fixture(scope="session")
def known(server, tmp_path_factory):
    """Makes a person of somebody whom every local Synapse has."""

    def known(name):
        token = server.token(name)
        profile = httpx.get(
            f"{server.url}/repo/v1/userProfile", headers={"Authorization": f"Bearer {token}"}, timeout=10
        ).json()
        return Person(server, name, int(profile["ownerId"]), token, tmp_path_factory.mktemp(name))

    return known


@pytest.fixture(scope="session")
def organiser(known):
    return known("challenge-service")


@pytest.fixture(scope="session")
def admin(known):
    return known("synapse-admin")


@pytest.fixture
def anonymous(server, tmp_path):
    return Person(server, "anonymous", 273950, None, tmp_path / "anonymous")


@pytest.fixture
def person(server, tmp_path):
    """Makes a new person."""

    def person(**traits):
        user = server.create_user(f"person-{next(_numbers)}-{uuid.uuid4().hex[:6]}", **traits)
        return Person(server, user.user_name, user.principal_id, user.token, tmp_path / user.user_name)

    return person


@pytest.fixture
def unique():
    """Makes names that nothing has."""
    return lambda words: f"{words} {next(_numbers)}-{uuid.uuid4().hex[:6]}"


@pytest.fixture
def new_project(unique):
    """Makes a project; returns its synID."""
    return lambda owner: owner.ok("POST", "/entity", {"concreteType": PROJECT, "name": unique("Project")})["id"]


@pytest.fixture
def new_folder(unique):
    """Makes a folder; returns its synID."""

    def new_folder(owner, parent, name=None):
        body = {"concreteType": FOLDER, "name": name or unique("Folder"), "parentId": parent}
        return owner.ok("POST", "/entity", body)["id"]

    return new_folder


@pytest.fixture
def new_file(unique):
    """Makes a file that lies elsewhere, which needs no upload; returns its synID and its file handle."""

    def new_file(owner, parent, name=None):
        handle = owner.ok("POST", "/externalFileHandle", {"externalURL": "https://example.org/data.csv"}, "file")["id"]
        body = {
            "concreteType": FILE,
            "name": name or unique("File"),
            "parentId": parent,
            "dataFileHandleId": handle,
        }
        return owner.ok("POST", "/entity", body)["id"], handle

    return new_file


@pytest.fixture
def project(organiser, new_project):
    return new_project(organiser)


@pytest.fixture
def upload():
    """Uploads bytes part by part over HTTP; returns the file handle's id."""
    import hashlib

    def upload(owner, content, name="data.bin"):
        body = {
            "fileName": name,
            "contentType": "application/octet-stream",
            "contentMD5Hex": hashlib.md5(content).hexdigest(),
            "fileSizeBytes": len(content),
            "partSizeBytes": 5 * 2**20,
        }
        status = owner.ok("POST", "/file/multipart", body, "file")
        if status["state"] == "COMPLETED":
            return status["resultFileHandleId"]
        path = f"/file/multipart/{status['uploadId']}"
        for number in range(1, len(status["partsState"]) + 1):
            part = content[(number - 1) * 5 * 2**20 : number * 5 * 2**20]
            urls = owner.ok("POST", f"{path}/presigned/url/batch", {"partNumbers": [number]}, "file")
            httpx.put(urls["partPresignedUrls"][0]["uploadPresignedUrl"], content=part, timeout=30).raise_for_status()
            owner.ok("PUT", f"{path}/add/{number}", None, "file", partMD5Hex=hashlib.md5(part).hexdigest())
        return owner.ok("PUT", f"{path}/complete", None, "file")["resultFileHandleId"]

    return upload


@pytest.fixture
def share():
    """Gives a principal access types on an entity or an evaluation, beside what others have."""

    def share(owner, path, principal, *kinds):
        acl = owner.ok("GET", f"{path}/acl")
        acl["resourceAccess"] = [row for row in acl["resourceAccess"] if row["principalId"] != principal]
        if kinds:
            acl["resourceAccess"].append({"principalId": principal, "accessType": list(kinds)})
        target = "/evaluation/acl" if path.startswith("/evaluation") else f"{path}/acl"
        return owner.ok("PUT", target, acl)

    return share


@pytest.fixture
def queue(organiser, project, unique):
    """An evaluation of the organiser's, not shared."""
    return organiser.ok("POST", "/evaluation", {"name": unique("Queue"), "contentSource": project})["id"]


@pytest.fixture
def submitter(person, organiser, queue, share, new_project):
    """Somebody who may submit to the queue, with a project of their own to submit."""
    somebody = person()
    share(organiser, f"/evaluation/{queue}", somebody.id, "READ", "SUBMIT")
    somebody.home = new_project(somebody)
    return somebody


@pytest.fixture
def wish(queue):
    """The body and the query of a submission of an entity."""

    def wish(somebody, entity=None, **body):
        found = somebody.ok("GET", f"/entity/{entity or somebody.home}")
        wanted = {"entityId": found["id"], "versionNumber": found.get("versionNumber", 1), "evaluationId": queue}
        return wanted | body, {"etag": found["etag"]}

    return wish


@pytest.fixture
def submit(wish):
    """Submits; returns the submission."""

    def submit(somebody, entity=None, **body):
        wanted, query = wish(somebody, entity, **body)
        return somebody.ok("POST", "/evaluation/submission", wanted, **query)

    return submit


@pytest.fixture
def submission(submit, submitter):
    """The id of a submission by the submitter."""
    return submit(submitter)["id"]


@pytest.fixture
def annotate_submission(organiser):
    """Writes the newer annotations of a submission, and perhaps its status; returns the new status."""
    kinds = {str: "STRING", int: "LONG", float: "DOUBLE", bool: "BOOLEAN"}

    def annotate_submission(submission, status=None, **values):
        found = organiser.ok("GET", f"/evaluation/submission/{submission}/status")
        found["status"] = status or found["status"]
        lists = {name: value if isinstance(value, list) else [value] for name, value in values.items()}
        annotations = {name: {"type": kinds[type(value[0])], "value": value} for name, value in lists.items()}
        found["submissionAnnotations"] = {"annotations": annotations}
        return organiser.ok("PUT", f"/evaluation/submission/{submission}/status", found)

    return annotate_submission


@pytest.fixture
def new_view(organiser, project, unique):
    """Makes a view of the organiser's with its default columns and others; returns its synID."""

    def new_view(kind, scope, *columns, mask=None, parent=None):
        masked = {"viewTypeMask": mask} if mask else {}
        default = organiser.ok("GET", "/column/tableview/defaults", viewEntityType=kind, **masked)["list"]
        own = [{"name": name, "columnType": type_, **more} for name, type_, more in columns]
        made = organiser.ok("POST", "/column/batch", {"list": own})["list"] if own else []
        body = {
            "concreteType": f"{TABLE}{'SubmissionView' if kind == 'submissionview' else 'EntityView'}",
            "name": unique("View"),
            "parentId": parent or project,
            "scopeIds": scope,
            "columnIds": [column["id"] for column in [*default, *made]],
        }
        return organiser.ok("POST", "/entity", body | masked)["id"]

    return new_view
