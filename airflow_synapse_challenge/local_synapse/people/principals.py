"""Users, their profiles and tokens."""

from __future__ import annotations

import secrets
from typing import Any

from airflow_synapse_challenge.local_synapse.core.errors import Invalid, Missing, NameTaken
from airflow_synapse_challenge.local_synapse.core.http import ANONYMOUS, Context, as_id, operation
from airflow_synapse_challenge.local_synapse.core.store import Json, Store, dump, load, tables

from . import access

tables(
    """
    CREATE TABLE IF NOT EXISTS principal (
        id INTEGER PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL UNIQUE COLLATE NOCASE,
        certified INTEGER NOT NULL DEFAULT 0, agreed INTEGER NOT NULL DEFAULT 1, doc TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS token (token TEXT PRIMARY KEY, principal INTEGER NOT NULL, scopes TEXT NOT NULL);
    """
)

ALL_SCOPES = "view modify download openid offline_access authorize"


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
    if store.one("SELECT 1 FROM principal WHERE name = ?", user_name):
        raise NameTaken(f"Name {user_name} is already used.")
    principal = store.next_id("principal")
    doc = {
        "ownerId": str(principal),
        "userName": user_name,
        "firstName": first_name,
        "lastName": last_name,
        "etag": secrets.token_hex(8),
        "createdOn": store.timestamp(),
        "emails": [f"{user_name}@example.org"],
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
    token = secrets.token_urlsafe(32)
    store.run("INSERT INTO token VALUES (?, ?, ?)", token, principal, scopes)
    return token


def profile(store: Store, user: int, *, own: bool) -> Json:
    """Return a profile; its private parts only to the user (X-03)."""
    if user == ANONYMOUS:
        return {"ownerId": str(ANONYMOUS), "userName": "anonymous", "firstName": "anonymous", "lastName": ""}
    row = store.one("SELECT doc FROM principal WHERE id = ? AND kind = 'user'", user)
    if row is None:
        raise Missing(f"UserProfile cannot be found for: {user}")
    doc = load(row["doc"])
    if not own:
        doc.pop("emails", None)
    return doc


def header(store: Store, principal: int) -> Json:
    """Return ``UserGroupHeader`` of a user or a team."""
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


@operation("GET", "/repo/v1/userProfile")
def my_profile(context: Context) -> Json:
    """The caller's own profile; works without a token (X-03, P-02)."""
    return profile(context.store, context.user, own=True)


@operation("GET", "/repo/v1/userProfile/{id}")
def get_profile(context: Context) -> Json:
    """Anybody's profile."""
    user = context.number("id")
    return profile(context.store, user, own=user == context.user)


@operation("POST", "/repo/v1/userProfile", 200)
def list_profiles(context: Context) -> Json:
    """Several profiles by id (``ListWrapper``)."""
    ids = [as_id(item) for item in context.body.get("list", [])]
    return {"list": [profile(context.store, user, own=False) for user in ids]}


@operation("GET", "/repo/v1/user/{id}/bundle")
def user_bundle(context: Context) -> Json:
    """Profile and flags of a user, as far as the mask asks."""
    user = context.number("id")
    mask = int(context.query.get("mask", 127))
    parts: dict[int, tuple[str, Any]] = {
        1: ("userProfile", profile(context.store, user, own=user == context.user)),
        8: ("isCertified", access.is_certified(context.store, user)),
        16: ("isVerified", False),
        32: ("isACTMember", False),
        64: ("isARReviewer", False),
    }
    return {"userId": str(user)} | {name: value for bit, (name, value) in parts.items() if mask & bit}


@operation("GET", "/repo/v1/user/{id}/certifiedUserPassingRecord")
def passing_record(context: Context) -> Json:
    """The certification quiz of a user."""
    user = context.number("id")
    if not access.is_certified(context.store, user):
        raise Missing("The record for this user does not exist")
    return {"userId": str(user), "passed": True, "certified": True, "score": 15, "quizId": 1}


@operation("GET", "/repo/v1/userGroupHeaders")
def headers_by_prefix(context: Context) -> Json:
    """Users and teams whose name starts so (X-04, P-15)."""
    prefix = context.query.get("prefix", "")
    offset, limit = context.page()
    rows = context.store.all(
        "SELECT id FROM principal WHERE name LIKE ? ESCAPE '\\' ORDER BY name LIMIT ? OFFSET ?",
        _like(prefix),
        limit,
        offset,
    )
    return {
        "children": [header(context.store, row["id"]) for row in rows],
        "prefixFilter": prefix,
        "totalNumberOfResults": offset + len(rows),
    }


@operation("GET", "/repo/v1/userGroupHeaders/batch")
def headers_by_id(context: Context) -> Json:
    """Users and teams by id."""
    ids = [as_id(item) for item in context.query.get("ids", "").split(",") if item]
    known = [i for i in ids if context.store.one("SELECT 1 FROM principal WHERE id = ?", i)]
    return {
        "children": [header(context.store, principal) for principal in known],
        "totalNumberOfResults": len(known),
    }


@operation("POST", "/repo/v1/principal/alias")
def by_alias(context: Context) -> Json:
    """The principal of a user name (X-05)."""
    if context.body.get("type") != "USER_NAME":
        raise Invalid("Unsupported alias type; only USER_NAME is supported")
    found = context.store.value(
        "SELECT id FROM principal WHERE name = ? AND kind = 'user'", context.body.get("alias", "")
    )
    if found is None:
        raise Missing(f"Did not find a principal with alias: {context.body.get('alias')}")
    return {"principalId": int(found)}


def _like(prefix: str) -> str:
    escaped = prefix.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"{escaped}%"
