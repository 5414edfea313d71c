"""What somebody sees while an image is tried."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

from rich.console import Console
from rich.status import Status
from rich.table import Table
from rich.text import Text

from airflow_synapse_challenge.challenge.config import Challenge, Queue
from airflow_synapse_challenge.challenge.units import format_duration, format_size

if TYPE_CHECKING:
    from airflow_synapse_challenge.cli.try_image import Verdict
    from airflow_synapse_challenge.steps.model import ModelRun, Phase
    from airflow_synapse_challenge.steps.trial_image import FoundImage

COLOURS = {"ok": "green", "invalid": "red", "refused": "yellow"}


class View(Protocol):
    """Who is told of a trial as it goes on."""

    def note(self, text: str) -> None: ...

    def begin(self, challenge: Challenge, queue: Queue, image: FoundImage, run: ModelRun) -> None: ...

    def phase(self, phase: Phase) -> None: ...

    def line(self, text: str) -> None: ...

    def end(self) -> None: ...

    def show(self, verdict: Verdict) -> None: ...


class JsonView:
    """For programs: notes go to standard error, and standard output stays free for the one object."""

    def __init__(self) -> None:
        self._errors = Console(stderr=True)

    def note(self, text: str) -> None:
        """Say something on standard error."""
        self._errors.print(Text(f"Note: {text}"), soft_wrap=True)

    def begin(self, challenge: Challenge, queue: Queue, image: FoundImage, run: ModelRun) -> None:
        """Say nothing."""

    def phase(self, phase: Phase) -> None:
        """Say nothing."""

    def line(self, text: str) -> None:
        """Say nothing."""

    def end(self) -> None:
        """Say nothing."""

    def show(self, verdict: Verdict) -> None:
        """Say nothing."""


class TrialView:
    """For people: what is run, its limits, its log while it runs, and the verdict."""

    def __init__(self) -> None:
        self._console = Console(highlight=False)
        self._status: Status | None = None
        self._listening = True

    def note(self, text: str) -> None:
        """Show a remark."""
        self._console.print(Text.assemble(("note  ", "yellow"), text), soft_wrap=True)

    def begin(self, challenge: Challenge, queue: Queue, image: FoundImage, run: ModelRun) -> None:
        """Show what is run, and within what limits."""
        self._console.print(
            Text.assemble(("Trying ", "bold"), (image.name, "bold cyan"), f" for {queue.name} ({challenge.title})"),
            soft_wrap=True,
        )
        table = Table(box=None, show_header=False, padding=(0, 2))
        table.add_column(style="dim", no_wrap=True)
        table.add_column(overflow="fold")
        for name, value in _limits(queue, image, run):
            table.add_row(name, Text(value))
        self._console.print(table)

    def phase(self, phase: Phase) -> None:
        """Show which container runs now."""
        self._stop()
        self._console.rule(Text(phase.title, style="bold"), align="left", style="dim")
        limit = format_duration(phase.spec.policy.timeout)
        self._status = self._console.status(f"The {phase.title} runs; it has {limit}. Ctrl-C stops it.")
        self._status.start()

    def line(self, text: str) -> None:
        """Show a line of the log; what arrives after the end is not shown."""
        if self._listening:
            self._console.print(Text(text), soft_wrap=True)

    def end(self) -> None:
        """Nothing runs any more."""
        self._listening = False
        self._stop()

    def show(self, verdict: Verdict) -> None:
        """Show the verdict with its reasons and figures."""
        colour = COLOURS[verdict.verdict]
        self._console.rule(style=colour)
        head = Text(verdict.verdict.upper(), style=f"bold {colour}")
        if verdict.fault:
            head.append(f" {verdict.fault}", style=colour)
        self._console.print(head)
        if verdict.reason:
            self._console.print(Text(verdict.reason), soft_wrap=True)
        if verdict.verdict == "refused":
            return
        if verdict.verdict == "ok":
            self._console.print("The model ran and wrote its output; whether that is right, the queue's scripts tell.")
        for line in _figures(verdict):
            self._console.print(Text(line, style="dim"), soft_wrap=True)

    def _stop(self) -> None:
        if self._status:
            self._status.stop()
            self._status = None


def _limits(queue: Queue, image: FoundImage, run: ModelRun) -> Iterator[tuple[str, str]]:
    assert queue.model is not None
    policy, model, budget = run.phases[-1].spec.policy, queue.model, queue.model.leak_budget
    layers = "1 layer" if image.layers == 1 else f"{image.layers} layers"
    yield (
        "image",
        f"{image.platform}, {readable(image.size_bytes)} in {layers}; {format_size(model.image_limit)} is the most",
    )
    for phase in run.phases:
        folder = phase.spec.mounts[0].source if phase.spec.mounts else "empty"
        run_as = " ".join(phase.spec.command) or "its own entrypoint"
        yield phase.title, f"{run_as}; /input: {folder}; {format_duration(phase.spec.policy.timeout)} at most"
    yield "output", f"/output/{model.output}; {format_size(policy.output_bytes)} in {policy.output_files} files at most"
    yield "memory", f"{format_size(policy.memory_bytes)} without swap; what is in /tmp, /dev/shm and /output counts"
    yield "processors", f"{policy.cpus:g}" + (f", and {policy.gpus} graphics processors" if policy.gpus else "")
    yield "processes", f"{policy.pids}"
    yield "writable", f"/output; /tmp, {format_size(policy.tmp_bytes)}; /dev/shm, {format_size(policy.shm_bytes)}"
    yield "network", "none"
    yield "user", "the image's own, even root" if policy.allow_root else "the image's own if not root, else 65534"
    readers = "submitters can read it" if queue.logs.share else "for organisers only"
    yield "log", f"head and tail, {format_size(policy.log_bytes)}; {readers}"
    yield (
        "leak budget",
        f"{format_size(budget.per_submission)} of a submission, {format_size(budget.per_submitter)} of a submitter",
    )


def _figures(verdict: Verdict) -> Iterator[str]:
    peak = "not measured" if verdict.peak_memory_bytes is None else readable(verdict.peak_memory_bytes)
    code = "none" if verdict.exit_code is None else verdict.exit_code
    yield f"{verdict.seconds:.1f} s, peak memory {peak}, exit code {code}"
    for file in verdict.outputs:
        yield f"/output/{file['name']}: {readable(file['bytes'])}"


def readable(size: int) -> str:
    """Return a size for people, such as ``1.4 GiB``."""
    value = float(size)
    for unit in ("bytes", "KiB", "MiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} GiB"
