"""Pages for people: what is in this Synapse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from airflow_synapse_challenge.local_synapse.content import entities
from airflow_synapse_challenge.local_synapse.core.errors import Refused
from airflow_synapse_challenge.local_synapse.core.http import Server, as_id
from airflow_synapse_challenge.local_synapse.core.store import Json, load
from airflow_synapse_challenge.local_synapse.people import messages, principals
from airflow_synapse_challenge.local_synapse.queues import evaluations, submissions

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=select_autoescape(), trim_blocks=True
)


def routes(server: Server) -> list[Route]:
    """Return the routes of the pages."""
    store = server.store

    def page(name: str, request: Request, **values: Any) -> Response:
        return HTMLResponse(_TEMPLATES.get_template(name).render(base=str(request.base_url).rstrip("/"), **values))

    async def home(request: Request) -> Response:
        projects = store.all("SELECT * FROM entity WHERE type = ? AND trashed_by IS NULL ORDER BY id", entities.PROJECT)
        queues = store.all("SELECT * FROM evaluation ORDER BY id")
        users = store.all("SELECT id, name FROM principal WHERE kind = 'user' ORDER BY id")
        waiting = {
            row["id"]: store.value("SELECT count(*) FROM submission WHERE evaluation = ?", row["id"]) for row in queues
        }
        return page(
            "home.html",
            request,
            projects=[entities.show(row) for row in projects],
            queues=[evaluations.show(row) for row in queues],
            counts=waiting,
            users=users,
        )

    async def entity(request: Request) -> Response:
        try:
            row = entities.row_of(store, as_id(request.path_params["id"]))
        except Refused as refusal:
            return page("missing.html", request, reason=refusal.reason)
        children = store.all("SELECT * FROM entity WHERE parent = ? AND trashed_by IS NULL ORDER BY name", row["id"])
        queues = store.all("SELECT * FROM evaluation WHERE project = ? ORDER BY id", row["id"])
        return page(
            "entity.html",
            request,
            entity=entities.show(row),
            parent=None if row["parent"] == entities.ROOT else entities.show(entities.row_of(store, row["parent"])),
            children=[entities.show(child) for child in children],
            queues=[evaluations.show(queue) for queue in queues],
            annotations=load(row["annotations"]),
        )

    async def queue(request: Request) -> Response:
        try:
            row = evaluations.row_of(store, as_id(request.path_params["id"]))
        except Refused as refusal:
            return page("missing.html", request, reason=refusal.reason)
        rows = store.all("SELECT * FROM submission WHERE evaluation = ? ORDER BY id DESC LIMIT 200", row["id"])
        names = {principal["id"]: principal["name"] for principal in store.all("SELECT id, name FROM principal")}
        return page("queue.html", request, queue=evaluations.show(row), entries=[_entry(r, names) for r in rows])

    async def mail(request: Request) -> Response:
        principal = request.path_params["principal"]
        who = principals.header(store, principal)
        return page("mail.html", request, who=who, mails=list(reversed(messages.mailbox(store, principal))))

    return [
        Route("/", home),
        Route("/Synapse:{id}", entity),
        Route("/queue/{id}", queue),
        Route("/mail/{principal:int}", mail),
    ]


def _entry(row: Any, names: dict[int, str]) -> Json:
    submission = submissions.show(row)
    status = submissions.show_status(row, private=True)
    older = status.get("annotations", {})
    annotations = {
        entry["key"]: (entry.get("value"), entry.get("isPrivate"))
        for kind in ("stringAnnos", "longAnnos", "doubleAnnos")
        for entry in older.get(kind, [])
    }
    return {
        "id": submission["id"],
        "name": submission["name"],
        "createdOn": submission["createdOn"],
        "submitter": names.get(int(submission.get("teamId") or submission["userId"]), "?"),
        "status": status["status"],
        "annotations": dict(sorted(annotations.items())),
    }
