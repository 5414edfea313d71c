"""Bodies of requests have Synapse's fields: one of another type is refused, one that Synapse does not have is not."""

from __future__ import annotations

import pytest
from synapse_contract import contract
from synapse_contract.dialect import DATE_TIME
from synapse_contract.openapi import same_path
from synapse_contract.served import SERVED, properties, shape

WITH_BODY = [entry for entry in SERVED if entry.method in ("POST", "PUT", "PATCH") or entry.body is not None]
each_operation = pytest.mark.parametrize("operation", WITH_BODY, ids=lambda operation: operation.name)

#: A service that Synapse has removed reads nothing.
GONE = 410
#: Fields that no class has but Synapse reads.
ALSO_READ = {"entityType"}  # the older name of `concreteType` (G-16)
#: Values that are no JSON of a type: a number stands for a text and a text for the number that it spells (G-06).
ILL_TYPED = {
    "string": [{"ill": "typed"}, ["ill-typed"]],
    "integer": ["ill-typed", {"ill": "typed"}],
    "number": ["ill-typed", {"ill": "typed"}],
    "boolean": [{"ill": "typed"}, ["ill-typed"]],
    "array": ["ill-typed", {"ill": "typed"}],
    "object": ["ill-typed", ["ill-typed"]],
    "date-time": ["ill-typed", {"ill": "typed"}],
    "enum": ["ILL_TYPED", {"ill": "typed"}],
}


def described(operation):
    """The descriptions of an operation's body: promise and description, the server's first."""
    promises = [(each.promise(operation.name), each) for each in contract.descriptions()]
    return [(promise.body, description) for promise, description in promises if promise]


def kind(schema):
    if "enum" in schema:
        return "enum" if len(schema["enum"]) > 1 else None  # the name of a class, which says nothing where it is known
    if schema.get("pattern") == DATE_TIME:
        return "date-time"
    if "anyOf" in schema:
        return "number"
    return schema.get("type")


@each_operation
def test_a_body_that_synapse_reads_has_a_shape(operation):
    if any(body is not None for body, _ in described(operation)) and operation.status != GONE:
        assert operation.body is not None


@each_operation
def test_the_shape_has_no_field_that_synapse_does_not_have(operation):
    known = [set(description.properties(body)) for body, description in described(operation) if body]
    if known:
        assert set(properties(shape(operation))) - ALSO_READ <= set.union(*known)


def ill_typed_fields():
    """Each operation with each field that it reads and a value that cannot be it."""
    for operation in WITH_BODY:
        fields = {}
        for body, description in reversed(described(operation)):
            for name, schema in description.properties(body or {}).items():
                fields[name] = kind(description.resolved(schema))
        for name in properties(shape(operation)):
            for value in ILL_TYPED.get(fields.get(name), ()):
                yield pytest.param(operation, name, value, id=f"{operation.name} {name}={value}")


@pytest.mark.rule("G-06")
@pytest.mark.parametrize(("operation", "field", "value"), ill_typed_fields())
def test_an_ill_typed_field_is_refused_before_anything_else(somebody, operation, field, value):
    """Whatever the path names: a body is read before anything is looked up."""
    answer = somebody.request(operation.method, same_path(operation.path).replace("{}", "1"), json={field: value})
    assert answer.status_code == 400, answer.text
    assert field in answer.json()["reason"]


@pytest.mark.rule("G-06")
@each_operation
def test_a_field_that_synapse_does_not_have_changes_nothing(somebody, operation):
    path = same_path(operation.path).replace("{}", "1")
    without = somebody.request(operation.method, path, json={})
    with_it = somebody.request(operation.method, path, json={"madeUp": {"made": ["up"]}})
    assert with_it.status_code == without.status_code
    assert "madeUp" not in with_it.text
