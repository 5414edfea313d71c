"""A local Synapse as a process that a program starts, asks and stops."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

from .command import client_config, tokens_of, write_client_config
from .docker.repositories import HOST_SETTING, SYNAPSE_HOST

START_SECONDS = 20.0


@dataclass(frozen=True)
class User:
    """A user with a token."""

    principal_id: int
    user_name: str
    token: str


class LocalSynapse:
    """
    A running local Synapse.

    :param data: folder that keeps everything.
    :param port: 0 for any free port.
    :param docker_registry: start a Docker registry too.
    :param seed: YAML with users, teams, projects, queues and submissions that it begins with.
    """

    #: What Python runs; who wants the server wrapped in something else puts a program with the same arguments here.
    program: ClassVar[Sequence[str]] = ("-m", "airflow_synapse_challenge.local_synapse")

    def __init__(self, data: Path, port: int = 0, *, docker_registry: bool = False, seed: Path | None = None) -> None:
        self.data = data
        self.port = port
        self.docker_registry = docker_registry
        self.seed = seed
        self._process: subprocess.Popen[str] | None = None

    @classmethod
    def start(cls, data: Path, port: int = 0, *, docker_registry: bool = False, seed: Path | None = None) -> Self:
        """Start a server and wait until it answers."""
        server = cls(data, port, docker_registry=docker_registry, seed=seed)
        server.restart()
        return server

    @property
    def url(self) -> str:
        """Base address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def endpoints(self) -> dict[str, str]:
        """Addresses of the services."""
        return {service: f"{self.url}/{service}/v1" for service in ("repo", "auth", "file")}

    @property
    def registry(self) -> str:
        """Host and port of the Docker registry, which the names of its images begin with."""
        with sqlite3.connect(self.data / "synapse.db") as connection:
            found = connection.execute("SELECT value FROM setting WHERE name = ?", (HOST_SETTING,)).fetchone()
        return str(found[0]) if found else SYNAPSE_HOST

    def restart(self) -> None:
        """Start the process, on the same port and data if there was one before."""
        self.data.mkdir(parents=True, exist_ok=True)
        options = ["--docker-registry"] if self.docker_registry else []
        options += ["--seed", str(self.seed)] if self.seed else []
        with (self.data / "server.log").open("a") as log:
            self._process = subprocess.Popen(
                [sys.executable, *self.program, "--data", str(self.data), "--port", str(self.port), *options],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        assert self._process.stdout is not None
        first = self._process.stdout.readline()
        if not first.startswith("Local Synapse at "):
            raise RuntimeError(f"The local Synapse did not start; see {self.data / 'server.log'}.")
        self.port = int(first.split()[3].rstrip(",").rpartition(":")[2])
        self._wait()

    def _wait(self) -> None:
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            with suppress(OSError):
                self.control("GET", "/control/calls")
                return
            time.sleep(0.02)
        raise RuntimeError(f"The local Synapse does not answer at {self.url}.")

    def stop(self) -> None:
        """End the process politely."""
        if self._process:
            self._process.terminate()
            self._process.wait(10)
            self._close()

    def kill(self) -> None:
        """End the process at once, as a power failure would."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._close()

    def _close(self) -> None:
        assert self._process is not None
        if self._process.stdout:
            self._process.stdout.close()
        self._process = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Call the control interface."""
        request = urllib.request.Request(  # noqa: S310
            self.url + path,
            method=method,
            data=json.dumps(body).encode() if body is not None else None,
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return json.loads(answer.read())

    def token(self, user_name: str) -> str:
        """Return the token of a user."""
        return tokens_of(self.data)[user_name]

    def write_config(self, path: Path, user_name: str) -> None:
        """Write a ``.synapseConfig`` of a user, with which every client finds this server."""
        write_client_config(path, client_config(self.url, user_name, self.token(user_name)))

    def create_user(self, user_name: str, *, first_name: str = "", last_name: str = "", certified: bool = True) -> User:
        """Make a user."""
        wish = {"userName": user_name, "firstName": first_name, "lastName": last_name, "certified": certified}
        made = self.control("POST", "/control/users", wish)
        return User(made["principalId"], made["userName"], made["token"])

    def mailbox(self, principal_id: int | None = None) -> list[dict[str, Any]]:
        """Return the messages that a user got, or all, oldest first."""
        suffix = "" if principal_id is None else f"/{principal_id}"
        found: list[dict[str, Any]] = self.control("GET", f"/control/mailbox{suffix}")
        return found

    def calls(self, agent: str | None = None) -> dict[str, int]:
        """
        Return how often each operation was called.

        :param agent: count only what this program asked, by the first word of its User-Agent.
        """
        found: dict[str, int] = self.control("GET", "/control/calls" + (f"?agent={agent}" if agent else ""))
        return found

    def reset_calls(self) -> None:
        """Count calls anew."""
        self.control("POST", "/control/calls/reset", {})

    def fault(self, **wish: Any) -> int:
        """
        Order a fault.

        :param wish: ``operation`` (``METHOD /template/path`` or ``*``), ``status``, ``retry_after``, ``latency_ms``,
            ``drop``, ``where`` (``before`` or ``after`` the effect), ``count``, ``seconds``.
        """
        return int(self.control("POST", "/control/faults", wish)["id"])

    def clear_faults(self) -> None:
        """Forget all faults."""
        self.control("DELETE", "/control/faults")

    def set_clock(self, **wish: Any) -> None:
        """Set this Synapse's time: ``offset_seconds`` or ``now`` (ISO 8601)."""
        self.control("POST", "/control/clock", wish)
