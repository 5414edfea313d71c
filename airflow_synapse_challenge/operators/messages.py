"""Messages to users and teams."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_synapse_challenge.operators.base import SynapseOperator
from airflow_synapse_challenge.synapse import messages

if TYPE_CHECKING:
    from airflow.sdk import Context


class SynapseSendMessageOperator(SynapseOperator):
    """
    Send a Synapse message, which its recipients also get as e-mail.

    A task that is tried again does not send twice: the body's file name carries a key, and the outbox is looked
    through for it. The XCom is the message's id.

    .. code-block:: python

        SynapseSendMessageOperator(
            task_id="tell", recipients=[3379097], subject="Round 1 is open", body="Good luck!"
        )

    :param recipients: principal ids of users and teams; at most 50 (templated).
    :param subject: subject (templated).
    :param body: plain text (templated).
    :param key: what makes this message the same in every try; by default the DAG run and the task (templated).
    :param synapse_conn_id: Airflow connection of type ``synapse``.
    """

    template_fields: Sequence[str] = ("recipients", "subject", "body", "key")

    def __init__(
        self,
        *,
        recipients: Sequence[int | str],
        subject: str,
        body: str,
        key: str = "{{ dag.dag_id }}.{{ run_id }}.{{ ti.task_id }}.{{ ti.map_index }}",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.recipients = recipients
        self.subject = subject
        self.body = body
        self.key = key

    def act(self, context: Context, work_dir: Path) -> str:
        """Upload the body and send it (``POST /message``)."""
        with self.hook.get_conn() as client:
            sent = messages.send_once(
                client,
                self.hook.file_transfer(work_dir),
                recipients=[int(recipient) for recipient in self.recipients],
                subject=self.subject,
                body=self.body,
                key=f"{self.key}.txt",
                recheck=context["ti"].try_number > 1,
            )
        return sent.message_id
