"""Wiki pages as they are kept: a tree for each owner, and the versions of each page."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass

from airflow_synapse_challenge.local_synapse.core.errors import Invalid, Missing, NameTaken, Stale
from airflow_synapse_challenge.local_synapse.core.store import Json, Store, dump, new_etag, tables

from .owners import Owner

tables(
    """
    CREATE TABLE IF NOT EXISTS wiki_page (
        id INTEGER PRIMARY KEY, owner_kind TEXT NOT NULL, owner INTEGER NOT NULL, parent INTEGER, etag TEXT NOT NULL,
        version INTEGER NOT NULL, created_on TEXT NOT NULL, created_by INTEGER NOT NULL);
    CREATE UNIQUE INDEX IF NOT EXISTS wiki_root ON wiki_page (owner_kind, owner) WHERE parent IS NULL;
    CREATE INDEX IF NOT EXISTS wiki_owner ON wiki_page (owner_kind, owner, parent);
    CREATE INDEX IF NOT EXISTS wiki_parent ON wiki_page (parent);
    CREATE TABLE IF NOT EXISTS wiki_version (
        page INTEGER, version INTEGER, title TEXT, markdown INTEGER NOT NULL, attachments TEXT NOT NULL,
        modified_on TEXT NOT NULL, modified_by INTEGER NOT NULL, PRIMARY KEY (page, version));
    CREATE TABLE IF NOT EXISTS wiki_order (
        owner_kind TEXT, owner INTEGER, etag TEXT NOT NULL, ids TEXT, PRIMARY KEY (owner_kind, owner));
    """
)

MOST_VERSIONS = 100
#: A page joined with one of its versions: what `row_of`, `root_of` and `show` speak of.
_COLUMNS = "wiki_page.*, wiki_version.version AS shown_version, title, markdown, attachments, modified_on, modified_by"
_NEWEST = "wiki_page JOIN wiki_version ON page = id AND wiki_version.version = wiki_page.version"


@dataclass(frozen=True)
class Content:
    """
    What a version of a page says.

    :param markdown: file handle of the text.
    :param attachments: file handles, as texts.
    """

    title: str | None
    markdown: int
    attachments: list[str]


def root_of(store: Store, owner: Owner) -> sqlite3.Row:
    """Return the root page of a wiki (K-02)."""
    row = store.one(
        f"SELECT {_COLUMNS} FROM {_NEWEST} WHERE owner_kind = ? AND owner = ? AND parent IS NULL",
        owner.kind,
        owner.number,
    )
    if row is None:
        raise Missing(f"A root wiki does not exist for {owner}")
    return row


def row_of(store: Store, owner: Owner, page: int, version: int | None = None) -> sqlite3.Row:
    """Return a page of a wiki, as it is or as it was in a version (K-02)."""
    row = store.one(
        f"SELECT {_COLUMNS} FROM wiki_page JOIN wiki_version ON page = id "
        "AND wiki_version.version = coalesce(?, wiki_page.version) WHERE id = ? AND owner_kind = ? AND owner = ?",
        version,
        page,
        owner.kind,
        owner.number,
    )
    if row is None:
        at = "" if version is None else f", version: {version}"
        raise Missing(f"No wiki page found with id: {page}{at} for {owner}")
    return row


def owner_of(store: Store, page: int) -> Owner | None:
    """Return whose wiki a page is in."""
    row = store.one("SELECT owner_kind, owner FROM wiki_page WHERE id = ?", page)
    return Owner(row["owner_kind"], row["owner"]) if row else None


def content_of(row: sqlite3.Row) -> Content:
    """Return what a row's version says."""
    return Content(row["title"], row["markdown"], json.loads(row["attachments"]))


def show(row: sqlite3.Row) -> Json:
    """Return what both generations of the service show of a page."""
    return {
        "id": str(row["id"]),
        "etag": row["etag"],
        "createdOn": row["created_on"],
        "createdBy": str(row["created_by"]),
        "modifiedOn": row["modified_on"],
        "modifiedBy": str(row["modified_by"]),
        "parentWikiId": None if row["parent"] is None else str(row["parent"]),
        "title": row["title"],
        "attachmentFileHandleIds": json.loads(row["attachments"]),
    }


def headers(store: Store, owner: Owner, offset: int, limit: int) -> list[Json]:
    """Return headers of a wiki's pages, the root first and then by parent and title (K-05)."""
    root_of(store, owner)
    rows = store.all(
        f"SELECT id, parent, title FROM {_NEWEST} WHERE owner_kind = ? AND owner = ? "
        "ORDER BY parent, title, id LIMIT ? OFFSET ?",
        owner.kind,
        owner.number,
        limit,
        offset,
    )
    return [
        {
            "id": str(row["id"]),
            "title": row["title"],
            "parentId": None if row["parent"] is None else str(row["parent"]),
        }
        for row in rows
    ]


def require_place(store: Store, owner: Owner, parent: int | None) -> None:
    """Refuse a page that is to lie nowhere, or to be a second root (K-01)."""
    if parent is not None:
        row_of(store, owner, parent)
    elif store.one(
        "SELECT 1 FROM wiki_page WHERE owner_kind = ? AND owner = ? AND parent IS NULL", owner.kind, owner.number
    ):
        raise NameTaken(f"A root wiki already exists for {owner}")


def insert(store: Store, user: int, owner: Owner, page: int, parent: int | None, content: Content) -> None:
    """Keep a new page under an id that the caller took; its place has been checked."""
    now = store.timestamp()
    store.run(
        "INSERT INTO wiki_page VALUES (?, ?, ?, ?, ?, 0, ?, ?)",
        page,
        owner.kind,
        owner.number,
        parent,
        new_etag(),
        now,
        user,
    )
    _keep(store, user, page, 0, content)
    if parent is None:
        store.run("INSERT OR REPLACE INTO wiki_order VALUES (?, ?, ?, NULL)", owner.kind, owner.number, new_etag())


def update(store: Store, user: int, row: sqlite3.Row, parent: int | None, content: Content) -> None:
    """Keep a new version of a page, and where it lies now; only the newest versions stay (K-06)."""
    version = row["version"] + 1
    store.run(
        "UPDATE wiki_page SET parent = ?, etag = ?, version = ? WHERE id = ?", parent, new_etag(), version, row["id"]
    )
    _keep(store, user, row["id"], version, content)
    store.run("DELETE FROM wiki_version WHERE page = ? AND version <= ?", row["id"], version - MOST_VERSIONS)


def _keep(store: Store, user: int, page: int, version: int, content: Content) -> None:
    store.run(
        "INSERT INTO wiki_version VALUES (?, ?, ?, ?, ?, ?, ?)",
        page,
        version,
        content.title,
        content.markdown,
        dump(content.attachments),
        store.timestamp(),
        user,
    )


def checked_parent(store: Store, owner: Owner, row: sqlite3.Row, wanted: int | None) -> int | None:
    """Return where a page lies after an update: no parent leaves it there, and no circle may come about."""
    if wanted is None or wanted == row["parent"]:
        return None if row["parent"] is None else int(row["parent"])
    row_of(store, owner, wanted)
    if wanted in _branch(store, row["id"]):
        raise Invalid(f"Wiki page {row['id']} cannot lie below itself.")
    return wanted


def _branch(store: Store, page: int) -> list[int]:
    """Return a page and everything below it."""
    rows = store.all(
        "WITH RECURSIVE branch (id) AS (SELECT ? UNION SELECT wiki_page.id FROM wiki_page JOIN branch "
        "ON parent = branch.id) SELECT id FROM branch",
        page,
    )
    return [row["id"] for row in rows]


def delete(store: Store, row: sqlite3.Row) -> None:
    """Remove a page with everything below it (K-06)."""
    for page in _branch(store, row["id"]):
        store.run("DELETE FROM wiki_version WHERE page = ?", page)
        store.run("DELETE FROM wiki_page WHERE id = ?", page)
    if row["parent"] is None:
        store.run("DELETE FROM wiki_order WHERE owner_kind = ? AND owner = ?", row["owner_kind"], row["owner"])


def require_current(etag: str | None, current: str, what: str) -> None:
    """Refuse a change of something that somebody else has changed meanwhile (K-03, K-06)."""
    if etag != current:
        raise Stale(f"{what} was updated since you last fetched it, retrieve it again and re-apply the update")


def holds_attachment(store: Store, page: int, handle: int) -> bool:
    """Tell whether a file is, or was, attached to a page."""
    found = store.one(
        "SELECT 1 FROM wiki_version, json_each(attachments) WHERE page = ? AND value = ?", page, str(handle)
    )
    return found is not None


def holds_markdown(store: Store, page: int, handle: int) -> bool:
    """Tell whether a file is, or was, the text of a page."""
    return store.one("SELECT 1 FROM wiki_version WHERE page = ? AND markdown = ?", page, handle) is not None


def uses(store: Store, handle: int) -> bool:
    """Tell whether any version of any page has a file."""
    found = store.one(
        "SELECT 1 FROM wiki_version WHERE markdown = ? "
        "UNION ALL SELECT 1 FROM wiki_version, json_each(attachments) WHERE value = ?",
        handle,
        str(handle),
    )
    return found is not None
