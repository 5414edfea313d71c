"""``synapse-challenge release``: let a submitter read a log that the leak budget withheld."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from airflow_synapse_challenge.challenge.units import format_size
from airflow_synapse_challenge.cli.options import CHALLENGE_FILE, ChallengeFile, challenge_at
from airflow_synapse_challenge.containers.logs import harmless

if TYPE_CHECKING:
    from airflow_synapse_challenge.steps.release import WithheldLog

SHOWN_LINES = 20
SHOWN_CHARACTERS = 4000


def release(
    submission: Annotated[str, typer.Argument(help="Id of the submission.")],
    challenge: ChallengeFile = CHALLENGE_FILE,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """
    Let a submitter read the whole log of a model that the leak budget withheld. Shows its end and its readers first.

    Uses the challenge's Airflow connection. May be repeated: what was released is counted once.
    """
    from airflow_synapse_challenge.cli.airflow import hook_of
    from airflow_synapse_challenge.steps import release as steps

    console = Console(highlight=False)
    found = challenge_at(challenge, alone=True)
    hook = hook_of(found)
    with tempfile.TemporaryDirectory(prefix="airflow-synapse-challenge-release-") as folder, hook.get_conn() as client:
        work_dir = Path(folder)
        transfer = hook.file_transfer(work_dir / "transfer")
        log = steps.find_withheld(client, transfer, found, submission, work_dir)
        if log is None:
            console.print(f"Nothing is withheld of the log of submission {submission}, or not any more.")
            return
        if log.withheld:
            _show(console, log, steps.readers(client, log.folder_id), hook.portal_url(log.file_id))
            if not yes:
                typer.confirm("Release it?", abort=True)
        ledger = steps.release(client, transfer, log, work_dir)
        console.print(
            f"[green]OK[/] submission {submission}: {log.withheld} bytes more can be read at "
            f"{hook.portal_url(log.folder_id)}; its submitter can read {ledger.total} bytes in all, and the budget is "
            f"{format_size(log.budget.per_submitter)}.",
            soft_wrap=True,
        )


def _show(console: Console, log: WithheldLog, readers: list[str], address: str) -> None:
    console.print(Text.assemble(("Log of submission ", "bold"), (log.submission.id, "bold"), f" ({log.queue.name})"))
    console.print(f"  {log.size} bytes, of which {log.shown} can be read already and {log.withheld} are withheld")
    console.print(Text(f"  All of it is at {address}"), soft_wrap=True)
    console.print(Text("  It will be readable by: " + ", ".join(readers)), soft_wrap=True)
    console.rule("its end", align="left", style="dim")
    end = harmless(log.text).rstrip().splitlines()[-SHOWN_LINES:]
    console.print(Text("\n".join(end)[-SHOWN_CHARACTERS:]), soft_wrap=True)
    console.rule(style="dim")
