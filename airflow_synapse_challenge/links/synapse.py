"""Links from a task to what it works on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperatorLink

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator, Context


class SynapseLink(BaseOperatorLink):
    """Open the entity, folder or queue of this task on Synapse."""

    name = "Synapse"

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:  # noqa: ARG002
        """Return the address that the operator noted while it ran."""
        return getattr(operator, "synapse_url", "")


def show_link(operator: Any, context: Context, url: str) -> None:
    """
    Make the link visible at once.

    Airflow stores links when a task ends; pushed early, the link works while the task runs.

    :param operator: the running operator; its attribute ``synapse_url`` is set.
    :param url: page on Synapse's web site.
    """
    operator.synapse_url = url
    context["ti"].xcom_push(key=SynapseLink().xcom_key, value=url)
