"""What was asked of Synapse for one submission, and how much of it moved files."""

from __future__ import annotations

from airflow_synapse_challenge.local_synapse.server import LocalSynapse

#: This package asks for everything but files itself; files go through synapseclient, which has a name of its own.
AGENT = "airflow-synapse-challenge"
POLL = "/submission/status/all"


def split(server: LocalSynapse) -> tuple[int, int]:
    """
    Return the calls beyond file transfer and those of it.

    Polls that found nothing belong to the queue, not to the submission; the one that rang is counted.
    """
    own = server.calls(AGENT)
    polls = sum(number for name, number in own.items() if name.endswith(POLL))
    beyond = sum(own.values()) - polls + min(1, polls)
    return beyond, sum(server.calls().values()) - sum(own.values())
