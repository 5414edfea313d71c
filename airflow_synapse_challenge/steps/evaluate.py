"""Run the organisers' validate or score script on a submission."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from airflow_synapse_challenge.challenge import contracts, results
from airflow_synapse_challenge.challenge.config import Challenge, Queue, Step
from airflow_synapse_challenge.challenge.results import Result
from airflow_synapse_challenge.containers.engine import Engine
from airflow_synapse_challenge.containers.outcome import Outcome
from airflow_synapse_challenge.containers.policy import Policy
from airflow_synapse_challenge.containers.spec import ContainerSpec, Input
from airflow_synapse_challenge.errors import ConfigurationError, OrganiserFault, ParticipantFault, TransientError
from airflow_synapse_challenge.steps.claim import Claimed
from airflow_synapse_challenge.steps.stop import StopWatch, fault_of
from airflow_synapse_challenge.synapse.files import FileTransfer
from airflow_synapse_challenge.synapse.files import StoredFile as Predictions

Kind = Literal["validate", "score"]

SUBMISSION_FOLDER = f"{contracts.INPUT}/submission"
GOLD_STANDARD_FOLDER = f"{contracts.INPUT}/goldstandard"
RESULT_NAME = contracts.RESULTS.removeprefix(f"{contracts.OUTPUT}/")


@dataclass(frozen=True)
class StepReport:
    """
    What a script said about a submission.

    :param result: the checked result file.
    :param log: what the script printed, within the queue's limit.
    :param seconds: run time of the container.
    :param image_digest: the image that really ran.
    :param gold_standard: synID and version of the truth that it got, for example ``syn123.4``; empty without one.
    """

    result: Result
    log: str
    seconds: float
    image_digest: str
    gold_standard: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return JSON for the next task."""
        return {
            "result": self.result.to_dict(),
            "log": self.log,
            "seconds": round(self.seconds, 3),
            "image_digest": self.image_digest,
            "gold_standard": self.gold_standard,
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> StepReport:
        """Read what :meth:`to_dict` made."""
        return cls(**{**values, "result": Result.from_dict(values["result"])})


def evaluate(
    kind: Kind,
    *,
    challenge: Challenge,
    queue: Queue,
    claimed: Claimed,
    engine: Engine,
    transfer: FileTransfer,
    work_dir: Path,
    labels: Mapping[str, str],
    predictions: Predictions | None = None,
    previous: Result | None = None,
    on_log: Callable[[str], None] | None = None,
    stop: StopWatch | None = None,
) -> StepReport:
    """
    Download the submission and the gold standard, run the script under the policy, check its result file.

    :param work_dir: empty folder of this task.
    :param labels: say whose container it is.
    :param predictions: where a model's results are filed; left out, the submitted file itself is evaluated.
    :param previous: the validation's result, for the contract whose score script continues that file.
    :param stop: asked while the script runs.
    :raises ParticipantFault: the submission holds no file, or was stopped.
    :raises OrganiserFault: the script crashed, took too long or left no usable result.
    """
    step = _step(queue, kind)
    file = _fetch(transfer, claimed, predictions, work_dir / "submission", queue.largest_file)
    truth = transfer.download_entity(queue.gold_standard, work_dir / "goldstandard") if queue.gold_standard else None
    spec = ContainerSpec(
        name=container_name(challenge, claimed, kind),
        image=step.image or challenge.compute.evaluation_image,
        command=tuple(
            contracts.command_line(
                step,
                kind,
                predictions=f"{SUBMISSION_FOLDER}/{file.name}",
                gold_standard=f"{GOLD_STANDARD_FOLDER}/{truth.path.name}" if truth else None,
                gold_standard_folder=GOLD_STANDARD_FOLDER if truth else None,
                entity_type="FileEntity" if predictions else claimed.submission.entity_type,
                output=contracts.RESULTS,
            )
        ),
        policy=policy_of(queue, step),
        inputs=tuple(_inputs(challenge, step, file, truth.path if truth else None)),
        results=(RESULT_NAME,),
        begun={RESULT_NAME: results.continued_file(previous)} if previous and step.contract == "nextflow" else {},
        labels={**labels, "step": kind},
    )
    outcome = engine.run(spec, on_log=on_log, cancelled=stop)
    if stop and stop.reason:
        raise fault_of(stop.reason)
    _raise_for_failure(kind, outcome, step)
    result = results.parse_result(outcome.results[RESULT_NAME], kind=kind, contract=step.contract, previous=previous)
    return StepReport(
        result=result,
        log=outcome.log,
        seconds=outcome.seconds,
        image_digest=outcome.image_digest,
        gold_standard=f"{queue.gold_standard}.{truth.version}" if truth else "",
    )


def _fetch(transfer: FileTransfer, claimed: Claimed, predictions: Predictions | None, into: Path, largest: int) -> Path:
    if predictions:
        return transfer.download_entity(predictions.id, into, predictions.version).path
    file = transfer.download_submission_file(claimed.submission, into, largest)
    if file is None:
        what = claimed.submission.entity_type or "an entity without a file"
        raise ParticipantFault([f"A submission to this queue must be a file, and this one is {what}."])
    return file


def container_labels(challenge: Challenge, queue: Queue, claimed: Claimed, owner: Mapping[str, str]) -> dict[str, str]:
    """
    Return what says whose container it is.

    :param owner: the run that works on the submission: ``deployment``, ``dag`` and ``run``.
    """
    return {
        "challenge": challenge.challenge,
        "queue": str(queue.id),
        "submission": claimed.submission.id,
        "attempt": str(claimed.attempt),
        **owner,
    }


def container_name(challenge: Challenge, claimed: Claimed, kind: Kind | Literal["model"]) -> str:
    """Return the name that a retry finds its running container by."""
    return f"{challenge.challenge}-{claimed.submission.id}-{claimed.attempt}-{kind}"


def policy_of(queue: Queue, step: Step) -> Policy:
    """Return the container policy that a step's resources ask for."""
    resources = step.resources
    return Policy(
        memory_bytes=resources.memory,
        cpus=resources.cpus,
        gpus=resources.gpus,
        pids=resources.pids,
        timeout=resources.timeout,
        shm_bytes=resources.shm,
        tmp_bytes=resources.tmp,
        output_bytes=resources.output,
        output_files=resources.output_files,
        log_bytes=queue.logs.limit,
    )


def _step(queue: Queue, kind: Kind) -> Step:
    step = queue.validate_ if kind == "validate" else queue.score
    if step is None:
        raise ConfigurationError(f"Queue {queue.name!r} has no `{kind}:` step in challenge.yaml.")
    return step


def _inputs(challenge: Challenge, step: Step, predictions: Path, gold_standard: Path | None) -> Iterator[Input]:
    yield Input(f"{SUBMISSION_FOLDER}/{predictions.name}", predictions)
    if gold_standard:
        yield Input(f"{GOLD_STANDARD_FOLDER}/{gold_standard.name}", gold_standard)
    if step.script:
        script = challenge.folder / step.script
        for path in _script_files(script, challenge.folder):
            yield Input(f"{contracts.SCRIPT_FOLDER}/{path.relative_to(script.parent)}", path)


def _script_files(script: Path, challenge_folder: Path) -> list[Path]:
    """The script's folder comes along, so that it can import its neighbours; never the challenge's own folder."""
    if script.parent.resolve() == challenge_folder.resolve():
        return [script]
    return sorted(
        path
        for path in script.parent.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
    )


def _raise_for_failure(kind: Kind, outcome: Outcome, step: Step) -> None:
    limit = step.resources
    if outcome.timed_out:
        problem = f"took longer than {limit.timeout}"
    elif outcome.oom_killed:
        problem = f"needed more than {limit.memory} bytes of memory"
    elif outcome.storage_full:
        problem = "filled its share of the engine's disk"
    elif outcome.cancelled:
        raise TransientError(f"The container of the {kind} script was removed by somebody.")
    elif outcome.exit_code != 0:
        problem = f"ended with exit code {outcome.exit_code}"
    elif outcome.refused:
        problem = f"left an unusable result: {outcome.refused}"
    elif RESULT_NAME not in outcome.results:
        problem = f"wrote no {RESULT_NAME}"
    else:
        return
    raise OrganiserFault(f"The {kind} script {problem}.", outcome.log)
