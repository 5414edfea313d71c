"""The registry of operations, and which of them a request means."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter

Handler = Callable[[Any], Any]

#: What a personal access token needs for a call, unless the operation says otherwise (G-02).
SCOPE_OF_METHOD = {"GET": ("view",)}
PLACEHOLDER = re.compile(r"\{(\w+)(?::(int|path))?\}")
KINDS = {None: r"[^/]+", "int": r"\d+", "path": r".+"}


@dataclass(frozen=True)
class Operation:
    """
    One operation of Synapse.

    :param path: template with the service's prefix, for example ``/repo/v1/evaluation/{id}``.
    :param status: HTTP status of a success.
    :param handler: takes a :class:`~.http.Context` and returns the answer's body.
    :param body: shape of the JSON body, if it takes one.
    :param scopes: what the caller's token has to allow.
    :param writes: it runs in a transaction.
    """

    method: str
    path: str
    status: int
    handler: Handler
    body: TypeAdapter[Any] | None = None
    scopes: tuple[str, ...] = ()
    writes: bool = True
    pattern: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        parts, end = [], 0
        for found in PLACEHOLDER.finditer(self.path):
            parts += [re.escape(self.path[end : found.start()]), f"(?P<{found[1]}>{KINDS[found[2]]})"]
            end = found.end()
        object.__setattr__(self, "pattern", re.compile("".join([*parts, re.escape(self.path[end:])])))

    @property
    def name(self) -> str:
        """How faults, counts and logs call it: method and template, placeholders without their kinds."""
        return f"{self.method} " + PLACEHOLDER.sub(r"{\1}", self.path)

    @property
    def placeholders(self) -> int:
        """How many parts of the path are free."""
        return self.path.count("{")


OPERATIONS: list[Operation] = []


def operation(
    method: str,
    path: str,
    status: int = 200,
    *,
    body: Any = None,
    scopes: tuple[str, ...] | None = None,
    writes: bool | None = None,
) -> Callable[[Handler], Handler]:
    """
    Register an operation of Synapse; the parameters are those of :class:`Operation`.

    :param body: a ``Body`` (see :mod:`.bodies`): what fits no such shape is answered with 400.
    :param scopes: default: ``view`` for GET, else ``modify``.
    :param writes: default: every method but GET.
    """

    def register(handler: Handler) -> Handler:
        OPERATIONS.append(
            Operation(
                method,
                path,
                status,
                handler,
                TypeAdapter(body) if body is not None else None,
                scopes if scopes is not None else SCOPE_OF_METHOD.get(method, ("modify",)),
                method != "GET" if writes is None else writes,
            )
        )
        return handler

    return register


class Router:
    """
    Finds operations by method and path.

    :param operations: where two fit, the one with fewer placeholders is meant.
    """

    def __init__(self, operations: Iterable[Operation]) -> None:
        self._by_length: dict[tuple[str, int], list[Operation]] = {}
        self._of_any_length: dict[str, list[Operation]] = {}
        for entry in sorted(operations, key=lambda each: (each.placeholders, each.path)):
            if ":path}" in entry.path:
                self._of_any_length.setdefault(entry.method, []).append(entry)
            else:
                self._by_length.setdefault((entry.method, entry.path.count("/")), []).append(entry)

    def find(self, method: str, path: str) -> tuple[Operation, dict[str, str]] | None:
        """Return the operation that a request means, with the values of its placeholders."""
        for entry in (*self._by_length.get((method, path.count("/")), ()), *self._of_any_length.get(method, ())):
            if found := entry.pattern.fullmatch(path):
                return entry, found.groupdict()
        return None
