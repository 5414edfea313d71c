"""From an HTTP request to an operation and back: registry, caller, errors, faults on demand."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from .errors import Invalid, InvalidToken, NotServed, Refused
from .faults import Drop, Faults
from .store import Json, Store

log = logging.getLogger("local_synapse")

ANONYMOUS = 273950
Handler = Callable[["Context"], Any]
OPERATIONS: list[tuple[str, str, int, Handler]] = []


@dataclass
class Context:
    """
    One request, as its operation sees it.

    :param store: the state.
    :param user: principal id of the caller, the anonymous user without a token.
    :param path: values of the path's placeholders.
    :param query: query parameters.
    :param body: the JSON body, ``{}`` without one.
    :param base: address of this server.
    """

    store: Store
    user: int
    path: dict[str, str]
    query: dict[str, str]
    body: Any
    base: str
    headers: dict[str, str] = field(default_factory=dict)

    def number(self, name: str) -> int:
        """Return an id from the path; ids are decimal, with or without ``syn``."""
        return as_id(self.path[name])

    def page(self, default: int = 10, most: int | None = None) -> tuple[int, int]:
        """Return offset and limit (G-10)."""
        try:
            offset, limit = int(self.query.get("offset", 0)), int(self.query.get("limit", default))
        except ValueError as error:
            raise Invalid(f"offset and limit must be numbers: {error}") from error
        if most is not None and not 0 <= limit <= most:
            raise Invalid(f"limit must be between 0 and {most}")
        if offset < 0:
            raise Invalid("'offset' may not be negative")
        return offset, limit


@dataclass(frozen=True)
class Text:
    """An answer that is plain text."""

    text: str


@dataclass(frozen=True)
class Redirect:
    """An answer that sends the caller elsewhere, or tells the address with ``redirect=false`` (G-12)."""

    url: str


def operation(method: str, path: str, status: int = 200) -> Callable[[Handler], Handler]:
    """
    Register an operation of Synapse.

    :param path: with the service's prefix, for example ``/repo/v1/evaluation/{id}``.
    :param status: HTTP status of a success.
    """

    def register(handler: Handler) -> Handler:
        OPERATIONS.append((method, path, status, handler))
        return handler

    return register


def as_id(text: str | int | None) -> int:
    """Return the number of an id (G-11)."""
    digits = re.fullmatch(r"(?:syn)?(\d{1,18})(?:\.\d+)?", str(text).strip(), re.IGNORECASE)
    if not digits:
        raise Invalid(f"{text} is not a valid Synapse ID.")
    return int(digits[1])


def paginated(items: list[Any], offset: int, limit: int) -> Json:
    """Return ``PaginatedResults`` with Synapse's estimated total (G-08)."""
    total = offset + len(items) + (1 if len(items) >= limit > 0 else 0)
    return {"results": items, "totalNumberOfResults": total}


class Server:
    """
    The HTTP face of a store.

    :param store: the state.
    :param extra_routes: pages and the control interface.
    """

    def __init__(self, store: Store, extra_routes: Iterable[Route] = ()) -> None:
        self.store = store
        self.calls: Counter[str] = Counter()
        self.faults = Faults()
        routes = [
            Route(path, self._endpoint(method, path, status, handler), methods=[method])
            for method, path, status, handler in sorted(OPERATIONS, key=_most_specific_first)
        ]
        self.app = Starlette(
            routes=[*extra_routes, *routes, Route("/{rest:path}", self._unknown, methods=METHODS)],
            middleware=[Middleware(_WithoutTrailingSlash)],
        )
        self.app.router.redirect_slashes = False

    def _endpoint(
        self, method: str, path: str, status: int, handler: Handler
    ) -> Callable[[Request], Awaitable[Response]]:
        name = f"{method} {path}"

        async def endpoint(request: Request) -> Response:
            self.calls[name] += 1
            fault = self.faults.take(name)
            if fault and fault.latency_ms:
                await asyncio.sleep(fault.latency_ms / 1000)
            if fault and not fault.after and fault.fails:
                return fault.response()
            try:
                context = await self._context(request)
                answer = self._answer(handler, context, status, read_only=method == "GET")
            except Refused as refusal:
                answer = error_response(refusal.status, refusal.reason, refusal.code)
            except Exception:
                log.exception("%s failed", name)
                answer = error_response(500, f"The local Synapse failed at {name}; its log has the traceback.")
            return fault.response() if fault and fault.after and fault.fails else answer

        return endpoint

    def _answer(self, handler: Handler, context: Context, status: int, *, read_only: bool) -> Response:
        if read_only:
            result = handler(context)
        else:
            with self.store.transaction():
                result = handler(context)
        return _response(result, status, context)

    async def _context(self, request: Request) -> Context:
        raw = await request.body()
        body: Any = {}
        if raw and "json" in request.headers.get("content-type", "application/json"):
            try:
                body = json.loads(raw)
            except ValueError as error:
                raise Invalid(f"The body is not JSON: {error}") from error
        return Context(
            store=self.store,
            user=self.caller(request),
            path=dict(request.path_params),
            query=dict(request.query_params),
            body=without_nulls(body),
            base=f"{request.url.scheme}://{request.headers.get('host', '127.0.0.1')}",
            headers=dict(request.headers),
        )

    def caller(self, request: Request) -> int:
        """Return the principal of the request's token; no token is the anonymous user (G-01)."""
        header = request.headers.get("authorization", "")
        token = header.removeprefix("Bearer ") if header.startswith("Bearer ") else request.headers.get("sessiontoken")
        if not token:
            return ANONYMOUS
        principal = self.store.value("SELECT principal FROM token WHERE token = ?", token)
        if principal is None:
            raise InvalidToken("Invalid access token")
        return int(principal)

    async def _unknown(self, request: Request) -> Response:
        if request.url.path.rstrip("/") in SERVICE_ROOTS:
            return JSONResponse({})
        name = f"{request.method} {request.url.path}"
        log.warning("%s is not served", name)
        self.calls["not served"] += 1
        refusal = NotServed(f"The local Synapse does not have this operation: {name}")
        return error_response(refusal.status, refusal.reason)


METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH"]
SERVICE_ROOTS = {"/repo/v1", "/auth/v1", "/file/v1", "/docker/v1"}


class _WithoutTrailingSlash:
    """Synapse takes ``/userProfile/`` for ``/userProfile``, and synapseclient asks so."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] == "http":
            scope["path"] = scope["path"].rstrip("/") or "/"
        await self._app(scope, receive, send)


def error_response(status: int, reason: str, code: str | None = None) -> Response:
    """Return Synapse's error body (G-04)."""
    body = {"concreteType": "org.sagebionetworks.repo.model.ErrorResponse", "reason": reason}
    if code:
        body["errorCode"] = code
    headers = {"WWW-Authenticate": 'Bearer realm="Synapse"'} if status == 401 else None
    return JSONResponse(body, status, headers=headers)


def without_nulls(value: Any) -> Any:
    """Return JSON without null properties: for Synapse null is absent (G-06, P-20)."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in value]
    return value


def _response(result: Any, status: int, context: Context) -> Response:
    if isinstance(result, Response):
        return result
    if isinstance(result, Text):
        return PlainTextResponse(result.text, status)
    if isinstance(result, Redirect):
        if context.query.get("redirect", "true") == "false":
            return PlainTextResponse(result.url)
        return Response(status_code=307, headers={"Location": result.url})
    if result is None:
        return Response(status_code=status)
    return JSONResponse(without_nulls(result), status)


def _most_specific_first(entry: tuple[str, str, int, Handler]) -> tuple[int, str]:
    return entry[1].count("{"), entry[1]


__all__ = ["Context", "Drop", "Redirect", "Server", "Text", "as_id", "operation", "paginated"]
