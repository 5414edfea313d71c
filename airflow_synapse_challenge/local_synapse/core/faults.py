"""Faults on demand, so that other tests need not patch anything."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send


class Drop(Response):
    """Close the connection without an answer."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Make the server break the connection: the declared length never arrives."""
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1000000")]})
        raise ConnectionResetError("ordered fault: the connection is dropped")


@dataclass
class Fault:
    """
    What goes wrong, for which operation, how often.

    :param operation: ``METHOD /template/path`` or ``*``.
    :param count: how many requests it hits; ``None`` for all.
    :param until: monotonic time at which it ends.
    :param after: the operation takes effect and only its answer is spoilt.
    """

    id: int
    operation: str
    status: int | None = None
    reason: str = "ordered fault"
    retry_after: float | None = None
    latency_ms: float = 0
    drop: bool = False
    after: bool = False
    count: int | None = None
    until: float | None = None
    hits: int = field(default=0)

    @property
    def fails(self) -> bool:
        """It spoils the answer, rather than only delaying it."""
        return self.drop or self.status is not None

    def response(self) -> Response:
        """Return the spoilt answer."""
        if self.drop:
            return Drop()
        headers = {"Retry-After": f"{self.retry_after:g}"} if self.retry_after is not None else None
        body = {"concreteType": "org.sagebionetworks.repo.model.ErrorResponse", "reason": self.reason}
        return JSONResponse(body, self.status or 503, headers=headers)


class Faults:
    """The faults that are ordered now."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._last_id = 0

    def order(self, wish: dict[str, Any]) -> Fault:
        """Add a fault from its JSON description (see ``POST /control/faults``)."""
        self._last_id += 1
        seconds = wish.get("seconds")
        fault = Fault(
            id=self._last_id,
            operation=wish.get("operation", "*"),
            status=wish.get("status"),
            reason=wish.get("reason", "ordered fault"),
            retry_after=wish.get("retry_after"),
            latency_ms=wish.get("latency_ms") or 0,
            drop=bool(wish.get("drop")),
            after=wish.get("where") == "after",
            count=wish.get("count"),
            until=time.monotonic() + seconds if seconds else None,
        )
        self._faults.append(fault)
        return fault

    def take(self, operation: str) -> Fault | None:
        """Return the fault that hits this request, if any, and count it."""
        now = time.monotonic()
        self._faults = [
            fault
            for fault in self._faults
            if (fault.until is None or now < fault.until) and (fault.count is None or fault.hits < fault.count)
        ]
        for fault in self._faults:
            if fault.operation in ("*", operation):
                fault.hits += 1
                return fault
        return None

    def clear(self) -> None:
        """Forget all faults."""
        self._faults.clear()
