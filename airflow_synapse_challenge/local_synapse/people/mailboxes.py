"""What users do with messages that they sent or got: list, read, mark, forward."""

from __future__ import annotations

from typing import Literal

from airflow_synapse_challenge.local_synapse.core.bodies import Body
from airflow_synapse_challenge.local_synapse.core.errors import Gone, Invalid, Missing, NotAllowed, require
from airflow_synapse_challenge.local_synapse.core.http import Context, Redirect, as_id, operation, paginated
from airflow_synapse_challenge.local_synapse.core.store import Json, load
from airflow_synapse_challenge.local_synapse.files import handles

from . import messages
from .query import choice
from .teams import require_user

STATUSES = ("READ", "UNREAD", "ARCHIVED")
COLUMNS_OF_ORDER = {"SEND_DATE": (), "SUBJECT": ("subject",)}


class Status(Body, total=False):
    """What a recipient has done with a message."""

    messageId: str
    recipientId: str
    status: Literal["READ", "UNREAD", "ARCHIVED"]


def _order(context: Context, identity: str = "message.id") -> str:
    """
    Return the SQL of the order that the query asks for; the newest come first unless it says otherwise.

    :param identity: column of the message's id, which is in the order in which messages are sent.
    """
    columns = COLUMNS_OF_ORDER[choice(context, "orderBy", COLUMNS_OF_ORDER, "SEND_DATE")]
    direction = "DESC" if context.flag("descending", default=True) else "ASC"
    order = ", ".join(f"{column} {direction}" for column in (*columns, identity))
    return f"ORDER BY {order} LIMIT ? OFFSET ?"


@operation("GET", "/repo/v1/message/outbox")
def outbox(context: Context) -> Json:
    """List what the caller sent."""
    require_user(context)
    offset, limit = context.page()
    rows = context.store.all(f"SELECT doc FROM message WHERE sender = ? {_order(context)}", context.user, limit, offset)
    return paginated([load(row["doc"]) for row in rows], offset, limit)


@operation("GET", "/repo/v1/message/inbox")
def inbox(context: Context) -> Json:
    """List what the caller got, unless the query says otherwise what is not read yet."""
    require_user(context)
    offset, limit = context.page()
    wanted = [item.strip() for item in context.query.get("inboxFilter", "UNREAD").split(",")]
    if unknown := [item for item in wanted if item not in STATUSES]:
        raise Invalid(f"inboxFilter must name some of {', '.join(STATUSES)}, not {', '.join(unknown)}")
    rows = context.store.all(
        "SELECT doc, status FROM delivery JOIN message ON message.id = delivery.message WHERE principal = ? "
        f"AND status IN ({','.join('?' * len(wanted))}) {_order(context, 'delivery.message')}",
        context.user,
        *wanted,
        limit,
        offset,
    )
    return paginated([_bundle(context.user, load(row["doc"]), row["status"]) for row in rows], offset, limit)


def _bundle(recipient: int, message: Json, status: str) -> Json:
    return {
        "message": message,
        "status": {"messageId": message["id"], "recipientId": str(recipient), "status": status},
    }


def _readable(context: Context) -> Json:
    """Return a message that the caller sent or got."""
    message = context.number("id")
    found = context.store.value("SELECT doc FROM message WHERE id = ?", message)
    if found is None:
        raise Missing(f"Message ({message}) not found")
    if not messages.concerns(context.store, message, context.user):
        raise NotAllowed("You are not the sender or receiver of this message")
    return load(found)


@operation("GET", "/repo/v1/message/{id}")
def get_message(context: Context) -> Json:
    """Read a message that the caller sent or got."""
    return _readable(context)


@operation("DELETE", "/repo/v1/message/{id}", 410)
def removed_service(context: Context) -> None:
    """Synapse removed this service."""
    raise Gone("This service has been removed; use PUT /message/status.")


@operation("GET", "/repo/v1/message/{id}/file", scopes=("download",))
def get_body(context: Context) -> Redirect:
    """Find the body of a message."""
    return Redirect(handles.download_url(context.store, context.base, int(_readable(context)["fileHandleId"])))


@operation("GET", "/repo/v1/message/{id}/conversation")
def conversation(context: Context) -> Json:
    """List the messages of a conversation that the caller sent or got."""
    offset, limit = context.page()
    rows = context.store.all(
        "SELECT doc FROM message WHERE root = ? AND (sender = ? OR EXISTS (SELECT 1 FROM delivery "
        f"WHERE delivery.message = message.id AND principal = ?)) {_order(context)}",
        int(_readable(context)["inReplyToRoot"]),
        context.user,
        context.user,
        limit,
        offset,
    )
    return paginated([load(row["doc"]) for row in rows], offset, limit)


@operation("PUT", "/repo/v1/message/status", body=Status)
def put_status(context: Context) -> None:
    """Say what the caller has done with a message that they got."""
    for name in ("messageId", "status"):
        require(context.body.get(name), name)
    message = as_id(context.body["messageId"])
    changed = context.store.run(
        "UPDATE delivery SET status = ? WHERE message = ? AND principal = ?",
        context.body["status"],
        message,
        context.user,
    )
    if not changed:
        raise Missing(f"Message ({message}) was not sent to you")


@operation("POST", "/repo/v1/message/{id}/forward", 201, body=messages.Recipients, scopes=("view", "modify"))
def forward(context: Context) -> Json:
    """Send on a message that the caller sent or got; it stays in its conversation."""
    found = _readable(context)
    doc = {**found, "inReplyTo": found["id"]}
    return messages.send_checked(context.store, context.user, doc, context.body.get("recipients") or [])
