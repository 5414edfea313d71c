"""Annotations of entities, in both generations (E-11)."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from typing import Any

from airflow_synapse_challenge.local_synapse.core.bodies import Body, Long
from airflow_synapse_challenge.local_synapse.core.errors import require
from airflow_synapse_challenge.local_synapse.core.http import Context, operation
from airflow_synapse_challenge.local_synapse.core.store import Json, Store, dump, load

from . import annotation_rules, changes, nodes, versions

CHANGES = ("view", "modify")

#: The older generation's maps, with the newer generation's types that they hold; the first is what they become.
OLDER_MAPS: dict[str, tuple[str, ...]] = {
    "stringAnnotations": ("STRING", "BOOLEAN"),
    "longAnnotations": ("LONG",),
    "doubleAnnotations": ("DOUBLE",),
    "dateAnnotations": ("TIMESTAMP_MS",),
}


class AnnotationsBody(Body, total=False):
    """``Annotations`` of the newer generation; its values are judged by :mod:`.annotation_rules`."""

    id: str
    etag: str
    annotations: dict[str, Any]


class OlderAnnotationsBody(Body, total=False):
    """``Annotations`` of the older generation."""

    id: str
    etag: str
    stringAnnotations: dict[str, list[str]]
    longAnnotations: dict[str, list[Long]]
    doubleAnnotations: dict[str, list[float]]
    dateAnnotations: dict[str, list[Long]]


def annotations_of(row: sqlite3.Row) -> Json:
    """Return the annotations of an entity as Synapse shows them."""
    return {"id": f"syn{row['id']}", "etag": row["etag"], "annotations": load(row["annotations"])}


def annotations_of_version(store: Store, row: sqlite3.Row, version: int) -> Json:
    """Return the annotations that a version has; those of old ones have the zero etag (E-04)."""
    kept = load(versions.kept_version(store, row, version)["annotations"])
    etag = row["etag"] if version == row["version"] else nodes.ZERO_ETAG
    return {"id": f"syn{row['id']}", "etag": etag, "annotations": kept}


def write_annotations(store: Store, entity: int, values: Json) -> None:
    """Replace all annotations of an entity."""
    store.run("UPDATE entity SET annotations = ? WHERE id = ?", dump(annotation_rules.checked(values)), entity)
    nodes.touch(store, entity)
    nodes.keep_version(store, entity)


@operation("GET", "/repo/v1/entity/{id}/annotations2")
def get_annotations(context: Context) -> Json:
    """Read annotations; none are derived from a JSON schema, for there are none here (E-11)."""
    context.flag("includeDerived")
    return annotations_of(nodes.require(context.store, context.number("id"), context.user, "READ"))


@operation("GET", "/repo/v1/entity/{id}/version/{version}/annotations2")
def get_annotations_of_version(context: Context) -> Json:
    """Read the annotations of a version."""
    row = nodes.require(context.store, context.number("id"), context.user, "READ")
    return annotations_of_version(context.store, row, versions.asked_version(context))


@operation("PUT", "/repo/v1/entity/{id}/annotations2", body=AnnotationsBody, scopes=CHANGES)
def put_annotations(context: Context) -> Json:
    """Replace all annotations under the entity's etag (E-11)."""
    _replace(context, context.body.get("annotations") or {})
    return annotations_of(nodes.row_of(context.store, context.number("id")))


def _replace(context: Context, values: Json) -> None:
    row = nodes.require(context.store, context.number("id"), context.user, "UPDATE")
    require(context.body.get("etag"), "etag")
    changes.require_etag(row, context.body["etag"])
    write_annotations(context.store, row["id"], values)


@operation("GET", "/repo/v1/entity/{id}/annotations")
def get_older_annotations(context: Context) -> Json:
    """Read annotations in the older generation's form."""
    row = nodes.require(context.store, context.number("id"), context.user, "READ")
    return _older(row, annotations_of(row))


@operation("GET", "/repo/v1/entity/{id}/version/{version}/annotations")
def get_older_annotations_of_version(context: Context) -> Json:
    """Read the annotations of a version in the older generation's form."""
    row = nodes.require(context.store, context.number("id"), context.user, "READ")
    return _older(row, annotations_of_version(context.store, row, versions.asked_version(context)))


@operation("PUT", "/repo/v1/entity/{id}/annotations", body=OlderAnnotationsBody, scopes=CHANGES)
def put_older_annotations(context: Context) -> Json:
    """Replace all annotations, in the older generation's form, under the entity's etag."""
    values = {
        key: {"type": kinds[0], "value": found}
        for name, kinds in OLDER_MAPS.items()
        for key, found in context.body.get(name, {}).items()
    }
    _replace(context, values)
    row = nodes.row_of(context.store, context.number("id"))
    return _older(row, annotations_of(row))


def _older(row: sqlite3.Row, annotations: Json) -> Json:
    created = datetime.fromisoformat(load(row["doc"])["createdOn"])
    maps: Json = {name: {} for name in (*OLDER_MAPS, "blobAnnotations")}
    for key, entry in annotations["annotations"].items():
        name = next(name for name, kinds in OLDER_MAPS.items() if entry["type"] in kinds)
        maps[name][key] = [_older_value(entry["type"], text) for text in entry["value"]]
    return {
        "id": annotations["id"],
        "etag": annotations["etag"],
        "uri": f"/entity/{annotations['id']}/annotations",
        "creationDate": round(created.timestamp() * 1000),
        **maps,
    }


def _older_value(kind: str, text: str) -> str | int | float:
    if kind in ("LONG", "TIMESTAMP_MS"):
        return int(text)
    if kind == "DOUBLE" and annotation_rules.is_finite(text):
        return float(text)
    return text
