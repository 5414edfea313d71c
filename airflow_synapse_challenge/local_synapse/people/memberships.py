"""Invitations to teams and requests to be let in (M-06)."""

from __future__ import annotations

from datetime import UTC, datetime

from airflow_synapse_challenge.local_synapse.core.bodies import Body
from airflow_synapse_challenge.local_synapse.core.errors import Invalid, Missing, NotAllowed
from airflow_synapse_challenge.local_synapse.core.http import Context, as_id, operation
from airflow_synapse_challenge.local_synapse.core.store import Json, Store, as_text, dump, load, tables

from . import messages, teams
from .principals import header, user_doc

# `user` is who would become a member: the invited one, nobody for an e-mail address, or the one who asks.
tables(
    """
    CREATE TABLE IF NOT EXISTS membership_request (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, team INTEGER NOT NULL,
        user INTEGER, expires_on TEXT, doc TEXT NOT NULL);
    CREATE INDEX IF NOT EXISTS membership_request_team ON membership_request (team, kind, id);
    CREATE INDEX IF NOT EXISTS membership_request_user ON membership_request (user, kind, id);
    """
)

#: Neither expired nor answered; takes the time.
OPEN = (
    "(expires_on IS NULL OR expires_on > ?) AND NOT EXISTS (SELECT 1 FROM member "
    "WHERE member.team = membership_request.team AND member.user = membership_request.user)"
)
WORDS = {"invitation": "MembershipInvitation", "request": "MembershipRequest"}
SERVER_FIELDS = ("createdBy", "createdOn", "id")


class Invitation(Body, total=False):
    """Somebody is asked to join a team."""

    id: str
    teamId: str
    inviteeId: str
    inviteeEmail: str
    message: str
    expiresOn: datetime
    createdBy: str
    createdOn: datetime


class Request(Body, total=False):
    """Somebody asks to be let into a team."""

    id: str
    teamId: str
    userId: str
    message: str
    expiresOn: datetime
    createdBy: str
    createdOn: datetime


def has_open(store: Store, kind: str, team: int, user: int) -> bool:
    """Tell whether a user has an open ``invitation`` from a team, or an open ``request`` to it."""
    found = store.one(
        f"SELECT 1 FROM membership_request WHERE user = ? AND kind = ? AND team = ? AND {OPEN}",
        user,
        kind,
        team,
        store.timestamp(),
    )
    return found is not None


def settle(store: Store, team: int, user: int) -> None:
    """Do away with what is open between a team and a user who has become its member."""
    store.run("DELETE FROM membership_request WHERE team = ? AND user = ?", team, user)


def _checked_team(context: Context) -> int:
    """Return the team that a new invitation or request is about."""
    for name in SERVER_FIELDS:
        if name in context.body:
            raise Invalid(f"'{name}' field is not user specifiable.")
    if "teamId" not in context.body:
        raise Invalid("'teamId' field is missing.")
    return as_id(context.body["teamId"])


def _add(context: Context, kind: str, team: int, user: int | None, doc: Json) -> Json:
    store = context.store
    identity = store.next_id("request")
    doc |= {"id": str(identity), "createdBy": str(context.user), "createdOn": store.timestamp()}
    if expires_on := context.body.get("expiresOn"):
        doc["expiresOn"] = _as_text(expires_on)
    store.run(
        "INSERT INTO membership_request VALUES (?, ?, ?, ?, ?, ?)",
        identity,
        kind,
        team,
        user,
        doc.get("expiresOn"),
        dump(doc),
    )
    return doc


def _as_text(moment: datetime) -> str:
    try:
        return as_text(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except OverflowError as error:
        raise Invalid(f"expiresOn is out of range: {moment}") from error


@operation("POST", "/repo/v1/membershipInvitation", 201, body=Invitation, scopes=("view", "modify"))
def invite(context: Context) -> Json:
    """Invite somebody, and tell them if they are a user (M-06)."""
    store, body, team = context.store, context.body, _checked_team(context)
    teams.require_manager(store, team, context.user)
    if ("inviteeId" in body) == ("inviteeEmail" in body):
        raise Invalid("One and only one of the fields inviteeId and inviteeEmail must be specified")
    doc = {key: body[key] for key in ("teamId", "inviteeId", "inviteeEmail", "message") if key in body}
    if "inviteeId" not in body:
        return _add(context, "invitation", team, None, doc)
    invitee = as_id(body["inviteeId"])
    user_doc(store, invitee)
    made = _add(context, "invitation", team, invitee, doc)
    _tell(context, [invitee], f"Invitation to join the team {teams.team_doc(store, team)['name']}")
    return made


@operation("POST", "/repo/v1/membershipRequest", 201, body=Request, scopes=("view", "modify"))
def ask(context: Context) -> Json:
    """Ask to join a team, and tell its managers."""
    store, body, team = context.store, context.body, _checked_team(context)
    teams.require_user(context)
    if body.get("userId", str(context.user)) != str(context.user):
        raise Invalid("May not specify a user id other than yourself.")
    found = teams.team_doc(store, team)
    if found.get("canRequestMembership") is False and not found.get("canPublicJoin"):
        raise NotAllowed("The team does not take requests for membership.")
    doc = {key: body[key] for key in ("teamId", "message") if key in body} | {"userId": str(context.user)}
    made = _add(context, "request", team, context.user, doc)
    _tell(context, teams.managers_of(store, team), f"Request to join the team {found['name']}")
    return made


def _tell(context: Context, recipients: list[int], subject: str) -> None:
    """Send the message that Synapse sends with an invitation or a request."""
    if not recipients:
        return
    sender = header(context.store, context.user)["userName"]
    lines = [f"From {sender}:", context.body["message"]] if context.body.get("message") else [f"From {sender}."]
    messages.deliver_text(context.store, context.user, recipients, subject, "\n\n".join(lines) + "\n")


def _list(context: Context, kind: str, column: str, value: int, filter_name: str, filter_column: str) -> Json:
    """Return a page of what is open, with the true total (G-08)."""
    offset, limit = context.page()
    condition, values = f"{column} = ? AND kind = ? AND {OPEN}", [value, kind, context.store.timestamp()]
    if wanted := context.query.get(filter_name):
        condition, values = f"{condition} AND {filter_column} = ?", [*values, as_id(wanted)]
    rows = context.store.all(
        f"SELECT doc FROM membership_request WHERE {condition} ORDER BY id LIMIT ? OFFSET ?", *values, limit, offset
    )
    total = context.store.value(f"SELECT count(*) FROM membership_request WHERE {condition}", *values)
    return {"results": [load(row["doc"]) for row in rows], "totalNumberOfResults": total}


@operation("GET", "/repo/v1/team/{id}/openInvitation")
def invitations_of_team(context: Context) -> Json:
    """Invitations of a team that nobody has answered; for its managers."""
    team = context.number("id")
    teams.require_manager(context.store, team, context.user)
    return _list(context, "invitation", "team", team, "inviteeId", "user")


@operation("GET", "/repo/v1/user/{id}/openInvitation")
def invitations_of_user(context: Context) -> Json:
    """Invitations that a user has not answered."""
    user = context.number("id")
    user_doc(context.store, user)
    return _list(context, "invitation", "user", user, "teamId", "team")


@operation("GET", "/repo/v1/team/{id}/openRequest")
def requests_to_team(context: Context) -> Json:
    """Requests to a team that nobody has answered; for its managers."""
    team = context.number("id")
    teams.require_manager(context.store, team, context.user)
    return _list(context, "request", "team", team, "requestorId", "user")


@operation("GET", "/repo/v1/user/{id}/openRequest")
def requests_of_user(context: Context) -> Json:
    """The caller's own requests that nobody has answered."""
    user = context.number("id")
    if user != context.user:
        raise NotAllowed("Cannot retrieve membership requests of another user.")
    return _list(context, "request", "user", user, "teamId", "team")


@operation("GET", "/repo/v1/membershipInvitation/openInvitationCount")
def count_invitations(context: Context) -> Json:
    """How many invitations the caller has not answered."""
    return {
        "count": context.store.value(
            f"SELECT count(*) FROM membership_request WHERE user = ? AND kind = 'invitation' AND {OPEN}",
            context.user,
            context.store.timestamp(),
        )
    }


@operation("GET", "/repo/v1/membershipRequest/openRequestCount")
def count_requests(context: Context) -> Json:
    """How many requests wait for the caller in the teams that they manage."""
    return {
        "count": context.store.value(
            "SELECT count(*) FROM membership_request WHERE kind = 'request' AND team IN "
            f"(SELECT team FROM member WHERE user = ? AND is_admin) AND {OPEN}",
            context.user,
            context.store.timestamp(),
        )
    }


def _of_invited_or_manager(context: Context) -> Json:
    """Return an invitation; for the invited one and the managers of the team."""
    doc = _doc(context, "invitation")
    invited = doc.get("inviteeId") == str(context.user)
    if not invited and not teams.is_manager(context.store, as_id(doc["teamId"]), context.user):
        raise NotAllowed("Cannot access the membership invitation of another user.")
    return doc


def _of_requester(context: Context) -> Json:
    """Return a request; for the one who made it."""
    doc = _doc(context, "request")
    if doc["userId"] != str(context.user):
        raise NotAllowed("Cannot access the membership request of another user.")
    return doc


def _doc(context: Context, kind: str) -> Json:
    identity = context.number("id")
    row = context.store.one("SELECT doc FROM membership_request WHERE id = ? AND kind = ?", identity, kind)
    if row is None:
        raise Missing(f"{WORDS[kind]} {identity} does not exist")
    return load(row["doc"])


@operation("GET", "/repo/v1/membershipInvitation/{id}")
def get_invitation(context: Context) -> Json:
    """An invitation."""
    return _of_invited_or_manager(context)


@operation("DELETE", "/repo/v1/membershipInvitation/{id}", 204)
def delete_invitation(context: Context) -> None:
    """Take an invitation back, or turn it down."""
    doc = _of_invited_or_manager(context)
    context.store.run("DELETE FROM membership_request WHERE id = ?", int(doc["id"]))


@operation("GET", "/repo/v1/membershipRequest/{id}")
def get_request(context: Context) -> Json:
    """A request of the caller's."""
    return _of_requester(context)


@operation("DELETE", "/repo/v1/membershipRequest/{id}", 204)
def delete_request(context: Context) -> None:
    """Take a request back."""
    doc = _of_requester(context)
    context.store.run("DELETE FROM membership_request WHERE id = ?", int(doc["id"]))
