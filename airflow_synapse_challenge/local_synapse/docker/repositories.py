"""Docker repositories as entities: managed by this Synapse's registry, or kept by somebody else's."""

from __future__ import annotations

import re
import sqlite3
from contextvars import ContextVar

from airflow_synapse_challenge.local_synapse.content import entities
from airflow_synapse_challenge.local_synapse.core.bodies import Body
from airflow_synapse_challenge.local_synapse.core.errors import Invalid, Missing, require
from airflow_synapse_challenge.local_synapse.core.http import Context, operation
from airflow_synapse_challenge.local_synapse.core.store import Json, Store, tables

tables(
    """
    CREATE TABLE IF NOT EXISTS docker_repository (name TEXT PRIMARY KEY, entity INTEGER NOT NULL);
    """
)

DOCKER_REPOSITORY = f"{entities.PREFIX}docker.DockerRepository"
SYNAPSE_HOST = "docker.synapse.org"
HOST_SETTING = "docker_registry_host"
PORT_SETTING = "docker_registry_port"
RESERVED_HOST = re.compile(r"(?:.+\.)?synapse\.org(?::\d+)?", re.IGNORECASE)
#: A repository's name without tag and digest. As for Docker, a first part with a dot or a port is the registry's host.
NAME = re.compile(
    r"(?:(?P<host>localhost(?::\d+)?|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+(?::\d+)?|[A-Za-z0-9-]+:\d+)/)?"
    r"(?P<path>[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*)"
)
MANAGED_PATH = re.compile(r"syn(\d{1,18})/.+")
#: The repository that a push is making just now; of no other may a managed one be made.
_pushed: ContextVar[str] = ContextVar("pushed", default="")


class RepositoryBody(Body, total=False):
    """What a repository has beside the fields of every entity."""

    repositoryName: str
    isManaged: bool


def registry_host(store: Store) -> str:
    """Return the host, with its port, in the names of this Synapse's own repositories."""
    return store.setting(HOST_SETTING) or SYNAPSE_HOST


def name_of(store: Store, path: str) -> str:
    """Return the full name of a managed repository, as ``docker pull`` takes it."""
    return f"{registry_host(store)}/{path}"


def project_of(path: str) -> int | None:
    """Return the project in a managed repository's path, which is ``syn<project>/<name>`` (D-01)."""
    found = MANAGED_PATH.fullmatch(path)
    return int(found[1]) if found else None


def managed(store: Store, name: str) -> sqlite3.Row | None:
    """Return the row of a managed repository's entity, one that is in the trash too."""
    return store.one(
        "SELECT entity.* FROM docker_repository JOIN entity ON entity.id = docker_repository.entity "
        "WHERE docker_repository.name = ?",
        name,
    )


def create_managed(store: Store, user: int, path: str) -> int:
    """Make the entity of a repository into which a user has pushed (D-02)."""
    project = project_of(path)
    if project is None:
        raise Invalid(f"The repository path {path} does not begin with a project's ID.")
    name = name_of(store, path)
    body = {"concreteType": DOCKER_REPOSITORY, "parentId": f"syn{project}", "repositoryName": name}
    making = _pushed.set(name)
    try:
        entity = entities.create(store, user, body)
    finally:
        _pushed.reset(making)
    store.run("INSERT OR REPLACE INTO docker_repository VALUES (?, ?)", name, entity)
    return entity


def _check(store: Store, user: int, doc: Json, old: Json | None) -> None:
    """Clients name external repositories only (D-01)."""
    require(doc.get("repositoryName"), "repositoryName")
    name = doc["repositoryName"]
    doc["isManaged"] = name == _pushed.get()
    if doc["isManaged"]:
        return
    found = NAME.fullmatch(name)
    if not found:
        raise Invalid(f"Invalid repository name: {name}")
    host = found["host"] or ""
    if (old or {}).get("isManaged") or host in (SYNAPSE_HOST, registry_host(store)):
        raise Invalid("Cannot create or update a managed Docker repository.")
    if RESERVED_HOST.fullmatch(host):
        raise Invalid("Cannot create or update a Docker repository that has a reserved registry host.")


entities.KINDS[DOCKER_REPOSITORY] = entities.Kind("dockerrepo", (entities.PROJECT,), check=_check, body=RepositoryBody)


@operation("GET", "/repo/v1/entity/dockerRepo/id")
def find_repository(context: Context) -> Json:
    """Look a managed repository up by its name (D-05)."""
    name = context.query.get("repositoryName")
    require(name, "repositoryName")
    row = managed(context.store, str(name))
    if row is None:
        raise Missing(f"A repository named {name} does not exist or it is not a managed repository.")
    return {"id": f"syn{entities.require(context.store, row['id'], context.user, 'READ')['id']}"}
