"""
A challenge.yaml that cannot be used, shown where people look for DAGs that cannot be used.

One DAG file serves all challenges, and Airflow takes every DAG of a file with an import error out of service. So the
error must not belong to the DAG file: it is raised when Airflow serializes a DAG that stands for the broken challenge,
and that DAG says that it comes from the challenge.yaml itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from airflow.sdk import DAG, BaseOperator

from airflow_synapse_challenge.errors import ConfigurationError


class BrokenChallenge(DAG):
    """Stands for a challenge.yaml; Airflow reports the file as an import error."""

    _path = ""

    @property
    def relative_fileloc(self) -> str:
        """The challenge.yaml: import errors are filed under it."""
        return self._path

    @relative_fileloc.setter
    def relative_fileloc(self, _: Any) -> None:
        """Airflow's importer says that it is the DAG file; it is not."""


def broken_challenge(path: Path, error: ConfigurationError) -> DAG:
    """Return a DAG that Airflow reports as an import error of ``path``."""
    dag = BrokenChallenge(dag_id=f"broken__{path.parent.name}", schedule=None)
    dag._path = str(path)

    def refuse(cls: type) -> Any:  # noqa: ARG001
        raise error

    kind = type("Broken", (BaseOperator,), {"get_serialized_fields": classmethod(refuse)})
    kind(task_id="broken", dag=dag)
    return dag
