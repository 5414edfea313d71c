"""Airflow reads its settings when it is first imported, so they are made before any test module is."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

# The machine that runs the tests has few cores and other work: slow is no failure.
settings.register_profile("shared machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared machine")

_HOME = tempfile.TemporaryDirectory(prefix="airflow-of-the-tests-")
os.environ.update(
    {
        "AIRFLOW_HOME": _HOME.name,
        "AIRFLOW__CORE__DAGS_FOLDER": str(Path(__file__).parent / "airflow" / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{_HOME.name}/airflow.db",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    }
)

#: Folders whose tests look at all of an engine, or at all of the machine.
ENGINE = frozenset({"cli", "e2e", "hostile"})


class ByFolder(LoadScopeScheduling):
    """
    Each folder of tests runs in one process, those of :data:`ENGINE` one after the other in the same one.

    Tests of a folder share servers, and some are about all others of their folder.
    """

    def _split_scope(self, nodeid: str) -> str:
        folder = nodeid.split("/")[1]
        return "engine" if folder in ENGINE else folder


def pytest_xdist_make_scheduler(config, log):
    """Have ``--numprocesses 2 --dist loadscope --no-loadscope-reorder`` divide by folder."""
    return ByFolder(config, log)


def pytest_collection_modifyitems(items):
    """Begin with what takes longest, so that the others run beside it."""
    items.sort(key=lambda item: item.nodeid.split("/")[1] not in ENGINE)


@pytest.fixture(scope="session")
def airflow_database() -> None:
    """Airflow's metadata database, in a file that goes when the tests end."""
    subprocess.run([sys.executable, "-m", "airflow", "db", "migrate"], check=True, capture_output=True)
