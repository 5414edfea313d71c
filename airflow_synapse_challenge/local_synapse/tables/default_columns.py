"""The columns that views of each kind begin with (W-01, W-08)."""

from __future__ import annotations

from airflow_synapse_challenge.local_synapse.core.errors import Gone, Invalid, NotServed
from airflow_synapse_challenge.local_synapse.core.http import Context, operation
from airflow_synapse_challenge.local_synapse.core.store import Json, Store
from airflow_synapse_challenge.local_synapse.queues.submissions import STATUSES

from . import columns, shapes

FILE_MASK = 0x01
FACET = "enumeration"


def _column(name: str, kind: str, size: int | None = None, facet: str | None = None) -> Json:
    column: Json = {"name": name, "columnType": kind}
    if size is not None:
        column["maximumSize"] = size
    if facet is not None:
        column["facetType"] = facet
    return column


#: What a submission view knows of a submission beside its annotations.
SUBMISSION_FIELDS: dict[str, Json] = {
    column["name"]: column
    for column in (
        _column("id", "SUBMISSIONID"),
        _column("name", "STRING", 256),
        _column("createdOn", "DATE", facet="range"),
        _column("createdBy", "USERID", facet=FACET),
        _column("etag", "STRING", 36),
        _column("modifiedOn", "DATE", facet="range"),
        _column("projectId", "ENTITYID", facet=FACET),
        _column("status", "STRING", facet=FACET) | {"enumValues": list(STATUSES)},
        _column("evaluationid", "EVALUATIONID", facet=FACET),
        _column("evaluationroundid", "INTEGER", facet=FACET),
        _column("submitterid", "USERID", facet=FACET),
        _column("submitteralias", "STRING", 500, FACET),
        _column("entityid", "ENTITYID", facet=FACET),
        _column("entityversion", "INTEGER", facet=FACET),
        _column("dockerrepositoryname", "STRING", 400),
        _column("dockerdigest", "STRING", 200),
    )
}
#: What an entity view knows of every entity beside its annotations.
ENTITY_FIELDS: dict[str, Json] = {
    column["name"]: column
    for column in (
        _column("id", "ENTITYID"),
        _column("name", "STRING", 256),
        _column("description", "STRING", 1000),
        _column("createdOn", "DATE", facet="range"),
        _column("createdBy", "USERID", facet=FACET),
        _column("etag", "STRING", 36),
        _column("modifiedOn", "DATE", facet="range"),
        _column("modifiedBy", "USERID", facet=FACET),
        _column("path", "STRING", 1000),
        _column("type", "STRING", 20, FACET),
        _column("currentVersion", "INTEGER"),
        _column("parentId", "ENTITYID", facet=FACET),
        _column("benefactorId", "ENTITYID", facet=FACET),
        _column("projectId", "ENTITYID", facet=FACET),
    )
}
#: What an entity view knows of files.
FILE_FIELDS: dict[str, Json] = {
    column["name"]: column
    for column in (
        _column("dataFileHandleId", "FILEHANDLEID"),
        _column("dataFileName", "STRING", 256),
        _column("dataFileSizeBytes", "INTEGER"),
        _column("dataFileMD5Hex", "STRING", 100),
        _column("dataFileConcreteType", "STRING", 65, FACET),
        _column("dataFileBucket", "STRING", 100, FACET),
        _column("dataFileKey", "STRING", 700),
    )
}


def definitions(kind: str, mask: int) -> list[Json]:
    """
    Return the definitions of the columns that a view begins with.

    :param kind: ``entityview`` or ``submissionview``.
    :param mask: which types of entities an entity view shows.
    """
    if kind == "submissionview":
        return list(SUBMISSION_FIELDS.values())
    files = FILE_FIELDS.values() if mask & FILE_MASK else ()
    return [*ENTITY_FIELDS.values(), *files]


def ensure(store: Store, kind: str, mask: int = FILE_MASK) -> list[Json]:
    """Return the columns that a view begins with."""
    return [columns.ensure(store, column) for column in definitions(kind, mask)]


@operation("GET", "/repo/v1/column/tableview/defaults", writes=True)
def get_defaults(context: Context) -> Json:
    """Read the columns that a view of a kind begins with."""
    kind = context.query.get("viewEntityType") or "entityview"
    if kind in ("dataset", "datasetcollection"):
        raise NotServed(f"The local Synapse does not have views of this kind: {kind}")
    if kind not in ("entityview", "submissionview"):
        raise Invalid(f"{kind} is no kind of view.")
    return columns.wrapped(ensure(context.store, kind, context.whole("viewTypeMask", FILE_MASK)))


#: Masks of the names that view types had before.
OLD_TYPES = {"file": 0x01, "project": 0x02, "file_and_table": 0x05}


@operation("GET", "/repo/v1/column/tableview/defaults/{viewtype}", writes=True)
def get_old_defaults(context: Context) -> Json:
    """Read the columns that a view begins with, by the older names of view types."""
    kind = context.path["viewtype"]
    if kind not in OLD_TYPES:
        raise Invalid(f"viewtype must be one of {', '.join(OLD_TYPES)}, not {kind}")
    return columns.wrapped(ensure(context.store, "entityview", OLD_TYPES[kind]))


@operation("POST", "/repo/v1/column/view/scope", 410, body=shapes.ViewScope, scopes=("view",), writes=False)
def removed_scope_service(context: Context) -> Json:
    """Synapse removed this service."""
    raise Gone("This service has been removed; use POST /column/view/scope/async/start.")
