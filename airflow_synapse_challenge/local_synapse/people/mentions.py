"""Threads that name an entity, in themselves or in their replies."""

from __future__ import annotations

from airflow_synapse_challenge.local_synapse.content import entities
from airflow_synapse_challenge.local_synapse.core.bodies import Body
from airflow_synapse_challenge.local_synapse.core.errors import Invalid, Refused, require
from airflow_synapse_challenge.local_synapse.core.http import Context, as_id, operation, paginated
from airflow_synapse_challenge.local_synapse.core.store import Json, dump

from . import discussion, threads

MOST_ENTITIES = 20


class EntityIds(Body, total=False):
    """Ids of entities."""

    idList: list[str]


def _projects_naming(context: Context, entity: int) -> dict[int, int]:
    """Return how many threads name an entity in each project that the caller may read."""
    rows = context.store.all(
        "SELECT project, count(*) AS threads FROM thread_entity JOIN thread ON id = thread "
        "WHERE entity = ? AND NOT is_deleted GROUP BY project",
        entity,
    )
    return {row["project"]: row["threads"] for row in rows if _may_read(context, row["project"])}


def _may_read(context: Context, entity: int) -> bool:
    try:
        entities.require(context.store, entity, context.user, "READ")
    except Refused:
        return False
    return True


@operation("GET", "/repo/v1/entity/{id}/threads")
def list_naming(context: Context) -> Json:
    """The threads that name an entity, of projects that the caller may read."""
    entity = context.number("id")
    entities.require(context.store, entity, context.user, "READ")
    offset, limit = discussion.page(context, threads.MOST_THREADS)
    order = threads.order_of(context, threads.COLUMNS_OF_ORDER)
    rows = context.store.all(
        "SELECT thread.* FROM thread_entity JOIN thread ON id = thread WHERE entity = ? AND NOT is_deleted "
        f"AND project IN (SELECT value FROM json_each(?)) {order} LIMIT ? OFFSET ?",
        entity,
        dump(list(_projects_naming(context, entity))),
        limit,
        offset,
    )
    return paginated([threads.show(row) for row in rows], offset, limit)


@operation("POST", "/repo/v1/entity/threadcounts", body=EntityIds, scopes=("view",), writes=False)
def count_naming(context: Context) -> Json:
    """How many threads name each entity, of projects that the caller may read."""
    require(context.body.get("idList"), "idList")
    ids = [as_id(item) for item in context.body["idList"]]
    if len(ids) > MOST_ENTITIES:
        raise Invalid(f"Cannot count the threads of more than {MOST_ENTITIES} entities at once")
    counts = [
        {"entityId": f"syn{entity}", "count": sum(_projects_naming(context, entity).values())}
        for entity in ids
        if _may_read(context, entity)
    ]
    return {"list": counts}
