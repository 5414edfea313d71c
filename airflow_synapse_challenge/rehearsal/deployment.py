"""A small Airflow of its own: four processes, SQLite, LocalExecutor, one folder."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import httpx

from airflow_synapse_challenge.errors import PermanentError, TransientError

COMPONENTS = ("api-server", "scheduler", "dag-processor", "triggerer")
START_SECONDS = 120.0
STOP_SECONDS = 20.0


class AirflowDeployment:
    """
    Airflow's four processes on loopback, all state in one folder.

    :param home: ``AIRFLOW_HOME``; made when it does not exist.
    :param dags: DAG folder.
    :param connections: Airflow connections by id, as Airflow's JSON form.
    :param environment: more environment variables, for example ``AIRFLOW__SCHEDULER__…`` or ``DOCKER_HOST``.
    """

    def __init__(
        self,
        home: Path,
        dags: Path,
        *,
        connections: Mapping[str, Mapping[str, Any]],
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.home = home
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.user = "admin"
        self.password = secrets.token_urlsafe(12)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self.environment = self._make_environment(dags, connections, environment or {})
        self._bearer = ""

    def _make_environment(
        self, dags: Path, connections: Mapping[str, Mapping[str, Any]], more: Mapping[str, str]
    ) -> dict[str, str]:
        self.home.mkdir(parents=True, exist_ok=True)
        passwords = self.home / "passwords.json"
        passwords.write_text(json.dumps({self.user: self.password}))
        passwords.chmod(0o600)
        settings = {
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(self.port),
            "AIRFLOW__API__BASE_URL": self.url,
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API__SECRET_KEY": secrets.token_urlsafe(32),
            "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_urlsafe(32),
            "AIRFLOW__CORE__AUTH_MANAGER": (
                "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager"
            ),
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__PARALLELISM": "8",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{self.user}:admin",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
            "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
            "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "60",
            "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{self.home / 'airflow.db'}",
            "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
            "AIRFLOW__SCHEDULER__MAX_DAGRUNS_PER_LOOP_TO_SCHEDULE": "50",
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        }
        for connection_id, connection in connections.items():
            settings[f"AIRFLOW_CONN_{connection_id.upper()}"] = json.dumps(dict(connection))
        # Tasks that may not keep bytecode compile this package each time they import it.
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("AIRFLOW", "PYTHONDONTWRITEBYTECODE"))}
        return inherited | settings | dict(more)

    def run(self, *arguments: str) -> str:
        """
        Run an ``airflow`` command and return what it prints.

        :raises PermanentError: the command failed; with the end of its output.
        """
        done = subprocess.run(
            [sys.executable, "-m", "airflow", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        if done.returncode:
            raise PermanentError(f"airflow {' '.join(arguments)} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done.stdout

    def prepare(self) -> None:
        """Make the metadata database."""
        self.run("db", "migrate")

    def make_pool(self, name: str, slots: int, description: str = "") -> None:
        """Make a pool in which a task that waits in the triggerer keeps its slots: its container keeps memory."""
        self.run("pools", "set", "--include-deferred", name, str(slots), description or name)

    def start(self) -> Self:
        """Start all four processes and wait until the API answers and every component is healthy."""
        for component in COMPONENTS:
            self.start_component(component)
        self._wait_until_healthy()
        return self

    def start_component(self, component: str) -> None:
        """Start one process in a session of its own, its output in ``<home>/<component>.log``."""
        with (self.home / f"{component}.log").open("ab") as output:
            self._processes[component] = subprocess.Popen(
                [sys.executable, "-m", "airflow", component],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def kill_component(self, component: str) -> None:
        """End one process and everything that it started, at once."""
        process = self._processes.pop(component)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def _wait_until_healthy(self) -> None:
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            self._raise_for_dead_process()
            if self._healthy():
                return
            time.sleep(0.3)
        raise TransientError(f"Airflow was not ready within {START_SECONDS:.0f} s; see {self.home}/*.log.")

    def _raise_for_dead_process(self) -> None:
        for component, process in self._processes.items():
            if process.poll() is not None:
                output = (self.home / f"{component}.log").read_text(errors="replace")
                raise PermanentError(f"airflow {component} ended ({process.returncode}):\n{output[-3000:]}")

    def _healthy(self) -> bool:
        try:
            health = httpx.get(f"{self.url}/api/v2/monitor/health", timeout=5).json()
        except (httpx.HTTPError, ValueError):
            return False
        return all(
            health.get(part, {}).get("status") == "healthy"
            for part in ("metadatabase", "scheduler", "triggerer", "dag_processor")
        )

    def api(self, method: str, path: str, *, base: str = "/api/v2", **arguments: Any) -> Any:
        """Call Airflow's public API as the admin and return the JSON answer; ``/ui`` is the base of the pages' own."""
        if not self._bearer:
            answer = httpx.post(
                f"{self.url}/auth/token", json={"username": self.user, "password": self.password}, timeout=30
            )
            answer.raise_for_status()
            self._bearer = answer.json()["access_token"]
        answer = httpx.request(
            method,
            f"{self.url}{base}{path}",
            headers={"Authorization": f"Bearer {self._bearer}"},
            timeout=30,
            **arguments,
        )
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def stop(self) -> None:
        """End everything that was started here: politely, then not."""
        for process in self._processes.values():
            _signal_group(process, signal.SIGTERM)
        end = time.monotonic() + STOP_SECONDS
        for process in self._processes.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.1, end - time.monotonic()))
            _signal_group(process, signal.SIGKILL)
            process.wait()
        self._processes.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def free_port() -> int:
    """Return a TCP port of loopback that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return
