"""``synapse-challenge``: the commands that organisers and on-call people use."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from airflow_synapse_challenge.challenge.config import Challenge, Queue, json_schema, load_challenge
from airflow_synapse_challenge.cli.release import release
from airflow_synapse_challenge.cli.size import size
from airflow_synapse_challenge.cli.try_image import try_image
from airflow_synapse_challenge.errors import ConfigurationError, SynapseChallengeError

app = typer.Typer(
    help="Run crowd-sourced science challenges on Synapse with Apache Airflow.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
console = Console()
errors = Console(stderr=True)

ChallengePath = Annotated[Path, typer.Argument(help="A challenge.yaml, or a folder with some.", exists=True)]


def main() -> None:
    """Run the command line; what is wrong becomes one message and exit code 1."""
    try:
        app()
    except SynapseChallengeError as error:
        errors.print("[red]Error:[/]", end=" ")
        errors.print(str(error), soft_wrap=True, highlight=False, markup=False)
        raise SystemExit(1) from None


@app.command()
def check(path: ChallengePath) -> None:
    """Check challenge.yaml files: every problem with its file, line and key. Needs no network."""
    for challenge in _challenges(path):
        queues = ", ".join(queue.name for queue in challenge.queues)
        console.print(f"[green]OK[/] {challenge.challenge}: {challenge.title} ({queues})", highlight=False)
        for queue in challenge.queues:
            if not queue.is_ready:
                console.print(f"   {queue.name}: no `id` yet, so nothing listens to this queue.", highlight=False)


@app.command()
def schema(
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write it here instead of printing.")] = None,
) -> None:
    """Print the JSON Schema of challenge.yaml, for editors."""
    text = json.dumps(json_schema(), indent=2) + "\n"
    if output:
        output.write_text(text, encoding="utf-8")
    else:
        typer.echo(text, nl=False)


@app.command()
def leaderboard(
    path: ChallengePath,
    queue: Annotated[str | None, typer.Option(help="Name of the queue; needed when there are several.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Rank a queue's scored submissions as Synapse has them now. Uses the challenge's Airflow connection."""
    from airflow_synapse_challenge.cli.airflow import hook_of
    from airflow_synapse_challenge.steps.leaderboard import read_leaderboard

    challenge = _one(_challenges(path), path)
    with hook_of(challenge).get_conn() as client:
        lines = read_leaderboard(client, _queue(challenge, queue))
    if as_json:
        typer.echo(json.dumps([{**vars(line), "metrics": dict(line.metrics)} for line in lines]))
        return
    metrics = list(lines[0].metrics) if lines else []
    table = Table("rank", "submitter", *metrics, "submission", "submitted")
    for line in lines:
        values = [f"{line.metrics.get(metric, float('nan')):.6g}" for metric in metrics]
        table.add_row(str(line.rank), line.submitter, *values, str(line.submission_id), line.created_on)
    console.print(table)


app.command("try")(try_image)
app.command("size")(size)
app.command("release")(release)


@app.command("init-airflow")
def init_airflow(
    path: ChallengePath,
    dags: Annotated[Path | None, typer.Option(help="Airflow's DAG folder: write the DAG file there.")] = None,
) -> None:
    """Make the pools that bound each challenge's memory. May be repeated."""
    from airflow_synapse_challenge.cli.airflow import set_pools, write_dag_file

    challenges = _challenges(path)
    set_pools(challenges)
    for challenge in challenges:
        console.print(f"[green]OK[/] pool {challenge.challenge}: {challenge.compute.memory_gib} slots of 1 GiB")
    if dags:
        console.print(f"[green]OK[/] {write_dag_file(dags)}")


@app.command()
def doctor(path: ChallengePath) -> None:
    """Look for whatever could keep a challenge from running, and say how to mend it."""
    from airflow_synapse_challenge.cli.doctor import examine

    sick = False
    for challenge in _challenges(path):
        console.print(f"[bold]{challenge.title}[/] ({challenge.challenge})")
        for finding in examine(challenge):
            mark = "[green] ok [/]" if finding.healthy else "[red]FAIL[/]"
            console.print(f"  {mark} {finding.what}", highlight=False, soft_wrap=True)
            if not finding.healthy:
                sick = True
                console.print(f"       {finding.mend}", highlight=False, soft_wrap=True, markup=False)
    if sick:
        raise typer.Exit(1)


@app.command("local-synapse")
def local_synapse(  # noqa: PLR0917  one for each option
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 for any free one.")] = 7007,
    data: Annotated[Path, typer.Option(help="Folder that keeps everything.")] = Path("~/.local-synapse"),
    reset: Annotated[bool, typer.Option("--reset", help="Begin empty.")] = False,
    seed: Annotated[Path | None, typer.Option(help="YAML with users, teams, projects, queues, submissions.")] = None,
    write_config: Annotated[Path | None, typer.Option(help="Write a .synapseConfig for clients.")] = None,
    user: Annotated[str, typer.Option(help="Whose token goes into that file.")] = "challenge-service",
    docker_registry: Annotated[bool, typer.Option("--docker-registry", help="Also start a Docker registry.")] = False,
    registry_port: Annotated[int, typer.Option(help="Its port; 0 for the one that it had, or any.")] = 0,
) -> None:
    """Start a Synapse for this machine: nothing that is done there reaches anybody else."""
    try:
        from airflow_synapse_challenge.local_synapse.command import serve
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"The local Synapse needs {error.name}: pip install 'airflow-synapse-challenge[local-synapse]'."
        ) from error
    serve(
        data.expanduser(),
        port,
        reset=reset,
        seed=seed,
        write_config=write_config,
        user=user,
        docker_registry=docker_registry,
        registry_port=registry_port,
    )


def _challenges(path: Path) -> list[Challenge]:
    files = sorted(path.rglob("challenge.yaml")) if path.is_dir() else [path]
    if not files:
        raise ConfigurationError(f"There is no challenge.yaml in {path} or below.")
    problems = []
    found = []
    for file in files:
        try:
            found.append(load_challenge(file))
        except ConfigurationError as error:
            problems.append(str(error))
    if problems:
        raise ConfigurationError("\n".join(problems))
    return found


def _one(challenges: list[Challenge], path: Path) -> Challenge:
    if len(challenges) > 1:
        raise ConfigurationError(f"{path} holds {len(challenges)} challenges; name one challenge.yaml.")
    return challenges[0]


def _queue(challenge: Challenge, name: str | None) -> Queue:
    fitting = [queue for queue in challenge.queues if name in (None, queue.name)]
    if len(fitting) != 1:
        names = ", ".join(queue.name for queue in challenge.queues)
        raise ConfigurationError(f"Name one queue with --queue; there are: {names}.")
    return fitting[0]
