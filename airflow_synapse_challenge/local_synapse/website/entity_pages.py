"""Pages of entities: projects with their tabs, folders, files, links, Docker repositories, tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from airflow_synapse_challenge.local_synapse.core.store import Json

from . import files, tables
from .site import Page
from .subjects import Subject, subject_of
from .visits import Paging, Visit
from .wikis import article_of

FILES = ("folder", "file", "link", "dataset", "recordset")
TABLES = ("table", "entityview", "submissionview", "materializedview", "virtualtable")
VERSIONED = ("file", *TABLES)

Values = dict[str, Any]


def entity(visit: Visit) -> Page:
    """Show an entity: a project's wiki, what is in a folder, a file with its versions, the rows of a table."""
    subject = subject_of(visit)
    if subject.short == "project":
        article = article_of(visit, f"/entity/{subject.id}", subject.address)
        return Page("project.html", {"subject": subject, "article": article})
    activity = subject.bundle.get("activity")
    values: Values = {"subject": subject, "activity": activity, "used": files.used_by(visit, activity)}
    if subject.short in VERSIONED:
        values["versions"], values["versions_paging"] = files.versions_of(visit, subject)
    values |= PARTS_OF.get(subject.short, _nothing)(visit, subject)
    if subject.short in TABLES:
        return Page("table.html", values)
    return Page("entity.html", values | {"article": article_of(visit, f"/entity/{subject.id}", subject.address)})


def children_of(visit: Visit, parent: str | None, types: tuple[str, ...]) -> tuple[list[Json], Paging]:
    """Return a page of the children that the viewer may see, and the paging; no parent means projects."""
    paging = visit.paging()
    body: Json = {"includeTypes": list(types), "includeTotalChildCount": True}
    # Of projects the newest are looked for most, of what lies in them something that one knows by name.
    body |= {"parentId": parent} if parent else {"sortBy": "CREATED_ON", "sortDirection": "DESC"}
    found = visit.post("/entity/children", body | {"nextPageToken": f"{paging.size}a{paging.offset}"})
    counted = paging.counted(found["totalChildCount"])
    if counted.number != paging.number:
        found = visit.post("/entity/children", body | {"nextPageToken": f"{paging.size}a{counted.offset}"})
    return found["page"], counted


def _nothing(visit: Visit, subject: Subject) -> Values:
    return {}


def _folder(visit: Visit, subject: Subject) -> Values:
    children, paging = children_of(visit, subject.id, (*FILES, *TABLES))
    return {"children": children, "paging": paging}


def _link(visit: Visit, subject: Subject) -> Values:
    reference = subject.entity.get("linksTo") or {}
    target = visit.post("/entity/header", {"references": [reference]})["results"] if reference else []
    return {"target": target[0] if target else None, "reference": reference}


def _repository(visit: Visit, subject: Subject) -> Values:
    paging = visit.paging()
    asked = visit.get(f"/entity/{subject.id}/dockerTag", offset=paging.offset, limit=paging.size + 1)
    tags, paging = paging.cut(asked["results"])
    return {"tags": tags, "paging": paging}


PARTS_OF: dict[str, Callable[[Visit, Subject], Values]] = {
    "folder": _folder,
    "file": files.values_of,
    "link": _link,
    "dockerrepo": _repository,
    **dict.fromkeys(TABLES, tables.values_of),
}


def project_files(visit: Visit) -> Page:
    """Show the files and folders of a project."""
    subject = subject_of(visit, "files")
    children, paging = children_of(visit, subject.id, FILES)
    return Page("children.html", {"subject": subject, "children": children, "paging": paging})


def project_tables(visit: Visit) -> Page:
    """Show the tables and views of a project, leaderboards among them."""
    subject = subject_of(visit, "tables")
    children, paging = children_of(visit, subject.id, TABLES)
    return Page("children.html", {"subject": subject, "children": children, "paging": paging})


def project_docker(visit: Visit) -> Page:
    """Show the Docker repositories of a project."""
    subject = subject_of(visit, "docker")
    children, paging = children_of(visit, subject.id, ("dockerrepo",))
    repositories = [visit.get(f"/entity/{child['id']}") for child in children]
    return Page("docker.html", {"subject": subject, "repositories": repositories, "paging": paging})


def project_challenge(visit: Visit) -> Page:
    """Show the queues of a project, who takes part in its challenge, and its leaderboards."""
    subject = subject_of(visit, "challenge")
    paging = visit.paging()
    asked = visit.get(f"/entity/{subject.id}/evaluation", offset=paging.offset, limit=paging.size + 1)
    queues, paging = paging.cut(asked["results"])
    values: Values = {"subject": subject, "queues": queues, "paging": paging}
    challenge = visit.maybe(f"/entity/{subject.id}/challenge")
    if challenge:
        values["challenge"] = challenge
        team = challenge["participantTeamId"]
        values["participants"] = visit.get(f"/teamMembers/count/{team}")["count"]
        teams = visit.paging("teams")
        path = f"/challenge/{challenge['id']}/challengeTeam"
        registered = visit.get(path, offset=teams.offset, limit=teams.size)
        values["teams"] = registered["results"]
        values["teams_paging"] = teams.counted(registered["totalNumberOfResults"])
    values["leaderboards"] = tables.leaderboards_of(visit, [queue["id"] for queue in queues])
    return Page("challenge.html", values)
