"""Mailboxes."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import RedirectResponse, Response

from airflow_synapse_challenge.local_synapse.core.errors import NotAllowed
from airflow_synapse_challenge.local_synapse.core.http import ANONYMOUS
from airflow_synapse_challenge.local_synapse.core.store import Json, Store
from airflow_synapse_challenge.local_synapse.files import handles
from airflow_synapse_challenge.local_synapse.people import principals
from airflow_synapse_challenge.local_synapse.wikis.markdown import unpacked

from .markdown import words_of
from .site import Page
from .visits import Viewer, Visit

MOST_BYTES = 200_000
EVERY_STATUS = "UNREAD,READ,ARCHIVED"


@dataclass(frozen=True)
class Mail:
    """
    A message with its body.

    :param message: ``MessageToUser``.
    :param status: what its recipient has done with it, empty for one that was sent.
    """

    message: Json
    body: str
    status: str = ""


def own(visit: Visit) -> Response:
    """Lead to the mailbox of the viewer."""
    if visit.viewer.id == ANONYMOUS:
        raise NotAllowed("Nobody has logged in, and nobody has no mailbox. Choose somebody to look as.")
    return RedirectResponse(f"/mail/{visit.viewer.id}", 302)


def mailbox(visit: Visit) -> Page:
    """Show the mailbox of a user: what they got or what they sent, as they see it."""
    user = visit.number("user")
    doc = principals.user_doc(visit.store, user)
    owner = Viewer(user, doc["userName"])
    sent = visit.query.get("box") == "sent"
    paging = visit.paging()
    # A mailbox is its owner's alone, so it is the owner who is asked for it.
    as_owner = visit.seen_by(owner)
    if sent:
        asked = as_owner.get("/message/outbox", offset=paging.offset, limit=paging.size + 1)["results"]
        mails = [Mail(message, _body(visit.store, message)) for message in asked]
    else:
        asked = as_owner.get("/message/inbox", inboxFilter=EVERY_STATUS, offset=paging.offset, limit=paging.size + 1)[
            "results"
        ]
        mails = [
            Mail(entry["message"], _body(visit.store, entry["message"]), entry["status"]["status"]) for entry in asked
        ]
    shown, paging = paging.cut(mails)
    return Page("mail.html", {"owner": owner, "mails": shown, "paging": paging, "sent": sent})


def _body(store: Store, message: Json) -> str:
    handle = int(message["fileHandleId"])
    path = handles.path_of(store, handle)
    if path is None or not path.is_file():
        return ""
    with path.open("rb") as file:
        content = unpacked(file.read(MOST_BYTES))
    text = content.decode(errors="replace")
    kind = str(handles.show(store, handle).get("contentType", ""))
    return words_of(text) if kind.startswith("text/html") else text
