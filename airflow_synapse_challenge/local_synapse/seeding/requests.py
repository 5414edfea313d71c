"""What requests of planters need beside the requests themselves: ids that are known, and times that are past."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from airflow_synapse_challenge.local_synapse.core.errors import NameTaken
from airflow_synapse_challenge.local_synapse.core.store import FIRST_IDS, Store

#: Where the objects of each kind of id are.
TABLES = {
    "principal": "principal",
    "entity": "entity",
    "evaluation": "evaluation",
    "challenge": "challenge",
    "wiki": "wiki_page",
}


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
