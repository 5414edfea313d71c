"""Remove what no run owns."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from airflow_synapse_challenge.challenge.config import Challenge
from airflow_synapse_challenge.containers.engine import Owner
from airflow_synapse_challenge.errors import PermanentError, TransientError
from airflow_synapse_challenge.hooks import dag_runs
from airflow_synapse_challenge.hooks.docker import deployment_id
from airflow_synapse_challenge.hooks.engines import remove_orphans
from airflow_synapse_challenge.operators.base import WORK_FOLDER, no_retry_when_useless

if TYPE_CHECKING:
    from airflow.sdk import Context

#: Seconds since the last change of a work folder after which its task cannot live any more.
DEAD_AFTER = 2 * 24 * 3600


class SynapseSweepOperator(BaseOperator):
    """
    Remove containers, volumes and images that no queued or running run of this Airflow owns, and old work folders.

    The XCom is a dict with the names of what was removed.

    .. code-block:: python

        SynapseSweepOperator(task_id="sweep", challenge=challenge)

    :param challenge: whose containers; those of other challenges and other Airflows are left alone.
    """

    template_fields: Sequence[str] = ()

    def __init__(self, *, challenge: Challenge, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.challenge = challenge

    def execute(self, context: Context) -> dict[str, list[str]]:  # noqa: ARG002
        """Ask the engine what there is, and Airflow who lives."""
        labels = {"challenge": self.challenge.challenge, "deployment": deployment_id()}
        with no_retry_when_useless():
            removed = remove_orphans(self.challenge.compute, labels, lives=_lives)
        folders = remove_work_folders()
        for name in (*removed, *folders):
            self.log.info("Removed %s.", name)
        return {"engine": removed, "folders": folders}


def _lives(owner: Owner) -> bool:
    """Tell whether a run is queued or running; one that Airflow does not know is not."""
    try:
        return dag_runs.state(owner.dag, owner.run) in ("queued", "running")
    except PermanentError:
        return False
    except TransientError:
        return True


def remove_work_folders() -> list[str]:
    """Remove the work folders that tasks of this host left when they were killed, and return their paths."""
    removed = []
    for folder in Path(tempfile.gettempdir()).glob(f"{WORK_FOLDER}*"):
        if time.time() - folder.stat().st_mtime > DEAD_AFTER:
            shutil.rmtree(folder, ignore_errors=True)
            removed.append(str(folder))
    return removed
