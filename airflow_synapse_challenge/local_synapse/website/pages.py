"""The addresses of the pages."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from airflow_synapse_challenge.local_synapse.core.http import Server

from . import (
    discussion_pages,
    entity_pages,
    files,
    home_pages,
    mail_pages,
    people_pages,
    queue_pages,
    submission_pages,
    wikis,
)
from .site import Maker, Site

ENTITY = "/Synapse:{entity}"
QUEUE = "/queue/{queue}"
PAGES: dict[str, Maker] = {
    "/": home_pages.home,
    "/projects": home_pages.projects,
    "/queues": home_pages.queues,
    "/people": people_pages.people,
    "/teams": people_pages.teams,
    "/Profile:{user}": people_pages.profile,
    "/Team:{team}": people_pages.team,
    "/mail": mail_pages.own,
    "/mail/{user}": mail_pages.mailbox,
    "/submission/{submission}": submission_pages.submission,
    "/submission/{submission}/file/{handle}": submission_pages.file,
    QUEUE: queue_pages.queue,
    f"{QUEUE}/wiki/{{page}}": wikis.page_of_queue,
    f"{QUEUE}/wiki/{{page}}/attachment": wikis.attachment_of_queue,
    ENTITY: entity_pages.entity,
    f"{ENTITY}/wiki": entity_pages.entity,
    f"{ENTITY}/wiki/{{page}}": wikis.page_of_entity,
    f"{ENTITY}/wiki/{{page}}/attachment": wikis.attachment_of_entity,
    f"{ENTITY}/files": entity_pages.project_files,
    f"{ENTITY}/tables": entity_pages.project_tables,
    f"{ENTITY}/challenge": entity_pages.project_challenge,
    f"{ENTITY}/docker": entity_pages.project_docker,
    f"{ENTITY}/discussion": discussion_pages.forum,
    f"{ENTITY}/discussion/{{thread}}": discussion_pages.thread,
    f"{ENTITY}/download": files.download,
}
YEAR = 365 * 24 * 3600


def routes(server: Server) -> list[Route]:
    """Return the routes of the pages."""
    site = Site(server)
    return [
        *(site.route(path, make) for path, make in PAGES.items()),
        # Synapse's own site has addresses with a slash at the end, too.
        *(site.route(f"{path}/", make) for path, make in PAGES.items() if path != "/"),
        Route("/website/style.css", _style),
        site.chooser(),
        site.unknown(),
    ]


async def _style(_: Request) -> Response:
    from .environment import style

    # Its address changes with it.
    headers = {"Cache-Control": f"public, max-age={YEAR}, immutable"}
    return Response(style(), media_type="text/css", headers=headers)
