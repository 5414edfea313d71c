"""A rehearsal for people: tables; and for programs: one line of JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from rich.table import Table

from airflow_synapse_challenge.challenge.text import cut, one_line
from airflow_synapse_challenge.rehearsal.observer import Record
from airflow_synapse_challenge.steps.leaderboard import Line

STYLES = {"ACCEPTED": "green", "SCORED": "green", "INVALID": "yellow", "RECEIVED": "dim"}
LONGEST_CELL = 70
MIB = 1024**2


def progress(records: Sequence[Record], planned: int) -> Table:
    """Return a table with a row for each submission so far."""
    models = any(record.planned.image for record in records)
    table = Table(title=f"Submissions ({len(records)} of {planned})", title_justify="left")
    for column in ("id", "submitter", "file or image" if models else "file", "status"):
        table.add_column(column, no_wrap=True)
    if models:
        table.add_column("its model ran", no_wrap=True)
    table.add_column("scores, or why it is invalid")
    table.add_column("seconds", justify="right")
    for record in records:
        style = STYLES.get(record.status, "cyan")
        scores = ", ".join(f"{metric} {record.annotations.get(metric)}" for metric in record.planned.valid or {})
        table.add_row(
            record.id,
            record.planned.by,
            record.planned.name,
            f"[{style}]{record.status}[/]",
            *([_figures(record)] if models else []),
            cut(scores if record.status in ("ACCEPTED", "SCORED") else one_line(record.reasons), LONGEST_CELL),
            f"{record.seconds:.1f}" if record.is_final else "",
        )
    return table


def _figures(record: Record) -> str:
    """Return how long a model ran and the most memory that it had."""
    seconds, memory = record.model.get("seconds"), record.model.get("peak_memory")
    parts = (
        "" if seconds is None else f"{float(seconds):.1f} s",
        "" if memory is None else f"{int(memory) / MIB:.0f} MiB",
    )
    return ", ".join(part for part in parts if part)


def leaderboard(lines: Sequence[Line], files: dict[str, str]) -> Table:
    """
    Return the leaderboard.

    :param files: name of the submitted file by submission.
    """
    metrics = list(lines[0].metrics) if lines else []
    table = Table(title="Leaderboard", title_justify="left")
    table.add_column("rank", justify="right")
    table.add_column("submitter")
    for metric in metrics:
        table.add_column(metric, justify="right")
    table.add_column("file")
    for line in lines:
        values = [f"{line.metrics.get(metric, float('nan')):.6f}" for metric in metrics]
        table.add_row(str(line.rank), line.submitter, *values, files.get(str(line.submission_id), ""))
    return table


def mailbox(mails: Sequence[dict[str, Any]], names: dict[int, str]) -> Table:
    """
    Return the mails, oldest first.

    :param names: of principals.
    """
    table = Table(title=f"Mailbox ({len(mails)} mails)", title_justify="left")
    for column in ("to", "subject", "says"):
        table.add_column(column, no_wrap=True)
    for mail in mails:
        to = ", ".join(names.get(int(principal), str(principal)) for principal in mail["to"])
        table.add_row(to, mail["subject"], cut(_gist(mail["body"]), LONGEST_CELL))
    return table


def as_json(records: Sequence[Record], lines: Sequence[Line], engine: str) -> str:
    """Return everything in one line of JSON."""
    return json.dumps(
        {
            "submissions": [
                {
                    "id": record.id,
                    "submitter": record.planned.by,
                    "file": record.planned.name,
                    "status": record.status,
                    "submission_status": record.annotations.get("submission_status"),
                    "expected": record.expected,
                    "seconds": round(record.seconds, 3),
                    "tasks": record.tasks,
                    "mails": record.mails,
                    "problems": record.problems,
                    **({"image": record.image, "model": record.model} if record.planned.image else {}),
                }
                for record in records
            ],
            "leaderboard": [
                {
                    "rank": line.rank,
                    "submitter": line.submitter,
                    "submission": line.submission_id,
                    **line.metrics,
                }
                for line in lines
            ],
            "engine": engine,
        }
    )


def _gist(body: str) -> str:
    """The sentence after the greeting."""
    paragraphs = [part.strip() for part in body.split("\n\n") if part.strip()]
    return " ".join(" ".join(paragraphs[1:3]).split())
