"""Members of teams: who joins, who lets in, who goes, who manages."""

from __future__ import annotations

import sqlite3
from typing import Any

from airflow_synapse_challenge.local_synapse.core.errors import Invalid, Missing, NotAllowed, require
from airflow_synapse_challenge.local_synapse.core.http import Context, operation, paginated
from airflow_synapse_challenge.local_synapse.core.store import Json, Store, dump

from . import access, memberships, teams
from .principals import IdList, beginning, header, user_doc
from .query import choice, required

CONCRETE_TYPE = "org.sagebionetworks.repo.model.TeamMember"
OF_TYPE = {"ALL": "", "ADMIN": "AND is_admin", "MEMBER": "AND NOT is_admin"}


def _member(store: Store, row: sqlite3.Row) -> Json:
    return {"teamId": str(row["team"]), "member": header(store, row["user"]), "isAdmin": bool(row["is_admin"])}


def _named_so(context: Context) -> tuple[str, list[Any]]:
    """Return the SQL for the members that the query's ``fragment`` means, and its values."""
    fragment = context.query.get("fragment")
    if not fragment:
        return "", []
    condition, values = beginning(fragment)
    return f"AND user IN (SELECT id FROM principal WHERE {condition})", values


@operation("GET", "/repo/v1/teamMembers/{id}")
def list_members(context: Context) -> Json:
    """The members of a team, open to everybody (M-05)."""
    store, team = context.store, context.number("id")
    offset, limit = context.page(most=teams.MOST_TEAMS)
    of_type = OF_TYPE[choice(context, "memberType", OF_TYPE, "ALL")]
    teams.team_doc(store, team)
    named_so, values = _named_so(context)
    rows = store.all(
        f"SELECT * FROM member WHERE team = ? {of_type} {named_so} ORDER BY user LIMIT ? OFFSET ?",
        team,
        *values,
        limit,
        offset,
    )
    return paginated([_member(store, row) for row in rows], offset, limit)


@operation("GET", "/repo/v1/teamMembers/count/{id}")
def count_members(context: Context) -> Json:
    """How many members a team has (M-05)."""
    store, team = context.store, context.number("id")
    teams.team_doc(store, team)
    named_so, values = _named_so(context)
    return {"count": store.value(f"SELECT count(*) FROM member WHERE team = ? {named_so}", team, *values)}


@operation("POST", "/repo/v1/team/{id}/memberList", body=IdList, scopes=("view",), writes=False)
def list_members_by_id(context: Context) -> Json:
    """Members of a team by id; who is none is left out."""
    store, team = context.store, context.number("id")
    teams.team_doc(store, team)
    require(context.body.get("list"), "list")
    rows = store.all(
        "SELECT * FROM member WHERE team = ? AND user IN (SELECT value FROM json_each(?)) ORDER BY user",
        team,
        dump(context.body["list"]),
    )
    return {"concreteType": CONCRETE_TYPE, "list": [_member(store, row) for row in rows]}


@operation("POST", "/repo/v1/user/{id}/memberList", body=IdList, scopes=("view",), writes=False)
def list_memberships_by_id(context: Context) -> Json:
    """What a user is in several teams; one that the user is not in is not found."""
    store, user = context.store, context.number("id")
    require(context.body.get("list"), "list")
    return {
        "concreteType": CONCRETE_TYPE,
        "list": [_member(store, _row(store, team, user)) for team in context.body["list"]],
    }


@operation("GET", "/repo/v1/team/{id}/member/{user}")
def get_member(context: Context) -> Json:
    """A member of a team."""
    return _member(context.store, _row(context.store, context.number("id"), context.number("user")))


def _row(store: Store, team: int, user: int) -> sqlite3.Row:
    teams.team_doc(store, team)
    row = store.one("SELECT * FROM member WHERE team = ? AND user = ?", team, user)
    if row is None:
        raise Missing(f"User {user} is not a member of team {team}")
    return row


@operation("PUT", "/repo/v1/team/{id}/member/{user}", 204)
def add_member(context: Context) -> None:
    """Join, or add somebody who asked (M-02)."""
    store, team, user = context.store, context.number("id"), context.number("user")
    doc = teams.team_doc(store, team)
    user_doc(store, user)
    teams.require_user(context)
    if refusal := _refusal(store, doc, context.user, user):
        raise NotAllowed(refusal)
    join(store, team, user)


def _refusal(store: Store, doc: Json, caller: int, user: int) -> str | None:
    """Return why a caller may not put a user into a team, ``None`` when they may (M-02)."""
    team = int(doc["id"])
    if access.is_admin(store, caller) or access.is_member(store, team, user):
        return None
    manages = teams.is_manager(store, team, caller)
    if caller == user:
        free = doc.get("canPublicJoin") or manages or memberships.has_open(store, "invitation", team, user)
        return None if free else "An invitation is required to join the team."
    if not manages:
        return teams.NOT_A_MANAGER
    asked = memberships.has_open(store, "request", team, user)
    return None if asked else "The prospective member must request to join the team."


def join(store: Store, team: int, user: int) -> None:
    """Put a user into a team; their open invitations and requests are done with (M-06)."""
    manages = user in access.holders(store, "team", team, "TEAM_MEMBERSHIP_UPDATE")
    store.run("INSERT OR IGNORE INTO member VALUES (?, ?, ?)", team, user, manages)
    memberships.settle(store, team, user)


@operation("DELETE", "/repo/v1/team/{id}/member/{user}", 204)
def remove_member(context: Context) -> None:
    """Leave, or remove somebody (M-03); who left manages no more."""
    store, team, user = context.store, context.number("id"), context.number("user")
    teams.team_doc(store, team)
    if user != context.user and not teams.is_manager(store, team, context.user):
        raise NotAllowed("Cannot remove member from Team.")
    if not access.is_member(store, team, user):
        return
    if store.value("SELECT count(*) FROM member WHERE team = ?", team) == 1:
        raise NotAllowed("Cannot remove the last member of a Team.")
    if teams.managers_of(store, team) == [user]:
        raise Invalid(teams.NO_MANAGER_LEFT)
    store.run("DELETE FROM member WHERE team = ? AND user = ?", team, user)
    _write_entry(store, team, user, [])


@operation("PUT", "/repo/v1/team/{id}/member/{user}/permission", 204)
def set_permission(context: Context) -> None:
    """Make a member a manager of the team, or no manager any more."""
    store, team, user = context.store, context.number("id"), context.number("user")
    required(context, "isAdmin")
    kinds = access.TEAM_ADMIN if context.flag("isAdmin") else []
    teams.require_manager(store, team, context.user)
    _row(store, team, user)
    _write_entry(store, team, user, kinds)


def _write_entry(store: Store, team: int, user: int, kinds: list[str]) -> None:
    """Replace what the list of a team says of a user."""
    acl = access.read_acl(store, "team", team, str(team)) or {"resourceAccess": []}
    entries = [entry for entry in acl["resourceAccess"] if entry["principalId"] != user]
    if kinds:
        entries.append({"principalId": user, "accessType": kinds})
    if entries != acl["resourceAccess"]:
        teams.write_list(store, team, entries)


@operation("GET", "/repo/v1/team/{id}/member/{user}/membershipStatus")
def membership_status(context: Context) -> Json:
    """What a user is to a team, and whether the caller can put them into it (M-06)."""
    store, team, user = context.store, context.number("id"), context.number("user")
    doc = teams.team_doc(store, team)
    user_doc(store, user)
    return {
        "teamId": str(team),
        "userId": str(user),
        "isMember": access.is_member(store, team, user),
        "hasOpenInvitation": memberships.has_open(store, "invitation", team, user),
        "hasOpenRequest": memberships.has_open(store, "request", team, user),
        "canJoin": _refusal(store, doc, context.user, user) is None,
        "membershipApprovalRequired": not (doc.get("canPublicJoin") or teams.is_manager(store, team, user)),
        "hasUnmetAccessRequirement": False,
        "canSendEmail": access.allowed(store, "team", team, context.user, "SEND_MESSAGE"),
    }
