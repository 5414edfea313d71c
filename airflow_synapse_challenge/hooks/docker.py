"""The engine that a configuration names, and who owns what runs on it."""

from __future__ import annotations

import hashlib
import os
from typing import Any

from airflow_synapse_challenge.containers.engine import Engine
from airflow_synapse_challenge.errors import ConfigurationError, TransientError


def engine_for(name: str, docker_conn_id: str | None = None) -> Engine:
    """
    Return the engine that a configuration names.

    :param name: ``docker``, or ``process`` for a host without Docker. The latter cannot enforce every rule of the
        policy; naming it is the permission to go without them.
    :param docker_conn_id: Airflow connection of type ``docker``; without one the environment's engine is used
        (``DOCKER_HOST``, else the local socket).
    """
    if name == "docker":
        from airflow_synapse_challenge.containers.docker_engine import DockerEngine

        return DockerEngine(docker_client(docker_conn_id))
    if name == "process":
        from airflow_synapse_challenge.containers.process import ProcessEngine

        return ProcessEngine(accept_unenforced=True)
    raise ConfigurationError(
        f"Engine {name!r} is not available here; use `docker` or `process`, or `kubernetes` with the cluster beside it."
    )


def docker_client(docker_conn_id: str | None) -> Any:
    """
    Return docker-py's low-level client of an Airflow connection, else of the environment's engine.

    :raises TransientError: no engine answers.
    """
    from airflow.providers.docker.hooks.docker import DockerHook
    from airflow.sdk.exceptions import AirflowException, AirflowNotFoundException

    base_url = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    hook = DockerHook(docker_conn_id=docker_conn_id, base_url=base_url)
    try:
        return hook.api_client
    except AirflowNotFoundException:
        raise
    except AirflowException as error:
        raise TransientError(f"No Docker engine answers at {base_url}: {error}") from error


def registry_login(docker_conn_id: str | None, host: str) -> tuple[str, str] | None:
    """Return the login that a Docker connection has for a registry's host, ``None`` if it is for another one."""
    from airflow.sdk import BaseHook

    if docker_conn_id is None:
        return None
    connection = BaseHook.get_connection(docker_conn_id)
    registry = f"{connection.host}:{connection.port}" if connection.port else str(connection.host)
    if registry.removeprefix("https://").removeprefix("http://").rstrip("/") != host or not connection.password:
        return None
    return str(connection.login), connection.password


def deployment_id(address: str = "") -> str:
    """
    Return what tells an Airflow from others that use the same engine.

    A sweeper only judges what its own Airflow started.

    :param address: of its API server (``[api] base_url``); by default that of the Airflow that this runs in.
    """
    return hashlib.sha256((address or _own_address()).encode()).hexdigest()[:12]


def _own_address() -> str:
    from airflow.sdk.configuration import conf

    address = conf.get("api", "base_url", fallback="") or conf.get("core", "execution_api_server_url", fallback="")
    return str(address)
