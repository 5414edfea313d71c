"""Asynchronous jobs: started, waited for, failed, remembered."""

from __future__ import annotations

import httpx
import pytest

from airflow_synapse_challenge.local_synapse.server import LocalSynapse

TABLE = "org.sagebionetworks.repo.model.table."


@pytest.fixture
def table(organiser, project):
    """A table with one column, which has no rows."""
    column = organiser.ok("POST", "/column", {"name": "word", "columnType": "STRING"})["id"]
    body = {"concreteType": f"{TABLE}TableEntity", "parentId": project, "columnIds": [column]}
    return organiser.ok("POST", "/entity", body)["id"]


@pytest.fixture
def query(table):
    """Path of query jobs of the table, and the body of one."""
    body = {"query": {"sql": f"SELECT word FROM {table}"}, "partMask": 0x3}
    return f"/entity/{table}/table/query/async", body


@pytest.mark.rule("J-01")
def test_a_job_is_started_with_a_token_and_answered_with_its_response(organiser, query):
    path, body = query
    started = organiser("POST", f"{path}/start", body)
    assert started.status_code == 201
    assert list(started.json()) == ["token"]
    done = organiser("GET", f"{path}/get/{started.json()['token']}")
    assert done.status_code == 201
    assert done.json()["concreteType"] == f"{TABLE}QueryResultBundle"
    assert done.json()["queryCount"] == 0


@pytest.mark.rule("J-01")
def test_a_job_that_takes_its_time_is_processing_until_then(organiser, query, server, setting):
    path, body = query
    setting(job_seconds=60)
    token = organiser.ok("POST", f"{path}/start", body)["token"]
    for _ in range(2):
        waiting = organiser("GET", f"{path}/get/{token}")
        assert waiting.status_code == 202
        assert waiting.json()["jobState"] == "PROCESSING"
    assert "responseBody" not in organiser.ok("GET", f"/asynchronous/job/{token}")
    server.set_clock(offset_seconds=61)
    assert organiser("GET", f"{path}/get/{token}").status_code == 201


@pytest.mark.rule("J-01")
def test_the_status_of_a_job_wraps_request_and_response(organiser, query):
    path, body = query
    token = organiser.ok("POST", f"{path}/start", body)["token"]
    answer = organiser("GET", f"/asynchronous/job/{token}")
    assert answer.status_code == 200
    status = answer.json()
    assert status["jobState"] == "COMPLETE"
    assert status["jobId"] == token
    assert status["startedByUserId"] == organiser.id
    assert status["requestBody"] == {"concreteType": f"{TABLE}QueryBundleRequest", **body}
    assert status["responseBody"] == organiser.ok("GET", f"{path}/get/{token}")
    assert status["startedOn"] <= status["changedOn"]


@pytest.mark.rule("J-02")
@pytest.mark.parametrize(
    ("sql", "status", "words"),
    [
        ("SELECT nothing FROM $", 400, "Unknown column nothing"),
        ("SELECT word FROM syn999999999", 404, "does not exist"),
        (None, 400, "is required"),
    ],
)
def test_a_failed_job_answers_as_its_work_would_have(organiser, query, table, sql, status, words):
    path, _ = query
    body = {"query": {"sql": sql and sql.replace("$", table)}}
    token = organiser.ok("POST", f"{path}/start", body)["token"]
    for _ in range(2):
        assert organiser.refused("GET", f"{path}/get/{token}")[0] == status
    shown = organiser.ok("GET", f"/asynchronous/job/{token}")
    assert shown["jobState"] == "FAILED"
    assert words in shown["errorMessage"]


@pytest.mark.rule("J-02")
def test_a_job_without_permission_fails_with_403(person, query):
    path, body = query
    stranger = person()
    token = stranger.ok("POST", f"{path}/start", body)["token"]
    assert stranger.refused("GET", f"{path}/get/{token}") == (403, "You lack READ access to the requested entity.")


@pytest.mark.rule("J-02")
def test_a_failed_job_changes_nothing(organiser, table):
    column = organiser.ok("GET", f"/entity/{table}/column")["results"][0]["id"]
    good = {"concreteType": f"{TABLE}PartialRowSet", "rows": [{"values": [{"key": column, "value": "kept?"}]}]}
    bad = {"concreteType": f"{TABLE}PartialRowSet", "rows": [{"rowId": 77, "values": [{"key": column, "value": "x"}]}]}
    changes = [{"concreteType": f"{TABLE}AppendableRowSetRequest", "toAppend": rows} for rows in (good, bad)]
    path = f"/entity/{table}/table/transaction/async"
    token = organiser.ok("POST", f"{path}/start", {"changes": changes})["token"]
    assert organiser.refused("GET", f"{path}/get/{token}") == (
        400,
        "Cannot update row: 77 because it does not exist.",
    )
    query = f"/entity/{table}/table/query/async"
    body = {"query": {"sql": f"SELECT COUNT(*) FROM {table}"}, "partMask": 0x1}
    token = organiser.ok("POST", f"{query}/start", body)["token"]
    assert organiser.ok("GET", f"{query}/get/{token}")["queryResult"]["queryResults"]["rows"] == [{"values": ["0"]}]


@pytest.mark.rule("J-03")
def test_only_the_starter_reads_a_job(organiser, person, admin, query):
    path, body = query
    token = organiser.ok("POST", f"{path}/start", body)["token"]
    other = person()
    words = "Only the user that created a job can access the job's status."
    assert other.refused("GET", f"{path}/get/{token}") == (403, words)
    assert other.refused("GET", f"/asynchronous/job/{token}") == (403, words)
    assert admin("GET", f"{path}/get/{token}").status_code == 201
    assert admin.ok("GET", f"/asynchronous/job/{token}")["startedByUserId"] == organiser.id


def test_unknown_jobs(organiser, query):
    path, _ = query
    assert organiser.refused("GET", f"{path}/get/999999999")[0] == 404
    assert organiser.refused("GET", "/asynchronous/job/999999999")[0] == 404
    assert organiser.refused("GET", "/asynchronous/job/none")[0] == 400


@pytest.mark.rule("J-04")
def test_an_equal_query_of_an_unchanged_table_is_the_same_job(organiser, person, share, project, query, table):
    path, body = query
    other = person()
    share(organiser, f"/entity/{project}", other.id, "READ", "DOWNLOAD")

    def start(somebody, body):
        return somebody.ok("POST", f"{path}/start", body)["token"]

    first = start(organiser, body)
    assert start(organiser, body) == first
    assert start(organiser, body | {"partMask": 0x1}) != first
    assert start(other, body) != first
    column = organiser.ok("GET", f"/entity/{table}/column")["results"][0]["id"]
    rows = {"concreteType": f"{TABLE}PartialRowSet", "rows": [{"values": [{"key": column, "value": "new"}]}]}
    change = {"changes": [{"concreteType": f"{TABLE}AppendableRowSetRequest", "toAppend": rows}]}
    organiser.ok("POST", f"/entity/{table}/table/transaction/async/start", change)
    second = start(organiser, body)
    assert second != first
    assert organiser.ok("GET", f"{path}/get/{second}")["queryCount"] == 1
    assert organiser.ok("GET", f"{path}/get/{first}")["queryCount"] == 0


@pytest.mark.rule("J-04")
def test_changes_are_never_answered_from_memory(organiser, table):
    column = organiser.ok("GET", f"/entity/{table}/column")["results"][0]["id"]
    rows = {"concreteType": f"{TABLE}PartialRowSet", "rows": [{"values": [{"key": column, "value": "again"}]}]}
    change = {"changes": [{"concreteType": f"{TABLE}AppendableRowSetRequest", "toAppend": rows}]}
    path = f"/entity/{table}/table/transaction/async/start"
    assert organiser.ok("POST", path, change)["token"] != organiser.ok("POST", path, change)["token"]


@pytest.mark.rule("G-02")
def test_queries_need_the_scope_to_download(organiser, server, query):
    path, body = query
    wish = {"principalId": organiser.id, "scopes": ["view", "modify"]}
    token = server.control("POST", "/control/tokens", wish)["token"]
    headers = {"Authorization": f"Bearer {token}"}
    answer = httpx.post(f"{server.url}/repo/v1{path}/start", json=body, headers=headers, timeout=30)
    assert answer.status_code == 403
    assert "download" in answer.json()["reason"]


@pytest.mark.rule("P-22")
def test_synapseclient_waits_for_a_job(organiser, table, setting):
    from synapseclient.models import query

    setting(job_seconds=0.2)
    assert query(f"SELECT COUNT(*) AS n FROM {table}", synapse_client=organiser.synapse)["n"].tolist() == [0]


@pytest.mark.rule("P-22")
def test_synapseclient_raises_what_a_job_failed_with(organiser, table):
    from synapseclient.core.exceptions import SynapseHTTPError
    from synapseclient.models import query

    with pytest.raises(SynapseHTTPError, match="Unknown column nothing"):
        query(f"SELECT nothing FROM {table}", synapse_client=organiser.synapse)


def test_jobs_survive_a_restart(tmp_path):
    with LocalSynapse.start(tmp_path) as server:
        headers = {"Authorization": f"Bearer {server.token('challenge-service')}"}
        server.control("POST", "/control/settings", {"job_seconds": 3600})

        def call(method, path, body=None):
            return httpx.request(method, f"{server.url}/repo/v1{path}", json=body, headers=headers, timeout=30)

        project = call("POST", "/entity", {"concreteType": "org.sagebionetworks.repo.model.Project"}).json()["id"]
        body = {"concreteType": f"{TABLE}TableEntity", "parentId": project}
        table = call("POST", "/entity", body).json()["id"]
        path = f"/entity/{table}/table/query/async"
        token = call("POST", f"{path}/start", {"query": {"sql": f"SELECT * FROM {table}"}}).json()["token"]
        assert call("GET", f"{path}/get/{token}").status_code == 202
        server.kill()
        server.restart()
        assert call("GET", f"{path}/get/{token}").status_code == 202
        server.set_clock(offset_seconds=3601)
        assert call("GET", f"{path}/get/{token}").status_code == 201
