"""What Synapse's descriptions say about each operation, and where an answer differs from it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from . import openapi
from .dialect import Dialect, Schema, closed, reference
from .recording import Record
from .sources import openapi_document, server_contract, server_document

ERROR = "org.sagebionetworks.repo.model.BaseError"
REFUSED_SCOPE = "org.sagebionetworks.repo.model.OAuthErrorResponse"
JOB = "org.sagebionetworks.repo.model.asynch.AsynchronousJobStatus"
BUNDLE = "org.sagebionetworks.repo.model.entitybundle.v2.EntityBundle"
LONG = {"type": "integer"}
ANYTHING: Schema = {}
#: What else an operation may answer, and where that is said.
MORE_ERRORS = {
    "DELETE /file/v1/fileHandle/{}": {409},  # in use (the server's FileHandleLinkedException)
    "PUT /repo/v1/trashcan/restore/{}": {409},  # the name has been given away (NameConflictException)
    "PUT /repo/v1/trashcan/restore/{}/{}": {409},
    "PUT /repo/v1/userProfile": {409},  # the user name is somebody else's (NameConflictException)
}
#: Answers that may be empty although a body is described: there is nothing, which clients read so.
EMPTY_WHEN_NOTHING = {"GET /repo/v1/projectSettings/{}/type/{}"}
#: Any operation may answer these (the server's `common_errors`; a server that fails is no part of what is served).
COMMON_ERRORS = frozenset({400, 401, 403, 404, 405, 415, 429})
MOST_MISMATCHES = 5
#: Part of the paths that ask for the result of a job; while it runs they answer 202 (J-01).
RESULT_OF_JOB = "/async/get/"
NOT_SERVED = 501
NO_OPERATION = "does not have this operation"


@dataclass(frozen=True)
class Parameter:
    """
    A parameter of a query or a placeholder of a path.

    :param kind: ``text``, ``number``, ``flag`` or ``word`` (one of a list).
    :param required: Synapse refuses a request without it.
    :param words: the list, where it is known.
    """

    kind: str
    required: bool
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Promise:
    """
    What one description says about an operation.

    :param answers: schema of the body for each success status; ``None`` for none, :data:`ANYTHING` for unknown ones.
    :param body: schema of the request's body; ``None`` for none, :data:`ANYTHING` for unknown ones.
    :param gone: it always answers that it is no longer there.
    :param redirects: it sends elsewhere, or tells the address as text.
    :param query: its query parameters; ``None`` where they are not described.
    :param path: the placeholders of its path; ``None`` where they are not described.
    :param errors: statuses of refusals beside the common ones; ``None`` where that is not described.
    :param scopes: what the caller's token has to allow; ``None`` where that is not described.
    """

    answers: dict[int, Schema | None]
    body: Schema | None
    gone: bool
    redirects: bool
    query: dict[str, Parameter] | None
    path: list[Parameter] | None
    errors: frozenset[int] | None
    scopes: frozenset[str] | None


class Description:
    """
    One description of all operations, with the schemas of their bodies.

    :param name: as mistakes tell it.
    :param document: JSON Schema with ``$defs``.
    """

    def __init__(self, name: str, document: Schema) -> None:
        self.name = name
        self.document = document
        self._promises: dict[tuple[str, str], Promise] = {}
        self._validators: dict[str, Draft202012Validator] = {}

    def add(self, verb: str, path: str, promise: Promise) -> None:
        """Describe an operation."""
        self._promises.setdefault((verb, openapi.same_path(path)), promise)

    def promise(self, operation: str) -> Promise | None:
        """Return what is said about ``VERB /path``."""
        verb, path = operation.split(" ", 1)
        return self._promises.get((verb, openapi.same_path(path)))

    def properties(self, schema: Schema) -> dict[str, Schema]:
        """Return the properties of an object, of an interface those of all who implement it."""
        schema = self.resolved(schema)
        found: dict[str, Schema] = dict(schema.get("properties", {}))
        for condition in schema.get("allOf", ()):
            found = self.properties(condition["then"]) | found
        return found

    def resolved(self, schema: Schema) -> Schema:
        """Return a schema that is no reference."""
        while "$ref" in schema:
            schema = self.document["$defs"][schema["$ref"].removeprefix("#/$defs/")]
        return schema

    def mistakes(self, schema: Schema, body: Any) -> list[str]:
        """Return how a body differs from a schema."""
        key = json.dumps(schema)
        if key not in self._validators:
            self._validators[key] = Draft202012Validator(self.document | schema)
        found = [f"{error.json_path} {_words(error)}" for error in self._validators[key].iter_errors(body)]
        return [f"{self.name}: {each}" for each in sorted(set(found))[:MOST_MISMATCHES]]


def _words(error: Any) -> str:
    text = re.sub(r"\s+", " ", str(error.message))
    return text if len(text) <= 200 else f"{text[:120]} … {text[-70:]}"


@cache
def server() -> Description | None:
    """Return the description by the server's own schemas, ``None`` on a machine without them."""
    folder = server_contract()
    if folder is None:
        return None
    description = Description("server's schemas", Dialect(folder / "schemas").document)
    classes = description.document["$defs"]
    for entry in server_document("endpoints.json")["endpoints"]:
        description.add(entry["verb"], entry["path"], _of_server(entry, classes))
    for entry in server_document("all_endpoints.json"):
        description.add(entry["verb"], entry["path"], _of_server(_full(entry), classes))
    return description


def _full(entry: dict[str, Any]) -> dict[str, Any]:
    """An operation of the short list, as the long list would have it."""
    return {
        "path": entry["path"],
        "success_status": entry["success"],
        "response_schema": entry["response"],
        "request_schema": entry["request"],
    }


def _of_server(entry: dict[str, Any], classes: Schema) -> Promise:
    status, note = entry["success_status"], entry.get("success_status_note", "")
    answers: dict[int, Schema | None] = {status: _body(entry["response_schema"], classes)}
    if RESULT_OF_JOB in entry["path"]:
        answers[202] = reference(JOB)
    described = "query_params" in entry
    return Promise(
        answers=answers,
        body=_body(entry["request_schema"], classes),
        gone=any(each["when"] == "always" for each in entry.get("error_statuses", ())),
        redirects=note.startswith("307"),
        query={each["name"]: _parameter(each) for each in entry["query_params"]} if described else None,
        path=None,
        errors=frozenset(each["status"] for each in entry["error_statuses"]) if described else None,
        scopes=frozenset(entry["required_scopes"]) if described else None,
    )


def _parameter(entry: dict[str, Any]) -> Parameter:
    """Java's types; whatever is none of the usual ones is an enumeration."""
    kinds = {"string": "text", "list<string>": "text", "boolean": "flag", "long": "number", "integer": "number"}
    kinds["int"] = "number"
    return Parameter(kinds.get(entry["type"].lower(), "word"), entry["required"])


def _body(name: str | None, classes: Schema) -> Schema | None:
    """Return the schema of a body from the name of its class; some classes have no file."""
    if name is None:
        return None
    if generic := re.fullmatch(r"(PaginatedResults|ListWrapper)<(.*)>", name):
        items = {"type": "array", "items": reference(generic[2]) if generic[2] in classes else ANYTHING}
        if generic[1] == "ListWrapper":
            return closed({"concreteType": {"const": generic[2]}, "list": items}, ["concreteType", "list"])
        return closed({"results": items, "totalNumberOfResults": LONG}, ["results", "totalNumberOfResults"])
    if name == "long":
        return LONG
    return reference(name) if name in classes else ANYTHING


@cache
def public() -> Description:
    """Return the description by Synapse's OpenAPI document."""
    document = openapi_document()
    description = Description("OpenAPI document", openapi.schemas(document))
    for path, operations in document["paths"].items():
        for verb, operation in operations.items():
            description.add(verb.upper(), path, _of_openapi(path, operation, document["components"]["schemas"]))
    return description


def _of_openapi(path: str, operation: dict[str, Any], components: Schema) -> Promise:
    answers: dict[int, Schema | None] = {}
    for status, response in operation["responses"].items():
        content = response.get("content", {})
        if "application/json" in content:
            schema = openapi.strict(content["application/json"]["schema"])
            # The document takes the class BooleanResult for the bare value that is in it.
            answers[int(status)] = closed({"result": schema}, ["result"]) if schema == {"type": "boolean"} else schema
        elif status != "307":
            answers[int(status)] = None
    if RESULT_OF_JOB in path:
        answers[202] = reference(JOB)
    parameters = operation.get("parameters", [])
    asked = operation.get("requestBody", {}).get("content", {})
    return Promise(
        answers=answers,
        body=openapi.strict(asked["application/json"]["schema"]) if "application/json" in asked else None,
        gone=False,
        redirects="307" in operation["responses"],
        query={each["name"]: _public_parameter(each, components) for each in parameters if each["in"] == "query"},
        path=[_public_parameter(each, components) for each in parameters if each["in"] == "path"],
        errors=None,
        scopes=None,
    )


def _public_parameter(entry: dict[str, Any], components: Schema) -> Parameter:
    schema = components[openapi.name_of(entry["schema"])] if "$ref" in entry["schema"] else entry["schema"]
    words = tuple(schema.get("enum", ()))
    kinds = {"number": "number", "integer": "number", "boolean": "flag"}
    kind = "word" if words else kinds.get(schema.get("type"), "text")
    return Parameter(kind, entry.get("required", False), words)


def descriptions() -> list[Description]:
    """Return the descriptions that this machine has."""
    return [each for each in (server(), public()) if each is not None]


def mistakes(record: Record, description: Description) -> Iterator[str]:
    """Yield how an answer differs from what a description promises."""
    promise = description.promise(record.operation)
    if record.status >= 400:
        yield from _mistakes_of_refusal(record, description, promise)
    elif promise is not None:
        yield from _mistakes_of_success(record, description, promise)


def unknown_parameters(record: Record) -> set[str]:
    """Return the query parameters of a request that no description of its operation has."""
    promises = [promise for each in descriptions() if (promise := each.promise(record.operation))]
    described = [promise.query for promise in promises if promise.query is not None]
    return set(record.query) - {name for query in described for name in query} if described else set()


def _mistakes_of_refusal(record: Record, description: Description, promise: Promise | None) -> Iterator[str]:
    if not isinstance(record.body, dict):
        yield f"no error body: {record.body!r}"
        return
    name = REFUSED_SCOPE if "error" in record.body else ERROR
    yield from description.mistakes(reference(name), record.body)
    if not record.body.get("reason"):
        yield "an error without a reason"
    if record.status == NOT_SERVED and NO_OPERATION not in record.body.get("reason", ""):
        return  # part of a served operation that the local Synapse openly does not have
    if record.status >= 500:
        yield f"the local Synapse failed: {record.body.get('reason')}"
    elif promise and promise.errors is not None:
        more = MORE_ERRORS.get(openapi.same_path(record.operation), set())
        more = more | ({409, 412} if RESULT_OF_JOB in record.operation else set())  # of what the job does (J-02)
        possible = COMMON_ERRORS | promise.errors | set(promise.answers) | more
        if promise.body and "etag" in description.properties(promise.body):
            possible |= {412}  # whatever carries an etag is compared with it (G-15)
        if record.status not in possible:
            yield f"{description.name}: status {record.status} is not one of {sorted(possible)}"


def _mistakes_of_success(record: Record, description: Description, promise: Promise) -> Iterator[str]:
    if record.status == 307 and promise.redirects:
        if not record.empty:
            yield f"{description.name}: a redirect with a body"
        return
    if record.status not in promise.answers:
        yield f"{description.name}: status {record.status} instead of {sorted(promise.answers)}"
        return
    schema = promise.answers[record.status]
    if promise.redirects:
        if not record.kind.startswith("text/plain"):
            yield f"{description.name}: content type {record.kind!r} instead of text/plain for an address"
    elif schema is None:
        if not record.empty:
            yield f"{description.name}: a body where there is none: {json.dumps(record.body)[:100]}"
    elif record.empty and openapi.same_path(record.operation) in EMPTY_WHEN_NOTHING:
        return
    elif "json" not in record.kind:
        yield f"{description.name}: content type {record.kind!r} instead of JSON"
    else:
        yield from description.mistakes(schema, record.body)
        yield from _mistakes_within(record, description)


def _mistakes_within(record: Record, description: Description) -> Iterator[str]:
    """The bundle that a submission carries is a text, but one with a schema."""
    for bundle in _texts(record.body, "entityBundleJSON"):
        for mistake in description.mistakes(reference(BUNDLE), json.loads(bundle)):
            yield f"entityBundleJSON: {mistake}"


def _texts(value: Any, key: str) -> Iterator[str]:
    """Yield the texts under a key, wherever it is."""
    if isinstance(value, dict):
        for name, item in value.items():
            if name == key and isinstance(item, str):
                yield item
            else:
                yield from _texts(item, key)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, key)
