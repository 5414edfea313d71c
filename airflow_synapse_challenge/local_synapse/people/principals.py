"""Users and teams as principals: names that are given once, tokens, headers."""

from __future__ import annotations

import re
import secrets
from typing import Literal

from airflow_synapse_challenge.local_synapse.core.bodies import Body, Long
from airflow_synapse_challenge.local_synapse.core.errors import Invalid, Missing, NameTaken, require
from airflow_synapse_challenge.local_synapse.core.http import ANONYMOUS, Context, as_id, operation
from airflow_synapse_challenge.local_synapse.core.store import Json, Store, dump, load, new_etag, tables

from . import access
from .query import choice, required


def unique_form(sql: str) -> str:
    """Return the SQL for what is unique about a name: its letters and digits, in any case."""
    for mark in (" ", ".", "-", "_"):
        sql = f"replace({sql}, '{mark}', '')"
    return f"lower({sql})"


tables(
    f"""
    CREATE TABLE IF NOT EXISTS principal (
        id INTEGER PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL UNIQUE COLLATE NOCASE,
        certified INTEGER NOT NULL DEFAULT 0, agreed INTEGER NOT NULL DEFAULT 1, doc TEXT NOT NULL);
    CREATE INDEX IF NOT EXISTS principal_unique_form ON principal ({unique_form("name")});
    CREATE INDEX IF NOT EXISTS principal_first_name ON principal (json_extract(doc, '$.firstName') COLLATE NOCASE);
    CREATE INDEX IF NOT EXISTS principal_last_name ON principal (json_extract(doc, '$.lastName') COLLATE NOCASE);
    CREATE TABLE IF NOT EXISTS token (token TEXT PRIMARY KEY, principal INTEGER NOT NULL, scopes TEXT NOT NULL);
    """
)

ALL_SCOPES = "view modify download openid offline_access authorize"
USER_NAME = re.compile(r"[A-Za-z0-9._-]{3,}")
TEAM_NAME = re.compile(r"[A-Za-z0-9 ._-]{3,}")
WORDS_OF_KIND = {
    "user": (USER_NAME, "User names can only contain letters, numbers, dot (.), dash (-) and underscore (_)"),
    "team": (TEAM_NAME, "Team names can only contain letters, numbers, spaces, dot (.), dash (-), underscore (_)"),
}
FORM_OF_ALIAS = {
    "USER_NAME": USER_NAME,
    "TEAM_NAME": TEAM_NAME,
    "USER_EMAIL": re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+"),
    "USER_OPEN_ID": re.compile(r"https?://\S+"),
    "USER_ORCID": re.compile(r"https?://orcid\.org/(\d{4}-){3}\d{3}[\dX]"),
}
KINDS_OF_FILTER = {"ALL": None, "USERS_ONLY": "user", "TEAMS_ONLY": "team"}
#: Sorts behind every text that begins with what it is appended to.
LAST_CHARACTER = "\U0010ffff"
NAMES = ("name", "json_extract(doc, '$.firstName')", "json_extract(doc, '$.lastName')")


def create_user(
    store: Store,
    user_name: str,
    *,
    first_name: str = "",
    last_name: str = "",
    certified: bool = True,
    agreed: bool = True,
    admin: bool = False,
) -> tuple[int, str]:
    """
    Make a user with a token; return principal id and token.

    :param agreed: to Synapse's terms of use (G-03).
    """
    require_free_name(store, user_name)
    principal = store.next_id("principal")
    doc = {
        "ownerId": str(principal),
        "userName": user_name,
        "firstName": first_name,
        "lastName": last_name,
        "etag": new_etag(),
        "createdOn": store.timestamp(),
        "emails": [f"{user_name}@example.org"],
        "openIds": [],
        "notificationSettings": {"sendEmailNotifications": True, "markEmailedMessagesAsRead": False},
    }
    store.run(
        "INSERT INTO principal VALUES (?, 'user', ?, ?, ?, ?)", principal, user_name, certified, agreed, dump(doc)
    )
    if admin:
        store.run("INSERT INTO member VALUES (?, ?, 1)", access.ADMINISTRATORS, principal)
    return principal, issue_token(store, principal)


def issue_token(store: Store, principal: int, scopes: str = ALL_SCOPES) -> str:
    """
    Make a personal access token.

    :param scopes: what it allows, separated by spaces (G-02).
    """
    # Letters and digits only: one that begins with a dash would be an option of whatever command it is given to.
    token = secrets.token_hex(32)
    store.run("INSERT INTO token VALUES (?, ?, ?)", token, principal, scopes)
    return token


def named(store: Store, alias: str) -> int | None:
    """Return the user or team of a name; only letters and digits count, in any case (M-01)."""
    found: int | None = store.value(
        f"SELECT id FROM principal WHERE {unique_form('name')} = {unique_form('?')}", alias.strip()
    )
    return found


def require_free_name(store: Store, name: str, but: int | None = None) -> None:
    """Refuse a name that a user or a team has: they share one space of names (M-01)."""
    if named(store, name) not in (None, but):
        raise NameTaken(f"Name {name} is already used.")


def checked_name(kind: str, name: str) -> str:
    """Return a name that a user or a team may have."""
    form, words = WORDS_OF_KIND[kind]
    if not form.fullmatch(name):
        raise Invalid(f"{words} and must be at least 3 characters long.")
    return name


def kind_of(store: Store, principal: int) -> str | None:
    """Return ``user`` or ``team``, ``None`` for nobody."""
    found: str | None = store.value("SELECT kind FROM principal WHERE id = ?", principal)
    return found


def user_doc(store: Store, user: int) -> Json:
    """Return the stored profile of a user."""
    row = store.one("SELECT doc FROM principal WHERE id = ? AND kind = 'user'", user)
    if row is None:
        raise Missing(f"UserProfile cannot be found for: {user}")
    return load(row["doc"])


def header(store: Store, principal: int) -> Json:
    """Return ``UserGroupHeader`` of a user or a team."""
    if principal == ANONYMOUS:
        return {"ownerId": str(ANONYMOUS), "isIndividual": True, "userName": "anonymous"}
    row = store.one("SELECT kind, name, doc FROM principal WHERE id = ?", principal)
    if row is None:
        return {"ownerId": str(principal), "isIndividual": False, "userName": str(principal)}
    doc = load(row["doc"])
    return {
        "ownerId": str(principal),
        "isIndividual": row["kind"] == "user",
        "userName": row["name"],
        "firstName": doc.get("firstName"),
        "lastName": doc.get("lastName"),
    }


def beginning(prefix: str) -> tuple[str, list[str]]:
    """Return the SQL, and its values, for principals with a name, a first or a last name that begins so."""
    condition = " OR ".join(f"({name} COLLATE NOCASE >= ? AND {name} COLLATE NOCASE < ?)" for name in NAMES)
    return f"({condition})", [prefix, prefix + LAST_CHARACTER] * len(NAMES)


@operation("GET", "/repo/v1/userGroupHeaders")
def headers_by_prefix(context: Context) -> Json:
    """Users and teams whose name starts so (X-04, P-15)."""
    prefix = context.query.get("prefix", "")
    kind = KINDS_OF_FILTER[choice(context, "typeFilter", KINDS_OF_FILTER, "ALL")]
    offset, limit = context.page()
    condition, values = beginning(prefix)
    if kind:
        condition, values = f"{condition} AND kind = ?", [*values, kind]
    rows = context.store.all(
        f"SELECT id FROM principal WHERE {condition} ORDER BY name LIMIT ? OFFSET ?", *values, limit, offset
    )
    return {
        "children": [header(context.store, row["id"]) for row in rows],
        "prefixFilter": prefix,
        "totalNumberOfResults": offset + len(rows),
    }


@operation("GET", "/repo/v1/userGroupHeaders/batch")
def headers_by_id(context: Context) -> Json:
    """Users and teams by id."""
    ids = [as_id(item) for item in required(context, "ids").split(",") if item]
    known = [i for i in ids if i == ANONYMOUS or kind_of(context.store, i)]
    return {
        "children": [header(context.store, principal) for principal in known],
        "totalNumberOfResults": len(known),
    }


class IdList(Body, total=False):
    """Ids of users or teams."""

    list: list[Long]


class AliasList(Body, total=False):
    """Names of users and teams."""

    list: list[str]


@operation("POST", "/repo/v1/userGroupHeaders/aliases", body=AliasList, scopes=("view",), writes=False)
def headers_by_alias(context: Context) -> Json:
    """Users and teams by name."""
    require(context.body.get("list"), "list")
    found = dict.fromkeys(named(context.store, alias) for alias in context.body["list"])
    return {"list": [header(context.store, principal) for principal in found if principal is not None]}


class Alias(Body, total=False):
    """A name, and what it names."""

    alias: str
    type: Literal["USER_NAME", "TEAM_NAME", "USER_EMAIL", "USER_OPEN_ID", "USER_ORCID"]


@operation("POST", "/repo/v1/principal/alias", body=Alias, scopes=("view",), writes=False)
def by_alias(context: Context) -> Json:
    """The principal of a user name (X-05)."""
    alias = context.body.get("alias")
    require(alias, "alias")
    if context.body.get("type") != "USER_NAME":
        raise Invalid("Unsupported alias type; only USER_NAME is supported")
    found = named(context.store, alias)
    if found is None or kind_of(context.store, found) != "user":
        raise Missing(f"Did not find a principal with alias: {alias}")
    return {"principalId": found}


@operation("POST", "/repo/v1/principal/available", 201, body=Alias, scopes=("view",), writes=False)
def is_available(context: Context) -> Json:
    """Whether a user or a team may have an alias, and whether nobody has it."""
    alias, kind = context.body.get("alias"), context.body.get("type")
    require(alias, "alias")
    require(kind, "type")
    valid = FORM_OF_ALIAS[kind].fullmatch(alias) is not None
    return {"valid": valid, "available": valid and not _is_taken(context.store, kind, alias)}


def _is_taken(store: Store, kind: str, alias: str) -> bool:
    if kind in ("USER_NAME", "TEAM_NAME"):
        return named(store, alias) is not None
    # Nobody here has an ORCID or an OpenID.
    owner = "SELECT 1 FROM principal, json_each(doc, '$.emails') AS email WHERE lower(email.value) = lower(?)"
    return kind == "USER_EMAIL" and store.one(owner, alias) is not None
