"""
Try a participant's image here and now: the containers, policy and judgement of production, without Synapse or Airflow.

A trial leaves nothing on the engine, however it ends.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_synapse_challenge.challenge import leaks
from airflow_synapse_challenge.challenge.config import Challenge, Queue, Stage
from airflow_synapse_challenge.containers.archive import Refusal, printable
from airflow_synapse_challenge.containers.docker_calls import engine_errors
from airflow_synapse_challenge.containers.docker_engine import DockerEngine
from airflow_synapse_challenge.containers.holding import HeldFile
from airflow_synapse_challenge.containers.outcome import Outcome
from airflow_synapse_challenge.containers.spec import LABEL_PREFIX
from airflow_synapse_challenge.errors import ConfigurationError, ParticipantFault, PermanentError
from airflow_synapse_challenge.steps.model import RESULTS_FOLDER, ModelReport, ModelRun, Phase, settle

if TYPE_CHECKING:
    from docker import APIClient

#: Files that a trial lists at most.
MOST_OUTPUTS = 100
CANARY = "canary"
#: Whose containers these are: of which process.
PROCESS_LABEL = f"{LABEL_PREFIX}process"


@dataclass(frozen=True)
class Trial:
    """
    How a trial ended.

    :param report: figures and log of all containers.
    :param fault: why the model failed, ``None`` if it did well.
    :param outcome: of the last container; ``None`` when none could be started.
    :param outputs: the first files that it wrote to ``/output``.
    """

    report: ModelReport
    fault: ParticipantFault | None
    outcome: Outcome | None
    outputs: tuple[HeldFile, ...] = ()

    def excerpt(self, queue: Queue) -> leaks.Release:
        """Return what the submitter would read of the log: within the queue's limit and its leak budget."""
        assert queue.model is not None
        return leaks.release(self.report.log, queue.model.leak_budget, leaks.Ledger(), "trial")


class TrialRun:
    """
    One trial: :meth:`go`, and then :meth:`tidy` in any case.

    :param queue: of the kind ``docker_image``.
    :param image: id of the image, on the engine.
    :param holder_image: image with ``sleep`` and ``df`` that holds the results.
    """

    def __init__(self, client: APIClient, challenge: Challenge, queue: Queue, *, image: str, holder_image: str) -> None:
        name = f"try-{challenge.challenge}-{queue.slug}-{uuid.uuid4().hex[:12]}"
        self.name = name
        self.run = ModelRun(
            queue,
            name=name,
            image=image,
            holder_image=holder_image,
            labels={
                "challenge": challenge.challenge,
                "queue": queue.slug,
                "trial": name,
                "process": f"{_process_space()}.{os.getpid()}",
            },
        )
        self._engine = DockerEngine(client)

    def go(
        self,
        *,
        keep: Path | None = None,
        on_phase: Callable[[Phase], None] = lambda _: None,
        on_log: Callable[[str], None] | None = None,
    ) -> Trial:
        """
        Run every phase, as far as the model gets, and judge it.

        :param keep: folder that gets a copy of the output file.
        :param on_phase: told of each container before it starts.
        :param on_log: receives harmless lines while it runs.
        :raises OrganiserFault: the image that holds the results cannot do so.
        :raises TransientError: the engine is away.
        :raises PermanentError: a rule of the policy cannot be enforced here, or a folder is missing.
        """
        report, outcome = ModelReport(self.run.image), None
        with engine_errors():
            for phase in self.run.phases:
                on_phase(phase)
                holder = self._engine.holder(phase.holding)
                try:
                    self._start(phase)
                except ParticipantFault as fault:
                    return Trial(report, ParticipantFault(fault.reasons, "start"), outcome)
                outcome = self._engine.follow(phase.spec, on_log=on_log)
                report = report.after(phase, outcome, named=len(self.run.phases) > 1)
                outputs = self._outputs(phase)
                if keep and phase.holding == self.run.results and phase.is_last:
                    self._keep(keep)
                try:
                    settle(self.run, phase, outcome, holder)
                except ParticipantFault as fault:
                    return Trial(report, fault, outcome, outputs)
        return Trial(report, None, outcome, outputs)

    def tidy(self) -> None:
        """Remove what the trial left on the engine: containers and volumes."""
        self._engine.sweep({"trial": self.name})

    def _start(self, phase: Phase) -> None:
        self._engine.holder(phase.holding).ensure()
        try:
            self._engine.launch(phase.spec)
        except PermanentError as error:
            if "bind source path does not exist" in str(error):
                option = "--input DIR" if phase.holding == self.run.results else f"--input {CANARY}=DIR"
                raise ConfigurationError(
                    f"The folder {phase.spec.mounts[0].source}, which the {phase.title} reads at /input, is not on "
                    f"the Docker engine's host. Name one that is there with {option}."
                ) from error
            raise

    def _outputs(self, phase: Phase) -> tuple[HeldFile, ...]:
        found = self._engine.holder(phase.holding).files(RESULTS_FOLDER, MOST_OUTPUTS)
        return tuple(HeldFile(printable(it.name), it.kind, it.size_bytes) for it in found if it.kind != "folder")

    def _keep(self, folder: Path) -> None:
        """Only a plain file is ever copied; what else there is is the judge's business."""
        name = self.run.model.output
        part = folder / f".{name}.{os.getpid()}.part"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            part.unlink(missing_ok=True)
            if self._engine.holder(self.run.results).copy(RESULTS_FOLDER, name, part):
                part.replace(folder / name)
        except Refusal:
            pass
        except OSError as error:
            raise ConfigurationError(f"{name} cannot be kept in {folder}: {error.strerror or error}.") from error
        finally:
            with contextlib.suppress(OSError):
                part.unlink()


def with_inputs(queue: Queue, folders: Mapping[str, str]) -> Queue:
    """
    Return the queue with other folders of the host.

    :param folders: absolute path by the name of a stage or ``canary``; the empty name stands for the queue's folder
        and for those of stages that are not named.
    """
    assert queue.model is not None
    model, default = queue.model, folders.get("")
    stages = tuple(_with_input(stage, folders.get(stage.name, default)) for stage in model.stages)
    canary = model.canary
    if canary and CANARY in folders:
        canary = canary.model_copy(update={"input_dir": folders[CANARY]})
    changed = model.model_copy(update={"stages": stages, "canary": canary})
    return queue.model_copy(update={"model": changed, "input_dir": default or queue.input_dir})


def _with_input(stage: Stage, folder: str | None) -> Stage:
    return stage.model_copy(update={"input_dir": folder}) if folder else stage


def sweep_dead(client: APIClient) -> list[str]:
    """
    Remove what trials of this host left on the engine that were killed at once; those of other hosts are left alone.

    :return: names of the containers.
    """
    engine, space = DockerEngine(client), _process_space()
    with engine_errors():
        found = client.containers(all=True, filters={"label": PROCESS_LABEL})
    owners = {container["Labels"][PROCESS_LABEL] for container in found}
    numbers = [owner.rpartition(".") for owner in owners]
    dead = [f"{where}.{number}" for where, _, number in numbers if where == space and not _lives(number)]
    return sorted(name for owner in dead for name in engine.sweep({"process": owner}))


def _process_space() -> str:
    """Name what process ids are unique in: hosts can share an engine and a name, and containers of a host its boot."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        space = f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:  # no Linux: no namespaces
        space = f"{socket.gethostname()} {uuid.getnode()}"
    return hashlib.sha256(space.encode()).hexdigest()[:16]


def _lives(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except (PermissionError, ValueError):
        return True
    return True


def choose_holder_image(
    client: APIClient, challenge: Challenge, wanted: str | None, model_image: str, note: Callable[[str], None]
) -> str:
    """
    Return an image that can hold the results while no container of the model runs.

    :param wanted: what the caller names; it is pulled if the engine does not have it.
    :param model_image: is taken where the organisers' image is not on the engine: a participant has no reason to
        mistrust it.
    """
    from docker.errors import ImageNotFound

    if wanted:
        return wanted
    configured = challenge.compute.evaluation_image
    with engine_errors():
        try:
            client.inspect_image(configured)  # type: ignore[no-untyped-call]
        except ImageNotFound:
            note(f"The organisers' image {configured} is not on this engine; the model's own image holds its results.")
            return model_image
    return configured
