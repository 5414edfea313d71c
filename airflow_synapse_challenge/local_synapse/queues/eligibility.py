"""Who may submit now: registration, rounds and their limits (section T of the rules)."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from airflow_synapse_challenge.local_synapse.core.errors import Invalid, NotAllowed
from airflow_synapse_challenge.local_synapse.core.http import Context, operation
from airflow_synapse_challenge.local_synapse.core.store import Json, Store, as_text, dump, load, tables
from airflow_synapse_challenge.local_synapse.people import access, teams

from . import evaluations, rounds

#: Who took part in which submission; what limits ask of the submission is there again, so that counting is cheap.
tables(
    """
    CREATE TABLE IF NOT EXISTS contributor (
        submission INTEGER, principal INTEGER, evaluation INTEGER NOT NULL, team INTEGER, created_on TEXT NOT NULL,
        PRIMARY KEY (submission, principal)) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS contributor_principal ON contributor (principal, evaluation, created_on);
    CREATE INDEX IF NOT EXISTS contributor_in_team ON contributor (principal, evaluation, created_on)
        WHERE team IS NOT NULL;
    """
)

#: INVALID and REJECTED submissions give their slot back (T-02).
COUNTED = ("OPEN", "CLOSED", "SCORED", "VALIDATED", "EVALUATION_IN_PROGRESS", "RECEIVED", "ACCEPTED")
OF_CONTRIBUTOR = (
    "SELECT 1 FROM contributor CROSS JOIN submission ON submission.id = contributor.submission "
    "WHERE contributor.principal = ? AND contributor.evaluation = ? AND contributor.created_on >= ? "
    f"AND contributor.created_on < ? AND submission.status IN {COUNTED}"
)
OF_TEAM = (
    "SELECT 1 FROM submission WHERE team = ? AND evaluation = ? AND created_on >= ? AND created_on < ? "
    f"AND status IN {COUNTED}"
)
#: An int of Java.
HASH = re.compile(r"[+-]?\d{1,10}")


@dataclass(frozen=True)
class Window:
    """
    When submissions are taken, and how many from each submitter.

    :param limits: types and numbers.
    :param bounded: there is a round; without one every submission ever counts as of now.
    """

    start: str = ""
    end: str = "~"
    limits: tuple[tuple[str, int], ...] = ()
    bounded: bool = False

    @property
    def suffix(self) -> str:
        """How a refusal ends (T-01)."""
        return ". (for the current submission round)." if self.bounded else "."


def window_now(store: Store, evaluation: int) -> Window | None:
    """Return the window that is open now, ``None`` between the rounds of a queue (R-07, V-08)."""
    if current := rounds.current(store, evaluation):
        limits = load(current["doc"]).get("limits", [])
        pairs = tuple((limit["limitType"], int(limit["maximumSubmissions"])) for limit in limits)
        return Window(current["start"], current["end"], pairs, bounded=True)
    if quota := evaluations.quota_of(evaluations.row_of(store, evaluation)):
        found = quota.round_at(store.now())
        if found is None:
            return None
        pairs = () if quota.limit is None else (("TOTAL", quota.limit),)
        return Window(as_text(found[0]), as_text(found[1]), pairs, bounded=True)
    if store.one("SELECT 1 FROM round WHERE evaluation = ?", evaluation):
        return None
    return Window()


def check_individual(store: Store, evaluation: int, user: int) -> None:
    """Refuse a submission by a user who may not submit alone (T-01)."""
    participants = _participant_team(store, evaluation)
    if participants is not None and not access.is_member(store, participants, user):
        raise NotAllowed("Submitter is not registered for the challenge.")
    window = _require_window(store, evaluation)
    in_team = f"{OF_CONTRIBUTOR} AND contributor.team IS NOT NULL"
    if store.one(in_team, user, evaluation, window.start, window.end):
        raise NotAllowed(
            f"Submitter may not submit as an individual when having submitted as part of a Team{window.suffix}"
        )
    for kind, most in window.limits:
        if _filled(store, OF_CONTRIBUTOR, user, evaluation, window, kind, most):
            raise NotAllowed(f"Submitter has reached the {kind.lower()} limit of {most}{window.suffix}")


def check_team(store: Store, evaluation: int, team: int, contributors: set[int], state: str) -> None:
    """Refuse a team submission that is not eligible or whose state is old (T-04)."""
    window = _require_window(store, evaluation)
    if not HASH.fullmatch(state):
        raise NotAllowed(f"Submission Eligibilty Hash is invalid: {state}")
    now = team_eligibility(store, evaluation, team, window)
    if int(state) != now["eligibilityStateHash"]:
        raise NotAllowed("Submissions or Team composition have changed.  Please try again.")
    if not now["teamEligibility"]["isEligible"]:
        raise NotAllowed("The specified Team is ineligible to submit to the specified Evaluation at this time.")
    eligible = {member["principalId"] for member in now["membersEligibility"] if member["isEligible"]}
    if not_eligible := sorted(contributors - eligible):
        raise NotAllowed(
            "The following Team members are ineligible to contribute to a Submission in the specified Evaluation at "
            f"this time {not_eligible}"
        )


def _require_window(store: Store, evaluation: int) -> Window:
    window = window_now(store, evaluation)
    if window is None:
        raise NotAllowed("It is currently outside of the time range allowed for submissions.")
    return window


def team_eligibility(store: Store, evaluation: int, team: int, window: Window) -> Json:
    """Return ``TeamSubmissionEligibility`` (T-05, T-06)."""
    participants = _participant_team(store, evaluation)
    registered = None if participants is None else _team_registered(store, evaluation, team)
    filled = any(_filled(store, OF_TEAM, team, evaluation, window, kind, most) for kind, most in window.limits)
    members = teams.members_of(store, team)
    state: Json = {
        "evaluationId": str(evaluation),
        "teamId": str(team),
        "teamEligibility": _eligible({"isQuotaFilled": filled}, registered),
        "membersEligibility": [
            _eligible(
                {
                    "principalId": user,
                    "isQuotaFilled": any(
                        _filled(store, OF_CONTRIBUTOR, user, evaluation, window, kind, most)
                        for kind, most in window.limits
                    ),
                    "hasConflictingSubmission": _submitted_elsewhere(store, evaluation, user, team, window),
                },
                None if participants is None else access.is_member(store, participants, user),
            )
            for user in members
        ],
    }
    digest = hashlib.sha256(dump([state, _counts(store, evaluation, team, members)]).encode()).digest()
    return state | {"eligibilityStateHash": int.from_bytes(digest[:4], "big", signed=True)}


def _eligible(state: Json, registered: bool | None) -> Json:
    """Say what follows; without a challenge nobody is told to be registered or not (P-21)."""
    good = not state["isQuotaFilled"] and not state.get("hasConflictingSubmission") and registered is not False
    return state | {"isEligible": good} | ({} if registered is None else {"isRegistered": registered})


def _submitted_elsewhere(store: Store, evaluation: int, user: int, team: int, window: Window) -> bool:
    sql = f"{OF_CONTRIBUTOR} AND contributor.team IS NOT ?"
    return store.one(sql, user, evaluation, window.start, window.end, team) is not None


def _counts(store: Store, evaluation: int, team: int, members: Iterable[int]) -> list[object]:
    """Return what counts of the team and its members: the state that a submission must not be behind of (T-05)."""
    own = store.value(f"SELECT count(*) FROM ({OF_TEAM})", team, evaluation, "", "~")
    rows = store.all(
        "SELECT contributor.principal, count(*) FROM contributor CROSS JOIN submission "
        "ON submission.id = contributor.submission WHERE contributor.principal IN (SELECT value FROM json_each(?)) "
        f"AND contributor.evaluation = ? AND submission.status IN {COUNTED} GROUP BY contributor.principal",
        json.dumps(list(members)),
        evaluation,
    )
    return [own, *(list(row) for row in rows)]


def _participant_team(store: Store, evaluation: int) -> int | None:
    """Return the team of the registered users, ``None`` when the project has no challenge (H-05)."""
    found: int | None = store.value(
        "SELECT challenge.team FROM challenge JOIN evaluation USING (project) WHERE evaluation.id = ?", evaluation
    )
    return found


def _team_registered(store: Store, evaluation: int, team: int) -> bool:
    return (
        store.one(
            "SELECT 1 FROM evaluation JOIN challenge USING (project) "
            "JOIN challenge_team ON challenge_team.challenge = challenge.id "
            "WHERE evaluation.id = ? AND challenge_team.team = ?",
            evaluation,
            team,
        )
        is not None
    )


def window_start(kind: str, now: datetime, round_start: str) -> str:
    """Return since when submissions count toward a limit; days, weeks and months are UTC's (T-03)."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if kind == "DAILY":
        return as_text(today)
    if kind == "WEEKLY":
        return as_text(today - timedelta(days=today.weekday()))
    if kind == "MONTHLY":
        return as_text(today.replace(day=1))
    return round_start


def _filled(store: Store, whose: str, principal: int, evaluation: int, window: Window, kind: str, most: int) -> bool:
    """Tell whether a limit is reached; it is enough to count so far (T-02)."""
    since = window_start(kind, store.now(), window.start)
    counted = store.value(
        f"SELECT count(*) FROM ({whose} LIMIT ?)", principal, evaluation, since, window.end, min(most, 2**62)
    )
    return int(counted) >= most


def add_contributors(
    store: Store, submission: int, principals: Iterable[int], *, evaluation: int, team: int | None, created_on: str
) -> None:
    """Remember who took part in a submission (T-02)."""
    store.connection.executemany(
        "INSERT INTO contributor VALUES (?, ?, ?, ?, ?)",
        [(submission, principal, evaluation, team, created_on) for principal in principals],
    )


@operation("GET", "/repo/v1/evaluation/{id}/team/{team}/submissionEligibility")
def get_eligibility(context: Context) -> Json:
    """Ask whether a team may submit (T-05)."""
    store, evaluation, team = context.store, context.number("id"), context.number("team")
    if not access.is_member(store, team, context.user):
        raise NotAllowed("Requester is not a member of the Submission Team.")
    evaluations.require_submission_access(store, evaluation, context.user, "SUBMIT")
    window = window_now(store, evaluation)
    if window is None:
        raise Invalid("The given date is outside the time range allowed for submissions.")
    return team_eligibility(store, evaluation, team, window)
