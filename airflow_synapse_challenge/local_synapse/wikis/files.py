"""Files of wiki pages: whose they may be, who may download them, where they are."""

from __future__ import annotations

import sqlite3

from airflow_synapse_challenge.local_synapse.core.errors import Invalid, Missing, NotAllowed
from airflow_synapse_challenge.local_synapse.core.http import Context, Redirect, as_id
from airflow_synapse_challenge.local_synapse.core.store import Json, Store
from airflow_synapse_challenge.local_synapse.files import handles

from . import owners, pages, previews
from .owners import Owner, wiki_operation


def checked_attachments(store: Store, user: int, wanted: list[str], page: int | None = None) -> list[str]:
    """
    Return the file handles that a page is to have; new ones have to be the user's own (K-04).

    :param page: the page that an update is of.
    """
    ids = list(dict.fromkeys(as_id(handle) for handle in wanted))
    for handle in ids:
        if page is None or not pages.holds_attachment(store, page, handle):
            require_own(store, user, handle)
            previews.ensure(store, handle)
    return [str(handle) for handle in ids]


def checked_markdown(store: Store, user: int, wanted: str, page: int | None = None) -> int:
    """Return the file handle that a page's text is to be; a new one has to be the user's own (K-04)."""
    handle = as_id(wanted)
    if page is None or not pages.holds_markdown(store, page, handle):
        require_own(store, user, handle)
    return handle


def require_own(store: Store, user: int, handle: int) -> None:
    """Refuse a file of somebody else's (K-04)."""
    handles.show(store, handle)
    if not handles.is_own(store, user, handle):
        raise NotAllowed(f"Only the creator of a FileHandle id: '{handle}' is authorized to assign it to an object")


@handles.association("WikiAttachment")
def _through_attachment(store: Store, user: int, handle: int, page: int) -> bool:
    return pages.holds_attachment(store, page, handle) and _may_read(store, user, page)


@handles.association("WikiMarkdown")
def _through_markdown(store: Store, user: int, handle: int, page: int) -> bool:
    return pages.holds_markdown(store, page, handle) and _may_read(store, user, page)


@handles.linked_by
def _in_use(store: Store, handle: int) -> bool:
    return pages.uses(store, handle)


def _may_read(store: Store, user: int, page: int) -> bool:
    owner = pages.owner_of(store, page)
    return owner is not None and owners.may_read(store, owner, user)


def requested_page(context: Context, owner: Owner) -> sqlite3.Row:
    """Return the page of the path, in the version that the query names, if any."""
    owners.require(context.store, owner, context.user, "READ")
    version = context.whole("wikiVersion", 0) if context.query.get("wikiVersion") else None
    return pages.row_of(context.store, owner, context.number("wikiId"), version)


@wiki_operation("GET", "wiki/{wikiId}/attachmenthandles")
@wiki_operation("GET", "wiki2/{wikiId}/attachmenthandles")
def get_handles(context: Context, owner: Owner) -> Json:
    """List the file handles of a page's attachments, each followed by its preview."""
    listed = []
    for doc in _attached(context, owner):
        listed.append(doc)
        if "previewId" in doc:
            listed.append(handles.show(context.store, int(doc["previewId"])))
    return {"list": listed}


@wiki_operation("GET", "wiki/{wikiId}/attachment", scopes=("download",))
@wiki_operation("GET", "wiki2/{wikiId}/attachment", scopes=("download",))
def get_attachment(context: Context, owner: Owner) -> Redirect:
    """Find an attachment by its file name."""
    doc = _named(context, owner)
    return Redirect(handles.download_url(context.store, context.base, int(doc["id"])))


@wiki_operation("GET", "wiki/{wikiId}/attachmentpreview", scopes=("download",))
@wiki_operation("GET", "wiki2/{wikiId}/attachmentpreview", scopes=("download",))
def get_preview(context: Context, owner: Owner) -> Redirect:
    """Find the preview of an attachment by the attachment's file name."""
    doc = _named(context, owner)
    if "previewId" not in doc:
        raise Missing(f"A preview does not exist for FileHandle {doc['id']}")
    return Redirect(handles.download_url(context.store, context.base, int(doc["previewId"])))


@wiki_operation("GET", "wiki2/{wikiId}/markdown", scopes=("download",))
def get_markdown(context: Context, owner: Owner) -> Redirect:
    """Find the compressed text of a page (K-03)."""
    row = requested_page(context, owner)
    return Redirect(handles.download_url(context.store, context.base, row["markdown"]))


def _attached(context: Context, owner: Owner) -> list[Json]:
    row = requested_page(context, owner)
    return [handles.show(context.store, int(handle)) for handle in pages.content_of(row).attachments]


def _named(context: Context, owner: Owner) -> Json:
    """Return the attachment that is meant; of several with one name the newest is."""
    name = context.query.get("fileName")
    if not name:
        raise Invalid("Required String parameter 'fileName' is not present")
    named = [doc for doc in _attached(context, owner) if doc.get("fileName") == name]
    if not named:
        raise Missing(
            f"Cannot find a wiki attachment for OwnerID: {owner.public_id}, ObjectType: {owner.kind}, "
            f"WikiPageId: {context.path['wikiId']}, fileName: {name}"
        )
    return max(named, key=lambda doc: int(doc["id"]))
