"""
What is annotated on a submission, under which names, and who may see it.

==================================  ========  =================================================================
key                                 visible   content
==================================  ========  =================================================================
``synapse_challenge_run_id``        private   what the claim was made with: who owns the submission
``synapse_challenge_attempt``       public    1 for the first evaluation, then counted up
``synapse_challenge_claimed_on``    private   milliseconds since 1970
``synapse_challenge_folder``        public    synID of the folder that the log goes to
``synapse_challenge_model_…``       public    of a model: outcome, seconds, peak_memory, exit_code, image; private are
                                              those of them that the leak budget withholds
``prediction_fileid`` and version   public    where a model's results are filed, in the locked folder
``synapse_challenge_evaluation``    private   image that the scripts ran in, by digest
``synapse_challenge_truth``         private   gold standard that was used: synID and version
``synapse_challenge_result_keys``   private   keys that the scripts reported (``…_2`` and so on when they are many)
``submission_status``               public    VALIDATED, SCORED or INVALID
``submission_errors``               queue     reasons, one on each line; left out when there are none
``validation_status`` and so on     as above  the same for each script, with ``status_convention: nextflow``
any other                           queue     what the scripts reported
==================================  ========  =================================================================

"queue" means: private when the queue lists the key in ``private_annotations``, and for scores while they are withheld.
With ``orchestrator_names: true`` the Synapse Workflow Orchestrator's own names are written as well.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from airflow_synapse_challenge.challenge.config import Queue
from airflow_synapse_challenge.challenge.result_values import (
    MOST_KEY_CHARACTERS,
    MOST_KEYS,
    ORCHESTRATOR_PREFIX,
    OWN_PREFIX,
    Value,
    key_characters,
)
from airflow_synapse_challenge.challenge.results import Result
from airflow_synapse_challenge.challenge.statuses import Outcome
from airflow_synapse_challenge.challenge.text import cut, inert
from airflow_synapse_challenge.challenge.verdicts import CANCELLED, TIME_QUOTA

RUN_ID = f"{OWN_PREFIX}run_id"
ATTEMPT = f"{OWN_PREFIX}attempt"
CLAIMED_ON = f"{OWN_PREFIX}claimed_on"
FOLDER = f"{OWN_PREFIX}folder"
RESULT_KEYS = f"{OWN_PREFIX}result_keys"
MODEL = f"{OWN_PREFIX}model_"
EVALUATION_IMAGE = f"{OWN_PREFIX}evaluation"
GOLD_STANDARD = f"{OWN_PREFIX}truth"
PREDICTIONS, PREDICTIONS_VERSION = "prediction_fileid", "prediction_file_version"
STATUS = "submission_status"
ERRORS = "submission_errors"

LONGEST_TEXT = 500
LONGEST_ORCHESTRATOR_TEXT = 499
# The scripts' templates cut so: 496 characters and the mark.
LONGEST_ERRORS = 497

_CHUNKS = tuple(RESULT_KEYS if number == 1 else f"{RESULT_KEYS}_{number}" for number in range(1, 11))
_STEERED = tuple(f"{MODEL}{name}" for name in ("outcome", "seconds", "peak_memory", "exit_code"))
_IMAGE = f"{MODEL}image"
_FIGURES = (*_STEERED, _IMAGE, EVALUATION_IMAGE, GOLD_STANDARD, PREDICTIONS, PREDICTIONS_VERSION)
_VERDICTS = ("validation_status", "validation_errors", "score_status", "score_errors")
_ORCHESTRATOR_CLEARED = (
    "StatusDescription",
    "FailureReason",
    "TimeRemaining",
    "LastLogUpload",
    "SubmissionProcessingStartedSent",
    "Progress",
)
_DESCRIPTIONS = {
    Outcome.VALID: "DONE",
    Outcome.INVALID: "ERROR",
    Outcome.FAILED: "ERROR",
    Outcome.CANCELLED: "STOPPED UPON REQUEST",
    Outcome.TIMED_OUT: "EXCEEDED TIME QUOTA",
}


@dataclass(frozen=True)
class AnnotationSet:
    """
    A change of a submission's annotations; keys that it does not name stay as they are.

    :param public: for everybody who may read the queue.
    :param private: for holders of READ_PRIVATE_SUBMISSION only.
    :param remove: keys to take away.
    """

    public: dict[str, Value] = field(default_factory=dict)
    private: dict[str, Value] = field(default_factory=dict)
    remove: tuple[str, ...] = ()


@dataclass(frozen=True)
class Figures:
    """
    What a run measured and used; what is ``None`` was not measured.

    :param outcome: how a model ended, one of the kinds of :mod:`.verdicts`, or ``done``.
    :param seconds: run time of a model.
    :param peak_memory: bytes.
    :param image: a submitted image by digest.
    :param shown: whether everybody may see what a model can steer: outcome, seconds, memory and exit code.
    :param predictions: synID and version of a model's filed results.
    :param evaluation_image: what the organisers' scripts ran in, by digest.
    :param gold_standard: synID and version.
    """

    outcome: str | None = None
    seconds: float | None = None
    peak_memory: int | None = None
    exit_code: int | None = None
    image: str | None = None
    predictions: tuple[str, int] | None = None
    evaluation_image: str | None = None
    gold_standard: str | None = None
    shown: bool = True

    def steered(self) -> dict[str, Value]:
        """Return what a model can steer."""
        values = (self.outcome, self.seconds, self.peak_memory, self.exit_code)
        return {name: value for name, value in zip(_STEERED, values, strict=True) if value is not None}

    def public(self) -> dict[str, Value]:
        """Return what everybody may see."""
        found = self.steered() if self.shown else {}
        if self.image is not None:
            found[_IMAGE] = self.image
        if self.predictions:
            found |= {PREDICTIONS: self.predictions[0], PREDICTIONS_VERSION: self.predictions[1]}
        return found

    def private(self) -> dict[str, Value]:
        """Return what organisers see."""
        values = {EVALUATION_IMAGE: self.evaluation_image, GOLD_STANDARD: self.gold_standard}
        found: dict[str, Value] = {} if self.shown else self.steered()
        return found | {name: value for name, value in values.items() if value is not None}


@dataclass
class _Change:
    """Collects a change for one queue."""

    queue: Queue
    public: dict[str, Value] = field(default_factory=dict)
    private: dict[str, Value] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)

    def finished(self) -> AnnotationSet:
        written = self.public.keys() | self.private.keys()
        return AnnotationSet(
            self.public, self.private, tuple(key for key in dict.fromkeys(self.gone) if key not in written)
        )

    def forget_results(self, current: Mapping[str, Any] | None) -> None:
        metrics = (self.queue.scores.primary, self.queue.scores.secondary)
        self.gone += [f"{self.queue.annotations.prefix}{metric.metric}" for metric in metrics if metric]
        self.gone += [STATUS, ERRORS, *_VERDICTS, FOLDER, *_FIGURES, *_CHUNKS]
        self.gone += _recorded(current or {})

    def errors(self, key: str, texts: Sequence[str]) -> None:
        if texts:
            # The reasons are hidden under whatever name they stand.
            hidden = {key, ERRORS} & set(self.queue.scores.private_annotations)
            (self.private if hidden else self.public)[key] = cut(inert("\n".join(texts)), LONGEST_ERRORS)

    def reported(self, values: Mapping[str, Value], hidden: Collection[str]) -> None:
        prefix = self.queue.annotations.prefix
        for key, value in values.items():
            (self.private if key in hidden else self.public)[f"{prefix}{key}"] = value
        self.private.update(_record([f"{prefix}{key}" for key in values]))

    def orchestrator(self, outcome: Outcome, texts: Sequence[str], folder_id: str | None, now_ms: int | None) -> None:
        named: dict[str, Value | None] = {
            "StatusDescription": _DESCRIPTIONS[outcome],
            "Progress": 100.0,
            "SubmissionFolder": folder_id,
            "WorkflowLastUpdated": now_ms,
        }
        # The orchestrator makes the reason public; it must not tell what the queue keeps private.
        if texts and outcome is not Outcome.VALID and ERRORS not in self.queue.scores.private_annotations:
            named["FailureReason"] = cut(inert("\n".join(texts)), LONGEST_ORCHESTRATOR_TEXT)
        self.gone.append(_orchestrator("FailureReason"))
        self.public.update({_orchestrator(suffix): value for suffix, value in named.items() if value is not None})


def claim_annotations(
    run_id: str, attempt: int, now_ms: int, queue: Queue, *, current: Mapping[str, Any] | None = None
) -> AnnotationSet:
    """
    Return what a claim writes, and what it takes away of an earlier evaluation.

    :param run_id: what recognises the claim as the run's own.
    :param attempt: which evaluation this is, from 1.
    :param now_ms: milliseconds since 1970.
    :param current: the submission's annotations; with them, everything that an earlier evaluation reported is taken
        away, so that no score of it outlives it.
    """
    change = _Change(queue)
    change.forget_results(current)
    change.public[ATTEMPT] = attempt
    change.private |= {RUN_ID: run_id, CLAIMED_ON: now_ms}
    if queue.annotations.orchestrator_names:
        change.public[_orchestrator("WorkflowJobId")] = cut(run_id, LONGEST_ORCHESTRATOR_TEXT)
        change.public[_orchestrator("WorkflowLastUpdated")] = now_ms
        change.private[_orchestrator("ExecutionStarted")] = now_ms
        change.gone += [_orchestrator(suffix) for suffix in _ORCHESTRATOR_CLEARED]
    return change.finished()


def result_annotations(
    queue: Queue,
    validation: Result | None = None,
    score: Result | None = None,
    folder_id: str | None = None,
    final_round: bool = False,
    *,
    outcome: Outcome | None = None,
    reasons: Sequence[str] | None = None,
    now_ms: int | None = None,
    current: Mapping[str, Any] | None = None,
    figures: Figures | None = None,
) -> AnnotationSet:
    """
    Return what the end of a run writes.

    The same arguments give the same annotations, so that writing them again changes nothing.

    :param folder_id: synID of the folder that the log goes to.
    :param final_round: whether the submission belongs to a round marked final (``visibility: hybrid``).
    :param outcome: how the run ended; without it the results tell.
    :param reasons: what to say instead of the results' own errors, for example when a run failed.
    :param now_ms: milliseconds since 1970, for the orchestrator's ``WorkflowLastUpdated``.
    :param current: the submission's annotations, to take away what an earlier evaluation reported.
    :param figures: what the run measured and used.
    """
    results = [result for result in (validation, score) if result]
    ended = outcome or _outcome(results)
    texts = list(reasons) if reasons is not None else [error for result in results for error in result.errors]
    change = _Change(queue)
    change.forget_results(current)
    change.public[STATUS] = _verdict(ended, score)
    change.errors(ERRORS, texts)
    if queue.status_convention == "nextflow":
        for name, result in (("validation", validation), ("score", score)):
            if result:
                change.public[f"{name}_status"] = result.status
                change.errors(f"{name}_errors", result.errors)
    if folder_id:
        change.public[FOLDER] = folder_id
    if figures:
        change.public |= figures.public()
        change.private |= figures.private()
    change.reported(_reported(validation, score), _hidden(queue, validation, score, final_round))
    if queue.annotations.orchestrator_names:
        change.orchestrator(ended, texts, folder_id, now_ms)
    return change.finished()


def attempt_of(annotations: Mapping[str, Any]) -> int:
    """Return how often the submission was claimed, 0 for never; of annotations as read from Synapse."""
    value = _first(annotations.get(ATTEMPT))
    return int(value) if value is not None else 0


def stop_reason(cancel_requested: bool | None, annotations: Mapping[str, Any]) -> str | None:
    """
    Return why a running evaluation has to stop, ``None`` if it need not.

    ``cancelled``: its submitter asked for it. ``time_quota``: somebody set the orchestrator's ``TimeRemaining`` to
    nothing.
    """
    if cancel_requested:
        return CANCELLED
    left = _first(annotations.get(_orchestrator("TimeRemaining")))
    try:
        return TIME_QUOTA if left is not None and float(left) <= 0 else None
    except ValueError:
        return None


def run_id_of(annotations: Mapping[str, Any]) -> str | None:
    """Return what the last claim was made with, ``None`` when the submission was never claimed."""
    value = _first(annotations.get(RUN_ID))
    return str(value) if value is not None else None


def _first(value: Any) -> Any:
    """Synapse's newer store holds lists."""
    if isinstance(value, list | tuple):
        return value[0] if value else None
    return value


def _outcome(results: list[Result]) -> Outcome:
    valid = results and all(result.status != "INVALID" for result in results)
    return Outcome.VALID if valid else Outcome.INVALID


def _verdict(outcome: Outcome, score: Result | None) -> str:
    if outcome is not Outcome.VALID:
        return "INVALID"
    return "SCORED" if score else "VALIDATED"


def _orchestrator(suffix: str) -> str:
    return f"{ORCHESTRATOR_PREFIX}{suffix}"


def _hidden(queue: Queue, validation: Result | None, score: Result | None, final_round: bool) -> set[str]:
    hidden = set(queue.scores.private_annotations)
    if withheld(queue, final_round=final_round) and score:
        before = validation.annotations if validation else {}
        hidden |= {key for key, value in score.annotations.items() if before.get(key) != value}
    return hidden


def withheld(queue: Queue, *, final_round: bool = False) -> bool:
    """Tell whether scores are not to be seen yet."""
    visibility = queue.scores.visibility
    return visibility == "withheld" or (visibility == "hybrid" and final_round)


def _reported(validation: Result | None, score: Result | None) -> dict[str, Value]:
    """Return scores first: where both together are more than Synapse holds, the validation's surplus gives way."""
    kept: dict[str, Value] = dict(score.annotations) if score else {}
    for key, value in (validation.annotations if validation else {}).items():
        grown = {key: value, **kept}
        if len(grown) <= MOST_KEYS and key_characters(grown) <= MOST_KEY_CHARACTERS:
            kept = grown
    return kept


def _record(keys: list[str]) -> Iterator[tuple[str, Value]]:
    """Spread the keys over as few annotations as hold them."""
    lines: list[str] = []
    for key in sorted(keys):
        if lines and len(lines[-1]) + 1 + len(key) <= LONGEST_TEXT:
            lines[-1] += f",{key}"
        else:
            lines.append(key)
    yield from zip(_CHUNKS, lines, strict=False)


def _recorded(current: Mapping[str, Any]) -> list[str]:
    lines = (_first(current.get(chunk)) for chunk in _CHUNKS)
    return [key for line in lines if line for key in str(line).split(",")]
