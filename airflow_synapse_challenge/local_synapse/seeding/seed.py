"""What a new Synapse holds before anybody has done anything."""

from __future__ import annotations

import secrets

from airflow_synapse_challenge.local_synapse.core.store import Store, dump
from airflow_synapse_challenge.local_synapse.people import access, principals

#: Principals that clients and scripts know by number.
GROUPS = {
    2: "Administrators",
    3: "Certified Users",
    access.TRUSTED_SENDERS: "Trusted Message Senders",
    access.AUTHENTICATED: "Authenticated Users",
    access.PUBLIC: "PUBLIC",
    3379097: "CNB Challenge Support",
}
USERS = (
    ("synapse-admin", "Synapse", "Admin", True),
    ("challenge-service", "Challenge", "Service", False),
    ("participant", "Pat", "Participant", False),
)


def seed(store: Store) -> None:
    """Fill an empty store; do nothing to a used one."""
    if store.setting("seeded"):
        return
    with store.transaction():
        store.set_setting("storage_secret", secrets.token_hex(32))
        now = store.timestamp()
        for identity, name in GROUPS.items():
            doc = {"id": str(identity), "name": name, "createdOn": now, "modifiedOn": now, "etag": "seed"}
            store.run("INSERT INTO principal VALUES (?, 'team', ?, 0, 1, ?)", identity, name, dump(doc))
            access.write_acl(store, "team", identity, [{"principalId": identity, "accessType": access.TEAM_MESSENGER}])
        for user_name, first_name, last_name, admin in USERS:
            principals.create_user(store, user_name, first_name=first_name, last_name=last_name, admin=admin)
        store.run(
            "INSERT INTO member SELECT 3379097, id, 1 FROM principal WHERE name = 'challenge-service'",
        )
        # A challenge's service tells every participant how they did; it would soon meet the limit of messages.
        store.run(
            "INSERT INTO member SELECT ?, id, 0 FROM principal WHERE name = 'challenge-service'", access.TRUSTED_SENDERS
        )
        store.set_setting("seeded", now)
