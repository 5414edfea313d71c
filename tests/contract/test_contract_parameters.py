"""Parameters of queries and placeholders of paths: what is no number, no flag or missing is refused and named."""

from __future__ import annotations

import re

import pytest
from synapse_contract import contract
from synapse_contract.contract import Parameter
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
            found[name] = Parameter(kind, other.required or parameter.required)
    return found


def ill_typed_parameters():
    for operation in SERVED:
        for name, parameter in parameters(operation).items():
            if parameter.kind != "text":
                yield pytest.param(operation, name, id=f"{operation.name}?{name}")


def missing_parameters():
    """Only the server's list knows: the OpenAPI document also calls those required that have a default."""
    for operation in SERVED if contract.server() else ():
        promise = contract.server().promise(operation.name)
        for name, parameter in (promise.query or {}).items() if promise else ():
            if parameter.required:
                yield pytest.param(operation, name, id=f"{operation.name}?{name}")


def numbered_paths():
    for operation in SERVED:
        promise = contract.public().promise(operation.name)
        for position, parameter in enumerate(promise.path or () if promise else ()):
            if parameter.kind == "number":
                yield pytest.param(operation, position, id=f"{operation.name}#{position}")


def fitting(world, operation, left_out=""):
    """Values for the flags and for what is required, but for one."""
    return {
        name: (world.of_field(name) or [FITTING.get(parameter.kind)])[0]
        for name, parameter in parameters(operation).items()
        if name != left_out and (parameter.required or parameter.kind == "flag")
    }


@pytest.fixture
def refused(quiet_world, administrator):
    """The reason of a request for things that exist, with other values in some places of its path."""

    def refused(operation, query, replaced=()):
        places = re.findall(r"\{(\w+)", operation.path)
        values = [(quiet_world.of_path(operation.path, place) or ["1"])[0] for place in places]
        for position, value in replaced:
            values[position] = value
        path = same_path(operation.path).format(*values)
        promise = contract.public().promise(operation.name)
        fields = contract.public().properties(promise.body) if promise and promise.body else ()
        caller = administrator if "/admin/" in path else quiet_world.owner
        answer = caller.request(operation.method, path, params=query, json=quiet_world.whole(fields))
        assert answer.status_code == 400, f"{answer.status_code} {answer.text}"
        return answer.json()["reason"]

    return refused


@pytest.mark.parametrize(("operation", "name"), ill_typed_parameters())
def test_an_ill_typed_parameter_is_refused(refused, quiet_world, operation, name):
    reason = refused(operation, fitting(quiet_world, operation) | {name: ILL_TYPED})
    assert name in reason or ILL_TYPED in reason


@pytest.mark.parametrize(("operation", "name"), missing_parameters())
def test_a_required_parameter_is_asked_for(refused, quiet_world, operation, name):
    assert name in refused(operation, fitting(quiet_world, operation, name))


@pytest.mark.parametrize(("operation", "position"), numbered_paths())
def test_a_number_in_a_path_that_is_none_is_refused(refused, quiet_world, operation, position):
    assert ILL_TYPED in refused(operation, fitting(quiet_world, operation), [(position, ILL_TYPED)])
