"""Everything put together."""

from __future__ import annotations

from pathlib import Path

from starlette.applications import Starlette

from . import control
from .content import bundles, children, dois, entities
from .core.http import Server
from .core.store import Store
from .docker import bearer_tokens, commits, events, repositories
from .files import download_list, downloads, external, multipart, parts, project_settings
from .people import (
    discussion,
    mailboxes,
    members,
    memberships,
    mentions,
    messages,
    principals,
    profiles,
    replies,
    teams,
    threads,
)
from .queues import (
    batches,
    challenge_teams,
    challenges,
    contributors,
    eligibility,
    evaluations,
    legacy_query,
    listings,
    rounds,
    sharing,
    statuses,
    submissions,
)
from .seeding.seed import seed
from .tables import (
    columns,
    csv_downloads,
    csv_uploads,
    default_columns,
    query_jobs,
    snapshots,
    suggestions,
    table_types,
    transactions,
)
from .website import pages
from .wikis import files as wiki_files
from .wikis import services as wikis

#: Importing a module registers its operations.
CONCEPTS = (
    batches,
    bearer_tokens,
    bundles,
    challenge_teams,
    challenges,
    children,
    columns,
    commits,
    contributors,
    csv_downloads,
    csv_uploads,
    default_columns,
    discussion,
    dois,
    download_list,
    downloads,
    eligibility,
    entities,
    evaluations,
    events,
    external,
    legacy_query,
    listings,
    mailboxes,
    members,
    memberships,
    mentions,
    messages,
    multipart,
    principals,
    profiles,
    project_settings,
    query_jobs,
    replies,
    repositories,
    rounds,
    sharing,
    snapshots,
    statuses,
    submissions,
    suggestions,
    table_types,
    teams,
    threads,
    transactions,
    wiki_files,
    wikis,
)


def build(folder: Path) -> Starlette:
    """Return the application over the state in a folder."""
    store = Store(folder)
    seed(store)
    # Pages and control come first: the catch-all of the server would take their paths.
    server = Server(store)
    server.app.state.store = store
    server.app.router.routes[:0] = [
        *control.routes(server),
        *bearer_tokens.routes(),
        *pages.routes(server),
        *downloads.storage_routes(store),
        *discussion.storage_routes(store),
        *parts.storage_routes(store),
    ]
    return server.app
