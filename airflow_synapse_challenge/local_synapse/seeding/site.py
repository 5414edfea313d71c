"""What all planters share: the store, requests of users, look-ups by name, and the place of what is planted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from airflow_synapse_challenge.local_synapse.core.errors import Missing, Refused
from airflow_synapse_challenge.local_synapse.core.http import as_id
from airflow_synapse_challenge.local_synapse.core.requests import Requests
from airflow_synapse_challenge.local_synapse.core.store import Store
from airflow_synapse_challenge.local_synapse.people import access

from .marked_yaml import Misplaced

#: The principal that may do everything.
ADMINISTRATOR = 1
GROUPS = {"public": access.PUBLIC, "authenticated": access.AUTHENTICATED}


@contextmanager
def at(*path: str | int) -> Iterator[None]:
    """Tell the place of what is refused inside, unless a place inside it has been told."""
    try:
        yield
    except Refused as refusal:
        raise Misplaced(path, f"refused, as Synapse would: {refusal.reason}") from refusal


class Site:
    """
    Where things are planted.

    :param folder: where the files are that the seed file names.
    """

    def __init__(self, store: Store, folder: Path) -> None:
        self.store = store
        self.folder = folder
        self.now = store.now()
        self.request = Requests(store)

    def user(self, name: str, *path: str | int) -> int:
        """Return the principal id of a user."""
        found = self.store.value("SELECT id FROM principal WHERE kind = 'user' AND name = ?", name)
        if found is None:
            raise Misplaced(path, f"there is no user {name!r}; name one under users, or one that every Synapse has")
        return int(found)

    def team(self, name: str, *path: str | int) -> int:
        """Return the principal id of a team."""
        found = self.store.value("SELECT id FROM principal WHERE kind = 'team' AND name = ?", name)
        if found is None:
            raise Misplaced(path, f"there is no team {name!r}; name one under teams")
        return int(found)

    def principal(self, name: str, *path: str | int) -> int:
        """Return the principal id of a user, a team, ``public`` or ``authenticated``."""
        if name in GROUPS:
            return GROUPS[name]
        found = self.store.value("SELECT id FROM principal WHERE name = ?", name)
        if found is None:
            raise Misplaced(path, f"there is no user or team {name!r}; {' and '.join(GROUPS)} stand for everybody")
        return int(found)

    def entity(self, name: str, *path: str | int) -> str:
        """Return the synID of an entity that is named by its id or by ``project/folder/file``."""
        if re.fullmatch(r"syn\d+", name):
            return name
        parent: str | None = None
        for part in name.split("/"):
            wanted = {"parentId": parent, "entityName": part} if parent else {"entityName": part}
            try:
                parent = self.request(ADMINISTRATOR, "POST", "/repo/v1/entity/child", wanted)["id"]
            except Missing as error:
                where = f"in {name.rpartition(part)[0].rstrip('/')}" if parent else "among the projects"
                raise Misplaced(path, f"there is nothing named {part!r} {where}") from error
        assert parent is not None
        return parent

    def queue(self, name: str, *path: str | int) -> int:
        """Return the id of a queue that is named by its name or its id."""
        column, value = ("id", as_id(name)) if name.isdecimal() else ("name", name)
        found = self.store.value(f"SELECT id FROM evaluation WHERE {column} = ?", value)
        if found is None:
            raise Misplaced(path, f"there is no queue {name!r}; name one under queues")
        return int(found)

    def content(self, name: str, *path: str | int) -> bytes:
        """Return the content of a file beside the seed file."""
        try:
            content = (self.folder / name).read_bytes()
        except OSError as error:
            raise Misplaced(path, f"{self.folder / name} cannot be read: {error.strerror}") from error
        if not content:
            raise Misplaced(path, f"{self.folder / name} is empty; Synapse keeps no empty files")
        return content

    def rights(self, sharing: dict[str, list[str]], *path: str | int) -> list[dict[str, Any]]:
        """Return the entries of an access control list."""
        return [
            {"principalId": self.principal(name, *path, name), "accessType": rights} for name, rights in sharing.items()
        ]
