"""Pages of users and teams."""

from __future__ import annotations

from airflow_synapse_challenge.local_synapse.core.store import Json

from .site import Page
from .visits import Visit


def people(visit: Visit) -> Page:
    """List users, all or those whose name begins so."""
    wanted = visit.query.get("named", "").strip()
    paging = visit.paging()
    if wanted:
        asked = visit.get(
            "/userGroupHeaders",
            prefix=wanted,
            typeFilter="USERS_ONLY",
            offset=paging.offset,
            limit=paging.size + 1,
        )["children"]
    else:
        asked = visit.get("/user", offset=paging.offset, limit=paging.size + 1)["results"]
    users, paging = paging.cut(asked)
    return Page("people.html", {"users": users, "paging": paging, "named": wanted})


def teams(visit: Visit) -> Page:
    """List teams, all or those whose name begins so."""
    wanted = visit.query.get("named", "").strip()
    paging = visit.paging()
    asked = visit.get("/teams", fragment=wanted, offset=paging.offset, limit=paging.size + 1)["results"]
    found, paging = paging.cut(asked)
    counts = {team["id"]: visit.get(f"/teamMembers/count/{team['id']}")["count"] for team in found}
    return Page("teams.html", {"teams": found, "counts": counts, "paging": paging, "named": wanted})


def team(visit: Visit) -> Page:
    """Show a team with its members and the challenges that it takes part in."""
    identity = visit.number("team")
    found = visit.get(f"/team/{identity}")
    paging = visit.paging().counted(visit.get(f"/teamMembers/count/{identity}")["count"])
    members = visit.get(f"/teamMembers/{identity}", offset=paging.offset, limit=paging.size)["results"]
    values = {
        "team": found,
        "members": members,
        "paging": paging,
        "projects": _projects_of(visit, identity),
    }
    return Page("team.html", values)


def _projects_of(visit: Visit, team: int) -> list[Json]:
    """Return headers of the challenges' projects that the viewer may see: as the team of participants or registered."""
    rows = visit.store.all(
        "SELECT project FROM challenge WHERE team = ? UNION SELECT project FROM challenge JOIN challenge_team "
        "ON challenge_team.challenge = challenge.id WHERE challenge_team.team = ?",
        team,
        team,
    )
    references = [{"targetId": f"syn{row['project']}"} for row in rows]
    if not references:
        return []
    found: list[Json] = visit.post("/entity/header", {"references": references})["results"]
    return found


def profile(visit: Visit) -> Page:
    """Show a user: what the viewer may know, and their teams."""
    identity = visit.number("user")
    found = visit.get(f"/userProfile/{identity}")
    paging = visit.paging()
    asked = visit.get(f"/user/{identity}/team", offset=paging.offset, limit=paging.size + 1)["results"]
    in_teams, paging = paging.cut(asked)
    certified = visit.maybe(f"/user/{identity}/certifiedUserPassingRecord")
    values = {"user": found, "teams": in_teams, "paging": paging, "certified": certified}
    return Page("profile.html", values)
