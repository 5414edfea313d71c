"""A second look at the database, which changes nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from airflow_synapse_challenge.local_synapse.core.store import Store


class ReadingStore(Store):
    """
    A store's state for a thread that only reads it, while requests go on changing the store itself.

    :param store: whose time and files it shares.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.folder, self.files = store.folder, store.files
        self.connection = sqlite3.connect(store.folder / "synapse.db", isolation_level=None, check_same_thread=False)
        self.connection.row_factory = sqlite3.Row
        self.connection.execute("PRAGMA query_only = ON")

    def now(self) -> datetime:
        """Return the store's time."""
        return self._store.now()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """See one state of everything, whatever is written meanwhile."""
        self.connection.execute("BEGIN")
        try:
            yield
        finally:
            self.connection.execute("ROLLBACK")
