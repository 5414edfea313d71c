"""Give a submission its final status, whatever happened before."""

from __future__ import annotations

import contextlib
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

from airflow_synapse_challenge.challenge import annotations as names
from airflow_synapse_challenge.challenge import folders as layout
from airflow_synapse_challenge.challenge import leaks
from airflow_synapse_challenge.challenge.config import Queue
from airflow_synapse_challenge.challenge.faults import Fault
from airflow_synapse_challenge.challenge.results import Result
from airflow_synapse_challenge.challenge.statuses import Outcome, convention_for, final_status
from airflow_synapse_challenge.challenge.verdicts import CANCELLED, TIME_QUOTA
from airflow_synapse_challenge.errors import PermanentError
from airflow_synapse_challenge.steps.claim import Claimed, owner_of
from airflow_synapse_challenge.steps.evaluate import StepReport
from airflow_synapse_challenge.steps.folders import SubmissionFolders
from airflow_synapse_challenge.steps.leaks import change_ledger
from airflow_synapse_challenge.steps.model import ModelReport
from airflow_synapse_challenge.steps.notify import Post
from airflow_synapse_challenge.synapse import annotation_stores, statuses
from airflow_synapse_challenge.synapse.client import SynapseClient
from airflow_synapse_challenge.synapse.files import FileTransfer, StoredFile
from airflow_synapse_challenge.synapse.statuses import SubmissionStatus

#: Ends that are not simply invalid.
ENDINGS = {CANCELLED: Outcome.CANCELLED, TIME_QUOTA: Outcome.TIMED_OUT, "timed_out": Outcome.TIMED_OUT}
WITHHELD_REASON = "The reason is withheld: the leak budget is used up. The organizers can tell it."
NEUTRAL_REASON = (
    "The submission could not be evaluated because of a problem on our side. "
    "The organizers have been told; nothing is wrong with what you sent."
)


@dataclass(frozen=True)
class Evaluation:
    """
    What the run found out.

    :param validation: the validate script's report; ``None`` when it did not get that far.
    :param score: the score script's report.
    :param fault: why the run failed, when it did.
    :param model: how a submitted image ran.
    :param predictions: where its results are filed.
    :param told: what may be told of all that, where a leak budget counts it.
    """

    validation: StepReport | None = None
    score: StepReport | None = None
    fault: Fault | None = None
    model: ModelReport | None = None
    predictions: StoredFile | None = None
    told: leaks.Told | None = None

    @property
    def outcome(self) -> Outcome:
        """Valid, invalid by the participant's fault, or failed by somebody else's."""
        if self.fault:
            return (
                ENDINGS.get(self.fault.kind, Outcome.INVALID) if self.fault.owner == "participant" else Outcome.FAILED
            )
        reports = [report for report in (self.validation, self.score) if report]
        if not reports or any(report.result.status == "INVALID" for report in reports):
            return Outcome.INVALID
        return Outcome.VALID

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the submission is invalid, in words for the participant."""
        return (WITHHELD_REASON,) if self.withholds_reasons else self.own_reasons

    @property
    def withholds_reasons(self) -> bool:
        """Whether the participant may not be told why."""
        return self.told is not None and not self.told.reasons

    @property
    def own_reasons(self) -> tuple[str, ...]:
        """The same, whatever may be told."""
        if self.fault:
            return tuple(self.fault.detail.splitlines()) if self.fault.owner == "participant" else (NEUTRAL_REASON,)
        return tuple(error for report in (self.validation, self.score) if report for error in report.result.errors)

    @property
    def withheld(self) -> str:
        """What the submitter is not told, in words for the organisers; empty for nothing."""
        told = self.told or leaks.Told(reasons=True, figures=True)
        parts = {"why it is invalid": told.reasons, "its run time, memory and exit code": told.figures}
        missing = " and ".join(words for words, tells in parts.items() if not tells)
        return f"the submitter is not told {missing}." if missing else ""

    def result(self, report: StepReport | None) -> Result | None:
        """Return what a script found, without reasons that may not be told."""
        if report is None:
            return None
        withholds = self.withholds_reasons and report.result.errors
        return replace(report.result, errors=self.reasons) if withholds else report.result

    @property
    def figures(self) -> names.Figures:
        """What the run measured and used."""
        reports = [report for report in (self.score, self.validation) if report]
        own = names.Figures(
            evaluation_image=reports[0].image_digest if reports else None,
            gold_standard=next((report.gold_standard for report in reports if report.gold_standard), None),
        )
        if self.model is None:
            return own
        fault = self.fault.kind if self.fault and self.fault.owner == "participant" else ""
        return replace(
            own,
            outcome=fault or "done",
            seconds=round(self.model.seconds, 1),
            peak_memory=self.model.peak_memory_bytes,
            exit_code=self.model.exit_code,
            image=self.model.image,
            shown=self.told is None or self.told.figures,
            predictions=(self.predictions.id, self.predictions.version) if self.predictions else None,
        )


def write_status(
    client: SynapseClient, claimed: Claimed, queue: Queue, evaluation: Evaluation, folder_id: str | None
) -> SubmissionStatus | None:
    """
    Write the final status and every annotation in one update; repeat it and nothing changes.

    :return: ``None`` when the submission belongs to another run by now, which is then left alone.
    """
    final = final_status(convention_for(queue), evaluation.outcome, scored=evaluation.score is not None)

    def change(status: SubmissionStatus) -> SubmissionStatus | None:
        if owner_of(status) != claimed.token:
            return None
        found = names.result_annotations(
            queue,
            validation=evaluation.result(evaluation.validation),
            score=evaluation.result(evaluation.score),
            folder_id=folder_id,
            outcome=evaluation.outcome,
            reasons=evaluation.reasons,
            current=annotation_stores.read(status),
            figures=evaluation.figures,
        )
        merged = annotation_stores.merge(status, public=found.public, private=found.private, remove=found.remove)
        changed = merged.model_copy(update={"status": final, "can_cancel": False})
        return None if changed == status else changed

    written = statuses.update_status(client, claimed.submission.id, change, known=claimed.status)
    return written if owner_of(written) == claimed.token else None


def within_budget(
    client: SynapseClient, claimed: Claimed, queue: Queue, evaluation: Evaluation, folders: SubmissionFolders | None
) -> Evaluation:
    """
    Count what is told of a model's end toward the leak budget of its queue, and withhold what does not fit.

    What a model wrote can come back in a reason, so that all of them count. Where nothing can be counted nothing is
    told.
    """
    reasons = () if evaluation.outcome is Outcome.FAILED else evaluation.own_reasons
    figures = " ".join(map(str, evaluation.figures.steered().values()))
    if queue.model is None or not (reasons or figures):
        return evaluation
    told = leaks.Told(reasons=not reasons, figures=False)
    budget, submission, key = queue.model.leak_budget, claimed.submission.id, f"{claimed.attempt}.ending"

    def count(ledger: leaks.Ledger) -> leaks.Ledger:
        nonlocal told
        before = ledger.without(submission, key)
        told = leaks.release_ending(reasons, figures, budget, before, submission)
        return ledger.counted(submission, key, told.size)

    if folders:
        with contextlib.suppress(PermanentError):
            change_ledger(client, folders.submitter_locked, count)
    return replace(evaluation, told=told)


def upload_log(
    transfer: FileTransfer,
    claimed: Claimed,
    evaluation: Evaluation,
    *,
    queue: Queue,
    folders: SubmissionFolders,
    work_dir: Path,
) -> str | None:
    """
    Store what the scripts printed as ``<submission>_logs.zip``.

    It goes where the queue's logs go. But what broke, with all details, is for the organisers only; and so is what
    scripts print about a model's results, and why it is invalid: the model wrote what they read, and what of it may be
    told is told elsewhere.

    :return: synID of the file, ``None`` when no script ran.
    """
    failed = evaluation.outcome is Outcome.FAILED
    detail, withheld = evaluation.fault.detail if evaluation.fault and failed else "", evaluation.withholds_reasons
    sections = [
        f"===== {name} =====\n{log}"
        for name, log in (
            ("validate", evaluation.validation.log if evaluation.validation else ""),
            ("score", evaluation.score.log if evaluation.score else ""),
            ("failed", detail or ("\n".join(evaluation.own_reasons) if withheld or evaluation.fault else "")),
        )
        if log
    ]
    if not sections:
        return None
    archive = work_dir / layout.log_archive_name(claimed.submission.id)
    # A fixed time inside the archive: the same log gives the same file, and Synapse makes no new version of it.
    member = zipfile.ZipInfo(layout.log_text_name(claimed.submission.id), date_time=(1980, 1, 1, 0, 0, 0))
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr(member, "\n".join(sections), compress_type=zipfile.ZIP_DEFLATED)
    folder = folders.locked if failed or queue.model else folders.of(queue)
    return transfer.upload_file(archive, folder).id


def send_mails(post: Post, claimed: Claimed, evaluation: Evaluation, *, folder_url: str, run_url: str) -> None:
    """Tell the submitter, and the administrators when the fault is not the submitter's."""
    if evaluation.outcome is Outcome.FAILED:
        assert evaluation.fault is not None
        post.to_administrators(
            "admin_failed",
            claimed,
            summary=evaluation.fault.summary,
            detail=evaluation.fault.detail,
            run_url=run_url,
        )
        post.to_submitter("failed", claimed, folder_url=folder_url)
    elif evaluation.outcome is not Outcome.VALID:
        post.to_submitter("invalid", claimed, errors=evaluation.reasons, folder_url=folder_url)
    elif evaluation.score:
        post.to_submitter("scored", claimed, scores=evaluation.score.result.annotations, folder_url=folder_url)
