"""The comparison itself: what is made up is found, what Synapse answers is not."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace

import pytest
from synapse_contract import contract
from synapse_contract.recording import Journal, Record, Recorder, shape

TEAM = {"id": "3400001", "name": "Ada's", "etag": "3a", "createdOn": "2026-11-24T23:04:05.678Z"}
REFUSAL = {"concreteType": "org.sagebionetworks.repo.model.ErrorResponse", "reason": "No."}
SUBMISSION = {"id": "9722000", "evaluationId": "9614000"}
ADDRESS = "GET /file/v1/file/{id}"


def record(operation, status, body=None, kind="application/json", query=()):
    size = 0 if body is None else len(json.dumps(body))
    return Record(operation, status, kind if size else "", body, size, list(query), None, 0.0)


FAITHFUL = {
    "success": record("GET /repo/v1/team/{id}", 200, TEAM),
    "page": record("GET /repo/v1/teams", 200, {"results": [TEAM], "totalNumberOfResults": 1}),
    "number": record("GET /repo/v1/evaluation/{evalId}/submission/count", 200, 12),
    "nothing": record("DELETE /repo/v1/team/{team}", 204),
    "redirect": record(ADDRESS, 307),
    "address": record(ADDRESS, 200, "http://127.0.0.1/x", kind="text/plain; charset=utf-8"),
    "refusal": record("GET /repo/v1/team/{id}", 404, REFUSAL),
    "bundle": record(
        "GET /repo/v1/evaluation/submission/{id}", 200, SUBMISSION | {"entityBundleJSON": '{"entityType":"file"}'}
    ),
    "part": record(
        "GET /repo/v1/team/{id}", 501, REFUSAL | {"reason": "The local Synapse does not have teams of stars."}
    ),
    "unknown operation": record("GET /repo/v1/made/up", 200, {"made": "up"}),
}
MADE_UP = {
    "field": record("GET /repo/v1/team/{id}", 200, TEAM | {"uri": "/team/3400001"}),
    "null": record("GET /repo/v1/team/{id}", 200, TEAM | {"icon": None}),
    "type": record("GET /repo/v1/team/{id}", 200, TEAM | {"id": 3400001}),
    "no page": record("GET /repo/v1/teams", 200, [TEAM]),
    "status": record("GET /repo/v1/team/{id}", 201, TEAM),
    "body": record("DELETE /repo/v1/team/{id}", 204, {}),
    "no body": record("GET /repo/v1/team/{id}", 200),
    "text": record("GET /repo/v1/team/{id}", 200, "a team", kind="text/plain"),
    "address as JSON": record(ADDRESS, 200, "http://127.0.0.1/x"),
    "redirect": record("GET /repo/v1/team/{id}", 307),
    "bundle": record(
        "GET /repo/v1/evaluation/submission/{id}", 200, SUBMISSION | {"entityBundleJSON": '{"made":"up"}'}
    ),
    "refusal without reason": record("GET /repo/v1/team/{id}", 404, REFUSAL | {"reason": ""}),
    "refusal of another kind": record("GET /repo/v1/team/{id}", 404, {"message": "No."}),
    "refusal as text": record("GET /repo/v1/team/{id}", 404, "No.", kind="text/plain"),
    "failure": record("GET /repo/v1/team/{id}", 500, REFUSAL),
    "operation": record("GET /repo/v1/team/{id}", 501, REFUSAL | {"reason": "It does not have this operation: GET /x"}),
}
BY_THE_SERVER_ONLY = {
    "time": record("GET /repo/v1/team/{id}", 200, TEAM | {"createdOn": "2026-11-24 23:04:05"}),
    "total": record("GET /repo/v1/teams", 200, {"results": [TEAM]}),
    "unlikely refusal": record("GET /repo/v1/team/{id}", 418, REFUSAL),
}


@pytest.mark.parametrize("answer", FAITHFUL.values(), ids=FAITHFUL)
def test_faithful_answers_pass(answer):
    assert [mistake for each in contract.descriptions() for mistake in contract.mistakes(answer, each)] == []


@pytest.mark.parametrize("answer", MADE_UP.values(), ids=MADE_UP)
def test_made_up_answers_are_found(answer, openapi_description):
    assert list(contract.mistakes(answer, openapi_description))


@pytest.mark.parametrize("answer", (MADE_UP | BY_THE_SERVER_ONLY).values(), ids=MADE_UP | BY_THE_SERVER_ONLY)
def test_the_server_s_schemas_find_more(answer, server_description):
    assert list(contract.mistakes(answer, server_description))


def test_a_mistake_is_told_with_its_place(openapi_description):
    page = record("GET /repo/v1/teams", 200, {"results": [TEAM, TEAM | {"name": {}}], "totalNumberOfResults": 2})
    (told,) = contract.mistakes(page, openapi_description)
    assert told == "OpenAPI document: $.results[1].name {} is not of type 'string'"


def test_parameters_that_no_description_has_are_named():
    asked = record("GET /repo/v1/teams", 200, query=["fragment", "limit", "madeUp"])
    assert contract.unknown_parameters(asked) == {"madeUp"}


def test_shapes_keep_what_a_schema_may_look_at():
    one = {"on": "2026-11-24T23:04:05.678Z", "status": "OPEN", "rows": [1, "a b"], "name": "A name"}
    assert shape(one) == shape(one | {"on": "2025-01-01T00:00:00.000Z", "name": "Another", "rows": ["c d", 2, 3]})
    for other in (
        {"on": "yesterday, at ten"},
        {"status": "CLOSED"},
        {"rows": [1.5, "a b"]},
        {"name": None},
        {"more": 1},
    ):
        assert shape(one) != shape(one | other), other


def answered(folder, operation, status, body, kind=b"application/json", path="/repo/v1/team/1"):
    """Send one request through a recorder."""

    async def app(scope, receive, send):
        await receive()
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", kind)]})
        await send({"type": "http.response.body", "body": body[:5], "more_body": True})
        await send({"type": "http.response.body", "body": body[5:]})

    async def receive():
        return {"type": "http.request", "body": b'{"name": "Ada"}', "more_body": False}

    async def send(message):
        sent.append(message)

    sent = []
    router = SimpleNamespace(find=lambda method, path: (SimpleNamespace(name=operation), {}) if operation else None)
    scope = {"type": "http", "method": "GET", "raw_path": path.encode(), "query_string": b"limit=1&offset=2"}
    asyncio.run(Recorder(app, router, folder)(scope, receive, send))
    return b"".join(message.get("body", b"") for message in sent)


def test_an_answer_is_passed_on_and_written_down(tmp_path):
    journal = Journal()
    journal.folder = tmp_path
    journal.begin("test_one")
    body = json.dumps(TEAM).encode()
    assert answered(tmp_path, "GET /repo/v1/team/{id}", 200, body) == body
    assert answered(tmp_path, "GET /repo/v1/team/{id}", 200, json.dumps(TEAM | {"id": "2"}).encode()) != body
    assert answered(tmp_path, None, 200, b"a page of the web site") == b"a page of the web site"
    journal.begin("test_two")
    assert answered(tmp_path, "GET /repo/v1/team/{id}", 200, b"\x00bytes", kind=b"image/png") == b"\x00bytes"
    journal.begin("")
    answered(tmp_path, "GET /repo/v1/team/{id}", 403, json.dumps(REFUSAL).encode())
    one, two = journal.records()
    assert (one.operation, one.status, one.body, one.request) == ("GET /repo/v1/team/{id}", 200, TEAM, {"name": "Ada"})
    assert (one.query, one.size, one.test) == (["limit", "offset"], len(body), "test_one")
    assert (two.body, two.empty, two.kind, two.test) == (None, False, "image/png", "test_two")
