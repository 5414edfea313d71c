"""
Records of what a local Synapse answered: written by the server of the tests, read when they have ended.

Each record is a line of JSON. Answers that look alike (operation, status, shape) are written once by each server.
"""

from __future__ import annotations

import json
import os
import re
import time
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .dialect import DATE_TIME

VARIABLE = "LOCAL_SYNAPSE_RECORDS"
#: Words that a schema may list: they belong to the shape, other texts do not.
WORD = re.compile(r"[A-Z][A-Z_]+|[a-z]+|org\.sagebionetworks\.[\w.]+")


@dataclass(frozen=True)
class Record:
    """
    One request and its answer.

    :param operation: method and template of the path.
    :param kind: content type of the answer.
    :param body: JSON, or the text of an answer that is none; ``None`` for bytes and for nothing.
    :param size: bytes in the answer.
    :param at: when the answer was complete, in seconds of the epoch.
    """

    operation: str
    status: int
    kind: str
    body: Any
    size: int
    query: list[str]
    request: Any
    at: float
    test: str = field(default="", compare=False)

    @property
    def empty(self) -> bool:
        """The answer has no body."""
        return self.size == 0


def shape(value: Any) -> Any:
    """Return what two values have to share so that checking one of them is enough."""
    if isinstance(value, dict):
        return tuple((key, shape(value[key])) for key in sorted(value))
    if isinstance(value, list):
        return ("list", *sorted({shape(item) for item in value}, key=repr))
    if isinstance(value, str):
        if re.match(DATE_TIME, value):
            return "date-time"
        return value if WORD.fullmatch(value) else "text"
    return type(value).__name__


class Recorder:
    """
    Middleware around a local Synapse.

    :param router: knows the operation that a request means.
    :param folder: gets a file for each process.
    """

    def __init__(self, app: ASGIApp, router: Any, folder: Path) -> None:
        self._app = app
        self._router = router
        self._path = folder / f"{os.getpid()}.jsonl"
        self._seen: set[int] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and write down what an operation of Synapse answered."""
        found = None
        if scope["type"] == "http":
            found = self._router.find(scope["method"], scope["raw_path"].decode().rstrip("/"))
        if found is None:
            await self._app(scope, receive, send)
            return
        asked, answered, start = bytearray(), bytearray(), {}

        async def heard() -> Message:
            message = await receive()
            asked.extend(message.get("body", b""))
            return message

        async def said(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            answered.extend(message.get("body", b""))
            await send(message)

        await self._app(scope, heard, said)
        if start:
            self._write(found[0].name, scope["query_string"].decode(), start, bytes(asked), bytes(answered))

    def _write(self, operation: str, query: str, start: dict[str, Any], asked: bytes, answered: bytes) -> None:
        kind = dict(start["headers"]).get(b"content-type", b"").decode()
        body = content(answered, kind)
        names = sorted({name for name, _ in parse_qsl(query, keep_blank_values=True)})
        signature = (operation, start["status"], kind, tuple(names), shape(body), not answered)
        if hash(signature) in self._seen:
            return
        self._seen.add(hash(signature))
        record = Record(
            operation,
            start["status"],
            kind,
            body,
            len(answered),
            names,
            content(asked, "application/json"),
            time.time(),
        )
        with self._path.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(vars(record)) + "\n")


def content(raw: bytes, kind: str) -> Any:
    """Return the JSON or the text of a body, ``None`` where it is neither."""
    if not raw:
        return None
    if "json" in kind:
        try:
            return json.loads(raw)
        except (ValueError, RecursionError):
            return None
    return raw.decode() if kind.startswith("text/") else None


class Journal:
    """The records of a whole run, each with the test that was running."""

    def __init__(self) -> None:
        #: Where the servers write.
        self.folder: Path | None = None
        self._since: list[float] = []
        self._tests: list[str] = []

    def begin(self, test: str) -> None:
        """Say which test runs from now on, ``""`` for none that is to be looked at."""
        self._since.append(time.time())
        self._tests.append(test)

    def records(self) -> Iterator[Record]:
        """Yield what was recorded while tests ran, alike answers once."""
        assert self.folder is not None, "no server has been told where to write"
        seen = set()
        for path in sorted(self.folder.glob("*.jsonl")):
            for line in path.read_text(encoding="utf-8").splitlines():
                record = Record(**json.loads(line))
                signature = (record.operation, record.status, record.kind, tuple(record.query), shape(record.body))
                test = self._test_at(record.at)
                if test and signature not in seen:
                    seen.add(signature)
                    yield replace(record, test=test)

    def _test_at(self, moment: float) -> str:
        position = bisect_right(self._since, moment)
        return self._tests[position - 1] if position else ""
