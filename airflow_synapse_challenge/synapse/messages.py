"""Messages between principals; Synapse mails them as well."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from airflow_synapse_challenge.synapse.call import Call, Document, Pages, results_of
from airflow_synapse_challenge.synapse.client import SynapseClient
from airflow_synapse_challenge.synapse.errors import SynapseUnavailable
from airflow_synapse_challenge.synapse.files import FileTransfer

#: How far back the outbox is searched for a message that an earlier try may have sent.
OUTBOX_DEPTH = 1000
#: Synapse takes no message to more (X-01).
MOST_RECIPIENTS = 50


class Message(Document):
    """A message without its body, which is a file."""

    id: str
    subject: str | None = None
    recipients: list[str] = []
    file_handle_id: str | None = None


@dataclass(frozen=True)
class Sent:
    """
    A message that is on its way.

    :param already: an earlier try had sent it.
    """

    message_id: str
    already: bool


def create(recipients: Sequence[int], subject: str, file_handle_id: str) -> Call[Message]:
    """``POST /message``; at most 50 recipients, users or teams (X-01, X-02)."""
    return Call(
        "POST",
        "/message",
        f"send the message {subject!r}",
        Message.model_validate,
        json={
            "recipients": [str(recipient) for recipient in recipients],
            "subject": subject,
            "fileHandleId": file_handle_id,
        },
        idempotent=False,
    )


def outbox() -> Pages[Message]:
    """``GET /message/outbox``: what the caller sent, newest first."""
    return Pages(
        Call(
            "GET",
            "/message/outbox",
            "look through the outbox",
            results_of(Message.model_validate),
            params={"orderBy": "SEND_DATE", "descending": "true"},
        ),
        limit=100,
    )


def send_once(
    client: SynapseClient,
    transfer: FileTransfer,
    *,
    recipients: Sequence[int],
    subject: str,
    body: str,
    key: str,
    recheck: bool,
) -> Sent:
    """
    Send a message, once however often this is called with the same arguments.

    Synapse gives the same file handle for the same content under the same name (F-01), so the body's handle
    identifies the message in the outbox.

    :param key: file name of the body, unique to the message.
    :param recheck: an earlier try may have sent it: look before sending.
    """
    handle = transfer.upload_text(body, key)
    if recheck and (found := _find(client, handle)):
        return Sent(found.id, already=True)
    try:
        return Sent(client.send(create(recipients, subject, handle)).id, already=False)
    except SynapseUnavailable:
        if found := _find(client, handle):
            return Sent(found.id, already=False)
        raise


def _find(client: SynapseClient, file_handle_id: str) -> Message | None:
    sent: Iterator[Message] = islice(client.pages(outbox()), OUTBOX_DEPTH)
    return next((message for message in sent if message.file_handle_id == file_handle_id), None)
