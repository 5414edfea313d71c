"""Discussion forums of projects: who may do what in them, and where the texts of threads and replies lie (X-06)."""

from __future__ import annotations

import re
import uuid

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from airflow_synapse_challenge.local_synapse.content import entities
from airflow_synapse_challenge.local_synapse.core.errors import Invalid, Missing
from airflow_synapse_challenge.local_synapse.core.http import Context, as_id, error_response, operation
from airflow_synapse_challenge.local_synapse.core.store import Json, Store, dump, new_etag, tables
from airflow_synapse_challenge.local_synapse.files import handles

from . import access
from .query import required

tables(
    """
    CREATE TABLE IF NOT EXISTS forum (id INTEGER PRIMARY KEY, project INTEGER NOT NULL UNIQUE, etag TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS discussion_text (key TEXT PRIMARY KEY, text TEXT NOT NULL);
    """
)

FILTERS = {"NO_FILTER": "", "DELETED_ONLY": "AND is_deleted", "EXCLUDE_DELETED": "AND NOT is_deleted"}
ENTITY_ID = re.compile(r"\bsyn(\d{1,18})\b", re.IGNORECASE)


def page(context: Context, most: int) -> tuple[int, int]:
    """Return offset and limit, which the operations of forums want to be told."""
    for name in ("limit", "offset"):
        required(context, name)
    return context.page(most=most)


def keep_text(store: Store, text: str, *owners: int) -> str:
    """
    Store the text of a thread or a reply and return its key.

    :param owners: forum, thread and, for a reply, the reply.
    """
    key = "/".join([*map(str, owners), str(uuid.uuid4())])
    store.run("INSERT INTO discussion_text VALUES (?, ?)", key, text)
    return key


def text_url(context: Context, key: str) -> Json:
    """Return ``MessageURL``: where a text is for the next seconds."""
    target = f"discussion/{key}"
    return {"messageUrl": handles.presigned(context.store, context.base, "GET", target, handles.DOWNLOAD_SECONDS)}


def owners_of(key: str, number: int) -> list[int]:
    """Return the ids in the key of a text: as many as a thread or a reply has."""
    *owners, _ = key.split("/")
    if len(owners) != number:
        raise Invalid(f"Invalid messageKey: {key}")
    return [as_id(owner) for owner in owners]


def storage_routes(store: Store) -> list[Route]:
    """Return the route that stands for the object store of the texts."""

    async def get_text(request: Request) -> Response:
        key = request.path_params["key"]
        # challengeutils cuts the query off, which works where keys that nobody guesses need no signature.
        signed = "X-Amz-Signature" in request.query_params
        if signed and (refusal := handles.verified(store, request, "GET", f"discussion/{key}")):
            return refusal
        text = store.value("SELECT text FROM discussion_text WHERE key = ?", key)
        return error_response(404, "NoSuchKey") if text is None else PlainTextResponse(text)

    return [Route("/storage/discussion/{key:path}", get_text, methods=["GET"])]


def entities_in(*texts: str) -> set[int]:
    """Return the ids of the entities that texts name."""
    return {int(number) for text in texts for number in ENTITY_ID.findall(text)}


def project_of(store: Store, forum: int) -> int:
    """Return the project of a forum."""
    project: int | None = store.value("SELECT project FROM forum WHERE id = ?", forum)
    if project is None:
        raise Missing(f"Forum with id {forum} does not exist")
    return project


def require_access(context: Context, forum: int, kind: str) -> int:
    """Return the project of a forum, refuse who lacks a right on it (X-06)."""
    project = project_of(context.store, forum)
    entities.require(context.store, project, context.user, kind)
    return project


@operation("GET", "/repo/v1/project/{id}/forum", writes=True)
def get_forum_of_project(context: Context) -> Json:
    """The forum of a project, made when it is first asked for (X-06)."""
    store, project = context.store, context.number("id")
    row = entities.require(store, project, context.user, "READ")
    if row["type"] != entities.PROJECT:
        raise Invalid(f"Entity syn{project} is not a project")
    if not store.one("SELECT 1 FROM forum WHERE project = ?", project):
        store.run("INSERT INTO forum VALUES (?, ?, ?)", store.next_id("forum"), project, new_etag())
    return _show(store, store.value("SELECT id FROM forum WHERE project = ?", project))


@operation("GET", "/repo/v1/forum/{id}")
def get_forum(context: Context) -> Json:
    """A forum."""
    forum = context.number("id")
    require_access(context, forum, "READ")
    return _show(context.store, forum)


def _show(store: Store, forum: int) -> Json:
    row = store.one("SELECT * FROM forum WHERE id = ?", forum)
    assert row is not None
    return {"id": str(row["id"]), "projectId": f"syn{row['project']}", "etag": row["etag"]}


@operation("GET", "/repo/v1/forum/{id}/moderators")
def list_moderators(context: Context) -> Json:
    """The users who moderate a forum, by name or through a team, with a true total."""
    store, forum = context.store, context.number("id")
    project = require_access(context, forum, "READ")
    for name in ("limit", "offset"):
        required(context, name)
    offset, limit = context.page()
    principals = dump(access.holders(store, "entity", entities.benefactor(store, project), "MODERATE"))
    moderators = (
        "SELECT id AS user FROM principal WHERE kind = 'user' AND id IN (SELECT value FROM json_each(?)) "
        "UNION SELECT user FROM member WHERE team IN (SELECT value FROM json_each(?))"
    )
    rows = store.all(f"{moderators} ORDER BY user LIMIT ? OFFSET ?", principals, principals, limit, offset)
    total = store.value(f"SELECT count(*) FROM ({moderators})", principals, principals)
    return {"results": [str(row["user"]) for row in rows], "totalNumberOfResults": total}
