"""Threads of discussion forums (X-06)."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

from airflow_synapse_challenge.local_synapse.content import entities
from airflow_synapse_challenge.local_synapse.core.bodies import Body
from airflow_synapse_challenge.local_synapse.core.errors import Missing, NotAllowed, require
from airflow_synapse_challenge.local_synapse.core.http import Context, as_id, operation, paginated
from airflow_synapse_challenge.local_synapse.core.store import Json, Store, dump, load, new_etag, tables

from . import discussion
from .query import choice, required, sorting
from .teams import require_user

# The last four columns of a thread follow from its views and replies, so that threads can be paged by them.
tables(
    """
    CREATE TABLE IF NOT EXISTS thread (
        id INTEGER PRIMARY KEY, forum INTEGER NOT NULL, project INTEGER NOT NULL, title TEXT NOT NULL,
        text_key TEXT NOT NULL, etag TEXT NOT NULL, created_by INTEGER NOT NULL, created_on TEXT NOT NULL,
        modified_on TEXT NOT NULL, is_edited INTEGER NOT NULL DEFAULT 0, is_deleted INTEGER NOT NULL DEFAULT 0,
        is_pinned INTEGER NOT NULL DEFAULT 0, views INTEGER NOT NULL DEFAULT 0, replies INTEGER NOT NULL DEFAULT 0,
        last_activity TEXT NOT NULL, authors TEXT NOT NULL);
    CREATE INDEX IF NOT EXISTS thread_forum ON thread (forum, id);
    CREATE INDEX IF NOT EXISTS thread_activity ON thread (forum, is_pinned, last_activity);
    CREATE TABLE IF NOT EXISTS thread_view (thread INTEGER, user INTEGER, PRIMARY KEY (thread, user));
    CREATE TABLE IF NOT EXISTS thread_entity (entity INTEGER, thread INTEGER, PRIMARY KEY (entity, thread));
    """
)

MOST_THREADS = 20
MOST_AUTHORS = 5
COLUMNS_OF_ORDER = {
    "NUMBER_OF_REPLIES": ("replies",),
    "NUMBER_OF_VIEWS": ("views",),
    "PINNED_AND_LAST_ACTIVITY": ("is_pinned", "last_activity"),
    "THREAD_TITLE": ("title COLLATE NOCASE",),
}


class NewThread(Body, total=False):
    """A thread, as its author begins it."""

    forumId: str
    title: str
    messageMarkdown: str


class NewTitle(Body, total=False):
    """The title of a thread."""

    title: str


class NewText(Body, total=False):
    """The text of a thread or a reply."""

    messageMarkdown: str


def show(row: sqlite3.Row) -> Json:
    """Return ``DiscussionThreadBundle``."""
    return {
        "id": str(row["id"]),
        "forumId": str(row["forum"]),
        "projectId": f"syn{row['project']}",
        "title": row["title"],
        "createdOn": row["created_on"],
        "createdBy": str(row["created_by"]),
        "modifiedOn": row["modified_on"],
        "etag": row["etag"],
        "messageKey": row["text_key"],
        "numberOfViews": row["views"],
        "numberOfReplies": row["replies"],
        "lastActivity": row["last_activity"],
        "activeAuthors": load(row["authors"]),
        "isEdited": bool(row["is_edited"]),
        "isDeleted": bool(row["is_deleted"]),
        "isPinned": bool(row["is_pinned"]),
    }


def row_of(store: Store, thread: int) -> sqlite3.Row:
    """Return a thread, a deleted one too."""
    row = store.one("SELECT * FROM thread WHERE id = ?", thread)
    if row is None:
        raise Missing(f"Thread with id {thread} does not exist")
    return row


def readable(context: Context, thread: int) -> sqlite3.Row:
    """Return a thread that the caller may read; deleted ones are for moderators."""
    row = row_of(context.store, thread)
    entities.require(context.store, row["project"], context.user, "MODERATE" if row["is_deleted"] else "READ")
    return row


def open_thread(context: Context, thread: int) -> sqlite3.Row:
    """Return a thread that the caller may read and that is not deleted."""
    row = row_of(context.store, thread)
    entities.require(context.store, row["project"], context.user, "READ")
    if row["is_deleted"]:
        raise Missing(f"Thread with id {thread} is deleted")
    return row


def name_entities(store: Store, thread: int, *texts: str) -> None:
    """Remember which entities a thread names, in itself or in its replies."""
    for entity in discussion.entities_in(*texts):
        store.run("INSERT OR IGNORE INTO thread_entity VALUES (?, ?)", entity, thread)


@operation("POST", "/repo/v1/thread", 201, body=NewThread, scopes=("view", "modify"))
def post_thread(context: Context) -> Json:
    """Begin a thread; takes READ on the project (X-06)."""
    store, body = context.store, context.body
    for name in ("forumId", "title", "messageMarkdown"):
        require(body.get(name), name)
    require_user(context)
    forum = as_id(body["forumId"])
    project = discussion.require_access(context, forum, "READ")
    thread, now = store.next_id("thread"), store.timestamp()
    store.run(
        "INSERT INTO thread (id, forum, project, title, text_key, etag, created_by, created_on, modified_on, "
        "last_activity, authors) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        thread,
        forum,
        project,
        body["title"],
        discussion.keep_text(store, body["messageMarkdown"], forum, thread),
        new_etag(),
        context.user,
        now,
        now,
        now,
        dump([str(context.user)]),
    )
    name_entities(store, thread, body["title"], body["messageMarkdown"])
    return show(row_of(store, thread))


@operation("GET", "/repo/v1/thread/{id}", writes=True)
def get_thread(context: Context) -> Json:
    """A thread; it counts who has seen it."""
    store, thread = context.store, context.number("id")
    readable(context, thread)
    if store.run("INSERT OR IGNORE INTO thread_view VALUES (?, ?)", thread, context.user):
        store.run("UPDATE thread SET views = views + 1 WHERE id = ?", thread)
    return show(row_of(store, thread))


@operation("GET", "/repo/v1/thread/messageUrl")
def get_text_url(context: Context) -> Json:
    """Where the text of a thread is."""
    key = required(context, "messageKey")
    _, thread = discussion.owners_of(key, 2)
    readable(context, thread)
    return discussion.text_url(context, key)


def order_of(context: Context, columns_of_order: Mapping[str, tuple[str, ...]]) -> str:
    """Return the SQL of the order that the query asks for."""
    wanted = sorting(context, columns_of_order)
    if wanted is None:
        return "ORDER BY id"
    order, ascending = wanted
    direction = "ASC" if ascending else "DESC"
    return "ORDER BY " + ", ".join(f"{column} {direction}" for column in (*columns_of_order[order], "id"))


@operation("GET", "/repo/v1/forum/{id}/threads")
def list_threads(context: Context) -> Json:
    """The threads of a forum (X-06)."""
    forum, order = context.number("id"), order_of(context, COLUMNS_OF_ORDER)
    offset, limit = discussion.page(context, MOST_THREADS)
    which = discussion.FILTERS[choice(context, "filter", discussion.FILTERS)]
    discussion.require_access(context, forum, "READ")
    rows = context.store.all(
        f"SELECT * FROM thread WHERE forum = ? {which} {order} LIMIT ? OFFSET ?",
        forum,
        limit,
        offset,
    )
    return paginated([show(row) for row in rows], offset, limit)


@operation("GET", "/repo/v1/forum/{id}/threadcount")
def count_threads(context: Context) -> Json:
    """How many threads a forum has."""
    forum = context.number("id")
    which = discussion.FILTERS[choice(context, "filter", discussion.FILTERS)]
    discussion.require_access(context, forum, "READ")
    return {"count": context.store.value(f"SELECT count(*) FROM thread WHERE forum = ? {which}", forum)}


def _own(context: Context) -> sqlite3.Row:
    """Return a thread that the caller began (X-06)."""
    row = open_thread(context, context.number("id"))
    if row["created_by"] != context.user:
        raise NotAllowed("Only the user that created the thread can modify it.")
    return row


def _edit(store: Store, thread: int, column: str, value: Any) -> Json:
    store.run(
        f"UPDATE thread SET {column} = ?, is_edited = 1, modified_on = ?, etag = ? WHERE id = ?",
        value,
        store.timestamp(),
        new_etag(),
        thread,
    )
    return show(row_of(store, thread))


@operation("PUT", "/repo/v1/thread/{id}/title", 201, body=NewTitle, scopes=("view", "modify"))
def put_title(context: Context) -> Json:
    """Change the title of a thread that the caller began (X-06)."""
    row = _own(context)
    require(context.body.get("title"), "title")
    name_entities(context.store, row["id"], context.body["title"])
    return _edit(context.store, row["id"], "title", context.body["title"])


@operation("PUT", "/repo/v1/thread/{id}/message", 201, body=NewText, scopes=("view", "modify"))
def put_text(context: Context) -> Json:
    """Change the text of a thread that the caller began (X-06)."""
    row = _own(context)
    require(context.body.get("messageMarkdown"), "messageMarkdown")
    text = context.body["messageMarkdown"]
    name_entities(context.store, row["id"], text)
    key = discussion.keep_text(context.store, text, row["forum"], row["id"])
    return _edit(context.store, row["id"], "text_key", key)


def _moderated(context: Context) -> sqlite3.Row:
    """Return a thread that the caller moderates (X-06)."""
    row = row_of(context.store, context.number("id"))
    entities.require(context.store, row["project"], context.user, "MODERATE")
    return row


def _mark(context: Context, column: str, *, marked: bool, of_open: bool = True) -> None:
    row = _moderated(context)
    if of_open and row["is_deleted"]:
        raise Missing(f"Thread with id {row['id']} is deleted")
    context.store.run(f"UPDATE thread SET {column} = ?, etag = ? WHERE id = ?", marked, new_etag(), row["id"])


@operation("DELETE", "/repo/v1/thread/{id}", 204)
def delete_thread(context: Context) -> None:
    """Mark a thread as deleted; takes MODERATE (X-06)."""
    _mark(context, "is_deleted", marked=True, of_open=False)


@operation("PUT", "/repo/v1/thread/{id}/restore")
def restore_thread(context: Context) -> None:
    """Bring a deleted thread back; takes MODERATE (X-06)."""
    _mark(context, "is_deleted", marked=False, of_open=False)


@operation("PUT", "/repo/v1/thread/{id}/pin", 204)
def pin_thread(context: Context) -> None:
    """Keep a thread at the top; takes MODERATE (X-06)."""
    _mark(context, "is_pinned", marked=True)


@operation("PUT", "/repo/v1/thread/{id}/unpin", 204)
def unpin_thread(context: Context) -> None:
    """Let a thread go with the others; takes MODERATE (X-06)."""
    _mark(context, "is_pinned", marked=False)
