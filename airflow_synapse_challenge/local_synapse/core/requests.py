"""Operations carried out as requests would, without HTTP: what is asked inside the server obeys the same rules."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import Response

from .bodies import shaped
from .http import Answer, Context
from .routing import OPERATIONS, Router
from .store import Store


class Requests:
    """
    Carries out operations for users, inside the caller's transaction.

    :param store: what they read and change.
    :param base: what the addresses in their answers begin with.
    """

    def __init__(self, store: Store, base: str = "http://127.0.0.1") -> None:
        self.store = store
        self._base = base
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
            base=self._base,
        )
        result = entry.handler(context)
        if isinstance(result, Answer):
            return result.body
        return json.loads(bytes(result.body)) if isinstance(result, Response) else result
