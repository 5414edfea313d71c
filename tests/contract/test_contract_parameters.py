"""Parameters of queries and placeholders of paths: what is no number, no flag or missing is refused and named."""

from __future__ import annotations

import re

import pytest
from synapse_contract import contract
from synapse_contract.contract import Parameter
from synapse_contract.likely import Likely
from synapse_contract.openapi import same_path
from synapse_contract.served import SERVED

FITTING = {"text": "1", "number": "1", "flag": "true"}
ILL_TYPED = "ill-typed"


def parameters(operation):
    """The parameters of an operation's query: the most that a description says of each."""
    found = {}
    for description in contract.descriptions():
        promise = description.promise(operation.name)
        for name, parameter in (promise.query or {}).items() if promise else ():
            other = found.get(name, parameter)
            kind = other.kind if other.kind != "text" else parameter.kind
            found[name] = Parameter(kind, other.required or parameter.required, other.words or parameter.words)
    return found


def ill_typed_parameters():
    for operation in SERVED:
        for name, parameter in parameters(operation).items():
            if parameter.kind != "text":
                yield pytest.param(operation, name, id=f"{operation.name}?{name}")


def missing_parameters():
    """Only the server's list knows: the OpenAPI document also calls those required that have a default."""
    description = contract.server()
    if description is None:
        yield pytest.param(None, None, id="unknown")
        return
    for operation in SERVED:
        promise = description.promise(operation.name)
        for name, parameter in (promise.query or {}).items() if promise else ():
            if parameter.required:
                yield pytest.param(operation, name, id=f"{operation.name}?{name}")


def numbered_paths():
    for operation in SERVED:
        promise = contract.public().promise(operation.name)
        for position, parameter in enumerate(promise.path or () if promise else ()):
            if parameter.kind == "number":
                yield pytest.param(operation, position, id=f"{operation.name}#{position}")


@pytest.fixture
def refused(quiet_world, administrator):
    """The reason of a request for things that exist, but with other values in some places."""

    def refused(operation, places=(), parameter=None, value=None):
        likely = Likely(quiet_world, operation.path)
        path = same_path(operation.path)
        for position, place in enumerate(re.findall(r"\{(\w+)", operation.path)):
            chosen = ILL_TYPED if position in places else (likely.place(place) or ["1"])[0]
            likely.choose(place, chosen)
            path = path.replace("{}", str(chosen), 1)
        query = {
            name: (described.words or likely.field(name) or [FITTING.get(described.kind)])[0]
            for name, described in parameters(operation).items()
            if described.required or described.words or described.kind == "flag"
        }
        promise = contract.public().promise(operation.name)
        fields = contract.public().properties(promise.body) if promise and promise.body else ()
        caller = administrator if "/admin/" in path else quiet_world.owner
        query = {name: each for name, each in (query | {parameter: value}).items() if each is not None}
        answer = caller.request(operation.method, path, params=query, json=likely.whole(fields))
        assert answer.status_code == 400, f"{answer.status_code} {answer.text}"
        return answer.json()["reason"]

    return refused


@pytest.mark.parametrize(("operation", "name"), ill_typed_parameters())
def test_an_ill_typed_parameter_is_refused(refused, operation, name):
    reason = refused(operation, parameter=name, value=ILL_TYPED)
    assert name in reason or ILL_TYPED in reason


@pytest.mark.parametrize(("operation", "name"), missing_parameters())
def test_a_required_parameter_is_asked_for(server_description, refused, operation, name):
    assert name in refused(operation, parameter=name)


@pytest.mark.parametrize(("operation", "position"), numbered_paths())
def test_a_number_in_a_path_that_is_none_is_refused(refused, operation, position):
    assert ILL_TYPED in refused(operation, places=[position])
