"""Lists of submissions, statuses and bundles of both, page by page (section L of the rules)."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from starlette.responses import Response

from airflow_synapse_challenge.local_synapse.core.errors import Invalid
from airflow_synapse_challenge.local_synapse.core.http import Context, operation, paginated
from airflow_synapse_challenge.local_synapse.core.store import Store, dump, tables

from . import evaluations
from .submissions import STATUSES, as_json, show_status

MOST = 100
#: How many ids a block spans. Looking for an offset costs a row for each block and then at most one block of ids.
BLOCK = 256

#: How many submissions of each list have their id in each block, so that no page has to count those before it.
tables(
    f"""
    CREATE TABLE IF NOT EXISTS submission_block (
        evaluation INTEGER, list TEXT, block INTEGER, held INTEGER NOT NULL,
        PRIMARY KEY (evaluation, list, block)) WITHOUT ROWID;
    CREATE TRIGGER IF NOT EXISTS submission_counted AFTER INSERT ON submission BEGIN
        INSERT INTO submission_block VALUES
            (NEW.evaluation, '', NEW.id / {BLOCK}, 1), (NEW.evaluation, NEW.status, NEW.id / {BLOCK}, 1),
            (NEW.evaluation, 'user ' || NEW.user, NEW.id / {BLOCK}, 1)
            ON CONFLICT DO UPDATE SET held = held + 1;
    END;
    CREATE TRIGGER IF NOT EXISTS submission_moved AFTER UPDATE OF status ON submission WHEN OLD.status <> NEW.status
    BEGIN
        UPDATE submission_block SET held = held - 1
            WHERE evaluation = OLD.evaluation AND list = OLD.status AND block = OLD.id / {BLOCK};
        INSERT INTO submission_block VALUES (NEW.evaluation, NEW.status, NEW.id / {BLOCK}, 1)
            ON CONFLICT DO UPDATE SET held = held + 1;
    END;
    CREATE TRIGGER IF NOT EXISTS submission_uncounted AFTER DELETE ON submission BEGIN
        UPDATE submission_block SET held = held - 1 WHERE evaluation = OLD.evaluation AND block = OLD.id / {BLOCK}
            AND list IN ('', OLD.status, 'user ' || OLD.user);
    END;
    """
)

#: The block in which an offset lies, and how many come before that block.
FIND_BLOCK = """
    SELECT block, until - held AS before FROM (
        SELECT block, held, sum(held) OVER (ORDER BY block) AS until FROM submission_block
        WHERE evaluation = ? AND list = ?)
    WHERE until > ? ORDER BY block LIMIT 1"""


@dataclass(frozen=True)
class Page:
    """
    Which part of which list is asked for.

    :param name: of the list among those of the queue: empty for all, a status, or ``user`` and an id.
    :param condition: what the list holds, beside being of the queue, with the values for it.
    """

    evaluation: int
    name: str
    condition: str
    values: tuple[str | int, ...]
    offset: int
    limit: int

    @classmethod
    def of(cls, context: Context, *, own: bool = False) -> Page:
        """Read what a request asks for; this is checked before permissions (L-05)."""
        offset, limit = context.page(most=MOST)
        evaluation = context.number("id")
        if own:
            return cls(evaluation, f"user {context.user}", "user = ?", (context.user,), offset, limit)
        if status := wanted_status(context):
            return cls(evaluation, status, "status = ?", (status,), offset, limit)
        return cls(evaluation, "", "TRUE", (), offset, limit)

    def rows(self, store: Store, *, bundles: bool = False) -> list[sqlite3.Row]:
        """
        Return the submissions of the page in the order of their ids.

        :param bundles: with what was submitted, as ``bundle``.
        """
        start = store.one(FIND_BLOCK, self.evaluation, self.name, self.offset)
        if start is None:
            return []
        columns, join = "submission.*", ""
        if bundles:
            columns, join = "submission.*, entity_bundle.text AS bundle", "JOIN entity_bundle ON submission = page.id"
        return store.all(
            f"SELECT {columns} FROM (SELECT id FROM submission WHERE evaluation = ? AND {self.condition} AND id >= ? "
            f"ORDER BY id LIMIT ? OFFSET ?) AS page JOIN submission ON submission.id = page.id {join} ORDER BY page.id",
            self.evaluation,
            *self.values,
            start["block"] * BLOCK,
            self.limit,
            self.offset - start["before"],
        )

    def answer(self, items: list[str]) -> Response:
        """Return the page of items that are JSON already (G-08)."""
        total = paginated(items, self.offset, self.limit)["totalNumberOfResults"]
        text = f'{{"results":[{",".join(items)}],"totalNumberOfResults":{total}}}'
        return Response(text, media_type="application/json")


def wanted_status(context: Context) -> str:
    """Return the status that a list is of, empty for all (L-05)."""
    status = context.query.get("status", "").strip().upper()
    if status and status not in STATUSES:
        raise Invalid(f"{status} is not a valid submission status; use one of {', '.join(STATUSES)}")
    return status


def _require_private(context: Context) -> None:
    evaluations.require_submission_access(context.store, context.number("id"), context.user, "READ_PRIVATE_SUBMISSION")


def _may_read_private(context: Context) -> bool:
    return evaluations.may(context.store, context.number("id"), context.user, "READ_PRIVATE_SUBMISSION")


def _bundle(row: sqlite3.Row, *, private: bool) -> str:
    status = dump(show_status(row, private=private))
    return f'{{"submission":{as_json(row)},"submissionStatus":{status}}}'


@operation("GET", "/repo/v1/evaluation/{id}/submission/all")
def list_all(context: Context) -> Response:
    """List a queue (L-04, L-05)."""
    page = Page.of(context)
    _require_private(context)
    return page.answer([as_json(row) for row in page.rows(context.store, bundles=True)])


@operation("GET", "/repo/v1/evaluation/{id}/submission/bundle/all")
def list_all_bundles(context: Context) -> Response:
    """List a queue with statuses (L-04, L-07)."""
    page = Page.of(context)
    _require_private(context)
    return page.answer([_bundle(row, private=True) for row in page.rows(context.store, bundles=True)])


@operation("GET", "/repo/v1/evaluation/{id}/submission/status/all")
def list_statuses(context: Context) -> Response:
    """List the statuses of a queue (L-04)."""
    page = Page.of(context)
    evaluations.require_submission_access(context.store, page.evaluation, context.user, "READ")
    private = _may_read_private(context)
    return page.answer([dump(show_status(row, private=private)) for row in page.rows(context.store)])


@operation("GET", "/repo/v1/evaluation/{id}/submission")
def list_own(context: Context) -> Response:
    """List the caller's own submissions; no permission is needed (L-04)."""
    page = Page.of(context, own=True)
    return page.answer([as_json(row) for row in page.rows(context.store, bundles=True)])


@operation("GET", "/repo/v1/evaluation/{id}/submission/bundle")
def list_own_bundles(context: Context) -> Response:
    """List the caller's own submissions with statuses (L-04)."""
    page = Page.of(context, own=True)
    private = _may_read_private(context)
    return page.answer([_bundle(row, private=private) for row in page.rows(context.store, bundles=True)])


@operation("GET", "/repo/v1/evaluation/{id}/submission/count")
def count(context: Context) -> int:
    """Count a queue, whatever the statuses: a bare number (L-06)."""
    _require_private(context)
    counted = context.store.value(
        "SELECT sum(held) FROM submission_block WHERE evaluation = ? AND list = ''", context.number("id")
    )
    return int(counted or 0)
