"""Debian's ``docker-registry`` beside a local Synapse: it holds the images, the Synapse says who may have them."""

from __future__ import annotations

import json
import os
import random
import secrets
import shutil
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

from airflow_synapse_challenge.local_synapse.core.store import Json, Store

from . import events, leash, recovery, repositories, signing

PROGRAM = "docker-registry"
#: Below the ports that systems give to outgoing connections, which could hold a kept port at the next start.
PORTS = range(20000, 30000)
START_SECONDS = 10.0
STOP_SECONDS = 5.0


class Registry:
    """
    A registry on loopback that lives as long as this process, however it ends.

    :param store: of the Synapse whose images it holds.
    :param synapse: address of that Synapse.
    :param port: 0 for the one that the data folder keeps, at first any free one.
    """

    def __init__(self, store: Store, synapse: str, port: int = 0) -> None:
        self._store = store
        self._synapse = synapse
        self.folder = store.folder.resolve() / "docker"
        self.port = _settled_port(store, port)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def host(self) -> str:
        """What the names of its images begin with."""
        return f"127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        """Start it and wait until it answers."""
        program = _program()
        self._settle()
        recovery.recover(self._store, self.images)
        with (self.folder / "registry.log").open("a") as log:
            # In isolated mode Python starts quickest, and what runs this process stays out of the way.
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", leash.__file__, str(os.getpid()), program, "serve", str(self._write())],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={"PATH": os.environ.get("PATH", "")},
            )
        self._wait()
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        if self._process:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_SECONDS)
            self._process.kill()
            self._process.wait()

    @property
    def images(self) -> Path:
        """Where it keeps images."""
        return self.folder / "images"

    def _settle(self) -> None:
        """Remember names and the secret that the registry shows."""
        self.folder.mkdir(exist_ok=True)
        signing.identity_of(self._store.folder)
        with self._store.transaction():
            self._store.set_setting(repositories.HOST_SETTING, self.host)
            self._store.set_setting(repositories.PORT_SETTING, str(self.port))
            if self._store.setting(events.SECRET_SETTING) is None:
                self._store.set_setting(events.SECRET_SETTING, secrets.token_urlsafe(32))

    def _write(self) -> Path:
        """Write its configuration, as JSON, which is YAML too."""
        path = self.folder / "registry.yml"
        path.touch(mode=0o600)
        path.write_text(json.dumps(self._configuration(), indent=2))
        return path

    def _configuration(self) -> Json:
        return {
            "version": "0.1",
            "log": {"level": "warn", "accesslog": {"disabled": True}},
            "storage": {"filesystem": {"rootdirectory": str(self.images)}},
            "http": {"addr": self.host, "secret": self._store.setting(events.SECRET_SETTING)},
            "auth": {
                "token": {
                    "realm": f"{self._synapse}/docker/v1/bearerToken",
                    "service": self.host,
                    "issuer": signing.ISSUER,
                    "rootcertbundle": str(signing.certificate_file(self._store.folder).resolve()),
                }
            },
            "notifications": {
                "endpoints": [
                    {
                        "name": "local-synapse",
                        "url": f"{self._synapse}/dockerRegistryListener/v1/events",
                        "headers": {"Authorization": [events.authorization(self._store)]},
                        "timeout": "10s",
                        "threshold": 3,
                        "backoff": "1s",
                        "ignore": {"mediatypes": ["application/octet-stream"], "actions": ["pull"]},
                    }
                ]
            },
        }

    def _wait(self) -> None:
        assert self._process is not None
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self._process.poll() is None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.01)
        self._process.kill()
        raise SystemExit(f"The Docker registry did not start; {self.folder / 'registry.log'} tells why.")


def _program() -> str:
    if not sys.platform.startswith("linux"):
        raise SystemExit("The local Synapse runs a Docker registry on Linux only.")
    found = shutil.which(PROGRAM)
    if found is None:
        raise SystemExit(
            f"There is no program {PROGRAM}: install the Debian package {PROGRAM} (apt-get install {PROGRAM}), "
            "or start without the Docker registry."
        )
    return found


def _settled_port(store: Store, wish: int) -> int:
    """Return the port; the images' names hold it, so it stays what it was."""
    port = int(store.setting(repositories.PORT_SETTING) or 0)
    if wish and port and wish != port and store.one("SELECT 1 FROM docker_repository"):
        raise SystemExit(
            f"The names of the images in {store.folder} hold port {port}, so their registry cannot move to {wish}."
        )
    if wish or port:
        _require_free(wish or port)
        return wish or port
    for candidate in random.sample(PORTS, 100):  # a port, nothing secret
        if _is_free(candidate):
            return candidate
    raise SystemExit(f"No port of 127.0.0.1 from {PORTS.start} to {PORTS.stop - 1} is free for the Docker registry.")


def _require_free(port: int) -> None:
    # A registry that has just been killed may still be leaving.
    end = time.monotonic() + 2
    while not _is_free(port):
        if time.monotonic() > end:
            raise SystemExit(
                f"Port {port} of 127.0.0.1 is taken; the Docker registry needs it (choose with --registry-port)."
            )
        time.sleep(0.02)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
