"""
Import once what every task of a submission imports.

LocalExecutor forks its tasks from the scheduler, and they have what that process had imported. Without this each of
them spends most of a second on synapseclient, docker-py and this package before it does anything.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

from airflow.configuration import conf
from airflow.listeners import hookimpl

MODULES = (
    "airflow.sdk.execution_time.task_runner",
    "airflow.providers.docker.hooks.docker",
    "airflow_synapse_challenge.factory.discover",
    "airflow_synapse_challenge.synapse.files",
    "synapseclient.models",
    "synapseclient.core.download",
    "synapseclient.core.upload.multipart_upload_async",
    "docker",
)


@hookimpl
def on_starting(component: Any) -> None:  # noqa: ARG001
    """Import them in a scheduler whose tasks are its own children; its workers are forked after this."""
    if sys.argv[1:2] == ["scheduler"] and "LocalExecutor" in conf.get("core", "executor"):
        for name in MODULES:
            importlib.import_module(name)
        from airflow_synapse_challenge.synapse.client import tls_context

        tls_context()
