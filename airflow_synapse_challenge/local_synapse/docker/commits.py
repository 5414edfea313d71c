"""Commits of Docker repositories: which digests a repository has had, under which tags."""

from __future__ import annotations

import sqlite3

from airflow_synapse_challenge.local_synapse.content import entities
from airflow_synapse_challenge.local_synapse.core.bodies import Body
from airflow_synapse_challenge.local_synapse.core.errors import Invalid, require
from airflow_synapse_challenge.local_synapse.core.http import Context, operation, paginated
from airflow_synapse_challenge.local_synapse.core.store import Json, Store, load, tables

from .repositories import DOCKER_REPOSITORY

tables(
    """
    CREATE TABLE IF NOT EXISTS docker_commit (
        id INTEGER PRIMARY KEY, entity INTEGER NOT NULL, tag TEXT, digest TEXT NOT NULL, created_on TEXT NOT NULL);
    CREATE INDEX IF NOT EXISTS docker_commit_tag ON docker_commit (entity, tag, id);
    CREATE INDEX IF NOT EXISTS docker_commit_digest ON docker_commit (entity, digest);
    """
)

ORDERS = {"CREATED_ON": "created_on {0}, id {0}", "TAG": "tag {0}"}


class DockerCommit(Body, total=False):
    """A digest and the tag that it was given."""

    tag: str
    digest: str


def add(store: Store, entity: int, tag: str | None, digest: str, created_on: str | None = None) -> None:
    """Store a commit; the repository gets a new etag (D-04)."""
    store.run(
        "INSERT INTO docker_commit (entity, tag, digest, created_on) VALUES (?, ?, ?, ?)",
        entity,
        tag,
        digest,
        created_on or store.timestamp(),
    )
    entities.touch(store, entity)


def has_digest(store: Store, entity: int, digest: str) -> bool:
    """Tell whether a digest is or was a repository's, under a tag that may since have moved on (S-05)."""
    return store.one("SELECT 1 FROM docker_commit WHERE entity = ? AND digest = ?", entity, digest) is not None


def digests_of(store: Store, entity: int, tag: str) -> list[str]:
    """Return what a tag has pointed to, the latest last."""
    rows = store.all("SELECT digest FROM docker_commit WHERE entity = ? AND tag = ? ORDER BY id", entity, tag)
    return [row["digest"] for row in rows]


@operation("GET", "/repo/v1/entity/{id}/dockerTag")
def list_tags(context: Context) -> Json:
    """List the latest commit of each tag (D-05)."""
    row = _require_repository(context, "READ")
    offset, limit = context.page()
    sort = context.query.get("sort") or "CREATED_ON"
    if sort not in ORDERS:
        raise Invalid(f"sort must be one of {', '.join(ORDERS)}, not {sort}")
    order = ORDERS[sort].format("ASC" if context.flag("ascending") else "DESC")
    rows = context.store.all(
        "SELECT tag, digest, created_on FROM docker_commit WHERE id IN "
        "(SELECT max(id) FROM docker_commit WHERE entity = ? AND tag IS NOT NULL GROUP BY tag) "
        f"ORDER BY {order} LIMIT ? OFFSET ?",
        row["id"],
        limit,
        offset,
    )
    return paginated([_show(found) for found in rows], offset, limit)


def _show(row: sqlite3.Row) -> Json:
    return {"tag": row["tag"], "digest": row["digest"], "createdOn": row["created_on"]}


@operation("POST", "/repo/v1/entity/{id}/dockerCommit", 204, body=DockerCommit)
def post_commit(context: Context) -> None:
    """Tell of an image in an external repository (D-03)."""
    row = _require_repository(context, "UPDATE")
    if load(row["doc"])["isManaged"]:
        raise Invalid(
            "Commits for managed Docker repositories are created using the Docker client rather than the Synapse "
            "client."
        )
    require(context.body.get("digest"), "digest")
    add(context.store, row["id"], context.body.get("tag"), context.body["digest"])


def _require_repository(context: Context, kind: str) -> sqlite3.Row:
    row = entities.require(context.store, context.number("id"), context.user, kind)
    if row["type"] != DOCKER_REPOSITORY:
        raise Invalid(f"syn{row['id']} is not a Docker repository.")
    return row
