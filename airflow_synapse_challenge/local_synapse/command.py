"""The command that starts a local Synapse."""

from __future__ import annotations

import argparse
import os
import socket
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn

from . import data_folder
from .app import build

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from .core.store import Store
    from .docker.registry import Registry

DEFAULT_DATA = Path.home() / ".local-synapse"
DEFAULT_PORT = 7007
#: First line of the files that `--write-config` writes, and may write over.
CONFIG_MARK = "# Written by the local Synapse"


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line, print how to connect, serve until interrupted."""
    parser = argparse.ArgumentParser(prog="local-synapse", description="A Synapse for one machine.")
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder that keeps everything")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="0 for any free port")
    parser.add_argument("--reset", action="store_true", help="begin empty: removes what is in the data folder")
    parser.add_argument(
        "--seed", type=Path, metavar="FILE", help="YAML with users, teams, projects, queues, submissions"
    )
    parser.add_argument("--write-config", type=Path, metavar="FILE", help="write a .synapseConfig for clients")
    parser.add_argument("--user", default="challenge-service", help="whose token goes into that file")
    parser.add_argument("--docker-registry", action="store_true", help="also start a Docker registry")
    parser.add_argument("--registry-port", type=int, default=0, help="its port; 0 for the one that it had, or any")
    wish = parser.parse_args(arguments)
    serve(
        wish.data,
        wish.port,
        reset=wish.reset,
        seed=wish.seed,
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
    seed: Path | None = None,
    write_config: Path | None = None,
    user: str = "challenge-service",
    docker_registry: bool = False,
    registry_port: int = 0,
) -> None:
    """Serve on loopback until interrupted."""
    # Mistakes are told before anything is removed.
    plant = _planter(seed) if seed else None
    with ExitStack() as beside:
        listener = beside.enter_context(_listener(port))
        beside.enter_context(data_folder.claimed(data))
        if reset:
            data_folder.empty(data)
        app = build(data)
        planted = plant(app.state.store) if plant else ""
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        config = client_config(url, user, _token(data, user))
        if write_config:
            write_client_config(write_config, config)
        registry = beside.enter_context(_registry(app, url, registry_port)) if docker_registry else None
        print(f"Local Synapse at {url}, data in {data}\n{planted}")
        print(_endpoints(url, registry))
        print(f".synapseConfig of {user}\n\n{config}")
        print(_users(app.state.store), flush=True)
        uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False)).run(sockets=[listener])


def _listener(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        # Who reads the first printed line may connect at once: it waits until there is an answer.
        listener.listen()
    except OSError as error:
        raise SystemExit(f"Port {port} of 127.0.0.1 cannot be used ({error}); choose another with --port.") from error
    return listener


def _planter(seed: Path) -> Callable[[Store], str]:
    """Read a seed file; return what plants it and says whether there was anything to plant."""
    from .seeding import seed_file

    def plant(store: Store) -> str:
        try:
            done = seed_file.apply(store, file)
        except seed_file.SeedError as error:
            raise SystemExit(str(error)) from error
        return f"{seed} is planted\n" if done else f"{seed} was planted before: nothing has changed\n"

    try:
        file = seed_file.load(seed)
    except seed_file.SeedError as error:
        raise SystemExit(str(error)) from error
    return plant


def _endpoints(url: str, registry: Registry | None) -> str:
    services = {name: f"{url}/{name}/v1" for name in ("repo", "auth", "file", "docker")} | {"pages": f"{url}/"}
    if registry:
        services["images"] = f"{registry.host} (docker login {registry.host}, a token as password)"
    return "Endpoints\n\n" + "".join(f"  {name:<8}{address}\n" for name, address in services.items())


def _users(store: Store) -> str:
    rows = store.all("SELECT id, name, token FROM principal JOIN token ON principal = id ORDER BY id, token.rowid")
    seen = {row["id"]: f"  {row['name']:<24}{row['id']:<12}{row['token']}\n" for row in reversed(rows)}
    return "Users, with principal ids and tokens\n\n" + "".join(seen[user] for user in sorted(seen))


def _registry(app: Starlette, synapse: str, port: int) -> Registry:
    from .docker.registry import Registry

    return Registry(app.state.store, synapse, port)


def tokens_of(data: Path) -> dict[str, str]:
    """Return the users of a data folder, each with the first token that was made for it."""
    newest_first = "SELECT name, token FROM token JOIN principal ON principal = id ORDER BY id, token.rowid DESC"
    with sqlite3.connect(data / "synapse.db") as connection:
        return dict(connection.execute(newest_first).fetchall())


def _token(data: Path, user: str) -> str:
    tokens = tokens_of(data)
    if user not in tokens:
        raise SystemExit(f"There is no user {user!r} with a token; there are: {', '.join(tokens)}.")
    return tokens[user]


def client_config(url: str, user: str, token: str) -> str:
    """Return a ``.synapseConfig`` for synapseclient and everything built on it."""
    return (
        f"[default]\nusername = {user}\nauthtoken = {token}\n\n[endpoints]\nrepoEndpoint = {url}/repo/v1\n"
        f"authEndpoint = {url}/auth/v1\nfileHandleEndpoint = {url}/file/v1\nportalEndpoint = {url}/\n"
    )


def write_client_config(path: Path, config: str) -> None:
    """Write a ``.synapseConfig`` that nobody else can read; one that holds other accounts is left alone."""
    try:
        if path.exists() and path.read_text() and not path.read_text().startswith(CONFIG_MARK):
            raise SystemExit(
                f"{path} was not written by a local Synapse and may hold your real token, so it is left as it is; "
                "name another file with --write-config."
            )
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(f"{CONFIG_MARK}; its tokens are of no use elsewhere.\n{config}")
    except OSError as error:
        raise SystemExit(f"{path} cannot be written: {error.strerror}.") from error
