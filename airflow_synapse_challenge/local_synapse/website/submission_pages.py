"""Pages of single submissions."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import Response

from airflow_synapse_challenge.local_synapse.core.errors import NotAllowed
from airflow_synapse_challenge.local_synapse.core.store import Json
from airflow_synapse_challenge.local_synapse.queues import submissions

from .entries import Entry
from .site import Page
from .visits import Visit


def submission(visit: Visit) -> Page:
    """Show a submission: all of it, what its submitter sees of it, or what everybody sees who may read the queue."""
    identity = visit.number("submission")
    row = submissions.row_of(visit.store, identity)
    entry, bundle = _entry(visit, identity, row)
    values: dict[str, Any] = {
        "entry": entry,
        "queue": visit.maybe(f"/evaluation/{row['evaluation']}"),
        "queue_id": row["evaluation"],
        "entity": visit.maybe(f"/entity/syn{row['entity']}"),
        "is_own": row["user"] == visit.viewer.id,
        "handles": bundle.get("fileHandles", []),
        "bundle": bundle,
    }
    return Page("submission.html", values)


def _entry(visit: Visit, identity: int, row: Any) -> tuple[Entry, Json]:
    """Return the submission and the entity as it was when it was submitted, as far as the viewer sees them."""
    status = visit.maybe(f"/evaluation/submission/{identity}/status")
    whole = visit.maybe(f"/evaluation/submission/{identity}")
    if whole is not None and status is not None:
        return Entry(status, whole), json.loads(whole["entityBundleJSON"])
    if row["user"] == visit.viewer.id:
        # Everybody lists their own submissions with statuses, whatever they may do with the queue (L-04).
        visit.require_agreed()
        return Entry(submissions.show_status(row, private=False), submissions.show(row)), {}
    if status is None:
        raise NotAllowed(f"You lack READ access to the queue of submission {identity}.")
    return Entry(status), {}


def file(visit: Visit) -> Response:
    """Lead to a file that was submitted."""
    path = f"/evaluation/submission/{visit.number('submission')}/file/{visit.number('handle')}"
    return visit.leads_to(path)
