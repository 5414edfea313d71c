"""
From a request for a page to its HTML.

Pages are made one after another in a thread of their own, on a connection of their own that cannot write: a long page
holds up other pages, never a request of a client.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import parse_qs, unquote

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Match, Route
from starlette.types import Scope

from airflow_synapse_challenge.local_synapse.core.errors import Missing, Refused
from airflow_synapse_challenge.local_synapse.core.http import Server
from airflow_synapse_challenge.local_synapse.core.requests import Requests
from airflow_synapse_challenge.local_synapse.core.store import Store

from .reading import ReadingStore
from .visits import DEFAULT_VIEWER, NOBODY, Viewer, Visit, viewer_named

log = logging.getLogger("local_synapse")

COOKIE = "local_synapse_viewer"
#: Nothing but this site's own style and pictures; no script, whatever a page says.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
#: An address on this site.
HERE = re.compile(r"/(?![/\\]).*")
#: What the server's other parts answer, in JSON.
NO_PAGES = ("/repo/", "/auth/", "/file/", "/docker/", "/storage/", "/control/")
MOST_PEOPLE = 10


@dataclass(frozen=True)
class Page:
    """
    What a page says, and the template that says it.

    :param values: for the template.
    """

    template: str
    values: dict[str, Any] = field(default_factory=dict)
    status: int = 200


#: Makes a page, or leads elsewhere; what it refuses becomes a page that says so.
Maker = Callable[[Visit], "Page | Response"]


class Site:
    """
    Makes pages about a server's state.

    :param server: the server.
    """

    def __init__(self, server: Server) -> None:
        self._store = server.store
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="pages")
        self._reading: tuple[ReadingStore, Requests] | None = None

    def route(self, path: str, make: Maker) -> Route:
        """Return the route of a page."""
        return Route(path, partial(self._answer, make), methods=["GET"])

    def unknown(self) -> Route:
        """Return the route of addresses that lead to no page, for people: programs get the server's own answer."""
        return _Unknown("/{rest:path}", partial(self._answer, _no_page), methods=["GET"])

    def chooser(self) -> Route:
        """Return the route that takes who looks from now on."""
        return Route("/viewer", _choose, methods=["POST"])

    async def _answer(self, make: Maker, request: Request) -> Response:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._made, make, request, loop)

    def _made(self, make: Maker, request: Request, loop: asyncio.AbstractEventLoop) -> Response:
        if self._reading is None:
            reading = ReadingStore(self._store)
            self._reading = reading, Requests(reading, base="")
        store, requests = self._reading
        with store.snapshot():
            visit = Visit(
                store=store,
                viewer=viewer_named(store, unquote(request.cookies.get(COOKIE, DEFAULT_VIEWER))),
                path=request.path_params,
                query=dict(request.query_params),
                address=request.url.path,
                base=str(request.base_url).rstrip("/"),
                requests=requests,
                beside=partial(self._beside, loop),
            )
            try:
                made = make(visit)
                return made if isinstance(made, Response) else _html(visit, made)
            except Refused as refusal:
                return _html(visit, Page("refused.html", {"refusal": refusal}, refusal.status))
            except Exception:
                log.exception("The page %s failed", visit.address)
                return _html(visit, Page("failed.html", status=500))

    def _beside(self, loop: asyncio.AbstractEventLoop, work: Callable[[Store], Any]) -> Any:
        """Do something in a transaction on the server's own store, between its requests."""

        async def done() -> Any:
            with self._store.transaction():
                return work(self._store)

        return asyncio.run_coroutine_threadsafe(done(), loop).result()


class _Unknown(Route):
    """Matches what a browser asks for outside of the paths of Synapse."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, child = super().matches(scope)
        if match is Match.FULL and not _for_people(Request(scope)):
            return Match.NONE, {}
        return match, child


def _for_people(request: Request) -> bool:
    path = request.url.path
    return "text/html" in request.headers.get("accept", "") and not path.startswith(NO_PAGES)


def _no_page(visit: Visit) -> Page:
    raise Missing(f"There is no page {visit.address}.")


def _html(visit: Visit, page: Page) -> Response:
    from .environment import environment

    text = environment().get_template(page.template).render(visit=visit, people=_people(visit), **page.values)
    return HTMLResponse(text, page.status, headers=HEADERS)


def _people(visit: Visit) -> list[Viewer]:
    """Return users whose eyes the pages can be seen with: those first who can log in."""
    rows = visit.store.all(
        "SELECT id, name FROM principal WHERE kind = 'user' AND id IN (SELECT principal FROM token) "
        "ORDER BY id LIMIT ?",
        MOST_PEOPLE,
    )
    return [Viewer(row["id"], row["name"]) for row in rows]


async def _choose(request: Request) -> Response:
    form = parse_qs((await request.body()).decode(errors="replace"))
    back = form.get("back", ["/"])[0]
    answer = RedirectResponse(back if HERE.fullmatch(back) else "/", 303)
    answer.set_cookie(COOKIE, _cookie_text(form.get("viewer", [NOBODY])[0]), samesite="lax", httponly=True)
    return answer


def _cookie_text(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9._-]{1,128}", name) else DEFAULT_VIEWER
