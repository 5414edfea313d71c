"""What a new Synapse holds before anybody has done anything."""

from __future__ import annotations

import secrets
from pathlib import Path

from airflow_synapse_challenge.local_synapse.core.http import ANONYMOUS, as_id
from airflow_synapse_challenge.local_synapse.core.store import Store, dump
from airflow_synapse_challenge.local_synapse.people import access, principals

#: Users, teams, projects and queues that scripts know by number.
KNOWN = Path(__file__).with_name("known.yaml")
#: Principals that are neither users nor teams.
GROUPS = {access.AUTHENTICATED: "AUTHENTICATED_USERS", access.PUBLIC: "PUBLIC"}
#: Accounts that nobody logs in to.
ACCOUNTS = {ANONYMOUS: "anonymous", 3412389: "data-access-notifications"}


def seed(store: Store) -> None:
    """Fill an empty store; do nothing to a used one."""
    if store.setting("seeded"):
        return
    # Only now: a server that has its data already need not read them.
    from . import portal, seed_file
    from .site import Site

    with store.transaction():
        store.set_setting("storage_secret", secrets.token_hex(32))
        _groups(store)
        seed_file.plant(store, seed_file.load(KNOWN))
        portal.plant(store, as_id(Site(store, KNOWN.parent).entity("Challenge Portal")))
        store.set_setting("seeded", store.timestamp())


def _groups(store: Store) -> None:
    from .requests import next_id

    for identity, name in GROUPS.items():
        doc = dump({"id": str(identity), "name": name})
        store.run("INSERT INTO principal (id, kind, name, doc) VALUES (?, 'group', ?, ?)", identity, name, doc)
    for identity, name in ACCOUNTS.items():
        with next_id(store, "principal", identity):
            principals.create_user(store, name, certified=False)
        store.run("DELETE FROM token WHERE principal = ?", identity)
