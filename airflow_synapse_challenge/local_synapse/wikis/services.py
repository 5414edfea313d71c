"""The wiki services, both generations over one store: pages, header tree, history, order hint."""

from __future__ import annotations

import sqlite3

from airflow_synapse_challenge.local_synapse.core.bodies import Body
from airflow_synapse_challenge.local_synapse.core.errors import Invalid
from airflow_synapse_challenge.local_synapse.core.http import Context, as_id, paginated
from airflow_synapse_challenge.local_synapse.core.store import Json, Store, dump, load, new_etag

from . import files, markdown, owners, pages
from .owners import ENTITY, Owner, wiki_operation
from .pages import Content

MOST_HEADERS = 50
SCOPES = ("view", "modify")


class Page(Body, total=False):
    """What both generations of the service know of a page."""

    id: str
    etag: str
    parentWikiId: str
    title: str
    attachmentFileHandleIds: list[str]


class WikiPage(Page, total=False):
    """A page with its text: the first generation."""

    markdown: str


class V2WikiPage(Page, total=False):
    """A page with the file that holds its text: the second generation."""

    markdownFileHandleId: str


class OrderHint(Body, total=False):
    """In which order sub-pages are to be shown."""

    etag: str
    idList: list[str]


def show_first(store: Store, row: sqlite3.Row) -> Json:
    """Return a page as the first generation shows it (K-03)."""
    return pages.show(row) | {"markdown": markdown.text_of(store, row["markdown"])}


def show_second(row: sqlite3.Row) -> Json:
    """Return a page as the second generation shows it (K-03)."""
    return pages.show(row) | {"markdownFileHandleId": str(row["markdown"])}


def create(store: Store, user: int, owner: Owner, body: Page, text: int | str) -> int:
    """
    Make a page (K-01).

    :param text: itself, or the file handle of a file that holds it.
    """
    parent = as_id(body["parentWikiId"]) if body.get("parentWikiId") else None
    pages.require_place(store, owner, parent)
    attachments = files.checked_attachments(store, user, body.get("attachmentFileHandleIds") or [])
    page = store.next_id("wiki")
    handle = markdown.written(store, user, page, text) if isinstance(text, str) else text
    pages.insert(store, user, owner, page, parent, Content(body.get("title"), handle, attachments))
    return page


@wiki_operation("POST", "wiki", 201, body=WikiPage, scopes=SCOPES)
def post_first(context: Context, owner: Owner) -> Json:
    """Make a page from text (K-01, K-03, K-04)."""
    store, body = context.store, context.body
    owners.require(store, owner, context.user, "CREATE")
    page = create(store, context.user, owner, body, body.get("markdown", ""))
    return show_first(store, pages.row_of(store, owner, page))


@wiki_operation("POST", "wiki2", 201, body=V2WikiPage, scopes=SCOPES)
def post_second(context: Context, owner: Owner) -> Json:
    """Make a page whose text is a file; without one the text is empty (K-01, K-03, K-04)."""
    store, body = context.store, context.body
    owners.require(store, owner, context.user, "CREATE")
    wanted = body.get("markdownFileHandleId")
    text = files.checked_markdown(store, context.user, wanted) if wanted else ""
    return show_second(pages.row_of(store, owner, create(store, context.user, owner, body, text)))


@wiki_operation("GET", "wiki")
def get_root_first(context: Context, owner: Owner) -> Json:
    """Read the root page with its text (K-02)."""
    return show_first(context.store, _root(context, owner))


@wiki_operation("GET", "wiki2")
def get_root_second(context: Context, owner: Owner) -> Json:
    """Read the root page (K-02)."""
    return show_second(_root(context, owner))


@wiki_operation("GET", "wikikey")
def get_key(context: Context, owner: Owner) -> Json:
    """Read which page the root is (K-02)."""
    root = _root(context, owner)
    return {"wikiPageId": str(root["id"]), "ownerObjectId": owner.public_id, "ownerObjectType": owner.kind}


def _root(context: Context, owner: Owner) -> sqlite3.Row:
    owners.require(context.store, owner, context.user, "READ")
    return pages.root_of(context.store, owner)


@wiki_operation("GET", "wiki/{wikiId}")
def get_first(context: Context, owner: Owner) -> Json:
    """Read a page with its text, also as it was in a version."""
    return show_first(context.store, files.requested_page(context, owner))


@wiki_operation("GET", "wiki2/{wikiId}")
def get_second(context: Context, owner: Owner) -> Json:
    """Read a page, also as it was in a version."""
    return show_second(files.requested_page(context, owner))


@wiki_operation("PUT", "wiki/{wikiId}", body=WikiPage, scopes=SCOPES)
def put_first(context: Context, owner: Owner) -> Json:
    """Replace a page and its text under its etag (K-03, K-06)."""
    row = _locked(context, owner)
    text = markdown.written(context.store, context.user, row["id"], context.body.get("markdown", ""))
    return show_first(context.store, _replaced(context, owner, row, text))


@wiki_operation("PUT", "wiki2/{wikiId}", body=V2WikiPage, scopes=SCOPES)
def put_second(context: Context, owner: Owner) -> Json:
    """Replace a page under its etag; its text stays where no other file is named (K-03, K-06)."""
    row = _locked(context, owner)
    text = row["markdown"]
    if wanted := context.body.get("markdownFileHandleId"):
        text = files.checked_markdown(context.store, context.user, wanted, row["id"])
    return show_second(_replaced(context, owner, row, text))


def _locked(context: Context, owner: Owner) -> sqlite3.Row:
    """Return the page that a body replaces, if the body is of its current state (K-03)."""
    owners.require(context.store, owner, context.user, "UPDATE")
    row = pages.row_of(context.store, owner, context.number("wikiId"))
    body: Page = context.body
    if "id" in body and as_id(body["id"]) != row["id"]:
        raise Invalid(f"The wiki page's id: {body['id']} does not match the id of the path: {row['id']}")
    pages.require_current(body.get("etag"), row["etag"], f"Wiki page: {row['id']}")
    return row


def _replaced(context: Context, owner: Owner, row: sqlite3.Row, text: int) -> sqlite3.Row:
    store, body = context.store, context.body
    wanted = as_id(body["parentWikiId"]) if body.get("parentWikiId") else None
    parent = pages.checked_parent(store, owner, row, wanted)
    attached = files.checked_attachments(store, context.user, body.get("attachmentFileHandleIds") or [], row["id"])
    pages.update(store, context.user, row, parent, Content(body.get("title"), text, attached))
    return pages.row_of(store, owner, row["id"])


@wiki_operation("PUT", "wiki2/{wikiId}/{wikiVersion}", scopes=SCOPES)
def restore(context: Context, owner: Owner) -> Json:
    """Make a new version that says what an old one said; the page stays where it lies (K-06)."""
    store = context.store
    owners.require(store, owner, context.user, "UPDATE")
    page = context.number("wikiId")
    row = pages.row_of(store, owner, page)
    old = pages.row_of(store, owner, page, context.number("wikiVersion"))
    pages.update(store, context.user, row, row["parent"], pages.content_of(old))
    return show_second(pages.row_of(store, owner, page))


@wiki_operation("DELETE", "wiki/{wikiId}")
@wiki_operation("DELETE", "wiki2/{wikiId}")
def delete(context: Context, owner: Owner) -> None:
    """Remove a page with its sub-pages; nothing happens to an unknown one (K-06)."""
    store = context.store
    owners.require(store, owner, context.user, "DELETE")
    page = context.number("wikiId")
    if pages.owner_of(store, page) == owner:
        pages.delete(store, pages.row_of(store, owner, page))


@wiki_operation("GET", "wikiheadertree")
@wiki_operation("GET", "wikiheadertree2")
def get_headers(context: Context, owner: Owner) -> Json:
    """List the headers of a wiki's pages, the root first (K-05)."""
    owners.require(context.store, owner, context.user, "READ")
    offset, limit = context.page(default=MOST_HEADERS)
    if limit > MOST_HEADERS:
        raise Invalid(f"Limit cannot exceed: {MOST_HEADERS}")
    return paginated(pages.headers(context.store, owner, offset, limit), offset, limit)


@wiki_operation("GET", "wiki2/{wikiId}/wikihistory")
def get_history(context: Context, owner: Owner) -> Json:
    """List the versions of a page, newest first (K-06)."""
    for name in ("offset", "limit"):
        if name not in context.query:
            raise Invalid(f"Required Long parameter '{name}' is not present")
    row = files.requested_page(context, owner)
    offset, limit = context.page()
    rows = context.store.all(
        "SELECT version, modified_on, modified_by FROM wiki_version WHERE page = ? "
        "ORDER BY version DESC LIMIT ? OFFSET ?",
        row["id"],
        limit,
        offset,
    )
    snapshots = [
        {"version": str(row["version"]), "modifiedOn": row["modified_on"], "modifiedBy": str(row["modified_by"])}
        for row in rows
    ]
    return paginated(snapshots, offset, limit)


@wiki_operation("GET", "wiki2orderhint", kinds=(ENTITY,))
def get_order(context: Context, owner: Owner) -> Json:
    """Read in which order sub-pages are to be shown; at first in none (K-06)."""
    _root(context, owner)
    return _order(context.store, owner)


@wiki_operation("PUT", "wiki2orderhint", kinds=(ENTITY,), body=OrderHint, scopes=SCOPES)
def put_order(context: Context, owner: Owner) -> Json:
    """Say in which order sub-pages are to be shown, under the order's own etag (K-06)."""
    store = context.store
    owners.require(store, owner, context.user, "UPDATE")
    pages.root_of(store, owner)
    body: OrderHint = context.body
    pages.require_current(body.get("etag"), _order(store, owner)["etag"], f"Order hint of wiki: {owner.public_id}")
    store.run(
        "UPDATE wiki_order SET etag = ?, ids = ? WHERE owner_kind = ? AND owner = ?",
        new_etag(),
        dump({"idList": body["idList"]}) if "idList" in body else None,
        owner.kind,
        owner.number,
    )
    return _order(store, owner)


def _order(store: Store, owner: Owner) -> Json:
    row = store.one("SELECT etag, ids FROM wiki_order WHERE owner_kind = ? AND owner = ?", owner.kind, owner.number)
    assert row is not None  # made and removed with the root page
    hint: Json = {"ownerId": owner.public_id, "ownerObjectType": owner.kind, "etag": row["etag"]}
    return hint | (load(row["ids"]) if row["ids"] else {})
