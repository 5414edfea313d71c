"""Challenges: who is registered (section H of the rules)."""

from __future__ import annotations

import sqlite3

from airflow_synapse_challenge.local_synapse.content import entities
from airflow_synapse_challenge.local_synapse.core.errors import Invalid, Missing, NotAllowed, Stale
from airflow_synapse_challenge.local_synapse.core.http import Context, as_id, operation
from airflow_synapse_challenge.local_synapse.core.store import Json, Store, dump, load, new_etag, tables
from airflow_synapse_challenge.local_synapse.people import teams

tables(
    """
    CREATE TABLE IF NOT EXISTS challenge (
        id INTEGER PRIMARY KEY, project INTEGER NOT NULL UNIQUE, team INTEGER NOT NULL, etag TEXT NOT NULL,
        doc TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS challenge_team (id INTEGER PRIMARY KEY, challenge INTEGER, team INTEGER, doc TEXT,
        UNIQUE (challenge, team));
    """
)


def show(row: sqlite3.Row) -> Json:
    """Return a challenge as Synapse shows it."""
    return {
        "id": str(row["id"]),
        "projectId": f"syn{row['project']}",
        "participantTeamId": str(row["team"]),
        "etag": row["etag"],
    }


def _row(store: Store, challenge: int) -> sqlite3.Row:
    row = store.one("SELECT * FROM challenge WHERE id = ?", challenge)
    if row is None:
        raise Missing(f"Challenge {challenge} does not exist")
    return row


@operation("POST", "/repo/v1/challenge", 201)
def post_challenge(context: Context) -> Json:
    """Make a project a challenge (H-01)."""
    store = context.store
    project, team = as_id(context.body.get("projectId")), as_id(context.body.get("participantTeamId"))
    entities.require(store, project, context.user, "CREATE")
    teams.team_doc(store, team)
    if store.one("SELECT 1 FROM challenge WHERE project = ?", project):
        raise Invalid("The specified project may already have a challenge.")
    identity = store.next_id("challenge")
    store.run("INSERT INTO challenge VALUES (?, ?, ?, ?, '{}')", identity, project, team, new_etag())
    return show(_row(store, identity))


@operation("GET", "/repo/v1/challenge/{id}")
def get_challenge(context: Context) -> Json:
    """Read a challenge."""
    row = _row(context.store, context.number("id"))
    entities.require(context.store, row["project"], context.user, "READ")
    return show(row)


@operation("GET", "/repo/v1/entity/{id}/challenge")
def get_of_project(context: Context) -> Json:
    """Read the challenge of a project (H-02)."""
    project = context.number("id")
    entities.require(context.store, project, context.user, "READ")
    row = context.store.one("SELECT * FROM challenge WHERE project = ?", project)
    if row is None:
        raise Missing(f"Cannot find the Challenge for project syn{project}")
    return show(row)


@operation("PUT", "/repo/v1/challenge/{id}")
def put_challenge(context: Context) -> Json:
    """Change the participant team under the etag (H-02)."""
    store = context.store
    row = _row(store, context.number("id"))
    entities.require(store, row["project"], context.user, "UPDATE")
    if context.body.get("etag") != row["etag"]:
        raise Stale(f"Challenge {row['id']} was updated since you last fetched it.")
    if as_id(context.body.get("projectId")) != row["project"]:
        raise Invalid("You may not change the project ID when updating a challenge.")
    team = as_id(context.body.get("participantTeamId"))
    store.run("UPDATE challenge SET team = ?, etag = ? WHERE id = ?", team, new_etag(), row["id"])
    return show(_row(store, row["id"]))


@operation("DELETE", "/repo/v1/challenge/{id}", 200)
def delete_challenge(context: Context) -> None:
    """Remove a challenge; answers 200, unlike most deletes (H-02)."""
    row = _row(context.store, context.number("id"))
    entities.require(context.store, row["project"], context.user, "DELETE")
    context.store.run("DELETE FROM challenge_team WHERE challenge = ?", row["id"])
    context.store.run("DELETE FROM challenge WHERE id = ?", row["id"])


@operation("POST", "/repo/v1/challenge/{id}/challengeTeam", 201)
def register_team(context: Context) -> Json:
    """Register a team for a challenge (H-03)."""
    store, row = context.store, _row(context.store, context.number("id"))
    team = as_id(context.body.get("teamId"))
    if context.user not in teams.members_of(store, row["team"]):
        raise NotAllowed("You must be a Challenge participant for this operation.")
    if not teams.is_manager(store, team, context.user):
        raise NotAllowed("You must be a Team manager for this operation.")
    if store.one("SELECT 1 FROM challenge_team WHERE challenge = ? AND team = ?", row["id"], team):
        raise Invalid("The specified team may already be registered for this challenge.")
    identity = store.next_id("request")
    doc = {
        "id": str(identity),
        "challengeId": str(row["id"]),
        "teamId": str(team),
        "message": context.body.get("message", ""),
        "etag": new_etag(),
    }
    store.run("INSERT INTO challenge_team VALUES (?, ?, ?, ?)", identity, row["id"], team, dump(doc))
    return doc


@operation("GET", "/repo/v1/challenge/{id}/challengeTeam")
def list_teams(context: Context) -> Json:
    """List the registered teams, with a true total (H-04)."""
    offset, limit = context.page()
    rows = context.store.all("SELECT doc FROM challenge_team WHERE challenge = ? ORDER BY id", context.number("id"))
    docs = [load(row["doc"]) for row in rows]
    return {"results": docs[offset : offset + limit], "totalNumberOfResults": len(docs)}


@operation("GET", "/repo/v1/challenge/{id}/participant")
def list_participants(context: Context) -> Json:
    """List the registered users, with a true total (H-04)."""
    store, row = context.store, _row(context.store, context.number("id"))
    offset, limit = context.page()
    users = teams.members_of(store, row["team"])
    return {"results": [str(user) for user in users[offset : offset + limit]], "totalNumberOfResults": len(users)}
