"""
Run a participant's image on the organisers' data, and judge how it went.

::

    (canary) ──▶ stage ──▶ stage ──▶ judge the output
       small      the image once, or once for each stage;
       input      /model passes from one stage to the next
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from airflow_synapse_challenge.challenge import verdicts
from airflow_synapse_challenge.challenge.config import Model, Queue, Stage
from airflow_synapse_challenge.containers.archive import printable
from airflow_synapse_challenge.containers.engine import Holder
from airflow_synapse_challenge.containers.holding import HeldFolder, Holding
from airflow_synapse_challenge.containers.logs import BoundedLog
from airflow_synapse_challenge.containers.outcome import Outcome
from airflow_synapse_challenge.containers.policy import Policy
from airflow_synapse_challenge.containers.spec import INPUT, OUTPUT, ContainerSpec, HostFolder, ImageFacts
from airflow_synapse_challenge.errors import ConfigurationError, ParticipantFault, TransientError

MODEL = "/model"
RESULTS_FOLDER, MODEL_FOLDER = "output", "model"
#: How long results are held beyond the longest run: filing them may be tried again for hours.
SPARE_TIME = timedelta(hours=12)
#: Names of files that are looked at to say what was written in place of the result.
MOST_FILES_SEEN = 20


@dataclass(frozen=True)
class Phase:
    """
    One container of a model's run.

    :param title: what participants read, for example ``model`` or ``train stage on the canary``.
    :param spec: the container.
    :param holding: where its results go.
    :param is_last: its results are judged.
    """

    title: str
    spec: ContainerSpec
    holding: Holding
    is_last: bool


@dataclass(frozen=True)
class ModelReport:
    """
    How a model ran.

    :param image: by digest.
    :param seconds: run time of all containers.
    :param peak_memory_bytes: the most that was seen.
    :param exit_code: of the last container.
    :param log: head and tail of what the containers printed, together within the limit of one.
    """

    image: str
    seconds: float = 0.0
    peak_memory_bytes: int | None = None
    exit_code: int | None = None
    log: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return JSON for the next task."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> ModelReport:
        """Read what :meth:`to_dict` made."""
        return cls(**values)

    def after(self, phase: Phase, outcome: Outcome, *, named: bool) -> ModelReport:
        """
        Return the report with one more container in it.

        :param named: begin its part of the log with the phase's title.
        """
        # Whoever the kernel ended for its memory had all of it, whenever it was looked at last.
        most = phase.spec.policy.memory_bytes if outcome.oom_killed else outcome.peak_memory_bytes
        peaks = [peak for peak in (self.peak_memory_bytes, most) if peak is not None]
        part = f"===== {phase.title} =====\n{outcome.log}" if named else outcome.log
        log = BoundedLog(phase.spec.policy.log_bytes)
        log.add("\n".join(text for text in (self.log, part) if text).encode())
        return ModelReport(
            image=self.image,
            seconds=self.seconds + outcome.seconds,
            peak_memory_bytes=max(peaks, default=None),
            exit_code=outcome.exit_code,
            log=log.text(),
        )


class ModelRun:
    """
    The containers of one submission's model.

    :param queue: of the kind ``docker_image``.
    :param name: the same in every try.
    :param image: by digest; on the engine.
    :param holder_image: an image of the organisers with the command ``sleep``.
    :param labels: say whose containers these are.
    :param input_dir: in place of the queue's.
    :param facts: what the image's manifest says, for engines that cannot look at it.
    """

    def __init__(
        self,
        queue: Queue,
        *,
        name: str,
        image: str,
        holder_image: str,
        labels: Mapping[str, str],
        input_dir: str | None = None,
        facts: ImageFacts | None = None,
    ) -> None:
        if queue.model is None:
            raise ConfigurationError(f"Queue {queue.name!r} takes no models; its kind is {queue.kind}.")
        self.model: Model = queue.model
        self.image = image
        self._queue = queue
        self._name = name
        self._holder_image = holder_image
        self._labels = dict(labels)
        self._facts = facts
        self._input_dir = input_dir or queue.input_dir
        self.phases = tuple(self._phases())

    @property
    def results(self) -> Holding:
        """Where the judged results are."""
        return self.phases[-1].holding

    @property
    def holdings(self) -> list[Holding]:
        """All that is held, each once."""
        return list({phase.holding.name: phase.holding for phase in self.phases}.values())

    def _phases(self) -> list[Phase]:
        stages = self.model.stages or (Stage(name="model"),)
        phases = []
        if canary := self.model.canary:
            folder = self._holding(f"{self._name}-canary", stages)
            phases += [
                self._phase(folder, stage, stages, input_dir=canary.input_dir, timeout=canary.timeout, canary=True)
                for stage in stages
            ]
        folder = self._holding(self._name, stages)
        phases += [
            self._phase(
                folder,
                stage,
                stages,
                input_dir=stage.input_dir or self._input_dir,
                timeout=stage.timeout or self.model.resources.timeout,
                canary=False,
            )
            for stage in stages
        ]
        return phases

    def _holding(self, name: str, stages: tuple[Stage, ...]) -> Holding:
        resources = self.model.resources
        sizes = (resources.output, resources.output_files)
        folders = [HeldFolder(RESULTS_FOLDER, *sizes)]
        if len(stages) > 1:
            folders.append(HeldFolder(MODEL_FOLDER, *sizes))
        longest = sum((stage.timeout or resources.timeout for stage in stages), timedelta())
        return Holding(name, self._holder_image, tuple(folders), longest + SPARE_TIME, self._labels)

    def _phase(
        self,
        holding: Holding,
        stage: Stage,
        stages: tuple[Stage, ...],
        *,
        input_dir: str | None,
        timeout: timedelta,
        canary: bool,
    ) -> Phase:
        held = [holding.mount(RESULTS_FOLDER, OUTPUT)]
        if len(stages) > 1:
            held.append(holding.mount(MODEL_FOLDER, MODEL, read_only=stage is stages[-1]))
        title = f"{stage.name} stage" if len(stages) > 1 else "model"
        spec = ContainerSpec(
            name=f"{holding.name}-{stage.name}",
            image=self.image,
            command=stage.words,
            policy=self._policy(timeout),
            results=(),
            labels=self._labels | {"step": stage.name},
            mounts=(HostFolder(INPUT, input_dir),) if input_dir else (),
            held=tuple(held),
            author="participant",
            facts=self._facts,
        )
        is_last = stage is stages[-1]
        return Phase(f"{title} on the canary" if canary else title, spec, holding, is_last)

    def _policy(self, timeout: timedelta) -> Policy:
        resources = self.model.resources
        return Policy(
            memory_bytes=resources.memory,
            cpus=resources.cpus,
            gpus=resources.gpus,
            timeout=timeout,
            pids=resources.pids,
            shm_bytes=resources.shm,
            tmp_bytes=resources.tmp,
            output_bytes=resources.output,
            output_files=resources.output_files,
            log_bytes=self._queue.logs.limit,
            allow_root=self.model.allow_root,
        )


def settle(run: ModelRun, phase: Phase, outcome: Outcome, holder: Holder) -> None:
    """
    Refuse a phase that did not end well, and results that are not asked for; let go of what later phases do not need.

    :param holder: of the phase's results.
    :raises ParticipantFault: the model failed.
    :raises TransientError: container or results are gone, and another try starts it again.
    """
    # An engine that stops ends the model and the holder alike; the model is not to blame then.
    if not (outcome.timed_out or holder.holds()):
        raise TransientError(f"The engine lost the results of the {phase.title}: was it restarted?")
    try:
        judge(phase, outcome)
    except ParticipantFault as fault:
        if fault.kind == "exit_code" and _is_full(holder):
            # Programs seldom say why they could not write; the folder does.
            resources = run.model.resources
            raise verdicts.too_much(resources.output, resources.output_files) from fault
        raise
    if phase.is_last:
        judge_output(run.model, holder)
        if phase.holding != run.results:
            holder.release()


def judge(phase: Phase, outcome: Outcome) -> None:
    """
    Refuse a container that did not end well, by the engine's own report.

    :raises ParticipantFault: it did not.
    :raises TransientError: it is gone, and another try starts it again.
    """
    policy = phase.spec.policy
    if outcome.timed_out:
        raise verdicts.timed_out(policy.timeout, phase.title)
    if outcome.storage_full:
        raise verdicts.disk_full(phase.title)
    if outcome.exit_code is None:
        raise TransientError(f"The container of the {phase.title} was removed by somebody.")
    if outcome.oom_killed:
        raise verdicts.out_of_memory(policy.memory_bytes, phase.title)
    if outcome.exit_code != 0:
        raise verdicts.exit_code(outcome.exit_code, phase.title)
    if outcome.refused:
        raise verdicts.odd_output(outcome.refused)


def _is_full(holder: Holder) -> bool:
    """Tell whether the results' folder is full, as far as it is still there."""
    try:
        return holder.is_full(RESULTS_FOLDER)
    except TransientError:
        return False


def judge_output(model: Model, holder: Holder) -> None:
    """
    Refuse results that are not what the queue asks for.

    :raises ParticipantFault: nothing was written, or something else, or too much.
    """
    if holder.is_full(RESULTS_FOLDER):
        raise verdicts.too_much(model.resources.output, model.resources.output_files)
    result = holder.look(RESULTS_FOLDER, model.output)
    if result is None:
        files = holder.files(RESULTS_FOLDER, MOST_FILES_SEEN)
        found = [printable(file.name) for file in files if file.kind != "folder"]
        raise verdicts.wrong_name(model.output, found) if found else verdicts.no_output(model.output)
    if result.kind != "plain file":
        raise verdicts.odd_output(f"{model.output} is a {result.kind}, not a plain file")
    if result.size_bytes > model.resources.output:
        raise verdicts.odd_output(f"{model.output} has holes: it claims {result.size_bytes} bytes, more than fit")
    if result.size_bytes == 0:
        raise ParticipantFault([f"The model wrote an empty /output/{model.output}."], "no_output")
