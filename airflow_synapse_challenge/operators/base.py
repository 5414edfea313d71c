"""What all operators of this provider share."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from airflow_synapse_challenge.errors import OrganiserFault, ParticipantFault, PermanentError
from airflow_synapse_challenge.hooks.synapse import SynapseHook
from airflow_synapse_challenge.links.synapse import SynapseLink

if TYPE_CHECKING:
    from airflow.sdk import Context

#: How the names of work folders begin.
WORK_FOLDER = "airflow-synapse-challenge-work-"


@contextmanager
def no_retry_when_useless() -> Iterator[None]:
    """Fail the task at once for errors that another try cannot mend; let Airflow retry the others."""
    try:
        yield
    except (PermanentError, OrganiserFault, ParticipantFault) as error:
        raise AirflowFailException(str(error)) from error


class SynapseOperator(BaseOperator):
    """
    Base of the operators that act on Synapse.

    :param synapse_conn_id: Airflow connection of type ``synapse``.
    """

    ui_color = "#e0ecdc"
    operator_extra_links = (SynapseLink(),)

    def __init__(self, *, synapse_conn_id: str = SynapseHook.default_conn_name, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.synapse_conn_id = synapse_conn_id

    @cached_property
    def hook(self) -> SynapseHook:
        """The connection to Synapse."""
        return SynapseHook(self.synapse_conn_id)

    def execute(self, context: Context) -> Any:
        """Act, in a folder of this task's own that is removed afterwards."""
        with self.failures(context), self.work_dir() as work_dir:
            return self.act(context, work_dir)

    @contextmanager
    def failures(self, context: Context) -> Iterator[None]:  # noqa: ARG002
        """Tell errors that another try cannot mend from those that it may."""
        with no_retry_when_useless():
            yield

    @contextmanager
    def work_dir(self) -> Iterator[Path]:
        """Yield an empty folder that goes with the block; the sweeper removes those of workers that died."""
        with tempfile.TemporaryDirectory(prefix=WORK_FOLDER) as folder:
            yield Path(folder)

    def act(self, context: Context, work_dir: Path) -> Any:
        """
        Do the operator's work and return its XCom.

        :param work_dir: empty folder for files.
        """
        raise NotImplementedError
