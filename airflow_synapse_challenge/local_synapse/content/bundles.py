"""Bundles: several parts of an entity at once, read or written (E-18)."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from airflow_synapse_challenge.local_synapse.core.bodies import Body
from airflow_synapse_challenge.local_synapse.core.errors import Invalid
from airflow_synapse_challenge.local_synapse.core.http import Context, as_id, operation
from airflow_synapse_challenge.local_synapse.core.store import Json, Store
from airflow_synapse_challenge.local_synapse.people import access

from . import (
    changes,
    children,
    entities,
    entity_annotations,
    entity_files,
    nodes,
    provenance,
    restrictions,
    sharing,
    versions,
)

CHANGES = ("view", "modify")


class BundleRequestBody(Body, total=False):
    """``EntityBundleRequest``."""

    includeEntity: bool
    includeAnnotations: bool
    includePermissions: bool
    includeEntityPath: bool
    includeHasChildren: bool
    includeAccessControlList: bool
    includeFileHandles: bool
    includeTableBundle: bool
    includeRootWikiId: bool
    includeBenefactorACL: bool
    includeDOIAssociation: bool
    includeFileName: bool
    includeThreadCount: bool
    includeRestrictionInformation: bool
    includeActivity: bool


class BundleBody(Body, total=False):
    """``EntityBundleCreate``."""

    entity: entities.EntityBody
    annotations: entity_annotations.AnnotationsBody
    accessControlList: access.AccessControlList


@dataclass(frozen=True)
class Subject:
    """
    What a part of a bundle is about.

    :param row: of the entity.
    :param version: that is asked for.
    :param shown: the entity in that version.
    """

    store: Store
    user: int
    row: sqlite3.Row
    version: int
    shown: Json


#: Returns a part of a bundle, ``None`` if there is none.
Part = Callable[[Subject], Any]
#: By the field that asks for it: the field that it gets, and what makes it. Other rooms add theirs.
PARTS: dict[str, tuple[str, Part]] = {}


def part(wish: str, name: str) -> Callable[[Part], Part]:
    """
    Register what makes a part of a bundle.

    :param wish: field of ``EntityBundleRequest``.
    :param name: field of ``EntityBundle``.
    """

    def register(made: Part) -> Part:
        PARTS[wish] = (name, made)
        return made

    return register


def bundle_of(store: Store, entity: int, user: int, wish: Json, version: int | None = None) -> Json:
    """Return ``EntityBundle`` with the parts that are wished for (E-18)."""
    row = nodes.row_of(store, entity)
    asked = row["version"] if version is None else version
    subject = Subject(store, user, row, asked, versions.version_of(store, entity, asked))
    made = {name: make(subject) for asks, (name, make) in PARTS.items() if wish.get(asks)}
    if "entity" in made:
        made["entityType"] = nodes.KINDS[row["type"]].short
    return {name: value for name, value in made.items() if value is not None}


@part("includeEntity", "entity")
def _entity(subject: Subject) -> Json:
    return subject.shown


@part("includeAnnotations", "annotations")
def _annotations(subject: Subject) -> Json:
    return entity_annotations.annotations_of_version(subject.store, subject.row, subject.version)


@part("includePermissions", "permissions")
def _permissions(subject: Subject) -> Json:
    return sharing.permissions_of(subject.store, subject.row["id"], subject.user)


@part("includeEntityPath", "path")
def _path(subject: Subject) -> Json:
    return children.path_of(subject.store, subject.row["id"])


@part("includeHasChildren", "hasChildren")
def _has_children(subject: Subject) -> bool:
    child = "SELECT 1 FROM entity WHERE parent = ? AND trashed_by IS NULL LIMIT 1"
    return subject.store.one(child, subject.row["id"]) is not None


@part("includeAccessControlList", "accessControlList")
def _own_list(subject: Subject) -> Json | None:
    return sharing.own_acl(subject.store, subject.row["id"])


@part("includeBenefactorACL", "benefactorAcl")
def _list_that_applies(subject: Subject) -> Json | None:
    return sharing.own_acl(subject.store, nodes.benefactor(subject.store, subject.row["id"]))


@part("includeFileHandles", "fileHandles")
def _file_handles(subject: Subject) -> list[Json]:
    return entity_files.file_handles_of(subject.store, subject.shown, subject.row["id"], subject.user)


@part("includeFileName", "fileName")
def _file_name(subject: Subject) -> str | None:
    return entity_files.file_name_of(subject.store, subject.shown)


@part("includeRestrictionInformation", "restrictionInformation")
def _restriction(subject: Subject) -> Json:
    return restrictions.restriction_of(subject.store, subject.row["id"], subject.user)


@part("includeActivity", "activity")
def _activity(subject: Subject) -> Json | None:
    return provenance.activity_of(subject.store, subject.row, subject.version)


@operation("POST", "/repo/v1/entity/{id}/bundle2", 200, body=BundleRequestBody, scopes=("view",), writes=False)
def get_bundle(context: Context) -> Json:
    """Read the requested parts of an entity (E-18)."""
    entity = context.number("id")
    nodes.require(context.store, entity, context.user, "READ")
    return bundle_of(context.store, entity, context.user, context.body)


@operation(
    "POST",
    "/repo/v1/entity/{id}/version/{version}/bundle2",
    200,
    body=BundleRequestBody,
    scopes=("view",),
    writes=False,
)
def get_version_bundle(context: Context) -> Json:
    """Read the requested parts of a version of an entity (E-18)."""
    entity = context.number("id")
    nodes.require(context.store, entity, context.user, "READ")
    return bundle_of(context.store, entity, context.user, context.body, versions.asked_version(context))


@operation("POST", "/repo/v1/entity/bundle2/create", 201, body=BundleBody, scopes=CHANGES)
def create_bundle(context: Context) -> Json:
    """Make an entity with its annotations and its list, all or nothing."""
    if "entity" not in context.body:
        raise Invalid("entity is required.")
    entity = changes.create(context.store, context.user, context.body["entity"])
    if "annotations" in context.body:
        values = context.body["annotations"].get("annotations") or {}
        entity_annotations.write_annotations(context.store, entity, values)
    return _written(context, entity)


@operation("PUT", "/repo/v1/entity/{id}/bundle2", body=BundleBody, scopes=CHANGES)
def update_bundle(context: Context) -> Json:
    """Change an entity and its list, and merge its annotations, all or nothing (E-11)."""
    store, body, entity = context.store, context.body, context.number("id")
    if "entity" in body:
        if "id" in body["entity"] and as_id(body["entity"]["id"]) != entity:
            raise Invalid(f"Entity does not match requested entity ID: syn{entity}")
        changes.update(store, context.user, entity, body["entity"], new_version=False)
    if "annotations" in body:
        row = nodes.require(store, entity, context.user, "UPDATE")
        merged = entity_annotations.annotations_of(row)["annotations"] | (body["annotations"].get("annotations") or {})
        entity_annotations.write_annotations(store, entity, merged)
    if "accessControlList" in body and (current := sharing.own_acl(store, entity)) is not None:
        sharing.require_list_etag(current, body["accessControlList"])
    return _written(context, entity)


def _written(context: Context, entity: int) -> Json:
    """Write what a new and a changed bundle have in common; return the parts that the request had."""
    body = context.body
    if "accessControlList" in body:
        row = nodes.require(context.store, entity, context.user, "CHANGE_PERMISSIONS")
        sharing.write_list(context, row, body["accessControlList"])
    if generated := context.query.get("generatedBy"):
        provenance.set_activity(context.store, context.user, entity, generated)
    wish = {
        "includeEntity": "entity" in body,
        "includeAnnotations": "annotations" in body,
        "includeAccessControlList": "accessControlList" in body,
    }
    return bundle_of(context.store, entity, context.user, wish)
