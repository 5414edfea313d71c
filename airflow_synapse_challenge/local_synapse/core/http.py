"""From an HTTP request to an operation and back: registry, caller, errors, faults on demand."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from .bodies import shaped
from .errors import Invalid, InvalidToken, MissingScope, NotAllowed, NotServed, Refused, UnsupportedType
from .faults import Faults
from .routing import OPERATIONS, Operation, Router, operation
from .store import Json, Store

log = logging.getLogger("local_synapse")

ANONYMOUS = 273950


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
    :param raw_query: the query as it came.
    """

    store: Store
    user: int
    path: dict[str, str]
    query: dict[str, str]
    body: Any
    base: str
    headers: dict[str, str] = field(default_factory=dict)
    raw_query: str = ""

    def every(self, name: str) -> list[str]:
        """Return all values of a query parameter that may be given more than once."""
        return [value for key, value in parse_qsl(self.raw_query) if key == name]

    def number(self, name: str) -> int:
        """Return an id from the path; ids are decimal, with or without ``syn`` (G-11)."""
        return as_id(self.path[name])

    def page(self, default: int = 10, most: int | None = None) -> tuple[int, int]:
        """Return offset and limit (G-10)."""
        offset, limit = self.whole("offset", 0), self.whole("limit", default)
        if most is not None and not 0 <= limit <= most:
            raise Invalid(f"limit must be between 0 and {most}")
        if limit < 0:
            raise Invalid("'limit' may not be negative")
        if offset < 0:
            raise Invalid("'offset' may not be negative")
        return offset, limit

    def whole(self, name: str, default: int) -> int:
        """Return a query parameter that is a whole number of 64 bits."""
        text = self.query.get(name) or str(default)
        if not re.fullmatch(r"[+-]?[0-9]{1,18}", text):
            raise Invalid(f"{name} must be a whole number, not {text!r}")
        return int(text)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return a query parameter that is true or false."""
        value = self.query.get(name, "").lower() or str(default).lower()
        if value not in ("true", "false"):
            raise Invalid(f"{name} must be true or false, not {value!r}")
        return value == "true"


@dataclass(frozen=True)
class Text:
    """An answer that is plain text."""

    text: str


@dataclass(frozen=True)
class Answer:
    """An answer whose HTTP status is not that of the operation's success."""

    body: Any
    status: int


@dataclass(frozen=True)
class Redirect:
    """An answer that sends the caller elsewhere, or tells the address with ``redirect=false`` (G-12)."""

    url: str


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
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        #: By operation and by the first word of the caller's User-Agent.
        self.calls: Counter[tuple[str, str]] = Counter()
        self.faults = Faults()
        self._router = Router(OPERATIONS)
        self.app = Starlette(routes=[Route("/{rest:path}", self._endpoint, methods=METHODS)])
        self.app.router.redirect_slashes = False

    async def _endpoint(self, request: Request) -> Response:
        # Synapse takes `/userProfile/` for `/userProfile`, and synapseclient asks so.
        path = request.url.path.rstrip("/")
        if path in SERVICE_ROOTS:
            return JSONResponse({})
        found = self._router.find(request.method, path)
        if found is None:
            return self._not_served(f"{request.method} {path}")
        entry, placeholders = found
        self.calls[entry.name, request.headers.get("user-agent", "").partition("/")[0]] += 1
        fault = self.faults.take(entry.name)
        if fault and fault.latency_ms:
            await asyncio.sleep(fault.latency_ms / 1000)
        if fault and not fault.after and fault.fails:
            return fault.response()
        raw = await request.body()
        answer = self.answer(entry, placeholders, request, raw)
        return fault.response() if fault and fault.after and fault.fails else answer

    def answer(self, entry: Operation, placeholders: dict[str, str], request: Request, raw: bytes) -> Response:
        """Do what a request asks for and return its answer, an error too."""
        try:
            context = self._context(entry, placeholders, request, raw)
            if entry.writes:
                with self.store.transaction():
                    result = entry.handler(context)
            else:
                result = entry.handler(context)
            return _response(result, entry.status, context)
        except MissingScope as refusal:
            body = {"error": "insufficient_scope", "error_description": refusal.description, "reason": refusal.reason}
            return JSONResponse(body, refusal.status)
        except Refused as refusal:
            return error_response(refusal.status, refusal.reason, refusal.code)
        except Exception:
            log.exception("%s failed", entry.name)
            return error_response(500, f"The local Synapse failed at {entry.name}; its log has the traceback.")

    def _context(self, entry: Operation, placeholders: dict[str, str], request: Request, raw: bytes) -> Context:
        user, scopes = self._caller(request)
        self._check_caller(entry, user, scopes)
        return Context(
            store=self.store,
            user=user,
            path=placeholders,
            query=dict(request.query_params),
            body=_body(entry, raw, request.headers.get("content-type")),
            base=f"{request.url.scheme}://{request.headers.get('host', '127.0.0.1')}",
            headers=dict(request.headers),
            raw_query=request.url.query,
        )

    def _caller(self, request: Request) -> tuple[int, str]:
        """Return the principal of the request's token and its scopes; no token is the anonymous user (G-01)."""
        header = request.headers.get("authorization", "")
        token = header.removeprefix("Bearer ") if header.startswith("Bearer ") else request.headers.get("sessiontoken")
        if not token:
            return ANONYMOUS, ""
        row = self.store.one("SELECT principal, scopes FROM token WHERE token = ?", token)
        if row is None:
            raise InvalidToken("Invalid access token")
        return int(row["principal"]), row["scopes"]

    def _check_caller(self, entry: Operation, user: int, scopes: str) -> None:
        """Refuse a token without the operation's scopes (G-02) and people who have not agreed to the terms (G-03)."""
        if user == ANONYMOUS:
            return
        missing = [scope for scope in entry.scopes if scope not in scopes.split()]
        if missing:
            raise MissingScope(entry.scopes)
        if entry.path.startswith("/auth/"):
            return
        if not self.store.value("SELECT agreed FROM principal WHERE id = ?", user):
            raise NotAllowed("Terms of use have not been signed.")

    def _not_served(self, name: str) -> Response:
        log.warning("%s is not served", name)
        self.calls["not served", ""] += 1
        return error_response(NotServed.status, f"The local Synapse does not have this operation: {name}")


METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH"]
#: An escape that is one half of a character; the other half may follow it or not.
HALF_CHARACTER = re.compile(rb"\\u[dD][89a-fA-F]")
SERVICE_ROOTS = {"/repo/v1", "/auth/v1", "/file/v1", "/docker/v1"}


def _body(entry: Operation, raw: bytes, content_type: str | None) -> Any:
    if not raw:
        value: Any = {}
    elif "json" in (content_type or "application/json"):
        try:
            value = without_nulls(_whole_characters(raw, json.loads(raw)))
        except (ValueError, RecursionError) as error:
            raise Invalid(f"The body is not JSON: {error}") from error
    elif entry.body is None:
        value = {}
    else:
        raise UnsupportedType(f"Content type '{content_type}' not supported")
    return value if entry.body is None else shaped(entry.body, value)


def _whole_characters(raw: bytes, value: Any) -> Any:
    """Return JSON without halves of characters, which no database keeps: each becomes a question mark, as in Java."""
    if not HALF_CHARACTER.search(raw):
        return value
    return json.loads(json.dumps(value, ensure_ascii=False).encode(errors="replace"))


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


def _response(result: Any, status: int, context: Context) -> Response:  # noqa: PLR0911  one for each kind of answer
    match result:
        case Response():
            return result
        case Text():
            return PlainTextResponse(result.text, status)
        case Redirect():
            if not context.flag("redirect", default=True):
                return PlainTextResponse(result.url)
            return Response(status_code=307, headers={"Location": result.url})
        case Answer():
            return JSONResponse(without_nulls(result.body), result.status)
        case None:
            return Response(status_code=status)
    return JSONResponse(without_nulls(result), status)


__all__ = ["Answer", "Context", "Redirect", "Server", "Text", "as_id", "operation", "paginated"]
