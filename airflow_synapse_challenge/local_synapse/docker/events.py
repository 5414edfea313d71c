"""What the Docker registry tells: pushes become repositories and commits."""

from __future__ import annotations

import base64
import hmac
from typing import Literal

from airflow_synapse_challenge.local_synapse.content import entities
from airflow_synapse_challenge.local_synapse.core.bodies import Body
from airflow_synapse_challenge.local_synapse.core.errors import InvalidToken, require
from airflow_synapse_challenge.local_synapse.core.http import Context, as_id, operation
from airflow_synapse_challenge.local_synapse.core.store import Store

from . import commits, repositories

#: Of all that can be pushed only this counts (D-02).
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
REGISTRY_USER = "docker-registry"
SECRET_SETTING = "docker_registry_secret"  # noqa: S105  the name of the setting, not the secret


class Target(Body, total=False):
    """What was pushed or pulled."""

    mediaType: str
    digest: str
    repository: str
    tag: str


class Actor(Body, total=False):
    """Who did it: the subject of the bearer token."""

    name: str


class Event(Body, total=False):
    """One thing that happened in a registry."""

    action: Literal["push", "pull", "mount"]
    target: Target
    actor: Actor


class EventList(Body, total=False):
    """A registry's notification."""

    events: list[Event]


def authorization(store: Store) -> str:
    """Return the header by which the registry shows that it is the registry."""
    secret = store.setting(SECRET_SETTING) or ""
    return "Basic " + base64.b64encode(f"{REGISTRY_USER}:{secret}".encode()).decode()


@operation("POST", "/dockerRegistryListener/v1/events", 204, body=EventList, scopes=())
def post_events(context: Context) -> None:
    """Take a notification: pushes of images count, all else is passed over (D-02)."""
    store = context.store
    given = context.headers.get("authorization", "").encode()
    if store.setting(SECRET_SETTING) is None or not hmac.compare_digest(given, authorization(store).encode()):
        raise InvalidToken("Only the Docker registry may tell what happened in it.")
    require(context.body.get("events"), "events")
    for event in context.body["events"]:
        target = event.get("target", {})
        if event.get("action") == "push" and target.get("mediaType") == MANIFEST:
            _take_push(store, target, event.get("actor", {}).get("name"))


def _take_push(store: Store, target: Target, pusher: str | None) -> None:
    for name, value in (
        ("repository", target.get("repository")),
        ("digest", target.get("digest")),
        ("actor", pusher),
    ):
        require(value, name)
    add_push(store, as_id(pusher), target["repository"], target.get("tag") or None, target["digest"])


def add_push(store: Store, user: int, path: str, tag: str | None, digest: str, created_on: str | None = None) -> None:
    """Store what a user has pushed; the first push into a repository makes its entity (D-02)."""
    row = repositories.managed(store, repositories.name_of(store, path))
    if row is None:
        entity = repositories.create_managed(store, user, path)
    else:
        entity = int(entities.row_of(store, row["id"])["id"])
    commits.add(store, entity, tag, digest, created_on)
