"""The leak ledger of a submitter, kept as annotations of the submitter's locked folder."""

from __future__ import annotations

from collections.abc import Callable

from airflow_synapse_challenge.challenge.leaks import Ledger
from airflow_synapse_challenge.synapse import entities
from airflow_synapse_challenge.synapse.client import SynapseClient
from airflow_synapse_challenge.synapse.entities import Annotations
from airflow_synapse_challenge.synapse.retry import contested

TOTAL = "synapse_challenge_released_bytes"
SUBMISSIONS = "synapse_challenge_released_by_submission"


def read_ledger(client: SynapseClient, folder_id: str) -> Ledger:
    """Return what was released to a submitter so far (``GET /entity/{id}/annotations2``)."""
    return _ledger(client.send(entities.get_annotations(folder_id)))


def change_ledger(client: SynapseClient, folder_id: str, change: Callable[[Ledger], Ledger]) -> Ledger:
    """
    Change a ledger under the folder's etag (``PUT /entity/{id}/annotations2``); repeated where others wrote.

    :param change: called again after each conflict, with what the ledger holds then.
    """
    for attempt in contested():
        found = client.send(entities.get_annotations(folder_id))
        before = _ledger(found)
        after = change(before)
        if after == before:
            return before
        with attempt:
            client.send(entities.put_annotations(_with(found, after)))
            return after
    raise AssertionError("unreachable")


def _ledger(found: Annotations) -> Ledger:
    total = (found.annotations.get(TOTAL) or {}).get("value") or ["0"]
    lines = (found.annotations.get(SUBMISSIONS) or {}).get("value") or []
    return Ledger.from_lines(int(total[0]), lines)


def _with(found: Annotations, ledger: Ledger) -> Annotations:
    own = {
        TOTAL: {"type": "LONG", "value": [str(ledger.total)]},
        SUBMISSIONS: {"type": "STRING", "value": ledger.lines()},
    }
    return found.model_copy(update={"annotations": found.annotations | own})
