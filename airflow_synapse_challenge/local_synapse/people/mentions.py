"""Threads that name an entity, in themselves or in their replies."""

from __future__ import annotations

from airflow_synapse_challenge.local_synapse.content import bundles, entities
from airflow_synapse_challenge.local_synapse.core.bodies import Body
from airflow_synapse_challenge.local_synapse.core.errors import Invalid, require
from airflow_synapse_challenge.local_synapse.core.http import Context, as_id, operation, paginated
from airflow_synapse_challenge.local_synapse.core.store import Json, Store, dump

from . import discussion, threads

MOST_ENTITIES = 20


class EntityIds(Body, total=False):
    """Ids of entities."""

    idList: list[str]


def _projects_naming(store: Store, user: int, entity: int) -> dict[int, int]:
    """Return how many threads name an entity in each project that a user may read."""
    rows = store.all(
        "SELECT project, count(*) AS threads FROM thread_entity JOIN thread ON id = thread "
        "WHERE entity = ? AND NOT is_deleted GROUP BY project",
        entity,
    )
    return {row["project"]: row["threads"] for row in rows if entities.may(store, row["project"], user, "READ")}


def count_of(store: Store, user: int, entity: int) -> int:
    """Return how many threads that a user may read name an entity."""
    return sum(_projects_naming(store, user, entity).values())


@bundles.part("includeThreadCount", "threadCount")
def _thread_count(subject: bundles.Subject) -> int:
    return count_of(subject.store, subject.user, subject.row["id"])


@operation("GET", "/repo/v1/entity/{id}/threads")
def list_naming(context: Context) -> Json:
    """The threads that name an entity, of projects that the caller may read."""
    entity, order = context.number("id"), threads.order_of(context, threads.COLUMNS_OF_ORDER)
    offset, limit = discussion.page(context, threads.MOST_THREADS)
    entities.require(context.store, entity, context.user, "READ")
    rows = context.store.all(
        "SELECT thread.* FROM thread_entity JOIN thread ON id = thread WHERE entity = ? AND NOT is_deleted "
        f"AND project IN (SELECT value FROM json_each(?)) {order} LIMIT ? OFFSET ?",
        entity,
        dump(list(_projects_naming(context.store, context.user, entity))),
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
        {"entityId": f"syn{entity}", "count": count_of(context.store, context.user, entity)}
        for entity in ids
        if entities.may(context.store, entity, context.user, "READ")
    ]
    return {"list": counts}
