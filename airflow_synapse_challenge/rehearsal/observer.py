"""What became of each submission, as Synapse, Airflow and the mailboxes show it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

import httpx

from airflow_synapse_challenge.challenge.annotations import MODEL
from airflow_synapse_challenge.challenge.dispatch import run_id
from airflow_synapse_challenge.challenge.statuses import TERMINAL
from airflow_synapse_challenge.factory.names import submission_dag_id
from airflow_synapse_challenge.local_synapse.server import LocalSynapse
from airflow_synapse_challenge.rehearsal.deployment import AirflowDeployment
from airflow_synapse_challenge.rehearsal.plan import Plan, PlannedRank, PlannedSubmission
from airflow_synapse_challenge.rehearsal.site import SERVICE, Site
from airflow_synapse_challenge.steps.leaderboard import Line, read_leaderboard
from airflow_synapse_challenge.synapse import annotation_stores, submissions
from airflow_synapse_challenge.synapse.client import Endpoints, SynapseClient
from airflow_synapse_challenge.synapse.submissions import SubmissionBundle

MODEL_FIGURES = ("outcome", "seconds", "peak_memory", "exit_code")
#: Scores are compared to the digits that the score script reports.
TOLERANCE = 2e-6


@dataclass
class Record:
    """
    One submission.

    :param status: its status on Synapse.
    :param image: a submitted image by its digest.
    :param annotations: all that is annotated on it.
    :param seconds: from the submission to its last status, by Synapse's clock.
    :param tasks: state of each task of its run, by task id.
    :param mails: subjects of the mails about it that the submitter got.
    """

    id: str
    planned: PlannedSubmission
    dag_id: str
    status: str = "RECEIVED"
    image: str = ""
    annotations: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    run_state: str = ""
    tasks: dict[str, str] = field(default_factory=dict)
    mails: list[str] = field(default_factory=list)

    @property
    def expected(self) -> str:
        """The status that it has to get."""
        return "ACCEPTED" if self.planned.valid is not None else "INVALID"

    @property
    def is_final(self) -> bool:
        """Whether it has a final status and its run has ended."""
        return self.status in TERMINAL and self.run_state in ("success", "failed")

    @property
    def reasons(self) -> str:
        """Why it is invalid."""
        return str(self.annotations.get("submission_errors", ""))

    @property
    def model(self) -> dict[str, Any]:
        """How its model ran: ``outcome``, ``seconds``, ``peak_memory`` in bytes, ``exit_code``; empty before it did."""
        return {
            name: self.annotations[f"{MODEL}{name}"] for name in MODEL_FIGURES if f"{MODEL}{name}" in self.annotations
        }

    @property
    def problems(self) -> list[str]:
        """What is not as planned."""
        found = []
        if self.status != self.expected:
            found.append(f"status {self.status}, not {self.expected}")
        for metric, value in (self.planned.valid or {}).items():
            if abs(float(self.annotations.get(metric, "nan")) - value) > TOLERANCE or metric not in self.annotations:
                found.append(f"{metric} {self.annotations.get(metric)}, not {value}")
        if self.planned.invalid and self.planned.invalid not in self.reasons:
            found.append(f"reason {self.reasons!r} does not say {self.planned.invalid!r}")
        if len(self.mails) != 1:
            found.append(f"{len(self.mails)} mails, not 1")
        if self.run_state != "success":
            found.append(f"run {self.run_state or 'not found'}")
        return found


class Observer:
    """Reads everything again whenever it is asked."""

    def __init__(self, server: LocalSynapse, airflow: AirflowDeployment, plan: Plan, site: Site) -> None:
        self._server = server
        self._airflow = airflow
        self._plan = plan
        self._site = site
        self._client = SynapseClient(server.token(SERVICE), Endpoints.at(server.url))
        self.records: dict[str, Record] = {}

    def look(self, submitted: dict[str, PlannedSubmission]) -> list[Record]:
        """Return the records of the submissions so far, in the order in which they were made."""
        for queue in self._site.challenge.queues:
            dag_id = submission_dag_id(self._site.challenge, queue)
            for bundle in self._client.pages(submissions.bundles(str(queue.id))):
                identity = bundle.submission.id
                if identity in submitted:
                    record = self.records.setdefault(identity, Record(identity, submitted[identity], dag_id))
                    _note(record, bundle)
        for record in self.records.values():
            if record.status in TERMINAL and record.run_state not in ("success", "failed"):
                record.run_state = self._run_state(record)
        return [self.records[identity] for identity in submitted if identity in self.records]

    def finish(self) -> None:
        """Note the tasks and the mails of every submission."""
        mails = self._server.mailbox()
        for record in self.records.values():
            path = f"/dags/{record.dag_id}/dagRuns/{run_id(record.id)}/taskInstances"
            found = self._airflow.api("GET", path)["task_instances"]
            record.tasks = {task["task_id"]: task["state"] for task in found}
            people = self._people(record.planned.by)
            record.mails = [
                mail["subject"]
                for mail in mails
                if str(mail["fileName"]).startswith(f"{record.id}.") and people == {int(to) for to in mail["to"]}
            ]

    def mails(self) -> list[dict[str, Any]]:
        """Return every mail that was delivered."""
        return self._server.mailbox()

    @cached_property
    def final_leaderboard(self) -> list[Line]:
        """The first queue's leaderboard, as it is when it is first asked for."""
        return read_leaderboard(self._client, self._site.challenge.queues[0])

    def leaderboard_as_planned(self) -> bool:
        """Tell whether the leaderboard names the submitters and files that the plan wants, in its order."""
        found = tuple(
            PlannedRank(submitter=line.submitter, file=self.records[str(line.submission_id)].planned.name)
            for line in self.final_leaderboard
        )
        return not self._plan.leaderboard or found == self._plan.leaderboard

    def _people(self, name: str) -> set[int]:
        """Principal ids of a participant, or of a team's members."""
        return {self._site.participants[member] for member in self._plan.teams.get(name, (name,))}

    def _run_state(self, record: Record) -> str:
        try:
            found = self._airflow.api("GET", f"/dags/{record.dag_id}/dagRuns/{run_id(record.id)}")
        except httpx.HTTPStatusError:
            return ""
        return str(found["state"])


def _note(record: Record, bundle: SubmissionBundle) -> None:
    status = bundle.submission_status
    record.status = status.status
    if bundle.submission.docker_digest:
        record.image = f"{bundle.submission.docker_repository_name}@{bundle.submission.docker_digest}"
    record.annotations = annotation_stores.read(status)
    if status.modified_on:
        begin, end = map(datetime.fromisoformat, (bundle.submission.created_on, status.modified_on))
        record.seconds = (end - begin).total_seconds()
