"""Synapse's OpenAPI document, its schemas as strict as those of the server's dialect."""

from __future__ import annotations

import re
from typing import Any

from .dialect import DOUBLE, LONG, Schema, closed, one_of, reference

PREFIX = "#/components/schemas/"
NULLABLE_CELLS = {"type": "array", "items": {"type": ["string", "null"]}}

#: Where the document says less than the server does: (component, property) → its schema.
DELIBERATE: dict[tuple[str, str], Schema] = {
    ("org.sagebionetworks.repo.model.table.Row", "values"): NULLABLE_CELLS,
    ("org.sagebionetworks.repo.model.query.Row", "values"): NULLABLE_CELLS,
}


def schemas(document: dict[str, Any]) -> Schema:
    """Return one JSON Schema with a definition for each component."""
    components = document["components"]["schemas"]
    definitions = {name: _component(name, component) for name, component in components.items()}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$defs": definitions}


def _component(name: str, component: Schema) -> Schema:
    if "oneOf" in component:
        return one_of(name_of(each) for each in component["oneOf"])
    if component.get("type") != "object" or "properties" not in component:
        return strict(component)
    properties = {key: DELIBERATE.get((name, key)) or strict(node) for key, node in component["properties"].items()}
    if name.startswith("ListWrapperOf"):
        # The class of its elements, which the document leaves out.
        properties["concreteType"] = {"type": "string"}
    return closed(properties, component.get("required", ()))


def strict(node: Schema) -> Schema:
    """Translate a schema of the document."""
    if "$ref" in node:
        return reference(name_of(node))
    if "enum" in node:
        return {"enum": node["enum"]}
    match node.get("type"):
        case "array":
            array = {"type": "array", "items": strict(node.get("items", {}))}
            return array | {"uniqueItems": True} if node.get("uniqueItems") else array
        case "object" if "additionalProperties" in node:
            return {"type": "object", "additionalProperties": strict(node["additionalProperties"])}
        case "object" if "properties" in node:
            properties = {key: strict(child) for key, child in node["properties"].items()}
            return closed(properties, node.get("required", ()))
        case "integer":
            return LONG  # every integer is called int32 there, ids too
        case "number":
            return DOUBLE
        case "string" | "boolean" as kind:
            return {"type": kind}
    return {}


def name_of(node: Schema) -> str:
    """Return the name of the component that a reference leads to."""
    return str(node["$ref"]).removeprefix(PREFIX)


def same_path(path: str) -> str:
    """Return a path whose placeholders have lost their names, which differ between descriptions."""
    return re.sub(r"\{[^}]*\}", "{}", path)
