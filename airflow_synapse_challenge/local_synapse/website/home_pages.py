"""Where one begins: projects, queues, the viewer's mail, how clients connect."""

from __future__ import annotations

from typing import Any

from airflow_synapse_challenge.local_synapse.core.store import Json

from .entity_pages import children_of
from .site import Page
from .visits import Visit

FEW = 6


def home(visit: Visit) -> Page:
    """Show some of everything that the viewer sees."""
    projects, paging = children_of(visit, None, ("project",))
    queues = visit.get("/evaluation", limit=FEW + 1)["results"]
    mails: list[Json] = []
    if not visit.viewer.is_anonymous:
        mails = visit.get("/message/inbox", inboxFilter="UNREAD,READ", limit=FEW)["results"]
    values: dict[str, Any] = {
        "projects": [_described(visit, project) for project in projects[:FEW]],
        "more_projects": (paging.total or 0) > FEW,
        "queues": [_counted(visit, queue) for queue in queues[:FEW]],
        "more_queues": len(queues) > FEW,
        "mails": mails,
    }
    return Page("home.html", values)


def projects(visit: Visit) -> Page:
    """List the projects that the viewer sees."""
    found, paging = children_of(visit, None, ("project",))
    return Page("projects.html", {"projects": [_described(visit, project) for project in found], "paging": paging})


def queues(visit: Visit) -> Page:
    """List the queues that the viewer sees."""
    paging = visit.paging()
    asked = visit.get("/evaluation", offset=paging.offset, limit=paging.size + 1)["results"]
    found, paging = paging.cut(asked)
    return Page("queues.html", {"queues": [_counted(visit, queue) for queue in found], "paging": paging})


def _described(visit: Visit, header: Json) -> Json:
    """Return a header with how many queues the viewer sees there."""
    queues = visit.get(f"/entity/{header['id']}/evaluation", limit=FEW)["results"]
    return header | {"queues": queues}


def _counted(visit: Visit, queue: Json) -> Json:
    """Return a queue with its project's name and its number of submissions, as far as the viewer may know them."""
    project = visit.maybe(f"/entity/{queue['contentSource']}/type")
    return queue | {
        "projectName": project["name"] if project else queue["contentSource"],
        "submissions": visit.maybe(f"/evaluation/{queue['id']}/submission/count"),
    }
