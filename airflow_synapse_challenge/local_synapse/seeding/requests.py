"""Operations carried out as requests would, without HTTP: what is planted obeys the rules that clients meet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from starlette.responses import Response

from airflow_synapse_challenge.local_synapse.core.bodies import shaped
from airflow_synapse_challenge.local_synapse.core.errors import NameTaken
from airflow_synapse_challenge.local_synapse.core.http import Answer, Context
from airflow_synapse_challenge.local_synapse.core.routing import OPERATIONS, Router
from airflow_synapse_challenge.local_synapse.core.store import FIRST_IDS, Store

#: Where the objects of each kind of id are.
TABLES = {
    "principal": "principal",
    "entity": "entity",
    "evaluation": "evaluation",
    "challenge": "challenge",
    "wiki": "wiki_page",
}


class Requests:
    """
    Carries out operations for users, inside the caller's transaction.

    :param store: what they change.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self._router = Router(OPERATIONS)

    def __call__(self, user: int, method: str, path: str, body: Any = None, **query: str) -> Any:
        """
        Do what a user's request would do and return the answer's body.

        :raises Refused: as the request would be.
        """
        found = self._router.find(method, path)
        assert found is not None, f"{method} {path}"
        entry, placeholders = found
        sent = {} if body is None else body
        context = Context(
            store=self.store,
            user=user,
            path=placeholders,
            query=query,
            body=sent if entry.body is None else shaped(entry.body, sent),
            base="http://127.0.0.1",
        )
        result = entry.handler(context)
        if isinstance(result, Answer):
            return result.body
        return json.loads(bytes(result.body)) if isinstance(result, Response) else result


@contextmanager
def next_id(store: Store, kind: str, known: int | None) -> Iterator[None]:
    """
    Make the next object of a kind get a known id; those after it get new ones as before.

    :param known: ``None`` leaves it to the store.
    """
    if known is None:
        yield
        return
    if store.one(f"SELECT 1 FROM {TABLES[kind]} WHERE id = ?", known):
        raise NameTaken(f"The id {known} is taken already.")
    counter = f"last_{kind}"
    before = int(store.setting(counter) or FIRST_IDS[kind] - 1)
    store.set_setting(counter, str(known - 1))
    yield
    # Never below the known id: its number would come up a second time.
    store.set_setting(counter, str(max(before, known)))


@contextmanager
def clock_at(store: Store, moment: datetime) -> Iterator[None]:
    """Let the store's time stand still at a moment."""
    store.standing = moment
    try:
        yield
    finally:
        store.standing = None
