"""The command that starts a local Synapse."""

from __future__ import annotations

import argparse
import shutil
import socket
import sqlite3
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn

from .app import build

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from .docker.registry import Registry

DEFAULT_DATA = Path.home() / ".local-synapse"
DEFAULT_PORT = 7007


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line, print how to connect, serve until interrupted."""
    parser = argparse.ArgumentParser(prog="local-synapse", description="A Synapse for one machine.")
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder that keeps everything")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="0 for any free port")
    parser.add_argument("--reset", action="store_true", help="begin empty: removes what is in the data folder")
    parser.add_argument("--write-config", type=Path, metavar="FILE", help="write a .synapseConfig for clients")
    parser.add_argument("--user", default="challenge-service", help="whose token goes into that file")
    parser.add_argument("--docker-registry", action="store_true", help="also start a Docker registry")
    parser.add_argument("--registry-port", type=int, default=0, help="its port; 0 for the one that it had, or any")
    wish = parser.parse_args(arguments)
    serve(
        wish.data,
        wish.port,
        reset=wish.reset,
        write_config=wish.write_config,
        user=wish.user,
        docker_registry=wish.docker_registry,
        registry_port=wish.registry_port,
    )


def serve(
    data: Path,
    port: int,
    *,
    reset: bool = False,
    write_config: Path | None = None,
    user: str = "challenge-service",
    docker_registry: bool = False,
    registry_port: int = 0,
) -> None:
    """Serve on loopback until interrupted."""
    if reset and (data / "synapse.db").exists():
        shutil.rmtree(data)
    app = build(data)
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        raise SystemExit(f"Port {port} of 127.0.0.1 cannot be used ({error}); choose another with --port.") from error
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    tokens = tokens_of(data)
    if write_config:
        write_config.touch(mode=0o600)
        write_config.write_text(client_config(url, user, tokens[user]))
    with ExitStack() as beside:
        registry = beside.enter_context(_registry(app, url, registry_port)) if docker_registry else None
        print(f"Local Synapse at {url}, data in {data}\n")
        print(client_config(url, user, tokens[user]))
        for name, token in tokens.items():
            print(f"  {name:<20} {token}")
        if registry:
            print(f"\nDocker registry at {registry.host}: docker login -u {user} {registry.host}, a token as password")
        print("", flush=True)
        uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False)).run(sockets=[listener])


def _registry(app: Starlette, synapse: str, port: int) -> Registry:
    from .docker.registry import Registry

    return Registry(app.state.store, synapse, port)


def tokens_of(data: Path) -> dict[str, str]:
    """Return the users of a data folder, each with the first token that was made for it."""
    newest_first = "SELECT name, token FROM token JOIN principal ON principal = id ORDER BY id, token.rowid DESC"
    with sqlite3.connect(data / "synapse.db") as connection:
        return dict(connection.execute(newest_first).fetchall())


def client_config(url: str, user: str, token: str) -> str:
    """Return a ``.synapseConfig`` for synapseclient and everything built on it."""
    return (
        f"[default]\nusername = {user}\nauthtoken = {token}\n\n[endpoints]\nrepoEndpoint = {url}/repo/v1\n"
        f"authEndpoint = {url}/auth/v1\nfileHandleEndpoint = {url}/file/v1\nportalEndpoint = {url}/\n"
    )
