"""
Requests that schemathesis makes from the OpenAPI document: whatever comes, the answer is one that Synapse describes.

The seed is fixed and the number of requests is bounded, so that a run is like the one before.
"""

from __future__ import annotations

import time
from copy import deepcopy
from urllib.parse import quote

import hypothesis
import pytest
import schemathesis
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.core import NotSet
from synapse_contract import contract
from synapse_contract.likely import Likely
from synapse_contract.openapi import same_path
from synapse_contract.recording import Record, content
from synapse_contract.served import SERVED
from synapse_contract.sources import openapi_document
from synapse_contract.world import World

EXAMPLES = 25
#: Methods that leave the world as it was.
HARMLESS = {"GET"}
#: What the document leaves out are services that are deprecated.
DESCRIBED = [entry for entry in SERVED if contract.public().promise(entry.name)]


@pytest.fixture(scope="session")
def operations():
    """The operations of the OpenAPI document, by verb and path."""
    document = deepcopy(openapi_document())
    for described in (method for path in document["paths"].values() for method in path.values()):
        for parameter in described.get("parameters", ()):
            if parameter["schema"].get("type") == "number":
                parameter["schema"]["type"] = "integer"  # a Java long, for which the document has another word
    schema = schemathesis.openapi.from_dict(document)
    found = (result.ok() for result in schema.get_all_operations())
    return {f"{operation.method.upper()} {same_path(operation.path)}": operation for operation in found}


@pytest.fixture(scope="session")
def others(administrator, person, client):
    """Who may do everything, who owns nothing, and who has no token."""
    return [administrator, person(), client(None)]


def settled(data, case, likely, fields):
    """The path, the query and the body of a case, mostly with ids that exist where the case has made-up ones."""
    path = case.path
    for name, made_up in case.path_parameters.items():
        known = likely.place(name)
        value = data.draw(st.sampled_from([*known, *known, *known, made_up])) if known else made_up
        likely.choose(name, value)
        path = path.replace("{" + name + "}", quote(str(value), safe=""))
    query = {name: with_known(data, likely, name, value) for name, value in (case.query or {}).items()}
    if isinstance(case.body, NotSet | bytes):
        return path, query, None
    body = with_known(data, likely, "", case.body)
    if isinstance(body, dict) and data.draw(st.booleans()):
        current = likely.current(path) if case.method == "PUT" else None
        kept = data.draw(st.sets(st.sampled_from(sorted(body)), max_size=3)) if body else set()
        whole = current if isinstance(current, dict) else likely.whole(fields)
        body = whole | {name: body[name] for name in kept}
    return path, query, body


def with_known(data, likely, name, value):
    """A value with known ids in it."""
    if isinstance(value, dict):
        return {key: with_known(data, likely, key, item) for key, item in value.items()}
    if isinstance(value, list):
        return [with_known(data, likely, name, item) for item in value]
    known = likely.field(name)
    return data.draw(st.sampled_from([*known, *known, value])) if known else value


def cases(operation):
    """Requests that fit the document and requests that do not."""
    modes = (GenerationMode.POSITIVE, GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    return st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in modes))


@pytest.mark.rule("G-04")
@pytest.mark.timeout(180)
@pytest.mark.parametrize("served", DESCRIBED, ids=lambda served: served.name)
def test_whatever_comes_the_answer_is_described(served, operations, others, quiet_world, person):
    world = quiet_world if served.method in HARMLESS else World(person())
    callers = [world.owner, world.owner, world.owner, *others]
    operation = operations[same_path(served.name)]
    promise = contract.public().promise(served.name)
    fields = sorted(contract.public().properties(promise.body)) if promise.body else []

    @hypothesis.settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(case=cases(operation), data=st.data())
    def ask(case, data):
        path, query, body = settled(data, case, Likely(world, operation.path), fields)
        sent = {} if body is None else {"json": body}
        answer = data.draw(st.sampled_from(callers)).request(served.method, path, params=query, **sent)
        kind = answer.headers.get("content-type", "")
        got = content(answer.content, kind)
        record = Record(served.name, answer.status_code, kind, got, len(answer.content), [], body, time.time())
        for description in contract.descriptions():
            for mistake in contract.mistakes(record, description):
                pytest.fail(f"{served.name} → {answer.status_code}: {mistake}\n{answer.request.url} {body!r}\n{got!r}")

    ask()
