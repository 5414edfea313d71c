"""Messages: sent to users and teams, read in mailboxes."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from airflow_synapse_challenge.local_synapse.core.errors import Invalid, NotAllowed, TooMany, require
from airflow_synapse_challenge.local_synapse.core.http import ANONYMOUS, Context, Redirect, as_id, operation, paginated
from airflow_synapse_challenge.local_synapse.core.store import Json, Store, as_text, dump, load, tables
from airflow_synapse_challenge.local_synapse.files import handles

from . import access, teams

tables(
    """
    CREATE TABLE IF NOT EXISTS message (id INTEGER PRIMARY KEY, sender INTEGER NOT NULL, created_on TEXT NOT NULL,
        doc TEXT NOT NULL);
    CREATE INDEX IF NOT EXISTS message_sender ON message (sender, id);
    CREATE TABLE IF NOT EXISTS delivery (message INTEGER, principal INTEGER, status TEXT NOT NULL,
        PRIMARY KEY (message, principal));
    CREATE INDEX IF NOT EXISTS delivery_principal ON delivery (principal, message);
    """
)

MOST_RECIPIENTS = 50
RATE_WINDOW = timedelta(seconds=60)


def deliver(store: Store, sender: int, doc: Json) -> Json:
    """Store a message and put it into the mailboxes of its recipients, teams resolved (X-02)."""
    identity = store.next_id("message")
    stored = {**doc, "id": str(identity), "createdBy": str(sender), "createdOn": store.timestamp()}
    store.run("INSERT INTO message VALUES (?, ?, ?, ?)", identity, sender, stored["createdOn"], dump(stored))
    for principal in {user for recipient in doc["recipients"] for user in _users(store, int(recipient))}:
        store.run("INSERT OR IGNORE INTO delivery VALUES (?, ?, 'UNREAD')", identity, principal)
    return stored


def deliver_text(store: Store, sender: int, recipients: list[int], subject: str, text: str) -> None:
    """Send a plain text on the server's own account."""
    path = store.files / f"message-{uuid.uuid4().hex}"
    path.write_text(text)
    handle = handles.add(
        store,
        sender,
        path,
        {
            "concreteType": f"{handles.MODEL}S3FileHandle",
            "fileName": "message.txt",
            "contentType": "text/plain",
            "contentSize": path.stat().st_size,
            "storageLocationId": 1,
        },
    )
    deliver(
        store, sender, {"recipients": [str(i) for i in recipients], "subject": subject, "fileHandleId": str(handle)}
    )


def _users(store: Store, principal: int) -> list[int]:
    kind = store.value("SELECT kind FROM principal WHERE id = ?", principal)
    return teams.members_of(store, principal) if kind == "team" else [principal]


@operation("POST", "/repo/v1/message", 201)
def post_message(context: Context) -> Json:
    """Send a message (X-01, X-02)."""
    store, body = context.store, context.body
    if context.user == ANONYMOUS:
        raise NotAllowed("Anonymous users may not send messages.")
    recipients = body.get("recipients") or []
    if not recipients:
        raise Invalid("Must specify at least one recipient")
    if len(recipients) > MOST_RECIPIENTS:
        raise Invalid(f"May not message more than {MOST_RECIPIENTS} at once.")
    require(body.get("fileHandleId"), "fileHandleId")
    handle = as_id(body["fileHandleId"])
    if store.value("SELECT creator FROM file_handle WHERE id = ?", handle) != context.user:
        raise NotAllowed("Invalid file handle given")
    unknown = [item for item in recipients if not store.one("SELECT 1 FROM principal WHERE id = ?", as_id(item))]
    if unknown:
        raise Invalid(f"One or more of the following IDs are not recognized: {unknown}")
    _check_rate(store, context.user)
    allowed = [item for item in recipients if _may_send(store, context.user, as_id(item))]
    return deliver(store, context.user, {**body, "recipients": [str(as_id(item)) for item in allowed]})


def _may_send(store: Store, user: int, recipient: int) -> bool:
    """Teams must let the sender write to them; refusals are told by e-mail, not here (X-02)."""
    if store.value("SELECT kind FROM principal WHERE id = ?", recipient) == "team":
        return access.allowed(store, "team", recipient, user, "SEND_MESSAGE")
    return True


def _check_rate(store: Store, user: int) -> None:
    limit = store.setting("message_rate_limit")
    if limit is None:
        return
    since = as_text(store.now() - RATE_WINDOW)
    sent = store.value("SELECT count(*) FROM message WHERE sender = ? AND created_on > ?", user, since)
    if sent >= int(limit):
        raise TooMany(f"Please slow down.  You may send a maximum of {limit} message(s) every 60 second(s)")


@operation("GET", "/repo/v1/message/outbox")
def outbox(context: Context) -> Json:
    """List what the caller sent."""
    offset, limit = context.page(default=10)
    order = "DESC" if context.query.get("descending", "true").lower() == "true" else "ASC"
    rows = context.store.all(
        f"SELECT doc FROM message WHERE sender = ? ORDER BY id {order} LIMIT ? OFFSET ?", context.user, limit, offset
    )
    return paginated([load(row["doc"]) for row in rows], offset, limit)


@operation("GET", "/repo/v1/message/inbox")
def inbox(context: Context) -> Json:
    """List what the caller got."""
    offset, limit = context.page(default=10)
    wanted = [item.strip() for item in context.query.get("inboxFilter", "UNREAD").split(",")]
    order = "DESC" if context.query.get("descending", "true").lower() == "true" else "ASC"
    rows = context.store.all(
        "SELECT doc, status FROM message JOIN delivery ON message = id WHERE principal = ? "
        f"AND status IN ({','.join('?' * len(wanted))}) ORDER BY id {order} LIMIT ? OFFSET ?",
        context.user,
        *wanted,
        limit,
        offset,
    )
    bundles = [
        {
            "message": load(row["doc"]),
            "status": {"messageId": load(row["doc"])["id"], "recipientId": str(context.user), "status": row["status"]},
        }
        for row in rows
    ]
    return paginated(bundles, offset, limit)


def _readable(context: Context) -> Json:
    message = context.number("id")
    row = context.store.one("SELECT sender, doc FROM message WHERE id = ?", message)
    delivered = context.store.one("SELECT 1 FROM delivery WHERE message = ? AND principal = ?", message, context.user)
    if row is None or (row["sender"] != context.user and delivered is None):
        raise NotAllowed("You are not the sender or receiver of this message")
    return load(row["doc"])


@operation("GET", "/repo/v1/message/{id}")
def get_message(context: Context) -> Json:
    """Read a message that the caller sent or got."""
    return _readable(context)


@operation("GET", "/repo/v1/message/{id}/file")
def get_body(context: Context) -> Redirect:
    """Find the body of a message."""
    return Redirect(handles.download_url(context.store, context.base, int(_readable(context)["fileHandleId"])))


def mailbox(store: Store, principal: int | None = None) -> list[Json]:
    """Return the messages that were delivered, with their bodies, oldest first."""
    where, values = ("WHERE principal = ?", [principal]) if principal is not None else ("", [])
    rows = store.all(
        f"SELECT DISTINCT message.id, sender, doc FROM message JOIN delivery ON message = id {where} "
        "ORDER BY message.id",
        *values,
    )
    return [_mail(store, row["id"], row["sender"], load(row["doc"])) for row in rows]


def _mail(store: Store, identity: int, sender: int, doc: Json) -> dict[str, Any]:
    handle = store.one("SELECT path, doc FROM file_handle WHERE id = ?", int(doc["fileHandleId"]))
    assert handle is not None
    return {
        "id": str(identity),
        "from": str(sender),
        "to": doc["recipients"],
        "subject": doc.get("subject"),
        "body": (store.files / handle["path"]).read_text(errors="replace") if handle["path"] else "",
        "contentType": load(handle["doc"]).get("contentType"),
        "fileName": load(handle["doc"]).get("fileName"),
        "createdOn": doc["createdOn"],
    }
