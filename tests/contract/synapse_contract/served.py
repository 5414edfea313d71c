"""The operations that the local Synapse serves, by its own registry."""

from __future__ import annotations

from functools import partial
from typing import Any

from airflow_synapse_challenge.local_synapse import app
from airflow_synapse_challenge.local_synapse.core.routing import OPERATIONS, Operation

assert app.CONCEPTS, "importing the concepts registers their operations"

SERVED: tuple[Operation, ...] = tuple(sorted(OPERATIONS, key=lambda entry: (entry.path, entry.method)))


def room(operation: str) -> str:
    """Return the room of the local Synapse that serves an operation."""
    for entry in SERVED:
        if entry.name == operation:
            handler = entry.handler.func if isinstance(entry.handler, partial) else entry.handler
            return handler.__module__.rsplit(".local_synapse.", 1)[-1].split(".")[0]
    return ""


def shape(entry: Operation) -> dict[str, Any]:
    """Return the shape of an operation's body as a JSON Schema, ``{}`` for one without."""
    return entry.body.json_schema() if entry.body is not None else {}


def properties(schema: dict[str, Any], top: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the properties of a shape, those of its alternatives too."""
    top = top or schema
    if "$ref" in schema:
        return properties(top["$defs"][schema["$ref"].rsplit("/", 1)[-1]], top)
    found = dict(schema.get("properties", {}))
    for alternative in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        found |= properties(alternative, top)
    return found
