"""The server's schema dialect means what the translation says."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator
from synapse_contract import openapi
from synapse_contract.dialect import Dialect, reference

FILES = {
    "org.x.Animal": {
        "type": "interface",
        "properties": {"concreteType": {"type": "string"}, "name": {"type": "string"}},
    },
    "org.x.Pet": {
        "type": "interface",
        "implements": [{"$ref": "org.x.Animal"}],
        "properties": {"owner": {"type": "integer"}},
    },
    "org.x.Dog": {
        "implements": [{"$ref": "org.x.Pet"}],
        "properties": {"friends": {"type": "array", "items": {"$ref": "#"}}},
    },
    "org.x.Puppy": {
        "extends": {"$ref": "org.x.Dog"},
        "properties": {"born": {"type": "string", "format": "date-time"}},
    },
    "org.x.Cat": {
        "implements": [{"$ref": "org.x.Animal"}],
        "properties": {
            "mood": {
                "type": "string",
                "id": "org.x.Mood",
                "enum": [{"name": "GOOD", "description": ""}, {"name": "BAD"}],
            },
            "weight": {"type": "number"},
            "lives": {"type": "integer", "required": True},
        },
    },
    "org.x.House": {
        "properties": {
            "animals": {"type": "array", "uniqueItems": True, "items": {"$ref": "org.x.Animal"}},
            "moods": {"type": "map", "key": {"type": "string"}, "value": {"$ref": "org.x.Mood"}},
            "cells": {"type": "tuplearraymap", "key": {"type": "string"}, "value": {"type": "string"}},
            "status": {"type": "object", "$ref": "org.x.Status"},
            "rest": {"type": "object"},
        }
    },
    "org.x.Status": {"type": "string", "enum": ["OPEN", "CLOSED"]},
}
CAT = {"concreteType": "org.x.Cat", "lives": 9}
DOG = {"concreteType": "org.x.Dog"}


@pytest.fixture(scope="module")
def document(tmp_path_factory):
    folder = tmp_path_factory.mktemp("schemas")
    for name, file in FILES.items():
        path = folder.joinpath(*name.split(".")).with_suffix(".json")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(file))
    document = Dialect(folder).document
    Draft202012Validator.check_schema(document)
    return document


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("org.x.Animal", CAT | {"name": "Tom", "mood": "GOOD", "weight": 4.5}),
        ("org.x.Animal", CAT | {"weight": "NaN"}),
        ("org.x.Animal", DOG | {"name": "Rex", "owner": 2**62, "friends": [DOG]}),
        ("org.x.Animal", {"concreteType": "org.x.Puppy", "owner": 1, "born": "2026-11-24T23:04:05.678Z"}),
        ("org.x.House", {"animals": [CAT, DOG], "moods": {"Tom": "BAD"}, "status": "OPEN", "rest": [1, {"a": None}]}),
        ("org.x.House", {"cells": [{"key": "a", "value": "1"}, {"key": "b"}]}),
    ],
)
def test_what_fits(document, name, value):
    Draft202012Validator(document | reference(name)).validate(value)


@pytest.mark.parametrize(
    ("name", "value", "where"),
    [
        ("org.x.Animal", {"lives": 9}, "$"),  # which class?
        ("org.x.Animal", {"concreteType": "org.x.Pet"}, "$.concreteType"),  # an interface is no class
        ("org.x.Animal", {"concreteType": "org.x.Cat"}, "$"),  # a required property
        ("org.x.Animal", CAT | {"owner": 1}, "$"),  # another class's property
        ("org.x.Animal", CAT | {"mood": "MIXED"}, "$.mood"),
        ("org.x.Animal", CAT | {"name": None}, "$.name"),
        ("org.x.Animal", CAT | {"weight": "4.5"}, "$.weight"),
        ("org.x.Animal", CAT | {"lives": 2**63}, "$.lives"),
        ("org.x.Cat", {"lives": 9}, "$"),  # classes of an interface name themselves everywhere
        ("org.x.Dog", DOG | {"friends": [CAT]}, "$.friends[0].concreteType"),
        ("org.x.Puppy", {"concreteType": "org.x.Puppy", "born": "2026-11-24T23:04:05Z"}, "$.born"),
        ("org.x.Puppy", {"concreteType": "org.x.Puppy", "born": "2026-11-24T23:04:05.678+00:00"}, "$.born"),
        ("org.x.House", {"moods": {"Tom": "MIXED"}}, "$.moods.Tom"),
        ("org.x.House", {"animals": [CAT, CAT]}, "$.animals"),
        ("org.x.House", {"status": {"name": "OPEN"}}, "$.status"),
        ("org.x.House", {"cells": [{"value": "1"}]}, "$.cells[0]"),
        ("org.x.House", {"garden": True}, "$"),  # made up
    ],
)
def test_what_does_not_fit(document, name, value, where):
    errors = [error.json_path for error in Draft202012Validator(document | reference(name)).iter_errors(value)]
    assert where in errors


def test_the_public_document_is_read_as_strictly():
    component = {
        "type": "object",
        "properties": {"id": {"type": "integer", "format": "int32"}, "of": {"$ref": "#/components/schemas/Base"}},
    }
    base = {"type": "object", "properties": {}, "oneOf": [{"$ref": "#/components/schemas/One"}], "discriminator": {}}
    one = {
        "type": "object",
        "properties": {"concreteType": {"type": "string", "enum": ["One"]}},
        "required": ["concreteType"],
    }
    document = openapi.schemas({"components": {"schemas": {"It": component, "Base": base, "One": one}}})
    validator = Draft202012Validator(document | reference("It"))
    validator.validate({"id": 2**40, "of": {"concreteType": "One"}})
    for wrong in ({"made": "up"}, {"of": {}}, {"of": {"concreteType": "Two"}}, {"id": None}):
        assert list(validator.iter_errors(wrong)), wrong


def test_all_of_the_descriptions_can_be_read(openapi_description, server_description):
    for description in (openapi_description, server_description):
        Draft202012Validator.check_schema(description.document)
        assert dangling(description.document) == []


def dangling(document):
    """The references that lead nowhere."""
    names = {f"#/$defs/{name}" for name in document["$defs"]}

    def references(node):
        if isinstance(node, dict):
            if isinstance(node.get("$ref"), str):
                yield node["$ref"]
            node = list(node.values())
        if isinstance(node, list):
            for child in node:
                yield from references(child)

    return sorted(set(references(document)) - names)
