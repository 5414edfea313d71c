"""The control interface, apart from Synapse's own paths: users, mailboxes, calls, faults, time."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .core.errors import Refused
from .core.http import Server
from .people import messages, principals


def routes(server: Server) -> list[Route]:
    """Return the routes of the control interface; they ask for no token, so the server stays on loopback."""
    control = _Control(server)
    return [
        Route("/control/users", control.users, methods=["GET", "POST"]),
        Route("/control/tokens", control.tokens, methods=["POST"]),
        Route("/control/mailbox", control.mailbox),
        Route("/control/mailbox/{principal:int}", control.mailbox),
        Route("/control/calls", control.calls),
        Route("/control/calls/reset", control.reset_calls, methods=["POST"]),
        Route("/control/faults", control.faults, methods=["POST", "DELETE"]),
        Route("/control/clock", control.clock, methods=["POST"]),
        Route("/control/settings", control.settings, methods=["POST"]),
    ]


class _Control:
    def __init__(self, server: Server) -> None:
        self._server = server
        self._store = server.store

    async def users(self, request: Request) -> Response:
        if request.method == "GET":
            rows = self._store.all(
                "SELECT id, name, token FROM principal JOIN token ON principal = id WHERE kind = 'user' ORDER BY id"
            )
            return JSONResponse(
                [{"principalId": row["id"], "userName": row["name"], "token": row["token"]} for row in rows]
            )
        wish = await request.json()
        try:
            with self._store.transaction():
                principal, token = principals.create_user(
                    self._store,
                    wish["userName"],
                    first_name=wish.get("firstName", ""),
                    last_name=wish.get("lastName", ""),
                    certified=wish.get("certified", True),
                    agreed=wish.get("agreedToTerms", True),
                    admin=wish.get("admin", False),
                )
        except Refused as refusal:
            return JSONResponse({"reason": refusal.reason}, refusal.status)
        return JSONResponse({"principalId": principal, "userName": wish["userName"], "token": token}, 201)

    async def tokens(self, request: Request) -> Response:
        wish = await request.json()
        with self._store.transaction():
            token = principals.issue_token(self._store, wish["principalId"], " ".join(wish["scopes"]))
        return JSONResponse({"token": token}, 201)

    async def mailbox(self, request: Request) -> Response:
        return JSONResponse(messages.mailbox(self._store, request.path_params.get("principal")))

    async def calls(self, request: Request) -> Response:
        agent = request.query_params.get("agent")
        found: Counter[str] = Counter()
        for (name, caller), number in self._server.calls.items():
            if agent in (None, caller):
                found[name] += number
        return JSONResponse(found)

    async def reset_calls(self, _: Request) -> Response:
        self._server.calls.clear()
        return JSONResponse({})

    async def faults(self, request: Request) -> Response:
        if request.method == "DELETE":
            self._server.faults.clear()
            return JSONResponse({})
        return JSONResponse({"id": self._server.faults.order(await request.json()).id}, 201)

    async def clock(self, request: Request) -> Response:
        wish: dict[str, Any] = await request.json()
        offset = timedelta(seconds=wish.get("offset_seconds", 0))
        if "now" in wish:
            offset = datetime.fromisoformat(wish["now"]) - (self._store.now() - self._store.clock_offset)
        self._store.clock_offset = offset
        with self._store.transaction():
            self._store.set_setting("clock_offset", str(offset.total_seconds()))
        return JSONResponse({"now": self._store.timestamp()})

    async def settings(self, request: Request) -> Response:
        with self._store.transaction():
            for name, value in (await request.json()).items():
                if value is None:
                    self._store.run("DELETE FROM setting WHERE name = ?", name)
                else:
                    self._store.set_setting(name, str(value))
        return JSONResponse({})
