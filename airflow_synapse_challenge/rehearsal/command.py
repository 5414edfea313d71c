"""Run a rehearsal from the command line."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rich.console import Console
from rich.live import Live

from airflow_synapse_challenge.challenge.config import load_challenge
from airflow_synapse_challenge.errors import SynapseChallengeError
from airflow_synapse_challenge.factory.dag_file import DAG_FILE, DAG_FILE_NAME, FOLDER_VARIABLE
from airflow_synapse_challenge.hooks.docker import deployment_id
from airflow_synapse_challenge.local_synapse.server import LocalSynapse
from airflow_synapse_challenge.rehearsal import report
from airflow_synapse_challenge.rehearsal.deployment import AirflowDeployment
from airflow_synapse_challenge.rehearsal.engine import REHEARSAL_LABEL, engine_for_rehearsal, sweep
from airflow_synapse_challenge.rehearsal.observer import Observer, Record
from airflow_synapse_challenge.rehearsal.participants import Participants
from airflow_synapse_challenge.rehearsal.plan import Plan, load_plan
from airflow_synapse_challenge.rehearsal.site import SERVICE, Site, build_site

#: Seconds after the last submission in which everything has to be final.
PATIENCE = 600.0
LOOK = 1.0
#: Columns of the output when it goes to a file.
WIDTH = 150


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Rehearse and return the exit code.

    0: everything as planned; 1: something is not; 2: the rehearsal could not be run.
    """
    parser = argparse.ArgumentParser(prog="rehearsal", description="Run a whole challenge on this machine.")
    parser.add_argument("folder", type=Path, help="folder with challenge.yaml and rehearsal.yaml")
    parser.add_argument("--exit", action="store_true", help="stop when all is final; the last line is JSON")
    parser.add_argument("--engine", choices=("docker", "process"), help="default: docker if an engine answers")
    parser.add_argument("--home", type=Path, help="new folder to keep everything in; default: a temporary one")
    wish = parser.parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    # A shell that starts this in the background has it ignore Ctrl-C.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        with _home(wish.home) as home:
            return rehearse(wish.folder, home, console, engine=wish.engine, stay=not wish.exit)
    except SynapseChallengeError as error:
        console.print(f"[red]{type(error).__name__}:[/] {error}", soft_wrap=True)
        return 2
    except KeyboardInterrupt:
        console.print("Stopped.")
        return 130


def rehearse(folder: Path, home: Path, console: Console, *, engine: str | None = None, stay: bool = False) -> int:
    """
    Run the challenge in a folder to its end and tell what came of it.

    :param home: empty folder for everything.
    :param engine: ``docker``, ``process``, or ``None`` for the first that is there.
    :param stay: keep the servers up until interrupted.
    """
    plan = load_plan(folder)
    engine = engine_for_rehearsal(load_challenge(folder / "challenge.yaml"), engine, images=plan.has_images)
    rehearsal = uuid.uuid4().hex
    with ExitStack() as stack:
        console.print(f"Containers run on: [bold]{engine}[/]")
        server = stack.enter_context(LocalSynapse.start(home / "synapse", docker_registry=plan.has_images))
        console.print(f"Local Synapse:     {server.url}")
        if plan.has_images:
            console.print(f"Docker registry:   {server.registry}")
        site = build_site(server, plan, folder, home / "work", engine)
        airflow = _airflow(home, server, site)
        if engine == "docker":
            stack.callback(sweep, site.challenge, deployment_id(airflow.url), rehearsal)
        _start_airflow(stack, airflow, site, console)
        observer = Observer(server, airflow, plan, site)
        participants = Participants(server, plan, site, folder, home / "work", label=f"{REHEARSAL_LABEL}={rehearsal}")
        stack.callback(participants.stop)
        records = _watch(plan, participants, observer, console)
        as_planned = _tell(plan, records, observer, site, console)
        if stay:
            _tell_where(server, airflow, site, console)
            console.print("\nEverything stays up until you press Ctrl-C.")
            signal.pause()
    print(report.as_json(records, observer.final_leaderboard, engine), flush=True)
    return 0 if as_planned else 1


def _airflow(home: Path, server: LocalSynapse, site: Site) -> AirflowDeployment:
    dags = home / "dags"
    dags.mkdir()
    (dags / DAG_FILE_NAME).write_text(DAG_FILE)
    connection = {"conn_type": "synapse", "password": server.token(SERVICE), "extra": {"endpoint": server.url}}
    return AirflowDeployment(
        home / "airflow",
        dags,
        connections={site.challenge.synapse.connection: connection},
        environment={FOLDER_VARIABLE: str(site.challenges_folder)},
    )


def _start_airflow(stack: ExitStack, airflow: AirflowDeployment, site: Site, console: Console) -> None:
    with console.status("Airflow is starting …"):
        airflow.prepare()
        challenge = site.challenge
        airflow.make_pool(challenge.challenge, challenge.compute.memory_gib, challenge.title)
        stack.callback(airflow.stop)
        airflow.start()
    console.print(f"Airflow:           {airflow.url}  user {airflow.user}, password {airflow.password}")


def _watch(plan: Plan, participants: Participants, observer: Observer, console: Console) -> list[Record]:
    """Show the submissions until all are final, or nothing has become final for too long."""
    planned = len(plan.submissions)
    participants.start()
    last_change = time.monotonic()
    finals = 0
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while True:
            finished = participants.finished
            records = observer.look(dict(participants.submitted))
            final = sum(record.is_final for record in records)
            if console.is_terminal:
                live.update(report.progress(records, planned), refresh=True)
            elif final > finals:
                console.print(f"{final} of {planned} submissions have a final status.")
            if final > finals or not finished:
                finals, last_change = final, time.monotonic()
            if (finished and final == planned) or time.monotonic() > last_change + PATIENCE:
                break
            time.sleep(LOOK)
    console.print(report.progress(records, planned))
    return records


def _tell(plan: Plan, records: list[Record], observer: Observer, site: Site, console: Console) -> bool:
    observer.finish()
    files = {record.id: record.planned.name for record in records}
    names = {identity: name for name, identity in (site.participants | site.teams).items()}
    console.print(report.leaderboard(observer.final_leaderboard, files))
    console.print(report.mailbox(observer.mails(), names))
    problems = [f"{record.planned.name} ({record.id}): {text}" for record in records for text in record.problems]
    if len(records) < len(plan.submissions):
        problems.append(f"only {len(records)} of {len(plan.submissions)} submissions were made")
    if not observer.leaderboard_as_planned():
        problems.append("the leaderboard is not as planned")
    for problem in problems:
        console.print(f"[red]Not as planned:[/] {problem}", soft_wrap=True)
    if not problems:
        console.print(f"[green]All {len(records)} submissions ended as planned.[/]")
    return not problems


def _tell_where(server: LocalSynapse, airflow: AirflowDeployment, site: Site, console: Console) -> None:
    console.print(f"Airflow        {airflow.url}  user {airflow.user}, password {airflow.password}")
    console.print(f"Synapse        {server.url}  project {site.project}")
    if server.docker_registry:
        console.print(f"Images         {server.registry}  user and token as on Synapse")


@contextmanager
def _home(wanted: Path | None) -> Iterator[Path]:
    if wanted:
        wanted.mkdir(parents=True)
        yield wanted.resolve()
        return
    made = Path(tempfile.mkdtemp(prefix="synapse-challenge-"))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
