"""Run the organisers' validate or score script on a submission."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
from airflow_synapse_challenge.errors import ConfigurationError, OrganiserFault, ParticipantFault
from airflow_synapse_challenge.steps.claim import Claimed
from airflow_synapse_challenge.synapse.files import FileTransfer

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
    """

    result: Result
    log: str
    seconds: float
    image_digest: str

    def to_dict(self) -> dict[str, Any]:
        """Return JSON for the next task."""
        return {
            "result": self.result.to_dict(),
            "log": self.log,
            "seconds": round(self.seconds, 3),
            "image_digest": self.image_digest,
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
    run_id: str,
    previous: Result | None = None,
    on_log: Callable[[str], None] | None = None,
) -> StepReport:
    """
    Download the submission and the gold standard, run the script under the policy, check its result file.

    :param work_dir: empty folder of this task.
    :param previous: the validation's result, for the contract whose score script continues that file.
    :raises ParticipantFault: the submission holds no file.
    :raises OrganiserFault: the script crashed, took too long or left no usable result.
    """
    step = _step(queue, kind)
    predictions = transfer.download_submission_file(claimed.submission, work_dir / "submission")
    if predictions is None:
        kind_of_entity = claimed.submission.entity_type or "an entity without a file"
        raise ParticipantFault([f"A submission to this queue must be a file, and this one is {kind_of_entity}."])
    gold_standard = (
        transfer.download_entity(queue.gold_standard, work_dir / "goldstandard").path if queue.gold_standard else None
    )
    spec = ContainerSpec(
        name=container_name(challenge, claimed, kind),
        image=step.image or challenge.compute.evaluation_image,
        command=tuple(
            contracts.command_line(
                step,
                kind,
                predictions=f"{SUBMISSION_FOLDER}/{predictions.name}",
                gold_standard=f"{GOLD_STANDARD_FOLDER}/{gold_standard.name}" if gold_standard else None,
                gold_standard_folder=GOLD_STANDARD_FOLDER if gold_standard else None,
                entity_type=claimed.submission.entity_type,
                output=contracts.RESULTS,
            )
        ),
        policy=policy_of(queue, step),
        inputs=tuple(_inputs(challenge, step, predictions, gold_standard)),
        results=(RESULT_NAME,),
        begun={RESULT_NAME: results.continued_file(previous)} if previous and step.contract == "nextflow" else {},
        labels={
            "challenge": challenge.challenge,
            "queue": str(queue.id),
            "submission": claimed.submission.id,
            "attempt": str(claimed.attempt),
            "step": kind,
            "run": run_id,
        },
    )
    outcome = engine.run(spec, on_log=on_log)
    _raise_for_failure(kind, outcome, step)
    result = results.parse_result(outcome.results[RESULT_NAME], kind=kind, contract=step.contract, previous=previous)
    return StepReport(result=result, log=outcome.log, seconds=outcome.seconds, image_digest=outcome.image_digest)


def container_name(challenge: Challenge, claimed: Claimed, kind: Kind) -> str:
    """Return the name that a retry finds its running container by."""
    return f"{challenge.challenge}-{claimed.submission.id}-{claimed.attempt}-{kind}"


def policy_of(queue: Queue, step: Step) -> Policy:
    """Return the container policy that a step's resources ask for."""
    resources = step.resources
    return Policy(
        memory_bytes=resources.memory,
        cpus=resources.cpus,
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
    elif outcome.cancelled:
        problem = "was stopped"
    elif outcome.exit_code != 0:
        problem = f"ended with exit code {outcome.exit_code}"
    elif outcome.refused:
        problem = f"left an unusable result: {outcome.refused}"
    elif RESULT_NAME not in outcome.results:
        problem = f"wrote no {RESULT_NAME}"
    else:
        return
    raise OrganiserFault(f"The {kind} script {problem}.", outcome.log)
