"""Everything put together."""

from __future__ import annotations

from pathlib import Path

from starlette.applications import Starlette

from . import control
from .content import entities, entity_access
from .core.http import Server
from .core.store import Store
from .files import handles, multipart
from .people import messages, principals, teams
from .queues import challenges, eligibility, evaluations, statuses, submissions
from .seeding.seed import seed
from .website import pages
from .wikis import files as wiki_files
from .wikis import services as wikis

#: Importing a module registers its operations.
CONCEPTS = (
    challenges,
    eligibility,
    entities,
    entity_access,
    evaluations,
    handles,
    messages,
    multipart,
    principals,
    statuses,
    submissions,
    teams,
    wiki_files,
    wikis,
)


def build(folder: Path) -> Starlette:
    """Return the application over the state in a folder."""
    store = Store(folder)
    seed(store)
    # Pages and control come first: the catch-all of the server would take their paths.
    server = Server(store)
    server.app.router.routes[:0] = [
        *control.routes(server),
        *pages.routes(server),
        *handles.storage_routes(store),
        *multipart.storage_routes(store),
    ]
    return server.app
