"""Who may do what with an entity or an evaluation."""

from __future__ import annotations

from collections.abc import Iterable

from airflow_synapse_challenge.errors import ConfigurationError
from airflow_synapse_challenge.synapse.call import Call, Document
from airflow_synapse_challenge.synapse.client import SynapseClient
from airflow_synapse_challenge.synapse.errors import NotFound

ENTITY_LEVELS: dict[str, frozenset[str]] = {
    "view": frozenset({"READ"}),
    "download": frozenset({"READ", "DOWNLOAD"}),
    "moderate": frozenset({"READ", "DOWNLOAD", "MODERATE"}),
    "edit": frozenset({"READ", "DOWNLOAD", "UPDATE", "CREATE"}),
    "edit_and_delete": frozenset({"READ", "DOWNLOAD", "UPDATE", "CREATE", "DELETE"}),
    "admin": frozenset(
        {
            "READ",
            "DOWNLOAD",
            "UPDATE",
            "CREATE",
            "DELETE",
            "MODERATE",
            "CHANGE_SETTINGS",
            "CHANGE_PERMISSIONS",
        }
    ),
    "remove": frozenset(),
}
EVALUATION_LEVELS: dict[str, frozenset[str]] = {
    "view": frozenset({"READ"}),
    "submit": frozenset({"READ", "SUBMIT"}),
    "score": frozenset({"READ", "UPDATE_SUBMISSION", "READ_PRIVATE_SUBMISSION"}),
    "admin": frozenset(
        {
            "READ",
            "SUBMIT",
            "CREATE",
            "UPDATE",
            "DELETE",
            "DELETE_SUBMISSION",
            "UPDATE_SUBMISSION",
            "READ_PRIVATE_SUBMISSION",
            "CHANGE_PERMISSIONS",
        }
    ),
    "remove": frozenset(),
}


class ResourceAccess(Document):
    """What one principal may do."""

    principal_id: int
    access_type: list[str]


class AccessControlList(Document):
    """An access control list; its id is the entity or evaluation that it belongs to."""

    id: str
    etag: str | None = None
    resource_access: list[ResourceAccess]


def of_entity(entity_id: str) -> Call[AccessControlList]:
    """``GET /entity/{id}/acl``; 404 when the entity inherits (E-09)."""
    return Call(
        "GET",
        f"/entity/{entity_id}/acl",
        f"read the sharing of {entity_id}",
        AccessControlList.model_validate,
    )


def of_evaluation(evaluation_id: str) -> Call[AccessControlList]:
    """``GET /evaluation/{id}/acl``."""
    return Call(
        "GET",
        f"/evaluation/{evaluation_id}/acl",
        f"read the sharing of evaluation {evaluation_id}",
        AccessControlList.model_validate,
    )


def put_entity(acl: AccessControlList) -> Call[AccessControlList]:
    """``PUT /entity/{id}/acl`` under the list's etag."""
    return Call(
        "PUT",
        f"/entity/{acl.id}/acl",
        f"change the sharing of {acl.id}",
        AccessControlList.model_validate,
        json=acl.to_json(),
    )


def post_entity(acl: AccessControlList) -> Call[AccessControlList]:
    """``POST /entity/{id}/acl``: sharing of its own for an entity that inherited."""
    return Call(
        "POST",
        f"/entity/{acl.id}/acl",
        f"give {acl.id} sharing of its own",
        AccessControlList.model_validate,
        json=acl.to_json(),
        idempotent=False,
    )


def put_evaluation(acl: AccessControlList) -> Call[AccessControlList]:
    """``PUT /evaluation/acl`` under the list's etag."""
    return Call(
        "PUT",
        "/evaluation/acl",
        f"change the sharing of evaluation {acl.id}",
        AccessControlList.model_validate,
        json=acl.to_json(),
    )


def benefactor(entity_id: str) -> Call[str]:
    """Return the entity whose list applies (``GET /entity/{id}/benefactor``)."""
    return Call(
        "GET",
        f"/entity/{entity_id}/benefactor",
        f"find where {entity_id} inherits its sharing from",
        lambda body: str(body["id"]),
    )


def set_permissions(client: SynapseClient, entity_id: str, principal_id: int, level: str) -> None:
    """
    Give a principal a level of access to an entity, in place of what it had.

    An entity that inherits gets a copy of the inherited list first.

    :param level: a key of :data:`ENTITY_LEVELS`.
    """
    access = _level(level, ENTITY_LEVELS)
    try:
        acl = client.send(of_entity(entity_id))
    except NotFound:
        inherited = client.send(of_entity(client.send(benefactor(entity_id))))
        own = AccessControlList(id=entity_id, resource_access=inherited.resource_access)
        client.send(post_entity(_with(own, principal_id, access)))
    else:
        client.send(put_entity(_with(acl, principal_id, access)))


def set_evaluation_permissions(client: SynapseClient, evaluation_id: str, principal_id: int, level: str) -> None:
    """
    Give a principal a level of access to an evaluation, in place of what it had.

    :param level: a key of :data:`EVALUATION_LEVELS`.
    """
    access = _level(level, EVALUATION_LEVELS)
    acl = client.send(of_evaluation(evaluation_id))
    client.send(put_evaluation(_with(acl, principal_id, access)))


def _level(level: str, levels: dict[str, frozenset[str]]) -> frozenset[str]:
    if level not in levels:
        raise ConfigurationError(f"{level!r} is no level of access; use one of {', '.join(levels)}.")
    return levels[level]


def _with(acl: AccessControlList, principal_id: int, access: Iterable[str]) -> AccessControlList:
    others = [row for row in acl.resource_access if row.principal_id != principal_id]
    kinds = sorted(access)
    rows = [*others, ResourceAccess(principal_id=principal_id, access_type=kinds)] if kinds else others
    return acl.model_copy(update={"resource_access": rows})
