"""Tell people on Synapse what happened in Airflow."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseNotifier

from airflow_synapse_challenge.hooks.synapse import SynapseHook
from airflow_synapse_challenge.synapse import messages

if TYPE_CHECKING:
    from airflow.sdk import Context


class SynapseNotifier(BaseNotifier):
    """
    Send a Synapse message from a callback.

    .. code-block:: python

        DAG("nightly", on_failure_callback=SynapseNotifier(recipients=[3379097], subject="{{ dag.dag_id }} failed"))

    :param recipients: principal ids of users and teams (templated).
    :param subject: subject (templated).
    :param body: plain text (templated).
    :param synapse_conn_id: Airflow connection of type ``synapse``.
    """

    template_fields: Sequence[str] = ("recipients", "subject", "body")

    def __init__(
        self,
        *,
        recipients: Sequence[int | str],
        subject: str = "{{ dag.dag_id }}: run {{ run_id }}",
        body: str = "Run {{ run_id }} of DAG {{ dag.dag_id }}: see {{ ti.log_url if ti else '' }}",
        synapse_conn_id: str = SynapseHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.recipients = recipients
        self.subject = subject
        self.body = body
        self.synapse_conn_id = synapse_conn_id

    def notify(self, context: Context) -> None:
        """Upload the body and send it (``POST /message``)."""
        hook = SynapseHook(self.synapse_conn_id)
        key = f"{context.get('run_id', 'callback')}.{type(self).__name__}.txt"
        with tempfile.TemporaryDirectory(prefix="synapse-") as folder, hook.get_conn() as client:
            messages.send_once(
                client,
                hook.file_transfer(Path(folder)),
                recipients=[int(recipient) for recipient in self.recipients],
                subject=self.subject,
                body=self.body,
                key=key,
                recheck=False,
            )
