"""Teams that are registered for a challenge (H-03, H-04)."""

from __future__ import annotations

import sqlite3

from airflow_synapse_challenge.local_synapse.core.errors import Invalid, Missing, NotAllowed, Stale, require
from airflow_synapse_challenge.local_synapse.core.http import Context, as_id, operation
from airflow_synapse_challenge.local_synapse.core.store import Json, Store, new_etag, tables
from airflow_synapse_challenge.local_synapse.people import access, teams

from . import shapes
from .challenges import require_access, row_of, true_page

tables(
    """
    CREATE TABLE IF NOT EXISTS challenge_team (
        id INTEGER PRIMARY KEY, challenge INTEGER NOT NULL, team INTEGER NOT NULL, etag TEXT NOT NULL, message TEXT,
        UNIQUE (challenge, team));
    CREATE INDEX IF NOT EXISTS challenge_team_team ON challenge_team (team);
    """
)

LONGEST_MESSAGE = 500


def show(row: sqlite3.Row) -> Json:
    """Return a registration as Synapse shows it."""
    return {
        "id": str(row["id"]),
        "challengeId": str(row["challenge"]),
        "teamId": str(row["team"]),
        "etag": row["etag"],
        "message": row["message"],
    }


def _registration(store: Store, identity: int) -> sqlite3.Row:
    row = store.one("SELECT * FROM challenge_team WHERE id = ?", identity)
    if row is None:
        raise Missing(f"ChallengeTeam {identity} does not exist")
    return row


def _require_captain(context: Context, challenge: sqlite3.Row, team: int) -> None:
    """Refuse who is not a participant, or manages another team (H-03)."""
    if not access.is_member(context.store, challenge["team"], context.user):
        raise NotAllowed("You must be a Challenge participant for this operation.")
    if not teams.is_manager(context.store, team, context.user):
        raise NotAllowed("You must be a Team manager for this operation.")


def _checked(context: Context, challenge: int) -> int:
    """Return the team of a body."""
    body = context.body
    if body.get("challengeId", str(challenge)) != str(challenge):
        raise Invalid("The challenge ID in the path and that in the request body must match.")
    require(body.get("teamId"), "Team ID")
    if len(body.get("message", "")) > LONGEST_MESSAGE:
        raise Invalid(f"The message may have at most {LONGEST_MESSAGE} characters.")
    return as_id(body["teamId"])


@operation("POST", "/repo/v1/challenge/{id}/challengeTeam", 201, body=shapes.ChallengeTeam, scopes=("view", "modify"))
def register(context: Context) -> Json:
    """Register a team for a challenge (H-03)."""
    store, challenge = context.store, row_of(context.store, context.number("id"))
    team = _checked(context, challenge["id"])
    _require_captain(context, challenge, team)
    if store.one("SELECT 1 FROM challenge_team WHERE challenge = ? AND team = ?", challenge["id"], team):
        raise Invalid("The specified team may already be registered for this challenge.")
    identity = store.next_id("challenge_team")
    store.run(
        "INSERT INTO challenge_team VALUES (?, ?, ?, ?, ?)",
        identity,
        challenge["id"],
        team,
        new_etag(),
        context.body.get("message"),
    )
    return show(_registration(store, identity))


@operation(
    "PUT",
    "/repo/v1/challenge/{id}/challengeTeam/{registration}",
    body=shapes.ChallengeTeam,
    scopes=("view", "modify"),
)
def put_registration(context: Context) -> Json:
    """Change the message of a registered team under its etag (H-03)."""
    store, challenge = context.store, row_of(context.store, context.number("id"))
    row = _registration(store, context.number("registration"))
    team = _checked(context, challenge["id"])
    if row["challenge"] != challenge["id"] or team != row["team"]:
        raise Invalid("Neither the challenge nor the team of a registration can be changed.")
    _require_captain(context, challenge, team)
    if context.body.get("etag") != row["etag"]:
        raise Stale(f"ChallengeTeam {row['id']} was updated since you last fetched it.")
    store.run(
        "UPDATE challenge_team SET message = ?, etag = ? WHERE id = ?",
        context.body.get("message"),
        new_etag(),
        row["id"],
    )
    return show(_registration(store, row["id"]))


@operation("DELETE", "/repo/v1/challengeTeam/{registration}", 200)
def unregister(context: Context) -> None:
    """Take a team out of a challenge; answers 200 (H-03)."""
    row = _registration(context.store, context.number("registration"))
    _require_captain(context, row_of(context.store, row["challenge"]), row["team"])
    context.store.run("DELETE FROM challenge_team WHERE id = ?", row["id"])


@operation("GET", "/repo/v1/challenge/{id}/challengeTeam")
def list_registered(context: Context) -> Json:
    """List the registered teams, with a true total (H-04)."""
    store, challenge = context.store, require_access(context, "READ")
    offset, limit = true_page(context)
    rows = store.all(
        "SELECT * FROM challenge_team WHERE challenge = ? ORDER BY id LIMIT ? OFFSET ?", challenge["id"], limit, offset
    )
    total = store.value("SELECT count(*) FROM challenge_team WHERE challenge = ?", challenge["id"])
    return {"results": [show(row) for row in rows], "totalNumberOfResults": total}


def _ids(context: Context, ids: list[int]) -> Json:
    offset, limit = true_page(context)
    return {"results": [str(item) for item in ids[offset : offset + limit]], "totalNumberOfResults": len(ids)}


@operation("GET", "/repo/v1/challenge/{id}/registratableTeam")
def list_registratable(context: Context) -> Json:
    """List the teams that the caller manages and that are not registered yet (H-04)."""
    challenge = require_access(context, "READ")
    mine = context.store.all(
        "SELECT member.team FROM member JOIN principal ON principal.id = member.team AND kind = 'team' WHERE user = ? "
        "AND NOT EXISTS (SELECT 1 FROM challenge_team WHERE challenge = ? AND challenge_team.team = member.team) "
        "ORDER BY member.team",
        context.user,
        challenge["id"],
    )
    return _ids(context, [row["team"] for row in mine if teams.is_manager(context.store, row["team"], context.user)])


@operation("GET", "/repo/v1/challenge/{id}/submissionTeams")
def list_submission_teams(context: Context) -> Json:
    """List the registered teams that the caller is in (H-04)."""
    challenge = require_access(context, "READ")
    rows = context.store.all(
        "SELECT challenge_team.team FROM challenge_team JOIN member ON member.team = challenge_team.team "
        "WHERE challenge = ? AND member.user = ? ORDER BY challenge_team.team",
        challenge["id"],
        context.user,
    )
    return _ids(context, [row["team"] for row in rows])
