"""Pages of wikis."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup
from starlette.responses import Response

from airflow_synapse_challenge.local_synapse.core.store import Json

from .site import Page
from .subjects import subject_of
from .visits import Visit
from .widgets import wiki_html

HEADERS_AT_ONCE = 50
MOST_HEADERS = 500


@dataclass
class Leaf:
    """
    A page in the tree of a wiki.

    :param inner: the pages below it.
    """

    id: str
    title: str
    inner: list[Leaf] = field(default_factory=list)


@dataclass(frozen=True)
class Article:
    """
    A page of a wiki.

    :param page: ``WikiPage``.
    :param title: above the text; empty for a root page, whose title is its owner's, and where the text begins with it.
    :param html: its text.
    :param root: of the tree that it is in.
    """

    page: Json
    title: str
    html: Markup
    root: Leaf


def article_of(visit: Visit, owner: str, address: str, page: str | None = None) -> Article | None:
    """
    Return a page of a wiki that the viewer may read, ``None`` if there is no wiki.

    :param owner: the part of Synapse's paths that names it, for example ``/entity/syn123``.
    :param address: where this site shows the wiki.
    :param page: its id; default: the root.
    """
    if page is None:
        found = visit.maybe(f"{owner}/wiki")
        if found is None:
            return None
    else:
        found = visit.get(f"{owner}/wiki/{page}")
    root = _tree(visit, owner)
    title = "" if found["id"] == root.id else _title(found)
    html = wiki_html(visit, found["markdown"], f"{address}/wiki/{found['id']}/attachment", 3 if title else 2)
    return Article(found, title, html, root)


def _title(page: Json) -> str:
    title = str(page.get("title") or "Without a title")
    first, _, _ = page["markdown"].lstrip().partition("\n")
    return "" if first.startswith("#") and first.strip("# ") == title.strip() else title


def _tree(visit: Visit, owner: str) -> Leaf:
    headers: list[Json] = []
    while len(headers) < MOST_HEADERS:
        more = visit.get(f"{owner}/wikiheadertree2", offset=len(headers), limit=HEADERS_AT_ONCE)["results"]
        headers += more
        if len(more) < HEADERS_AT_ONCE:
            break
    hint = visit.get(f"{owner}/wiki2orderhint").get("idList", []) if owner.startswith("/entity/") else []
    order = {identity: at for at, identity in enumerate(hint)}
    leaves = {header["id"]: Leaf(header["id"], header.get("title") or "Without a title") for header in headers}
    for header in sorted(headers, key=lambda header: order.get(header["id"], len(order))):
        if header.get("parentId") in leaves:
            leaves[header["parentId"]].inner.append(leaves[header["id"]])
    return leaves[headers[0]["id"]]


def page_of_entity(visit: Visit) -> Page:
    """Show a page of an entity's wiki."""
    subject = subject_of(visit)
    page = visit.number("page")
    article = article_of(visit, f"/entity/{subject.id}", subject.address, str(page))
    return Page("wiki.html", {"subject": subject, "article": article})


def page_of_queue(visit: Visit) -> Page:
    """Show a page of a queue's wiki."""
    queue = visit.get(f"/evaluation/{visit.number('queue')}")
    address = f"/queue/{queue['id']}"
    article = article_of(visit, f"/evaluation/{queue['id']}", address, str(visit.number("page")))
    return Page("wiki_of_queue.html", {"queue": queue, "article": article, "address": address})


def attachment_of_entity(visit: Visit) -> Response:
    """Lead to a file that is attached to a page of an entity's wiki."""
    return _attachment(visit, f"/entity/{visit.number('entity')}")


def attachment_of_queue(visit: Visit) -> Response:
    """Lead to a file that is attached to a page of a queue's wiki."""
    return _attachment(visit, f"/evaluation/{visit.number('queue')}")


def _attachment(visit: Visit, owner: str) -> Response:
    name: Any = visit.query.get("fileName", "")
    return visit.leads_to(f"{owner}/wiki2/{visit.number('page')}/attachment", fileName=name)
