"""What a model tells of the data that it saw, and what of the truth breaks out when scripts fail: who may read it."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_synapse_challenge.challenge import annotations, verdicts
from airflow_synapse_challenge.challenge.faults import Fault
from airflow_synapse_challenge.challenge.leaks import Ledger, Told, release, release_ending
from airflow_synapse_challenge.challenge.model import LeakBudget
from airflow_synapse_challenge.challenge.queue import Queue
from airflow_synapse_challenge.challenge.results import Result
from airflow_synapse_challenge.errors import OrganiserFault
from airflow_synapse_challenge.steps.claim import Claimed
from airflow_synapse_challenge.steps.evaluate import StepReport
from airflow_synapse_challenge.steps.finish import Evaluation, upload_log
from airflow_synapse_challenge.steps.folders import SubmissionFolders
from airflow_synapse_challenge.synapse.files import StoredFile
from airflow_synapse_challenge.synapse.statuses import SubmissionStatus
from airflow_synapse_challenge.synapse.submissions import Submission

FOLDERS = SubmissionFolders(shared="shared", locked="locked", submitter_locked="above")
SUBMISSION = Submission(id="1", user_id="1", evaluation_id="1", entity_id="syn2", created_on="2026-01-01T00:00:00.000Z")
STATUS = SubmissionStatus.model_validate({"id": "1", "etag": "a", "status": "EVALUATION_IN_PROGRESS"})
CLAIMED = Claimed("t", 1, SUBMISSION, STATUS)
SHARED = {"logs": {"share": True}}
FILES = Queue.model_validate({"id": 1, "score": {"script": "score.py"}, **SHARED})
MODELS = Queue.model_validate({"id": 1, "kind": "docker_image", "score": {"script": "score.py"}, **SHARED})


class Uploads:
    """Where files went."""

    def __init__(self) -> None:
        self.folder, self.text = "", ""

    def upload_file(self, path: Path, parent_id: str) -> StoredFile:
        self.folder = parent_id
        with zipfile.ZipFile(path) as archive:
            self.text = archive.read(archive.namelist()[0]).decode()
        return StoredFile("syn3", 1)


def uploaded(queue, evaluation, tmp_path):
    uploads = Uploads()
    upload_log(uploads, CLAIMED, evaluation, queue=queue, folders=FOLDERS, work_dir=tmp_path)
    return uploads


def report(log):
    return StepReport(Result("SCORED", (), {}), log, 1.0, "sha256:0")


@pytest.mark.parametrize("queue", [FILES, MODELS])
def test_traceback_with_the_truth(queue, tmp_path):
    """A script that crashes on a row prints it: that is for the organisers, even where logs are shared."""
    fault = Fault.from_exception(OrganiserFault("The score script ended with exit code 1.", "KeyError: 'the truth'"))
    found = uploaded(queue, Evaluation(fault=fault), tmp_path)
    assert found.folder == "locked"
    assert "the truth" in found.text


def test_reasons_that_the_budget_withholds(tmp_path):
    """They do not come back through another annotation or a log that its submitter reads; organisers find them."""
    fault = Fault.from_exception(verdicts.wrong_name("predictions.csv", ["patient-17-died"]))
    evaluation = Evaluation(fault=fault, told=Told(reasons=False, figures=True))
    assert "patient-17" not in "".join(evaluation.reasons)
    found = uploaded(MODELS, evaluation, tmp_path)
    assert found.folder == "locked"
    assert "patient-17" in found.text
    repeated = StepReport(Result("INVALID", ("patient-17-died",), {}), "", 1.0, "sha256:0")
    evaluation = Evaluation(validation=repeated, told=Told(reasons=False, figures=True))
    assert "patient-17" in uploaded(MODELS, evaluation, tmp_path).text
    written = annotations.result_annotations(
        MODELS.model_copy(update={"status_convention": "nextflow"}), validation=evaluation.result(repeated)
    )
    assert written.public["validation_status"] == "INVALID"
    assert "patient-17" not in f"{written.public} {written.private}"


def test_figures_that_a_model_steers():
    """Sleeping for as many seconds as a patient has years tells as much as a line of its log."""
    budget, ledger, shown = LeakBudget(per_submission=1_000, per_submitter=100), Ledger(), 0
    for number in range(20):
        told = release_ending((), "done 61.3 104857600 0", budget, ledger, str(number))
        ledger = ledger.counted(str(number), "ending", told.size)
        shown += told.figures
    assert shown == 4
    figures = annotations.Figures(outcome="done", seconds=61.3, exit_code=0, image="sha256:0", shown=False)
    assert list(figures.public()) == ["synapse_challenge_model_image"]
    assert figures.private()["synapse_challenge_model_seconds"] == 61.3


@given(st.lists(st.text(max_size=40), max_size=4), st.text(max_size=30), st.integers(0, 150), st.integers(1, 150))
def test_what_is_told_fits(reasons, figures, before, limit):
    budget, ledger = (
        LeakBudget(per_submission=limit, per_submitter=200),
        Ledger(before, {"other": (before, before, "")}),
    )
    told = release_ending(reasons, figures, budget, ledger, "1")
    sizes = len("\n".join(reasons).encode()), len(figures.encode())
    assert told.size == told.reasons * sizes[0] + told.figures * sizes[1] <= max(0, min(limit, 200 - before))


def test_script_that_repeats_what_a_model_wrote(tmp_path):
    """A model can write its data into its predictions, and a script that prints them is no way around the budget."""
    assert uploaded(MODELS, Evaluation(score=report("bad row: patient-17-died")), tmp_path).folder == "locked"
    assert uploaded(FILES, Evaluation(score=report("bad row: 17")), tmp_path).folder == "shared"


def test_slices_over_many_submissions():
    """A hundred submissions that each tell another slice get no more than the submitter's budget together."""
    budget, ledger, told = LeakBudget(per_submission=1_000, per_submitter=5_000), Ledger(), 0
    for number in range(100):
        found = release("x" * 900, budget, ledger, str(number))
        ledger = ledger.counted(str(number), "log", found.size)
        told += found.size
    assert 4_000 < told <= 5_000


@pytest.mark.docker
def test_model_that_prints_its_data(yard):
    """It gets as many bytes as the budget has, and the notice."""
    found = yard.attack("loud_input", model={"leak_budget": {"per_submission": "1kB"}}).is_ok()
    text = found.found["log_excerpt"]
    assert "withheld" in text
    assert len(text.encode()) < 1_200
