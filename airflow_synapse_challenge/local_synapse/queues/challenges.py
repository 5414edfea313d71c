"""Challenges: a project with the team of its participants (section H of the rules)."""

from __future__ import annotations

import sqlite3

from airflow_synapse_challenge.local_synapse.content import entities
from airflow_synapse_challenge.local_synapse.core.errors import Invalid, Missing, Stale, require
from airflow_synapse_challenge.local_synapse.core.http import Context, as_id, operation
from airflow_synapse_challenge.local_synapse.core.store import Json, Store, new_etag, tables
from airflow_synapse_challenge.local_synapse.people import access

from . import shapes

tables(
    """
    CREATE TABLE IF NOT EXISTS challenge (
        id INTEGER PRIMARY KEY, project INTEGER NOT NULL UNIQUE, team INTEGER NOT NULL, etag TEXT NOT NULL);
    CREATE INDEX IF NOT EXISTS challenge_participants ON challenge (team);
    """
)

#: Members of the participant team, or only those who are in a registered team or in none (H-04).
PARTICIPANTS = {
    None: "",
    True: "AND EXISTS ({registered})",
    False: "AND NOT EXISTS ({registered})",
}
IN_REGISTERED_TEAM = (
    "SELECT 1 FROM challenge_team JOIN member AS other ON other.team = challenge_team.team "
    "WHERE challenge_team.challenge = challenge.id AND other.user = member.user"
)


def show(row: sqlite3.Row) -> Json:
    """Return a challenge as Synapse shows it."""
    return {
        "id": str(row["id"]),
        "projectId": f"syn{row['project']}",
        "participantTeamId": str(row["team"]),
        "etag": row["etag"],
    }


def row_of(store: Store, challenge: int) -> sqlite3.Row:
    """Return a challenge's row."""
    row = store.one("SELECT * FROM challenge WHERE id = ?", challenge)
    if row is None:
        raise Missing(f"Challenge {challenge} does not exist")
    return row


def require_access(context: Context, kind: str) -> sqlite3.Row:
    """Return the challenge of the path; whether one may decides the list of its project (H-02)."""
    row = row_of(context.store, context.number("id"))
    entities.require(context.store, row["project"], context.user, kind)
    return row


def true_page(context: Context) -> tuple[int, int]:
    """Return offset and limit of a list that has true totals (H-04)."""
    offset, limit = context.page()
    if limit <= 0:
        raise Invalid("limit must be greater than 0")
    return offset, limit


def _checked_team(store: Store, body: Json) -> int:
    require(body.get("participantTeamId"), "Participant team ID")
    team = as_id(body["participantTeamId"])
    if not store.one("SELECT 1 FROM principal WHERE id = ? AND kind = 'team'", team):
        raise Invalid("The submitted data is invalid. Please check the team ID.")
    return team


@operation("POST", "/repo/v1/challenge", 201, body=shapes.Challenge, scopes=("view", "modify"))
def post_challenge(context: Context) -> Json:
    """Make a project a challenge (H-01)."""
    store = context.store
    require(context.body.get("projectId"), "Project ID")
    project = as_id(context.body["projectId"])
    found = store.one("SELECT type FROM entity WHERE id = ?", project)
    if found is None or found["type"] != entities.PROJECT:
        raise Invalid("The submitted data is invalid. Please check the project ID.")
    entities.row_of(store, project)
    access.require_certified(store, context.user)
    entities.require(store, project, context.user, "CREATE")
    team = _checked_team(store, context.body)
    if store.one("SELECT 1 FROM challenge WHERE project = ?", project):
        raise Invalid("The specified project may already have a challenge.")
    identity = store.next_id("challenge")
    store.run("INSERT INTO challenge VALUES (?, ?, ?, ?)", identity, project, team, new_etag())
    return show(row_of(store, identity))


@operation("GET", "/repo/v1/challenge")
def list_of_participant(context: Context) -> Json:
    """List the challenges of a participant whose projects the caller may read (H-04)."""
    store = context.store
    offset, limit = true_page(context)
    require(context.query.get("participantId"), "participantId")
    rows = store.all(
        "SELECT challenge.* FROM challenge JOIN member ON member.team = challenge.team "
        "JOIN entity ON entity.id = challenge.project "
        "WHERE member.user = ? AND entity.trashed_by IS NULL ORDER BY challenge.id",
        as_id(context.query["participantId"]),
    )
    readable = [row for row in rows if entities.may(store, row["project"], context.user, "READ")]
    return {
        "results": [show(row) for row in readable[offset : offset + limit]],
        "totalNumberOfResults": len(readable),
    }


@operation("GET", "/repo/v1/challenge/{id}")
def get_challenge(context: Context) -> Json:
    """Read a challenge (H-02)."""
    return show(require_access(context, "READ"))


@operation("GET", "/repo/v1/entity/{id}/challenge")
def get_of_project(context: Context) -> Json:
    """Read the challenge of a project (H-02)."""
    project = context.number("id")
    entities.require(context.store, project, context.user, "READ")
    row = context.store.one("SELECT * FROM challenge WHERE project = ?", project)
    if row is None:
        raise Missing(f"Cannot find the Challenge for project syn{project}")
    return show(row)


@operation("PUT", "/repo/v1/challenge/{id}", body=shapes.Challenge, scopes=("view", "modify"))
def put_challenge(context: Context) -> Json:
    """Change the participant team under the etag (H-02)."""
    store, body = context.store, context.body
    row = require_access(context, "UPDATE")
    if "id" in body and body["id"] != str(row["id"]):
        raise Invalid("The ID in the path and that in the request body must match.")
    if body.get("etag") != row["etag"]:
        raise Stale(f"Challenge {row['id']} was updated since you last fetched it.")
    require(body.get("projectId"), "Project ID")
    if as_id(body["projectId"]) != row["project"]:
        raise Invalid("You may not change the project ID when updating a challenge.")
    team = _checked_team(store, body)
    store.run("UPDATE challenge SET team = ?, etag = ? WHERE id = ?", team, new_etag(), row["id"])
    return show(row_of(store, row["id"]))


@operation("DELETE", "/repo/v1/challenge/{id}", 200)
def delete_challenge(context: Context) -> None:
    """Remove a challenge; answers 200, unlike most deletes (H-02)."""
    row = require_access(context, "DELETE")
    context.store.run("DELETE FROM challenge_team WHERE challenge = ?", row["id"])
    context.store.run("DELETE FROM challenge WHERE id = ?", row["id"])


@operation("GET", "/repo/v1/challenge/{id}/participant")
def list_participants(context: Context) -> Json:
    """List the registered users, with a true total (H-04)."""
    store, row = context.store, require_access(context, "READ")
    offset, limit = true_page(context)
    affiliated = context.flag("affiliated") if context.query.get("affiliated") else None
    members = "FROM challenge JOIN member ON member.team = challenge.team WHERE challenge.id = ? " + PARTICIPANTS[
        affiliated
    ].format(registered=IN_REGISTERED_TEAM)
    users = store.all(f"SELECT member.user {members} ORDER BY member.user LIMIT ? OFFSET ?", row["id"], limit, offset)
    return {
        "results": [str(found["user"]) for found in users],
        "totalNumberOfResults": store.value(f"SELECT count(*) {members}", row["id"]),
    }
