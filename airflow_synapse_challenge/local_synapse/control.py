"""The control interface, apart from Synapse's own paths: users, mailboxes, calls, faults, time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from . import messages, principals
from .errors import Refused
from .http import Server


def routes(server: Server) -> list[Route]:
    """Return the routes of the control interface; they ask for no token, so the server stays on loopback."""
    store = server.store

    async def users(request: Request) -> Response:
        if request.method == "GET":
            rows = store.all(
                "SELECT id, name, token FROM principal JOIN token ON principal = id WHERE kind = 'user' ORDER BY id"
            )
            return JSONResponse(
                [{"principalId": row["id"], "userName": row["name"], "token": row["token"]} for row in rows]
            )
        wish = await request.json()
        try:
            with store.transaction():
                principal, token = principals.create_user(
                    store,
                    wish["userName"],
                    first_name=wish.get("firstName", ""),
                    last_name=wish.get("lastName", ""),
                    certified=wish.get("certified", True),
                    admin=wish.get("admin", False),
                )
        except Refused as refusal:
            return JSONResponse({"reason": refusal.reason}, refusal.status)
        return JSONResponse({"principalId": principal, "userName": wish["userName"], "token": token}, 201)

    async def mailbox(request: Request) -> Response:
        return JSONResponse(messages.mailbox(store, request.path_params.get("principal")))

    async def calls(_: Request) -> Response:
        return JSONResponse(dict(server.calls))

    async def reset_calls(_: Request) -> Response:
        server.calls.clear()
        return JSONResponse({})

    async def faults(request: Request) -> Response:
        if request.method == "DELETE":
            server.faults.clear()
            return JSONResponse({})
        return JSONResponse({"id": server.faults.order(await request.json()).id}, 201)

    async def clock(request: Request) -> Response:
        wish: dict[str, Any] = await request.json()
        offset = timedelta(seconds=wish.get("offset_seconds", 0))
        if "now" in wish:
            offset = datetime.fromisoformat(wish["now"]) - (store.now() - store.clock_offset)
        store.clock_offset = offset
        with store.transaction():
            store.set_setting("clock_offset", str(offset.total_seconds()))
        return JSONResponse({"now": store.timestamp()})

    async def settings(request: Request) -> Response:
        with store.transaction():
            for name, value in (await request.json()).items():
                if value is None:
                    store.run("DELETE FROM setting WHERE name = ?", name)
                else:
                    store.set_setting(name, str(value))
        return JSONResponse({})

    return [
        Route("/control/users", users, methods=["GET", "POST"]),
        Route("/control/mailbox", mailbox),
        Route("/control/mailbox/{principal:int}", mailbox),
        Route("/control/calls", calls),
        Route("/control/calls/reset", reset_calls, methods=["POST"]),
        Route("/control/faults", faults, methods=["POST", "DELETE"]),
        Route("/control/clock", clock, methods=["POST"]),
        Route("/control/settings", settings, methods=["POST"]),
    ]
