"""
Entities: projects, folders, files, links and what other rooms add to them.

This module serves the entity itself and is the one that other rooms import. Its parts: :mod:`.nodes` (rows, types,
permissions), :mod:`.changes` (create, update, move), :mod:`.versions`, :mod:`.entity_annotations`, :mod:`.provenance`
and :mod:`.trash`.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from airflow_synapse_challenge.local_synapse.core.bodies import Body
from airflow_synapse_challenge.local_synapse.core.errors import Missing
from airflow_synapse_challenge.local_synapse.core.http import Context, operation
from airflow_synapse_challenge.local_synapse.core.store import Json

from . import trash
from .changes import checked_name, create, known_type, project_with_alias, update
from .entity_annotations import annotations_of, write_annotations
from .nodes import (
    FILE,
    FOLDER,
    KINDS,
    LINK,
    PREFIX,
    PROJECT,
    ROOT,
    ZERO_ETAG,
    Kind,
    benefactor,
    keep_version,
    may,
    passes,
    require,
    row_of,
    show,
    touch,
    write_doc,
)
from .nodes import header as entity_header
from .provenance import set_activity
from .versions import add_version, version_of

CHANGES = ("view", "modify")


EntityTypeName = Annotated[str, AfterValidator(known_type)]


class EntityBody(Body, total=False):
    """``Entity``: the fields of every type; each type's own are in its :class:`~.nodes.Kind`."""

    name: str
    description: str
    id: str
    etag: str
    parentId: str
    concreteType: EntityTypeName
    entityType: EntityTypeName
    versionLabel: str
    versionComment: str


@operation("POST", "/repo/v1/entity", 201, body=EntityBody, scopes=CHANGES)
def post_entity(context: Context) -> Json:
    """Make an entity."""
    entity = create(context.store, context.user, context.body)
    return _generated(context, entity)


@operation("GET", "/repo/v1/entity/{id}")
def get_entity(context: Context) -> Json:
    """Read an entity."""
    return show(require(context.store, context.number("id"), context.user, "READ"))


@operation("PUT", "/repo/v1/entity/{id}", body=EntityBody, scopes=CHANGES)
def put_entity(context: Context) -> Json:
    """Replace an entity."""
    entity = context.number("id")
    update(context.store, context.user, entity, context.body, new_version=context.flag("newVersion"))
    return _generated(context, entity)


def _generated(context: Context, entity: int) -> Json:
    """Say what made an entity if the request does; return the entity."""
    if generated := context.query.get("generatedBy"):
        set_activity(context.store, context.user, entity, generated)
    return show(row_of(context.store, entity))


@operation("DELETE", "/repo/v1/entity/{id}", 204)
def delete_entity(context: Context) -> None:
    """Move an entity with everything below it to the trash; nothing happens to unknown ones (E-12)."""
    trash.throw_away(context.store, context.user, context.number("id"))
    if context.flag("skipTrashCan"):
        trash.purge(context.store, context.number("id"))


@operation("GET", "/repo/v1/entity/alias/{alias}")
def get_by_alias(context: Context) -> Json:
    """Find a project by its alias (E-17)."""
    project = project_with_alias(context.store, context.path["alias"])
    if project is None:
        raise Missing(f"No project with the alias '{context.path['alias']}' exists")
    return {"id": f"syn{project}"}


__all__ = [
    "FILE",
    "FOLDER",
    "KINDS",
    "LINK",
    "PREFIX",
    "PROJECT",
    "ROOT",
    "ZERO_ETAG",
    "EntityBody",
    "Kind",
    "add_version",
    "annotations_of",
    "benefactor",
    "checked_name",
    "create",
    "entity_header",
    "keep_version",
    "may",
    "passes",
    "require",
    "row_of",
    "set_activity",
    "show",
    "touch",
    "update",
    "version_of",
    "write_annotations",
    "write_doc",
]
