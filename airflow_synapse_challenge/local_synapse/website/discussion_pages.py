"""Discussion forums of projects."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from airflow_synapse_challenge.local_synapse.core.errors import Missing
from airflow_synapse_challenge.local_synapse.core.http import Context
from airflow_synapse_challenge.local_synapse.core.store import Json
from airflow_synapse_challenge.local_synapse.people import threads

from .site import Page
from .subjects import subject_of
from .visits import Visit, number_in
from .widgets import wiki_html

MOST_THREADS = 19
THREAD_PREFIX = "threadId="


@dataclass(frozen=True)
class Post:
    """
    What somebody wrote in a forum.

    :param doc: ``DiscussionThreadBundle`` or ``DiscussionReplyBundle``.
    """

    doc: Json
    html: Markup


def forum(visit: Visit) -> Page:
    """Show the threads of a project's forum: the pinned ones first, then those with the latest posts."""
    subject = subject_of(visit, "discussion")
    paging = visit.paging(size=MOST_THREADS)
    found: list[Json] = []
    # A forum is made when a client first asks for it; until then there are no threads.
    identity = visit.store.value("SELECT id FROM forum WHERE project = ?", subject.number)
    if identity is not None:
        found = visit.get(
            f"/forum/{identity}/threads",
            filter="EXCLUDE_DELETED",
            sort="PINNED_AND_LAST_ACTIVITY",
            ascending="false",
            offset=paging.offset,
            limit=paging.size + 1,
        )["results"]
    shown, paging = paging.cut(found)
    return Page("forum.html", {"subject": subject, "threads": shown, "paging": paging})


def thread(visit: Visit) -> Page:
    """Show a thread with its replies."""
    text = str(visit.path["thread"]).removeprefix(THREAD_PREFIX)
    if text == "default":
        return forum(visit)
    subject = subject_of(visit, "discussion")
    identity = number_in(text)
    visit.require_agreed()
    # Not through its operation, which counts who has seen it.
    context = Context(store=visit.store, user=visit.viewer.id, path={}, query={}, body={}, base="")
    row = threads.readable(context, identity)
    if row["project"] != subject.number:
        raise Missing(f"Thread {identity} is not in the forum of {subject.id}.")
    doc = threads.show(row)
    paging = visit.paging()
    asked = visit.get(
        f"/thread/{identity}/replies",
        filter="EXCLUDE_DELETED",
        sort="CREATED_ON",
        ascending="true",
        offset=paging.offset,
        limit=paging.size + 1,
    )["results"]
    replies, paging = paging.cut(asked)
    values = {"subject": subject, "thread": _post(visit, doc), "paging": paging}
    return Page("thread.html", values | {"replies": [_post(visit, reply) for reply in replies]})


def _post(visit: Visit, doc: Json) -> Post:
    text = visit.store.value("SELECT text FROM discussion_text WHERE key = ?", doc["messageKey"])
    return Post(doc, wiki_html(visit, text or "", level=3))
