"""Pages of tables and views: rows, sorted and asked for without a script. Views of submissions are leaderboards."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from airflow_synapse_challenge.local_synapse.content import entities
from airflow_synapse_challenge.local_synapse.core.store import Json, dump

from .grids import queried
from .subjects import Subject
from .visits import Visit

#: What a submission view begins with and a leaderboard ends with; the rest of its own columns it leaves out.
LAST = ("status", "name", "id", "createdOn", "entityid")
LEFT_OUT = (
    "createdBy", "etag", "modifiedOn", "projectId", "evaluationid", "evaluationroundid", "submitteralias",
    "entityversion", "dockerrepositoryname", "dockerdigest",
)  # fmt: skip
FIRST = "submitterid"
#: What people call the columns of a leaderboard.
NAMES = {
    "submitterid": "submitter",
    "name": "file",
    "id": "submission",
    "createdOn": "submitted",
    "entityid": "entity",
}
MOST_LEADERBOARDS = 20


def values_of(visit: Visit, subject: Subject) -> dict[str, Any]:
    """Return what the page of a table shows beside what all entities have."""
    columns: list[Json] = visit.get(f"/entity/{subject.id}/column")["results"]
    own = f"SELECT * FROM {subject.id}" + (f".{subject.version}" if subject.version else "")
    standard, order = (own, None) if subject.short != "submissionview" else _leaderboard(own, columns)
    sql = visit.query.get("sql", "").strip() or standard
    if wanted := visit.query.get("sort"):
        order = wanted, visit.query.get("order") == "descending"
    elif visit.query.get("sql"):
        order = None
    grid = queried(visit, sql, visit.paging("rows"), order) if columns else None
    names = NAMES if subject.short == "submissionview" and sql == standard else {}
    return {"columns": columns, "grid": grid, "sql": sql, "names": names}


def _leaderboard(own: str, columns: Sequence[Json]) -> tuple[str, tuple[str, bool] | None]:
    """Return the query of a view of submissions that shows first who and how good, and how it is sorted at first."""
    names = [column["name"] for column in columns]
    scores = [name for name in names if name not in (FIRST, *LAST, *LEFT_OUT)]
    numbers = [column["name"] for column in columns if column["name"] in scores and column["columnType"] == "DOUBLE"]
    shown = [name for name in (FIRST, *scores, *LAST) if name in names]
    if not shown:
        return own, None
    return own.replace("*", ", ".join(map(quoted, shown)), 1), (numbers[0], True) if numbers else None


def quoted(name: str) -> str:
    """Return the name of a column as Synapse's SQL takes it."""
    return name if re.fullmatch(r"[A-Za-z_]\w*", name) else '"' + name.replace('"', '""') + '"'


def leaderboards_of(visit: Visit, queues: Sequence[str]) -> list[Json]:
    """Return headers of the views of submissions over some queues that the viewer may see."""
    from airflow_synapse_challenge.local_synapse.tables.table_types import SUBMISSION_VIEW

    rows = visit.store.all(
        "SELECT * FROM entity WHERE type = ? AND trashed_by IS NULL AND EXISTS (SELECT 1 FROM "
        "json_each(entity.doc, '$.scopeIds') AS scope WHERE scope.value IN (SELECT value FROM json_each(?))) "
        "ORDER BY name, id",
        SUBMISSION_VIEW,
        dump(list(queues)),
    )
    seen = [row for row in rows if entities.may(visit.store, row["id"], visit.viewer.id, "READ")]
    return [entities.entity_header(visit.store, row) for row in seen[:MOST_LEADERBOARDS]]
