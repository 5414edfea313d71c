"""Pages of queues: their rounds and their submissions, as the viewer sees them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from airflow_synapse_challenge.local_synapse.core.store import Json
from airflow_synapse_challenge.local_synapse.queues import evaluations
from airflow_synapse_challenge.local_synapse.queues.submissions import STATUSES

from . import sharing
from .entries import Entry
from .site import Page
from .tables import leaderboards_of
from .visits import Paging, Visit
from .wikis import article_of

MOST_ROUNDS = 200
PAST, OPEN, COMING = "past", "open", "coming"


@dataclass(frozen=True)
class Round:
    """
    A round of a queue.

    :param number: in the order of their starts.
    :param state: past, open or coming.
    """

    number: int
    doc: Json
    state: str


def queue(visit: Visit) -> Page:
    """Show a queue with its submissions."""
    identity = visit.number("queue")
    found = visit.get(f"/evaluation/{identity}")
    rights = visit.get(f"/evaluation/{identity}/permissions")
    values: dict[str, Any] = {
        "queue": found,
        "project": visit.maybe(f"/entity/{found['contentSource']}"),
        "rounds": (rounds := _rounds(visit, identity)),
        "opening": _opening(rounds, evaluations.quota_of(evaluations.row_of(visit.store, identity)) is not None),
        "granted": sharing.granted(rights, sharing.RIGHTS_OF_QUEUE),
        "rights": rights,
        "shares": sharing.shares(visit.get(f"/evaluation/{identity}/acl"), sharing.OF_QUEUE),
        "article": article_of(visit, f"/evaluation/{identity}", f"/queue/{identity}"),
        "leaderboards": leaderboards_of(visit, [str(identity)]),
        "statuses": STATUSES,
        "status": _wanted_status(visit),
    }
    return Page("queue.html", values | _submissions(visit, identity, rights))


def _rounds(visit: Visit, identity: int) -> list[Round]:
    docs: list[Json] = []
    body: Json = {}
    while len(docs) < MOST_ROUNDS:
        answer = visit.post(f"/evaluation/{identity}/round/list", body)
        docs += answer["page"]
        if "nextPageToken" not in answer:
            break
        body = {"nextPageToken": answer["nextPageToken"]}
    now = visit.store.timestamp()
    return [Round(at, doc, _state(doc, now)) for at, doc in enumerate(docs, 1)]


def _state(doc: Json, now: str) -> str:
    if doc["roundEnd"] <= now:
        return PAST
    return OPEN if doc["roundStart"] <= now else COMING


def _opening(rounds: list[Round], has_quota: bool) -> tuple[str, str, str | None]:
    """Return whether submissions are taken now: a state, words, and the time that they speak of."""
    if not rounds:
        return (OPEN, "takes submissions as its quota says", None) if has_quota else (OPEN, "always open", None)
    for state, words, end in ((OPEN, "open until", "roundEnd"), (COMING, "opens", "roundStart")):
        for entry in rounds:
            if entry.state == state:
                return state, words, entry.doc[end]
    return PAST, "closed since", rounds[-1].doc["roundEnd"]


def _wanted_status(visit: Visit) -> str:
    wanted = visit.query.get("status", "").upper()
    return wanted if wanted in STATUSES else ""


def _submissions(visit: Visit, identity: int, rights: Json) -> dict[str, Any]:
    """Return the lists that the viewer may see: everything, or all statuses and their own submissions."""
    status = _wanted_status(visit)
    values: dict[str, Any] = {}
    if rights["canViewPrivateSubmissionStatusAnnotations"]:
        values["all"], values["all_paging"] = _everything(visit, identity, status)
        return values
    values["own"], values["own_paging"] = _own(visit, identity)
    values["others"], values["others_paging"] = _statuses(visit, identity, status)
    return values


def _everything(visit: Visit, identity: int, status: str) -> tuple[list[Entry], Paging]:
    paging = visit.paging().counted(_length(visit, identity, status))
    bundles = _newest_first(visit, f"/evaluation/{identity}/submission/bundle/all", paging, status)
    return [Entry(bundle["submissionStatus"], bundle["submission"]) for bundle in bundles], paging


def _statuses(visit: Visit, identity: int, status: str) -> tuple[list[Entry], Paging]:
    paging = visit.paging().counted(_length(visit, identity, status))
    statuses = _newest_first(visit, f"/evaluation/{identity}/submission/status/all", paging, status)
    return [Entry(found) for found in statuses], paging


def _own(visit: Visit, identity: int) -> tuple[list[Entry], Paging]:
    counted = "SELECT count(*) FROM submission WHERE evaluation = ? AND user = ?"
    paging = visit.paging("own").counted(visit.store.value(counted, identity, visit.viewer.id))
    bundles = _newest_first(visit, f"/evaluation/{identity}/submission/bundle", paging, "")
    return [Entry(bundle["submissionStatus"], bundle["submission"]) for bundle in bundles], paging


def _length(visit: Visit, identity: int, status: str) -> int:
    condition, values = ("AND status = ?", [status]) if status else ("", [])
    counted = f"SELECT count(*) FROM submission WHERE evaluation = ? {condition}"
    return int(visit.store.value(counted, identity, *values))


def _newest_first(visit: Visit, path: str, paging: Paging, status: str) -> list[Json]:
    """Return a page of a list that Synapse gives oldest first, counted from its end."""
    assert paging.total is not None
    end = max(0, paging.total - paging.offset)
    start = max(0, end - paging.size)
    if end == start:
        return []
    found: list[Json] = visit.get(path, offset=start, limit=end - start, status=status or None)["results"]
    return list(reversed(found))
