"""
The schema dialect of Synapse's server, translated to JSON Schema 2020-12.

The result describes what the server *answers*: a property that no schema names is not allowed (so nothing made up
passes), null is never there, and whoever implements an interface says so in ``concreteType``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

Schema = dict[str, Any]

#: UTC with exactly three fraction digits.
DATE_TIME = r"^\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"
LONG = {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1}
DOUBLE = {"anyOf": [{"type": "number"}, {"enum": ["NaN", "Infinity", "-Infinity"]}]}
TEXT = {"type": "string"}
SIMPLE = {"string": TEXT, "boolean": {"type": "boolean"}, "integer": LONG, "number": DOUBLE}

#: Where the server's files say less than the server does: (class, property) → its schema.
DELIBERATE: dict[tuple[str, str], Schema] = {
    # A cell without a value is null, the only null on the wire (J-06).
    ("org.sagebionetworks.repo.model.table.Row", "values"): {"type": "array", "items": {"type": ["string", "null"]}},
    ("org.sagebionetworks.repo.model.query.Row", "values"): {"type": "array", "items": {"type": ["string", "null"]}},
}

#: What the server writes without its class, although it has a place for it: the answer of a filter, not of a service.
WITHOUT_CONCRETE_TYPE = {"org.sagebionetworks.repo.model.OAuthErrorResponse"}

#: Classes that have no file: they are written in Java.
JAVA_ONLY: dict[str, Schema] = {
    "org.sagebionetworks.repo.model.BooleanResult": {"result": {"type": "boolean"}},
    # Annotations of entities, first generation.
    "org.sagebionetworks.repo.model.Annotations": {
        **dict.fromkeys(("id", "etag", "uri"), TEXT),
        "creationDate": {"anyOf": [{"type": "string", "pattern": DATE_TIME}, LONG]},
        "stringAnnotations": {"type": "object", "additionalProperties": {"type": "array", "items": TEXT}},
        "longAnnotations": {"type": "object", "additionalProperties": {"type": "array", "items": LONG}},
        "doubleAnnotations": {"type": "object", "additionalProperties": {"type": "array", "items": DOUBLE}},
        "dateAnnotations": {"type": "object", "additionalProperties": {"type": "array", "items": LONG}},
        "blobAnnotations": {"type": "object", "additionalProperties": {"type": "array", "items": TEXT}},
    },
}


def reference(name: str) -> Schema:
    """Return a reference to a class of the same document."""
    return {"$ref": f"#/$defs/{name}"}


def closed(properties: Schema, required: Iterable[str] = ()) -> Schema:
    """Return the schema of an object that has these properties and no other."""
    return {
        "type": "object",
        "properties": properties,
        "required": sorted(required),
        "additionalProperties": False,
    }


def one_of(implementers: Iterable[str]) -> Schema:
    """Return the schema of an interface: ``concreteType`` names the class that an object has to fit."""
    names = sorted(implementers)
    return {
        "type": "object",
        "properties": {"concreteType": {"enum": names}},
        "required": ["concreteType"],
        # Conditions rather than alternatives, so that a mistake is told about the class that the object claims to be.
        "allOf": [
            {
                "if": {"properties": {"concreteType": {"const": name}}, "required": ["concreteType"]},
                "then": reference(name),
            }
            for name in names
        ],
    }


class Dialect:
    """
    The server's schema files.

    :param folder: holds ``org/sagebionetworks/…`` files, one class each.
    """

    def __init__(self, folder: Path) -> None:
        self._files: dict[str, Schema] = {}
        for path in sorted(folder.glob("org/**/*.json")):
            name = ".".join(path.relative_to(folder).with_suffix("").parts)
            self._files[name] = json.loads(path.read_text(encoding="utf-8"))
        # A class that is defined inside another is known by its name everywhere.
        self._inline: dict[str, Schema] = {}
        for file in self._files.values():
            for node in _nodes(file):
                if isinstance(node.get("id"), str) and ("type" in node or "enum" in node):
                    self._inline[node["id"]] = node

    @cached_property
    def document(self) -> Schema:
        """One JSON Schema with a definition for each class."""
        definitions = {name: self._class(name, file) for name, file in self._files.items()}
        definitions |= {name: self._node(node, name) for name, node in self._inline.items()}
        definitions |= {name: closed(properties) for name, properties in JAVA_ONLY.items()}
        return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$defs": definitions}

    def properties(self, name: str) -> Schema:
        """Return the properties of a class with those that it takes over, as the files have them."""
        file = self._files.get(name, {})
        merged: Schema = {}
        for parent in _parents(file):
            merged |= self.properties(parent)
        return merged | file.get("properties", {})

    def implementers(self, name: str) -> list[str]:
        """Return the classes that implement an interface, directly or not."""
        found = set()
        for child in self._children.get(name, ()):
            if self._files[child].get("type") != "interface":
                found.add(child)
            found.update(self.implementers(child))
        return sorted(found)

    @cached_property
    def _children(self) -> dict[str, list[str]]:
        children: dict[str, list[str]] = {}
        for name, file in self._files.items():
            for parent in _parents(file):
                children.setdefault(parent, []).append(name)
        return children

    def _class(self, name: str, file: Schema) -> Schema:
        if "enum" in file:
            return _enum(file)
        if file.get("type") == "interface":
            implementers = self.implementers(name)
            if "concreteType" in self.properties(name) and implementers:
                return one_of(implementers)
        elif file.get("type", "object") != "object":
            return self._node(file, name)
        properties = self.properties(name)
        translated = {key: DELIBERATE.get((name, key)) or self._node(node, name) for key, node in properties.items()}
        required = {key for key, node in properties.items() if str(node.get("required")).lower() == "true"}
        if "concreteType" in properties:
            translated["concreteType"] = {"const": name}
            required |= {"concreteType"} if name not in WITHOUT_CONCRETE_TYPE else set()
        return closed(translated, required)

    def _node(self, node: Schema, owner: str) -> Schema:
        if "$ref" in node:
            return reference(owner if node["$ref"] == "#" else node["$ref"])
        if "$recursiveRef" in node:
            return reference(owner)
        if "enum" in node:
            return _enum(node)
        if node.get("format") == "date-time":
            return {"type": "string", "pattern": DATE_TIME}
        match node.get("type"):
            case "array":
                array = {"type": "array", "items": self._node(node["items"], owner)}
                return array | {"uniqueItems": True} if node.get("uniqueItems") else array
            case "map":
                return {
                    "type": "object",
                    "propertyNames": self._node(node["key"], owner),
                    "additionalProperties": self._node(node["value"], owner),
                }
            case "tuplearraymap":
                pair = {"key": self._node(node["key"], owner), "value": self._node(node["value"], owner)}
                return {"type": "array", "items": closed(pair, ["key"])}
            case "object":
                return {}  # any value
        return SIMPLE[node["type"]]


def _enum(node: Schema) -> Schema:
    return {"enum": [value["name"] if isinstance(value, dict) else value for value in node["enum"]]}


def _parents(file: Schema) -> list[str]:
    parents = [parent["$ref"] for parent in file.get("implements", [])]
    return [*parents, file["extends"]["$ref"]] if "extends" in file else parents


def _nodes(node: Schema) -> Iterable[Schema]:
    """Yield a node and all nodes below it."""
    yield node
    children = [*node.get("properties", {}).values(), *(node.get(key) for key in ("items", "key", "value"))]
    for child in children:
        if isinstance(child, dict):
            yield from _nodes(child)
