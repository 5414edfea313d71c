"""Everything put together."""

from __future__ import annotations

from pathlib import Path

from starlette.applications import Starlette
from starlette.routing import Route

from . import (
    challenges,
    control,
    eligibility,
    entities,
    entity_access,
    evaluations,
    files,
    messages,
    multipart,
    pages,
    principals,
    statuses,
    submissions,
    teams,
)
from .http import Server
from .seed import seed
from .store import Store

#: Importing a module registers its operations.
CONCEPTS = (
    challenges,
    eligibility,
    entities,
    entity_access,
    evaluations,
    files,
    messages,
    multipart,
    principals,
    statuses,
    submissions,
    teams,
)


def build(folder: Path) -> Starlette:
    """Return the application over the state in a folder."""
    store = Store(folder)
    seed(store)
    routes: list[Route] = [*files.storage_routes(store), *multipart.storage_routes(store)]
    server = Server(store, routes)
    # Pages and control come first: the catch-all of the server would take their paths.
    server.app.router.routes[:0] = [*control.routes(server), *pages.routes(server)]
    return server.app
