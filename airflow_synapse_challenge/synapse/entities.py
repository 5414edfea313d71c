"""Entities: projects, folders, files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from airflow_synapse_challenge.synapse.call import Call, Document, nothing

FOLDER = "org.sagebionetworks.repo.model.Folder"
PROJECT = "org.sagebionetworks.repo.model.Project"


class Entity(Document):
    """Any entity; fields of its own type survive as they are."""

    id: str
    name: str
    concrete_type: str
    etag: str | None = None
    parent_id: str | None = None
    data_file_handle_id: str | None = None
    version_number: int | None = None


class EntityPermissions(Document):
    """What the caller may do with an entity."""

    can_view: bool = False
    can_download: bool = False
    can_add_child: bool = False
    can_change_permissions: bool = False


def get(entity_id: str) -> Call[Entity]:
    """``GET /entity/{id}``."""
    return Call("GET", f"/entity/{entity_id}", f"read entity {entity_id}", Entity.model_validate)


def permissions(entity_id: str) -> Call[EntityPermissions]:
    """``GET /entity/{id}/permissions``."""
    return Call(
        "GET",
        f"/entity/{entity_id}/permissions",
        f"read the permissions on {entity_id}",
        EntityPermissions.model_validate,
    )


def child(parent_id: str | None, name: str) -> Call[str | None]:
    """
    Return the synID of a child by name, ``None`` when there is none (``POST /entity/child``, 404, rule E-13).

    :param parent_id: project or folder; ``None`` looks for a project.
    """
    body = {"entityName": name} | ({"parentId": parent_id} if parent_id else {})
    return Call(
        "POST",
        "/entity/child",
        f"look for {name!r} in {parent_id or 'all projects'}",
        lambda answer: str(answer["id"]) if answer else None,
        json=body,
        missing_is_none=True,
    )


def create(
    concrete_type: str,
    name: str,
    parent_id: str | None = None,
    *,
    sharing: Mapping[int, Iterable[str]] | None = None,
) -> Call[str]:
    """
    Make an entity, with sharing of its own in the same request (``POST /entity/bundle2/create``).

    :param sharing: access types by principal; left out, the entity inherits.
    :return: the synID. A create whose answer was lost is looked for by its name.
    """
    entity = {"concreteType": concrete_type, "name": name} | ({"parentId": parent_id} if parent_id else {})
    body: dict[str, Any] = {"entity": entity}
    if sharing is not None:
        body["accessControlList"] = {
            "resourceAccess": [
                {"principalId": principal, "accessType": sorted(access)} for principal, access in sharing.items()
            ]
        }
    return Call(
        "POST",
        "/entity/bundle2/create",
        f"create {name!r} in {parent_id or 'Synapse'}",
        lambda answer: str(answer["entity"]["id"]),
        json=body,
        idempotent=False,
        recheck=child(parent_id, name),
    )


def delete(entity_id: str) -> Call[None]:
    """Move an entity to the trash (``DELETE /entity/{id}``)."""
    return Call("DELETE", f"/entity/{entity_id}", f"delete entity {entity_id}", nothing)


class Annotations(Document):
    """The annotations of an entity, under the entity's etag."""

    id: str
    etag: str
    annotations: dict[str, dict[str, Any]] = {}


def get_annotations(entity_id: str) -> Call[Annotations]:
    """``GET /entity/{id}/annotations2`` (E-11)."""
    return Call(
        "GET", f"/entity/{entity_id}/annotations2", f"read the annotations of {entity_id}", Annotations.model_validate
    )


def put_annotations(annotations: Annotations) -> Call[Annotations]:
    """``PUT /entity/{id}/annotations2``: all of them, under the entity's etag (E-11)."""
    return Call(
        "PUT",
        f"/entity/{annotations.id}/annotations2",
        f"write the annotations of {annotations.id}",
        Annotations.model_validate,
        json=annotations.to_json(),
        idempotent=False,
    )


def move(entity: Entity, parent_id: str) -> Call[Entity]:
    """``PUT /entity/{id}`` with another parent, under its etag (E-15)."""
    moved = entity.model_copy(update={"parent_id": parent_id})
    return Call(
        "PUT",
        f"/entity/{entity.id}",
        f"move {entity.id} to {parent_id}",
        Entity.model_validate,
        json=moved.to_json(),
        idempotent=False,
    )
