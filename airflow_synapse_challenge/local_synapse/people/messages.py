"""Messages: sent to users and teams, each recipient's copy in their mailbox."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta
from typing import Any

from airflow_synapse_challenge.local_synapse.content import entities
from airflow_synapse_challenge.local_synapse.core.bodies import Body
from airflow_synapse_challenge.local_synapse.core.errors import Invalid, NotAllowed, TooMany, require
from airflow_synapse_challenge.local_synapse.core.http import ANONYMOUS, Context, as_id, operation
from airflow_synapse_challenge.local_synapse.core.store import Json, Store, as_text, dump, load, tables
from airflow_synapse_challenge.local_synapse.files import handles

from . import access, teams
from .principals import kind_of

tables(
    """
    CREATE TABLE IF NOT EXISTS message (id INTEGER PRIMARY KEY, sender INTEGER NOT NULL, root INTEGER NOT NULL,
        subject TEXT, created_on TEXT NOT NULL, doc TEXT NOT NULL);
    CREATE INDEX IF NOT EXISTS message_sender ON message (sender, id);
    CREATE INDEX IF NOT EXISTS message_root ON message (root, id);
    CREATE INDEX IF NOT EXISTS message_time ON message (sender, created_on);
    CREATE TABLE IF NOT EXISTS delivery (message INTEGER, principal INTEGER, status TEXT NOT NULL,
        PRIMARY KEY (message, principal));
    CREATE INDEX IF NOT EXISTS delivery_principal ON delivery (principal, message);
    """
)

MOST_RECIPIENTS = 50
ID = re.compile(r"[0-9]{1,18}")
RATE_LIMIT = 10
RATE_WINDOW = timedelta(seconds=60)


class Message(Body, total=False):
    """A message, as its sender writes it."""

    recipients: list[str]
    fileHandleId: str
    subject: str
    inReplyTo: str
    notificationUnsubscribeEndpoint: str
    userProfileSettingEndpoint: str
    withUnsubscribeLink: bool
    withProfileSettingLink: bool
    isNotificationMessage: bool
    to: str
    cc: str
    bcc: str


class Recipients(Body, total=False):
    """To whom a message is forwarded."""

    recipients: list[str]


def deliver(store: Store, sender: int, doc: Json) -> Json:
    """Store a message and put it into the mailboxes of those recipients whom it may reach, teams resolved (X-02)."""
    identity = store.next_id("message")
    root = _root(store, doc.get("inReplyTo")) or identity
    kept = {key: doc[key] for key in Message.__annotations__ if key in doc}
    stored = kept | {
        "id": str(identity),
        "createdBy": str(sender),
        "createdOn": store.timestamp(),
        "inReplyToRoot": str(root),
    }
    store.run(
        "INSERT INTO message VALUES (?, ?, ?, ?, ?, ?)",
        identity,
        sender,
        root,
        doc.get("subject"),
        stored["createdOn"],
        dump(stored),
    )
    for user in {user for recipient in doc["recipients"] for user in _reached(store, sender, int(recipient))}:
        store.run("INSERT INTO delivery VALUES (?, ?, 'UNREAD')", identity, user)
    return stored


def _root(store: Store, answered: str | None) -> int | None:
    """Return the message that a conversation began with."""
    if answered is None:
        return None
    found: int | None = store.value("SELECT root FROM message WHERE id = ?", as_id(answered))
    if found is None:
        raise Invalid(f"Cannot reply to a message ({answered}) that does not exist")
    return found


def _reached(store: Store, sender: int, recipient: int) -> list[int]:
    """
    Return the users whom a message to a principal reaches.

    Teams must let the sender write to them, and all users are an administrator's to write to; whom a message does not
    reach is no error (X-02).
    """
    if recipient == access.AUTHENTICATED:
        everybody = store.all("SELECT id FROM principal WHERE kind = 'user'") if access.is_admin(store, sender) else []
        return [row["id"] for row in everybody]
    if kind_of(store, recipient) == "user":
        return [recipient]
    if access.allowed(store, "team", recipient, sender, "SEND_MESSAGE"):
        return teams.members_of(store, recipient)
    return []


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


@operation("POST", "/repo/v1/message", 201, body=Message, scopes=("view", "modify"))
def post_message(context: Context) -> Json:
    """Send a message (X-01, X-02)."""
    return _send(context, context.body.get("recipients") or [])


@operation("POST", "/repo/v1/entity/{id}/message", 201, body=Message, scopes=("view", "modify"))
def post_to_owner(context: Context) -> Json:
    """Send a message to whoever made an entity, beside its other recipients."""
    entity = entities.show(entities.row_of(context.store, context.number("id")))
    return _send(context, [*(context.body.get("recipients") or []), entity["createdBy"]])


def _send(context: Context, recipients: list[str]) -> Json:
    store, body = context.store, context.body
    if context.user == ANONYMOUS:
        raise NotAllowed("Anonymous users may not send messages.")
    require(body.get("fileHandleId"), "fileHandleId")
    if store.value("SELECT creator FROM file_handle WHERE id = ?", as_id(body["fileHandleId"])) != context.user:
        raise NotAllowed("Invalid file handle given")
    return send_checked(store, context.user, body, recipients)


def send_checked(store: Store, sender: int, doc: Json, recipients: list[str]) -> Json:
    """Send a message if its recipients and the number of messages in the last minute are right (X-01)."""
    recipients = list(dict.fromkeys(recipients))
    if not recipients:
        raise Invalid("Must specify at least one recipient")
    if len(recipients) > MOST_RECIPIENTS:
        raise Invalid(f"May not message more than {MOST_RECIPIENTS} at once.")
    unknown = [item for item in recipients if not (ID.fullmatch(item) and kind_of(store, int(item)))]
    if unknown:
        raise Invalid(f"One or more of the following IDs are not recognized: {', '.join(unknown)}")
    _check_rate(store, sender)
    return deliver(store, sender, {**doc, "recipients": recipients})


def _check_rate(store: Store, user: int) -> None:
    """Refuse the eleventh message in a minute, except from those whom Synapse trusts with more (X-01)."""
    if access.is_admin(store, user) or access.is_member(store, access.TRUSTED_SENDERS, user):
        return
    limit = int(store.setting("message_rate_limit") or RATE_LIMIT)
    since = as_text(store.now() - RATE_WINDOW)
    sent = store.value("SELECT count(*) FROM message WHERE sender = ? AND created_on > ?", user, since)
    if sent >= limit:
        raise TooMany(
            f"Please slow down.  You may send a maximum of {limit} message(s) every "
            f"{RATE_WINDOW.total_seconds():.0f} second(s)"
        )


@handles.association("MessageAttachment")
def _is_body(store: Store, user: int, handle: int, message: int) -> bool:
    row = store.one("SELECT sender, doc FROM message WHERE id = ?", message)
    return row is not None and load(row["doc"])["fileHandleId"] == str(handle) and concerns(store, message, user)


@handles.linked_by
def _is_some_body(store: Store, handle: int) -> bool:
    found = "SELECT 1 FROM message WHERE json_extract(doc, '$.fileHandleId') = ? LIMIT 1"
    return store.one(found, str(handle)) is not None


def concerns(store: Store, message: int, user: int) -> bool:
    """Tell whether a user sent or got a message."""
    found = store.one(
        "SELECT 1 FROM message WHERE id = ? AND sender = ? UNION ALL "
        "SELECT 1 FROM delivery WHERE message = ? AND principal = ?",
        message,
        user,
        message,
        user,
    )
    return found is not None


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
