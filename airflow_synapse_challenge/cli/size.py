"""``synapse-challenge size``: what a host has to have for a challenge, and what it carries."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from airflow_synapse_challenge.challenge import sizing
from airflow_synapse_challenge.challenge.config import Challenge
from airflow_synapse_challenge.challenge.sizing import Host, QueueSize, StepSize
from airflow_synapse_challenge.challenge.step import GIB
from airflow_synapse_challenge.challenge.units import format_duration, format_size
from airflow_synapse_challenge.cli.options import CHALLENGE_FILE, ChallengeFile, challenge_at
from airflow_synapse_challenge.errors import ConfigurationError, OrganiserFault, SynapseChallengeError

BOUNDS = {"memory": "memory (the pool)", "cpu": "processors", "submissions": "max_concurrent_submissions"}


def size(
    challenge: ChallengeFile = CHALLENGE_FILE,
    submissions: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Say what to change to carry N submissions at once.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
) -> None:
    """Say how many submissions run at once, what bounds them, and what the host needs. Asks the engine, nobody else."""
    from airflow_synapse_challenge.containers.docker_disk import SPARE_BYTES

    found = challenge_at(challenge, alone=True)
    host, about = look_at_host(found)
    sizes = sizing.measure(found, host)
    if not sizes:
        raise ConfigurationError(f"{challenge} has no queue that evaluates anything, so there is nothing to size.")
    answer = _Answer(
        challenge=found,
        host=host,
        about=about,
        sizes=sizes,
        image_room=sizing.image_room(found, found.compute.max_concurrent_submissions, SPARE_BYTES),
        warnings=tuple(sizing.warnings(found, host, SPARE_BYTES)),
        changes=tuple(sizing.changes(found, host, submissions, SPARE_BYTES)) if submissions else None,
    )
    if as_json:
        typer.echo(json.dumps(_as_json(answer)))
    else:
        _show(Console(highlight=False), answer, submissions)


@dataclass(frozen=True)
class _Answer:
    challenge: Challenge
    host: Host
    about: str
    sizes: tuple[QueueSize, ...]
    image_room: int
    warnings: tuple[str, ...]
    changes: tuple[sizing.Change, ...] | None


def look_at_host(challenge: Challenge) -> tuple[Host, str]:
    """Return the host that containers run on, and a sentence about where the figures come from."""
    if challenge.compute.engine == "process":
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        return Host(os.cpu_count(), memory, shutil.disk_usage(tempfile.gettempdir()).free), "this host"
    if challenge.compute.engine != "docker":
        return Host(), f"unknown: the nodes of `engine: {challenge.compute.engine}` are not looked at"
    try:
        return _docker_host(challenge)
    except SynapseChallengeError as error:
        return Host(), f"unknown: {error}"


def _docker_host(challenge: Challenge) -> tuple[Host, str]:
    from airflow_synapse_challenge.containers.docker_calls import engine_errors
    from airflow_synapse_challenge.containers.docker_images import DockerImages

    client = _client(challenge.compute.docker_connection)
    with engine_errors():
        about = client.info()
    name = f"Docker engine on {about['Name']}"
    try:
        free = DockerImages(client, challenge.compute.evaluation_image).free_bytes()
    except OrganiserFault as error:
        free, name = None, f"{name}; its disk cannot be seen: {error}"
    gpus = any("nvidia" in runtime for runtime in about.get("Runtimes") or {})
    return Host(about["NCPU"], about["MemTotal"], free, gpus), name


def _client(docker_connection: str | None) -> Any:
    """Only a connection of Airflow's needs Airflow, which takes seconds to start."""
    if docker_connection is None:
        from airflow_synapse_challenge.containers.docker_calls import environment_client

        return environment_client()
    from airflow_synapse_challenge.cli.airflow import docker_client_of

    return docker_client_of(docker_connection)


def _as_json(answer: _Answer) -> dict[str, Any]:
    host = answer.host
    return {
        "challenge": answer.challenge.challenge,
        "host": {
            "about": answer.about,
            "cpus": host.cpus,
            "memory_bytes": host.memory,
            "disk_free_bytes": host.disk_free,
            "gpus": host.gpus,
        },
        "pool_slots": answer.challenge.compute.memory_gib,
        "max_concurrent_submissions": answer.challenge.compute.max_concurrent_submissions,
        "queues": [_queue_as_json(size) for size in answer.sizes],
        "image_disk_bytes": answer.image_room,
        "warnings": answer.warnings,
        "changes": None if answer.changes is None else [vars(change) for change in answer.changes],
    }


def _queue_as_json(size: QueueSize) -> dict[str, Any]:
    return {
        "name": size.queue.name,
        "kind": size.queue.kind,
        "steps": [
            {
                "name": step.name,
                "memory_bytes": step.memory,
                "cpus": step.cpus,
                "gpus": step.gpus,
                "slots": step.slots,
                "longest_seconds": step.longest.total_seconds(),
                "at_once": step.at_once,
            }
            for step in size.steps
        ],
        "at_once": size.at_once,
        "carries": size.carries,
        "bottleneck": size.bottleneck,
        "longest_seconds": size.longest.total_seconds(),
        "per_day": size.per_day,
    }


def _show(console: Console, answer: _Answer, submissions: int | None) -> None:
    challenge, compute, host = answer.challenge, answer.challenge.compute, answer.host
    console.print(Text.assemble((challenge.title, "bold"), f" ({challenge.challenge})"))
    console.print(Text(f"  the host has  {_host(host)} ({answer.about})"), soft_wrap=True)
    console.print(
        f"  and gives     {format_size(compute.memory)} to evaluations, a pool of {compute.memory_gib} slots; "
        f"{compute.max_concurrent_submissions} submissions in work at most",
        soft_wrap=True,
    )
    if answer.image_room:
        console.print(
            f"  images take   {answer.image_room / GIB:.1f} GiB of disk at most, {compute.max_concurrent_submissions} "
            "at one time and what is kept free",
            soft_wrap=True,
        )
    for size in answer.sizes:
        _show_queue(console, size)
    if len(answer.sizes) > 1:
        console.print("Each queue is counted as if it had the host to itself.")
    console.print()
    for text in answer.warnings:
        console.print(Text.assemble(("warning  ", "yellow"), text), soft_wrap=True)
    if submissions is not None:
        _show_changes(console, submissions, answer.changes or ())


def _show_queue(console: Console, size: QueueSize) -> None:
    headings = ("step", "memory", "slots", "cpus", "gpus", "longest", "by memory", "by cpu")
    table = Table(*headings, box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    for step in size.steps:
        table.add_row(*_row(step))
    console.print()
    console.print(Text.assemble((size.queue.name, "bold"), f" ({size.queue.kind})"))
    console.print(table)
    ranked = ", ".join(f"{bound} {count}" for bound, count in sorted(size.at_once.items(), key=lambda item: item[1]))
    console.print(
        Text.assemble("  ", (f"{size.carries} at once", "bold"), f", bounded by {BOUNDS[size.bottleneck]} ({ranked})")
    )
    console.print(
        f"  A submission that takes all of its time takes {format_duration(size.longest)}: "
        f"at least {size.per_day} a day",
        soft_wrap=True,
    )


def _row(step: StepSize) -> Iterator[str]:
    is_container = step.name != sizing.FILE_PREDICTIONS
    yield step.name
    yield format_size(step.memory)
    yield str(step.slots)
    yield f"{step.cpus:g}" if is_container else "-"
    yield str(step.gpus or "-")
    yield format_duration(step.longest) if is_container else "-"
    yield str(step.at_once["memory"])
    yield str(step.at_once.get("cpu", "-"))


def _host(host: Host) -> str:
    parts = [
        None if host.cpus is None else f"{host.cpus} processors",
        None if host.memory is None else f"{host.memory / GIB:.1f} GiB memory",
        None if host.disk_free is None else f"{host.disk_free / GIB:.1f} GiB free disk",
    ]
    return ", ".join(part for part in parts if part) or "?"


def _show_changes(console: Console, submissions: int, changes: tuple[sizing.Change, ...]) -> None:
    if not changes:
        console.print(f"[green]{submissions} at once are carried[/] with what there is, whatever their queue and step.")
        return
    console.print(f"[bold]To carry {submissions} at once[/], each in the largest step of all queues:")
    table = Table("what", "is", "needed", box=box.SIMPLE_HEAD, pad_edge=False)
    for change in changes:
        table.add_row(change.what, change.now or "?", change.needed)
    console.print(table)
