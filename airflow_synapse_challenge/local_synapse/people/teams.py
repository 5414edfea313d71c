"""Teams and their members."""

from __future__ import annotations

from airflow_synapse_challenge.local_synapse.core.errors import Invalid, Missing, NameTaken, NotAllowed, Stale, require
from airflow_synapse_challenge.local_synapse.core.http import Context, as_id, operation, paginated
from airflow_synapse_challenge.local_synapse.core.store import Json, Store, dump, load, new_etag, tables

from . import access
from .principals import header

tables(
    """
    CREATE TABLE IF NOT EXISTS member (team INTEGER, user INTEGER, is_admin INTEGER NOT NULL, PRIMARY KEY (team, user));
    CREATE INDEX IF NOT EXISTS member_user ON member (user);
    CREATE TABLE IF NOT EXISTS membership_request (id INTEGER PRIMARY KEY, kind TEXT, team INTEGER, user INTEGER,
        doc TEXT);
    """
)

SERVER_FIELDS = ("id", "etag", "createdOn", "modifiedOn", "createdBy", "modifiedBy")


def team_doc(store: Store, team: int) -> Json:
    """Return a team as Synapse shows it."""
    row = store.one("SELECT doc FROM principal WHERE id = ? AND kind = 'team'", team)
    if row is None:
        raise Missing(f"Team with id {team} does not exist")
    return load(row["doc"])


def members_of(store: Store, team: int) -> list[int]:
    """Return the users in a team."""
    return [row["user"] for row in store.all("SELECT user FROM member WHERE team = ? ORDER BY user", team)]


def is_manager(store: Store, team: int, user: int) -> bool:
    """Managers are the members with TEAM_MEMBERSHIP_UPDATE."""
    return access.allowed(store, "team", team, user, "TEAM_MEMBERSHIP_UPDATE")


def create_team(store: Store, creator: int, doc: Json) -> int:
    """Make a team whose creator manages it (M-01)."""
    if store.one("SELECT 1 FROM principal WHERE name = ?", doc["name"]):
        raise NameTaken(f"Name {doc['name']} is already used.")
    team = store.next_id("principal")
    now = store.timestamp()
    kept: Json = {
        key: doc[key] for key in ("name", "description", "icon", "canPublicJoin", "canRequestMembership") if key in doc
    }
    stored = {
        **kept,
        "id": str(team),
        "etag": new_etag(),
        "createdOn": now,
        "modifiedOn": now,
        "createdBy": str(creator),
        "modifiedBy": str(creator),
    }
    store.run("INSERT INTO principal VALUES (?, 'team', ?, 0, 1, ?)", team, doc["name"], dump(stored))
    store.run("INSERT INTO member VALUES (?, ?, 1)", team, creator)
    access.write_acl(
        store,
        "team",
        team,
        [
            {"principalId": creator, "accessType": access.TEAM_ADMIN},
            {"principalId": team, "accessType": access.TEAM_MESSENGER},
        ],
    )
    return team


@operation("POST", "/repo/v1/team", 201)
def post_team(context: Context) -> Json:
    """Make a team (M-01)."""
    for name in SERVER_FIELDS:
        if name in context.body:
            raise Invalid(f"'{name}' field is not user specifiable.")
    require(context.body.get("name"), "name")
    _require_user(context)
    return team_doc(context.store, create_team(context.store, context.user, context.body))


@operation("GET", "/repo/v1/team/{id}")
def get_team(context: Context) -> Json:
    """A team."""
    return team_doc(context.store, context.number("id"))


@operation("PUT", "/repo/v1/team")
def put_team(context: Context) -> Json:
    """Change a team under its etag."""
    for name in ("id", "etag"):
        if name not in context.body:
            raise Invalid(f"'{name}' field is missing.")
    team = as_id(context.body["id"])
    doc = team_doc(context.store, team)
    if not access.allowed(context.store, "team", team, context.user, "UPDATE"):
        raise NotAllowed("Cannot update Team.")
    if context.body["etag"] != doc["etag"]:
        raise Stale(f"Team {team} has been updated since you last fetched it.")
    clash = context.store.value("SELECT id FROM principal WHERE name = ?", context.body.get("name"))
    if clash not in (None, team):
        raise NameTaken(f"Name {context.body['name']} is already used.")
    changed = {**doc, **{k: v for k, v in context.body.items() if k not in SERVER_FIELDS}}
    changed |= {"etag": new_etag(), "modifiedOn": context.store.timestamp(), "modifiedBy": str(context.user)}
    context.store.run("UPDATE principal SET name = ?, doc = ? WHERE id = ?", changed["name"], dump(changed), team)
    return changed


@operation("DELETE", "/repo/v1/team/{id}", 204)
def delete_team(context: Context) -> None:
    """Remove a team that nothing refers to (M-04)."""
    team = context.number("id")
    team_doc(context.store, team)
    if not access.allowed(context.store, "team", team, context.user, "DELETE"):
        raise NotAllowed("Cannot delete Team.")
    if context.store.one("SELECT 1 FROM submission WHERE team = ?", team):
        raise Invalid(f"Can't delete the team {team}, most likely because it is referenced by a submission or an ACL.")
    for statement in (
        "DELETE FROM member WHERE team = ?",
        "DELETE FROM principal WHERE id = ?",
        "DELETE FROM acl WHERE kind = 'team' AND object = ?",
    ):
        context.store.run(statement, team)


@operation("GET", "/repo/v1/teams")
def list_teams(context: Context) -> Json:
    """Teams by the beginning of their name (M-05)."""
    offset, limit = context.page(default=10)
    fragment = context.query.get("fragment", "")
    rows = context.store.all(
        "SELECT doc FROM principal WHERE kind = 'team' AND instr(lower(name), lower(?)) > 0 "
        "ORDER BY name LIMIT ? OFFSET ?",
        fragment,
        limit,
        offset,
    )
    return paginated([load(row["doc"]) for row in rows], offset, limit)


@operation("GET", "/repo/v1/user/{id}/team")
def teams_of_user(context: Context) -> Json:
    """The teams that a user is in."""
    offset, limit = context.page(default=10)
    rows = context.store.all(
        "SELECT doc FROM principal JOIN member ON team = id WHERE user = ? AND kind = 'team' "
        "ORDER BY id LIMIT ? OFFSET ?",
        context.number("id"),
        limit,
        offset,
    )
    return paginated([load(row["doc"]) for row in rows], offset, limit)


@operation("GET", "/repo/v1/teamMembers/{id}")
def list_members(context: Context) -> Json:
    """The members of a team, open to everybody (M-05)."""
    team = context.number("id")
    offset, limit = context.page(default=10)
    rows = context.store.all(
        "SELECT user, is_admin FROM member WHERE team = ? ORDER BY user LIMIT ? OFFSET ?", team, limit, offset
    )
    members = [
        {"teamId": str(team), "member": header(context.store, row["user"]), "isAdmin": bool(row["is_admin"])}
        for row in rows
    ]
    return paginated(members, offset, limit)


@operation("GET", "/repo/v1/teamMembers/count/{id}")
def count_members(context: Context) -> Json:
    """How many members a team has."""
    return {"count": len(members_of(context.store, context.number("id")))}


@operation("PUT", "/repo/v1/team/{id}/member/{user}", 201)
def add_member(context: Context) -> None:
    """Join, or add somebody who asked (M-02)."""
    store, team, user = context.store, context.number("id"), context.number("user")
    doc = team_doc(store, team)
    _require_user(context)
    asked = store.one("SELECT id FROM membership_request WHERE team = ? AND user = ?", team, user)
    if user in members_of(store, team):
        return
    if not access.is_admin(store, context.user):
        if user == context.user and not (doc.get("canPublicJoin") or asked or is_manager(store, team, user)):
            raise NotAllowed("An invitation is required to join the team.")
        if user != context.user and not is_manager(store, team, context.user):
            raise NotAllowed("You must be a team manager to perform this operation.")
        if user != context.user and not asked:
            raise NotAllowed("The prospective member must request to join the team.")
    join(store, team, user)


def join(store: Store, team: int, user: int) -> None:
    """Put a user into a team; open invitations and requests are done with."""
    store.run("INSERT OR IGNORE INTO member VALUES (?, ?, 0)", team, user)
    store.run("DELETE FROM membership_request WHERE team = ? AND user = ?", team, user)


@operation("DELETE", "/repo/v1/team/{id}/member/{user}", 204)
def remove_member(context: Context) -> None:
    """Leave, or remove somebody (M-03)."""
    store, team, user = context.store, context.number("id"), context.number("user")
    if user != context.user and not is_manager(store, team, context.user):
        raise NotAllowed("Cannot remove member from Team.")
    if members_of(store, team) == [user]:
        raise NotAllowed("Cannot remove the last member of a Team.")
    managers = [row["user"] for row in store.all("SELECT user FROM member WHERE team = ? AND is_admin", team)]
    if managers == [user]:
        raise Invalid("Team must have at least one team manager.")
    store.run("DELETE FROM member WHERE team = ? AND user = ?", team, user)


@operation("GET", "/repo/v1/team/{id}/member/{user}/membershipStatus")
def membership_status(context: Context) -> Json:
    """What a user is to a team (M-06)."""
    store, team, user = context.store, context.number("id"), context.number("user")
    doc = team_doc(store, team)
    kinds = {
        row["kind"] for row in store.all("SELECT kind FROM membership_request WHERE team = ? AND user = ?", team, user)
    }
    member = user in members_of(store, team)
    return {
        "teamId": str(team),
        "userId": str(user),
        "isMember": member,
        "hasOpenInvitation": "invitation" in kinds,
        "hasOpenRequest": "request" in kinds,
        "canJoin": member or bool(doc.get("canPublicJoin")) or "invitation" in kinds,
        "membershipApprovalRequired": False,
        "hasUnmetAccessRequirement": False,
        "canSendEmail": access.allowed(store, "team", team, context.user, "SEND_MESSAGE"),
    }


@operation("POST", "/repo/v1/membershipInvitation", 201)
def invite(context: Context) -> Json:
    """Invite a user (M-06)."""
    store, team = context.store, as_id(context.body.get("teamId"))
    team_doc(store, team)
    if not is_manager(store, team, context.user):
        raise NotAllowed("You must be a team manager to perform this operation.")
    if ("inviteeId" in context.body) == ("inviteeEmail" in context.body):
        raise Invalid("One and only one of the fields inviteeId and inviteeEmail must be specified")
    request = store.next_id("request")
    doc = {**context.body, "id": str(request), "createdBy": str(context.user), "createdOn": store.timestamp()}
    store.run(
        "INSERT INTO membership_request VALUES (?, 'invitation', ?, ?, ?)",
        request,
        team,
        as_id(context.body["inviteeId"]) if "inviteeId" in context.body else None,
        dump(doc),
    )
    return doc


@operation("GET", "/repo/v1/team/{id}/openInvitation")
def open_invitations(context: Context) -> Json:
    """Invitations that nobody has answered."""
    offset, limit = context.page()
    rows = context.store.all(
        "SELECT doc FROM membership_request WHERE team = ? AND kind = 'invitation' LIMIT ? OFFSET ?",
        context.number("id"),
        limit,
        offset,
    )
    return paginated([load(row["doc"]) for row in rows], offset, limit)


@operation("POST", "/repo/v1/membershipRequest", 201)
def ask(context: Context) -> Json:
    """Ask to join a team."""
    store, team = context.store, as_id(context.body.get("teamId"))
    team_doc(store, team)
    _require_user(context)
    request = store.next_id("request")
    doc = {**context.body, "id": str(request), "userId": str(context.user), "createdOn": store.timestamp()}
    store.run("INSERT INTO membership_request VALUES (?, 'request', ?, ?, ?)", request, team, context.user, dump(doc))
    return doc


@operation("GET", "/repo/v1/team/{id}/acl")
def get_team_acl(context: Context) -> Json:
    """The access control list of a team."""
    team = context.number("id")
    team_doc(context.store, team)
    acl = access.read_acl(context.store, "team", team, str(team))
    assert acl is not None
    return acl


@operation("PUT", "/repo/v1/team/acl")
def put_team_acl(context: Context) -> Json:
    """Change the access control list of a team."""
    team = as_id(context.body.get("id"))
    if not is_manager(context.store, team, context.user):
        raise NotAllowed("You must be a team manager to perform this operation.")
    current = access.read_acl(context.store, "team", team, str(team))
    if current is None or current["etag"] != context.body.get("etag"):
        raise Stale(f"ACL of team {team} has been updated since you last fetched it.")
    access.write_acl(context.store, "team", team, context.body["resourceAccess"])
    return access.read_acl(context.store, "team", team, str(team)) or {}


def _require_user(context: Context) -> None:
    if context.user == 273950:
        raise NotAllowed("Anonymous users may not perform this action.")
