"""Sharing of entities, and bundles that bring several parts of one at once."""

from __future__ import annotations

from airflow_synapse_challenge.local_synapse.core.errors import Invalid, Missing, NotAllowed, Stale
from airflow_synapse_challenge.local_synapse.core.http import Context, operation
from airflow_synapse_challenge.local_synapse.core.store import Json, Store
from airflow_synapse_challenge.local_synapse.files import handles
from airflow_synapse_challenge.local_synapse.people import access

from . import entities


@operation("GET", "/repo/v1/entity/{id}/acl")
def get_acl(context: Context) -> Json:
    """Read the list of an entity that has one of its own; READ is not needed (E-09)."""
    return acl_of(context.store, context.number("id"))


def acl_of(store: Store, entity: int) -> Json:
    """Return the own list of an entity (E-09)."""
    entities.row_of(store, entity)
    acl = access.read_acl(store, "entity", entity, f"syn{entity}")
    if acl is None:
        raise Missing(
            "The requested ACL does not exist. This entity inherits its permissions from: "
            f"/repo/v1/entity/syn{entities.benefactor(store, entity)}/acl"
        )
    return acl


@operation("PUT", "/repo/v1/entity/{id}/acl")
def put_acl(context: Context) -> Json:
    """Change the list of an entity that has one of its own (E-09)."""
    store, entity = context.store, context.number("id")
    entities.row_of(store, entity)
    current = access.read_acl(store, "entity", entity, f"syn{entity}")
    if current is None:
        raise NotAllowed("Cannot update ACL for a resource which inherits its permissions.")
    _require_change(context, entity)
    if context.body.get("etag") != current["etag"]:
        raise Stale(
            f"ACL of syn{entity} was updated since you last fetched it, retrieve it again and re-apply the update"
        )
    return _write(context, entity, context.body)


@operation("POST", "/repo/v1/entity/{id}/acl", 201)
def post_acl(context: Context) -> Json:
    """Give an entity that inherits a list of its own (E-09)."""
    entity = context.number("id")
    entities.row_of(context.store, entity)
    if access.read_acl(context.store, "entity", entity, ""):
        raise NotAllowed("Resource already has an ACL.")
    _require_change(context, entity)
    return _write(context, entity, context.body)


@operation("DELETE", "/repo/v1/entity/{id}/acl", 204)
def delete_acl(context: Context) -> None:
    """Make an entity inherit again (E-09)."""
    store, entity = context.store, context.number("id")
    row = entities.row_of(store, entity)
    _require_change(context, entity)
    if row["type"] == entities.PROJECT:
        raise NotAllowed("Cannot restore inheritance for resource which has no parent.")
    if not store.run("DELETE FROM acl WHERE kind = 'entity' AND object = ?", entity):
        raise NotAllowed("Resource already inherits its permissions.")
    entities.touch(store, entity)


def _require_change(context: Context, entity: int) -> None:
    if not entities.may(context.store, entity, context.user, "CHANGE_PERMISSIONS"):
        raise NotAllowed("You lack CHANGE_PERMISSIONS access to the requested entity.")


def _write(context: Context, entity: int, body: Json) -> Json:
    entries = body.get("resourceAccess") or []
    access.check_acl(context.store, "entity", context.user, entries)
    access.write_acl(context.store, "entity", entity, entries)
    entities.touch(context.store, entity)
    return acl_of(context.store, entity)


@operation("GET", "/repo/v1/entity/{id}/benefactor")
def get_benefactor(context: Context) -> Json:
    """Read which entity's list applies."""
    store, entity = context.store, context.number("id")
    entities.require(store, entity, context.user, "READ")
    return entities.entity_header(store, entities.row_of(store, entities.benefactor(store, entity)))


@operation("GET", "/repo/v1/entity/{id}/permissions")
def get_permissions(context: Context) -> Json:
    """Read what the caller may do."""
    return permissions_of(context.store, context.number("id"), context.user)


def permissions_of(store: Store, entity: int, user: int) -> Json:
    """Return ``UserEntityPermissions``."""
    row = entities.row_of(store, entity)
    doc = entities.show(row)
    rights = {
        "canView": "READ",
        "canEdit": "UPDATE",
        "canDelete": "DELETE",
        "canAddChild": "CREATE",
        "canDownload": "DOWNLOAD",
        "canChangePermissions": "CHANGE_PERMISSIONS",
        "canChangeSettings": "CHANGE_SETTINGS",
        "canModerate": "MODERATE",
        "canUpload": "CREATE",
    }
    inherits = access.read_acl(store, "entity", entity, "") is None
    may_change = entities.may(store, entity, user, "CHANGE_PERMISSIONS")
    return {name: entities.may(store, entity, user, kind) for name, kind in rights.items()} | {
        "canEnableInheritance": not inherits and row["type"] != entities.PROJECT and may_change,
        "canPublicRead": entities.may(store, entity, access.PUBLIC, "READ"),
        "ownerPrincipalId": int(doc["createdBy"]),
        "isCertifiedUser": access.is_certified(store, user),
        "isCertificationRequired": True,
    }


@operation("POST", "/repo/v1/entity/bundle2/create", 201)
def create_bundle(context: Context) -> Json:
    """Make an entity with its annotations and its list, all or nothing."""
    store, body = context.store, context.body
    if "entity" not in body:
        raise Invalid("entity is required.")
    entity = entities.create(store, context.user, body["entity"])
    answer: Json = {}
    if "annotations" in body:
        entities.write_annotations(store, entity, body["annotations"].get("annotations") or {})
        answer["annotations"] = entities.annotations_of(entities.row_of(store, entity))
    if "accessControlList" in body:
        _require_change(context, entity)
        answer["accessControlList"] = _write(context, entity, body["accessControlList"])
    return {"entity": entities.show(entities.row_of(store, entity)), **answer}


@operation("PUT", "/repo/v1/entity/{id}/bundle2")
def update_bundle(context: Context) -> Json:
    """Change an entity and merge its annotations (E-11)."""
    store, body, entity = context.store, context.body, context.number("id")
    answer: Json = {}
    if "entity" in body:
        answer["entity"] = entities.update(store, context.user, entity, body["entity"], new_version=False)
    if "annotations" in body:
        row = entities.require(store, entity, context.user, "UPDATE")
        merged = entities.annotations_of(row)["annotations"] | (body["annotations"].get("annotations") or {})
        entities.write_annotations(store, entity, merged)
        answer["annotations"] = entities.annotations_of(entities.row_of(store, entity))
        answer["entity"] = entities.show(entities.row_of(store, entity))
    return answer


@operation("POST", "/repo/v1/entity/{id}/bundle2", 200)
def get_bundle(context: Context) -> Json:
    """Read the requested parts of an entity (E-18)."""
    entity = context.number("id")
    entities.require(context.store, entity, context.user, "READ")
    return bundle_of(context.store, entity, context.user, context.body)


@operation("POST", "/repo/v1/entity/{id}/version/{version:int}/bundle2", 200)
def get_version_bundle(context: Context) -> Json:
    """Read the requested parts of a version of an entity (E-18)."""
    entity = context.number("id")
    entities.require(context.store, entity, context.user, "READ")
    return bundle_of(context.store, entity, context.user, context.body, int(context.path["version"]))


def bundle_of(store: Store, entity: int, user: int, wish: Json, version: int | None = None) -> Json:
    """Return ``EntityBundle`` with the parts that are wished for."""
    row = entities.row_of(store, entity)
    shown = entities.version_of(store, entity, version) if version else entities.show(row)
    parts: dict[str, tuple[str, object]] = {
        "includeEntity": ("entity", shown),
        "includeAnnotations": ("annotations", entities.annotations_of(row)),
        "includePermissions": ("permissions", permissions_of(store, entity, user)),
        "includeHasChildren": (
            "hasChildren",
            store.one("SELECT 1 FROM entity WHERE parent = ? AND trashed_by IS NULL", entity) is not None,
        ),
        "includeAccessControlList": ("accessControlList", access.read_acl(store, "entity", entity, f"syn{entity}")),
        "includeBenefactorACL": (
            "benefactorAcl",
            access.read_acl(
                store, "entity", entities.benefactor(store, entity), f"syn{entities.benefactor(store, entity)}"
            ),
        ),
        "includeFileHandles": ("fileHandles", file_handles_of(store, shown, entity, user)),
        "includeFileName": ("fileName", _file_name(store, shown)),
        "includeRestrictionInformation": (
            "restrictionInformation",
            {"restrictionLevel": "OPEN", "hasUnmetAccessRequirement": False, "objectId": entity},
        ),
        "includeThreadCount": ("threadCount", 0),
        "includeBenefactor": ("benefactorId", f"syn{entities.benefactor(store, entity)}"),
    }
    bundle: Json = {"entityType": entities.KINDS[row["type"]].short}
    bundle |= {name: value for flag, (name, value) in parts.items() if wish.get(flag) and value is not None}
    return bundle


def file_handles_of(store: Store, shown: Json, entity: int, user: int) -> list[Json]:
    """Return the file handles of an entity, none without DOWNLOAD (E-20)."""
    handle = shown.get("dataFileHandleId")
    if handle is None or not entities.may(store, entity, user, "DOWNLOAD"):
        return []
    return [handles.show(store, int(handle))]


def _file_name(store: Store, shown: Json) -> str | None:
    handle = shown.get("dataFileHandleId")
    return str(handles.show(store, int(handle)).get("fileName")) if handle else None


@operation("GET", "/repo/v1/entity/{id}/filehandles")
def get_file_handles(context: Context) -> Json:
    """Read the file handles of an entity; needs DOWNLOAD (E-20)."""
    entity = context.number("id")
    row = entities.require(context.store, entity, context.user, "DOWNLOAD")
    return {"list": file_handles_of(context.store, entities.show(row), entity, context.user)}
