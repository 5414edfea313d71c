"""Replies in threads of discussion forums (X-06)."""

from __future__ import annotations

import sqlite3

from airflow_synapse_challenge.local_synapse.content import entities
from airflow_synapse_challenge.local_synapse.core.bodies import Body
from airflow_synapse_challenge.local_synapse.core.errors import Missing, NotAllowed, require
from airflow_synapse_challenge.local_synapse.core.http import Context, as_id, operation, paginated
from airflow_synapse_challenge.local_synapse.core.store import Json, Store, dump, new_etag, tables

from . import discussion, threads
from .query import choice, required
from .teams import require_user

tables(
    """
    CREATE TABLE IF NOT EXISTS reply (
        id INTEGER PRIMARY KEY, thread INTEGER NOT NULL, text_key TEXT NOT NULL, etag TEXT NOT NULL,
        created_by INTEGER NOT NULL, created_on TEXT NOT NULL, modified_on TEXT NOT NULL,
        is_edited INTEGER NOT NULL DEFAULT 0, is_deleted INTEGER NOT NULL DEFAULT 0);
    CREATE INDEX IF NOT EXISTS reply_thread ON reply (thread, id);
    """
)

MOST_REPLIES = 100
COLUMNS_OF_ORDER = {"CREATED_ON": ("created_on",)}


class NewReply(Body, total=False):
    """A reply, as its author writes it."""

    threadId: str
    messageMarkdown: str


def _show(row: sqlite3.Row, thread: sqlite3.Row) -> Json:
    """Return ``DiscussionReplyBundle``."""
    return {
        "id": str(row["id"]),
        "threadId": str(thread["id"]),
        "forumId": str(thread["forum"]),
        "projectId": f"syn{thread['project']}",
        "createdOn": row["created_on"],
        "createdBy": str(row["created_by"]),
        "modifiedOn": row["modified_on"],
        "etag": row["etag"],
        "messageKey": row["text_key"],
        "isEdited": bool(row["is_edited"]),
        "isDeleted": bool(row["is_deleted"]),
    }


def _row(store: Store, reply: int) -> sqlite3.Row:
    row = store.one("SELECT * FROM reply WHERE id = ?", reply)
    if row is None:
        raise Missing(f"Reply with id {reply} does not exist")
    return row


def _readable(context: Context, reply: int) -> tuple[sqlite3.Row, sqlite3.Row]:
    """Return a reply that the caller may read and its thread; deleted ones are for moderators."""
    row = _row(context.store, reply)
    thread = threads.readable(context, row["thread"])
    if row["is_deleted"]:
        entities.require(context.store, thread["project"], context.user, "MODERATE")
    return row, thread


def _count(store: Store, thread: int) -> None:
    """Write into a thread what follows from its replies."""
    authors = store.all(
        "SELECT user FROM (SELECT created_by AS user FROM thread WHERE id = ? UNION ALL "
        "SELECT created_by FROM reply WHERE thread = ? AND NOT is_deleted) "
        "GROUP BY user ORDER BY count(*) DESC, user LIMIT ?",
        thread,
        thread,
        threads.MOST_AUTHORS,
    )
    store.run(
        "UPDATE thread SET authors = ?, "
        "replies = (SELECT count(*) FROM reply WHERE reply.thread = thread.id AND NOT reply.is_deleted), "
        "last_activity = max(created_on, coalesce((SELECT max(created_on) FROM reply WHERE reply.thread = thread.id "
        "AND NOT reply.is_deleted), created_on)) WHERE id = ?",
        dump([str(row["user"]) for row in authors]),
        thread,
    )


@operation("POST", "/repo/v1/reply", 201, body=NewReply, scopes=("view", "modify"))
def post_reply(context: Context) -> Json:
    """Reply in a thread; takes READ on the project (X-06)."""
    store, body = context.store, context.body
    for name in ("threadId", "messageMarkdown"):
        require(body.get(name), name)
    require_user(context)
    thread = threads.open_thread(context, as_id(body["threadId"]))
    reply, now, text = store.next_id("reply"), store.timestamp(), body["messageMarkdown"]
    key = discussion.keep_text(store, text, thread["forum"], thread["id"], reply)
    store.run(
        "INSERT INTO reply (id, thread, text_key, etag, created_by, created_on, modified_on) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        reply,
        thread["id"],
        key,
        new_etag(),
        context.user,
        now,
        now,
    )
    threads.name_entities(store, thread["id"], text)
    _count(store, thread["id"])
    return _show(_row(store, reply), thread)


@operation("GET", "/repo/v1/reply/{id}")
def get_reply(context: Context) -> Json:
    """A reply."""
    return _show(*_readable(context, context.number("id")))


@operation("GET", "/repo/v1/reply/messageUrl", scopes=("download",))
def get_text_url(context: Context) -> Json:
    """Where the text of a reply is."""
    key = required(context, "messageKey")
    _, _, reply = discussion.owners_of(key, 3)
    _readable(context, reply)
    return discussion.text_url(context, key)


@operation("PUT", "/repo/v1/reply/{id}/message", 201, body=threads.NewText, scopes=("view", "modify"))
def put_text(context: Context) -> Json:
    """Change the text of a reply that the caller wrote (X-06)."""
    store, reply = context.store, context.number("id")
    row = _row(store, reply)
    thread = threads.open_thread(context, row["thread"])
    if row["is_deleted"]:
        raise Missing(f"Reply with id {reply} is deleted")
    if row["created_by"] != context.user:
        raise NotAllowed("Only the user that created the reply can modify it.")
    require(context.body.get("messageMarkdown"), "messageMarkdown")
    text = context.body["messageMarkdown"]
    store.run(
        "UPDATE reply SET text_key = ?, is_edited = 1, modified_on = ?, etag = ? WHERE id = ?",
        discussion.keep_text(store, text, thread["forum"], thread["id"], reply),
        store.timestamp(),
        new_etag(),
        reply,
    )
    threads.name_entities(store, thread["id"], text)
    return _show(_row(store, reply), thread)


@operation("DELETE", "/repo/v1/reply/{id}", 204)
def delete_reply(context: Context) -> None:
    """Mark a reply as deleted; takes MODERATE (X-06)."""
    store, reply = context.store, context.number("id")
    row = _row(store, reply)
    thread = threads.row_of(store, row["thread"])
    entities.require(store, thread["project"], context.user, "MODERATE")
    store.run("UPDATE reply SET is_deleted = 1, etag = ? WHERE id = ?", new_etag(), reply)
    _count(store, thread["id"])


@operation("GET", "/repo/v1/thread/{id}/replies")
def list_replies(context: Context) -> Json:
    """The replies in a thread."""
    order = threads.order_of(context, COLUMNS_OF_ORDER)
    offset, limit = discussion.page(context, MOST_REPLIES)
    which = discussion.FILTERS[choice(context, "filter", discussion.FILTERS)]
    thread = threads.readable(context, context.number("id"))
    rows = context.store.all(
        f"SELECT * FROM reply WHERE thread = ? {which} {order} LIMIT ? OFFSET ?",
        thread["id"],
        limit,
        offset,
    )
    return paginated([_show(row, thread) for row in rows], offset, limit)


@operation("GET", "/repo/v1/thread/{id}/replycount")
def count_replies(context: Context) -> Json:
    """How many replies a thread has."""
    which = discussion.FILTERS[choice(context, "filter", discussion.FILTERS)]
    thread = threads.readable(context, context.number("id"))
    return {"count": context.store.value(f"SELECT count(*) FROM reply WHERE thread = ? {which}", thread["id"])}
