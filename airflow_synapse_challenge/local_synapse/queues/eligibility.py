"""Who may submit now: registration, rounds and their limits (section T of the rules)."""

from __future__ import annotations

import hashlib
import sqlite3
from datetime import datetime, timedelta

from airflow_synapse_challenge.local_synapse.core.errors import Invalid, NotAllowed
from airflow_synapse_challenge.local_synapse.core.http import Context, operation
from airflow_synapse_challenge.local_synapse.core.store import Json, Store, as_text, dump, load
from airflow_synapse_challenge.local_synapse.people import teams

from . import evaluations

COUNTED = ("OPEN", "CLOSED", "SCORED", "VALIDATED", "EVALUATION_IN_PROGRESS", "RECEIVED", "ACCEPTED")


def check_individual(store: Store, evaluation: int, user: int) -> None:
    """Refuse a submission by a user who may not submit alone (T-01)."""
    if (participants := _participants(store, evaluation)) is not None and user not in participants:
        raise NotAllowed("Submitter is not registered for the challenge.")
    current = _open_round(store, evaluation)
    suffix = " (for the current submission round)." if current else "."
    if current and _count(store, evaluation, "contributor", user, current["start"], current, team=True):
        raise NotAllowed(f"Submitter may not submit as an individual when having submitted as part of a Team{suffix}")
    for kind, most in _limits(current):
        if _used(store, evaluation, "contributor", user, kind, current) >= most:
            raise NotAllowed(f"Submitter has reached the {kind.lower()} limit of {most}{suffix}")


def check_team(store: Store, evaluation: int, team: int, contributors: set[int], state: str) -> None:
    """Refuse a team submission that is not eligible or whose state is old (T-04)."""
    _open_round(store, evaluation)
    try:
        given = int(state)
    except ValueError as error:
        raise NotAllowed(f"Submission Eligibilty Hash is invalid: {state}") from error
    now = team_eligibility(store, evaluation, team)
    if given != now["eligibilityStateHash"]:
        raise NotAllowed("Submissions or Team composition have changed.  Please try again.")
    if not now["teamEligibility"]["isEligible"]:
        raise NotAllowed("The specified Team is ineligible to submit to the specified Evaluation at this time.")
    eligible = {member["principalId"] for member in now["membersEligibility"] if member["isEligible"]}
    if not_eligible := sorted(contributors - eligible):
        raise NotAllowed(
            "The following Team members are ineligible to contribute to a Submission in the specified Evaluation at "
            f"this time {not_eligible}"
        )


def team_eligibility(store: Store, evaluation: int, team: int) -> Json:
    """Return ``TeamSubmissionEligibility`` (T-05, T-06)."""
    current = evaluations.current_round(store, evaluation)
    participants = _participants(store, evaluation)
    registered = _team_registered(store, evaluation, team)
    filled = any(_used(store, evaluation, "team", team, kind, current) >= most for kind, most in _limits(current))
    team_state = {
        "teamId": str(team),
        "isQuotaFilled": filled,
        "isEligible": not filled and registered is not False,
    } | ({} if registered is None else {"isRegistered": registered})
    members = [
        _member_eligibility(store, evaluation, user, team, current, participants)
        for user in teams.members_of(store, team)
    ]
    state: Json = {
        "evaluationId": str(evaluation),
        "teamId": str(team),
        "teamEligibility": team_state,
        "membersEligibility": members,
    }
    digest = hashlib.sha256(dump([state, _history(store, evaluation)]).encode()).digest()
    return state | {"eligibilityStateHash": int.from_bytes(digest[:4], "big", signed=True)}


def _member_eligibility(
    store: Store, evaluation: int, user: int, team: int, current: sqlite3.Row | None, participants: list[int] | None
) -> Json:
    registered = None if participants is None else user in participants
    filled = any(
        _used(store, evaluation, "contributor", user, kind, current) >= most for kind, most in _limits(current)
    )
    conflict = bool(current) and (
        store.one(
            "SELECT 1 FROM submission JOIN contributor ON submission = id WHERE evaluation = ? AND principal = ? "
            f"AND round = ? AND (team IS NULL OR team != ?) AND status IN {COUNTED}",
            evaluation,
            user,
            current["id"] if current else None,
            team,
        )
        is not None
    )
    state = {
        "principalId": user,
        "isQuotaFilled": filled,
        "hasConflictingSubmission": conflict,
        "isEligible": not filled and not conflict and registered is not False,
    }
    return state if registered is None else state | {"isRegistered": registered}


def _history(store: Store, evaluation: int) -> list[list[object]]:
    return [list(row) for row in store.all("SELECT id, status, team FROM submission WHERE evaluation = ?", evaluation)]


def _participants(store: Store, evaluation: int) -> list[int] | None:
    """Return the registered users, ``None`` when the project has no challenge (H-05)."""
    project = evaluations.row_of(store, evaluation)["project"]
    team = store.value("SELECT team FROM challenge WHERE project = ?", project)
    return None if team is None else teams.members_of(store, team)


def _team_registered(store: Store, evaluation: int, team: int) -> bool | None:
    project = evaluations.row_of(store, evaluation)["project"]
    challenge = store.value("SELECT id FROM challenge WHERE project = ?", project)
    if challenge is None:
        return None
    return store.one("SELECT 1 FROM challenge_team WHERE challenge = ? AND team = ?", challenge, team) is not None


def _open_round(store: Store, evaluation: int) -> sqlite3.Row | None:
    """Return the open round, ``None`` for a queue without rounds; refuse between rounds (R-07)."""
    current = evaluations.current_round(store, evaluation)
    if current is None and evaluations.rounds_of(store, evaluation):
        raise NotAllowed("It is currently outside of the time range allowed for submissions.")
    return current


def _limits(current: sqlite3.Row | None) -> list[tuple[str, int]]:
    if current is None:
        return []
    return [(limit["limitType"], int(limit["maximumSubmissions"])) for limit in load(current["doc"]).get("limits", [])]


def _used(store: Store, evaluation: int, who: str, principal: int, kind: str, current: sqlite3.Row | None) -> int:
    if current is None:
        return 0
    return _count(store, evaluation, who, principal, window_start(kind, store.now(), current["start"]), current)


def window_start(kind: str, now: datetime, round_start: str) -> str:
    """Return since when submissions count toward a limit; days and weeks are UTC's (T-03)."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if kind == "DAILY":
        return as_text(today)
    if kind == "WEEKLY":
        return as_text(today - timedelta(days=today.weekday()))
    if kind == "MONTHLY":
        return as_text(today.replace(day=1))
    return round_start


def _count(
    store: Store,
    evaluation: int,
    who: str,
    principal: int,
    since: str,
    current: sqlite3.Row,
    *,
    team: bool = False,
) -> int:
    """Count submissions that count: INVALID and REJECTED give their slot back (T-02)."""
    join = "JOIN contributor ON submission = id" if who == "contributor" else ""
    column = "principal" if who == "contributor" else "team"
    only_team = "AND team IS NOT NULL" if team else ""
    return int(
        store.value(
            f"SELECT count(*) FROM submission {join} WHERE evaluation = ? AND {column} = ? AND created_on >= ? "
            f"AND created_on < ? AND status IN {COUNTED} {only_team}",
            evaluation,
            principal,
            since,
            current["end"],
        )
    )


@operation("GET", "/repo/v1/evaluation/{id}/team/{team}/submissionEligibility")
def get_eligibility(context: Context) -> Json:
    """Ask whether a team may submit (T-05)."""
    store, evaluation, team = context.store, context.number("id"), context.number("team")
    evaluations.require_submission_access(store, evaluation, context.user, "SUBMIT")
    if context.user not in teams.members_of(store, team):
        raise NotAllowed("Requester is not a member of the Submission Team.")
    if evaluations.current_round(store, evaluation) is None and evaluations.rounds_of(store, evaluation):
        raise Invalid("The given date is outside the time range allowed for submissions.")
    return team_eligibility(store, evaluation, team)
