"""A whole deployment: local Synapse, Airflow's four processes, Docker engine, participants."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from airflow_synapse_challenge.challenge.config import Queue
from airflow_synapse_challenge.challenge.dispatch import run_id
from airflow_synapse_challenge.challenge.statuses import TERMINAL
from airflow_synapse_challenge.factory.dag_file import DAG_FILE, DAG_FILE_NAME, FOLDER_VARIABLE
from airflow_synapse_challenge.factory.names import submission_dag_id
from airflow_synapse_challenge.local_synapse.server import LocalSynapse
from airflow_synapse_challenge.rehearsal.deployment import AirflowDeployment
from airflow_synapse_challenge.rehearsal.plan import Plan
from airflow_synapse_challenge.rehearsal.site import SERVICE, Site, log_in
from airflow_synapse_challenge.synapse import annotation_stores, statuses, submissions
from airflow_synapse_challenge.synapse.client import Endpoints, SynapseClient

TRIALS = Path(__file__).parents[1] / "trials"
#: What a deployment waits for by default before it notices dead processes is minutes; tests do not.
IMPATIENT = {
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "10",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "5",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "20",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "15",
    "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "15",
}
PLAN = Plan.model_validate(
    {
        "gold_standards": {"Trials": "truth.txt"},
        # Who submits in a team's name may not submit alone as well; mary has not submitted yet.
        "participants": ["ada", "grace", "jean", "kathleen", "mary"],
        "teams": {"Pair": ["jean", "kathleen"]},
        "submissions": [{"by": "ada", "junk": 1, "valid": {}}],
    }
)


class World:
    """Everything that a test asks and does."""

    #: Put into Airflow's DAG folder.
    dag_file = DAG_FILE

    def __init__(self, home: Path, server: LocalSynapse, site: Site, plan: Plan = PLAN) -> None:
        self.home = home
        self.server = server
        self.site = site
        self.plan = plan
        self.queue_of: dict[str, Queue] = {}
        self.client = SynapseClient(server.token(SERVICE), Endpoints.at(server.url))
        self.taken_etag = ""
        self.evaluation = str(site.challenge.queues[0].id)
        self._members = {name: self._member(name) for name in plan.participants}

    def _member(self, name: str) -> tuple[Any, str]:
        from synapseclient.models import Project

        synapse = log_in(self.server, name, self.home / "cache" / name)
        return synapse, Project(name=f"work of {name}").store(synapse_client=synapse).id

    def deploy(self, name: str = "airflow") -> AirflowDeployment:
        """Return an Airflow of its own, not yet started, that runs the site's challenge."""
        dags = self.home / name / "dags"
        dags.mkdir(parents=True)
        (dags / DAG_FILE_NAME).write_text(self.dag_file)
        connection = {
            "conn_type": "synapse",
            "password": self.server.token(SERVICE),
            "extra": {"endpoint": self.server.url},
        }
        airflow = AirflowDeployment(
            self.home / name,
            dags,
            connections={"synapse_default": connection},
            environment={FOLDER_VARIABLE: str(self.site.challenges_folder), **IMPATIENT},
        )
        airflow.prepare()
        challenge = self.site.challenge
        airflow.make_pool(challenge.challenge, challenge.compute.memory_gib)
        return airflow

    def submit(self, content: str, by: str = "ada", team: str | None = None, queue: Queue | None = None) -> str:
        """Submit a text file and return the submission's id; a team's first member does it for the team."""
        from synapseclient.models import File

        synapse, project = self._members[self.plan.teams[team][0] if team else by]
        path = self.home / f"{time.monotonic_ns()}.txt"
        path.write_text(content)
        file = File(path=str(path), parent_id=project).store(synapse_client=synapse)
        return self._submit(synapse, synapse.get(file.id, downloadFile=False), queue, team=team)

    def _submit(self, synapse: Any, entity: Any, queue: Queue | None, **arguments: Any) -> str:
        queue = queue or self.site.challenge.queues[0]
        submission = str(synapse.submit(str(queue.id), entity, silent=True, **arguments)["id"])
        self.queue_of[submission] = queue
        return submission

    def status(self, submission: str) -> Any:
        return self.client.send(statuses.get(submission))

    def take(self, status: Any) -> None:
        """Write a status as somebody else would."""
        self.taken_etag = self.client.send(statuses.put(status)).etag

    def answers(self) -> bool:
        """Tell whether Synapse answers calls."""
        import httpx

        return httpx.get(f"{self.server.endpoints['repo']}/evaluation/{self.evaluation}").status_code < 500

    def annotations(self, submission: str) -> dict[str, Any]:
        return annotation_stores.read(self.status(submission))

    def wait_final(self, *ids: str, seconds: float = 180) -> None:
        """Wait until each of these submissions has a final status."""

        def all_final() -> bool:
            queues = {str(self.queue_of[submission].id) for submission in ids}
            found = [bundle for queue in queues for bundle in self.client.pages(submissions.bundles(queue))]
            final = {b.submission.id for b in found if b.submission_status.status in TERMINAL}
            return set(ids) <= final

        self.wait_for(all_final, f"final statuses of {', '.join(ids)}", seconds)

    def wait_run(self, airflow: AirflowDeployment, submission: str, seconds: float = 120) -> str:
        """Wait for the end of a submission's run and return its state."""

        def ended() -> bool:
            return self.run_state(airflow, submission) in ("success", "failed")

        self.wait_for(ended, f"the run of {submission}", seconds)
        return self.run_state(airflow, submission)

    def require_success(self, airflow: AirflowDeployment, submission: str, seconds: float = 120) -> None:
        """Require that a submission's run ends well; the failure tells how its tasks ended and what was mailed."""
        state = self.wait_run(airflow, submission, seconds)
        path = f"/dags/{self.dag_id(submission)}/dagRuns/{run_id(submission)}/taskInstances"
        tasks = airflow.api("GET", path)["task_instances"] if state != "success" else []
        ended = [f"{task['task_id']} {task['state']} in try {task['try_number']}" for task in tasks]
        assert state == "success", f"{'; '.join(ended)}. Mails: {self.mail_texts(submission)}"

    def run_state(self, airflow: AirflowDeployment, submission: str) -> str:
        """Return the state of a submission's run, empty when there is none."""
        dag_id = self.dag_id(submission)
        runs = airflow.api("GET", f"/dags/{dag_id}/dagRuns?limit=100&order_by=-run_after")["dag_runs"]
        return next((str(run["state"]) for run in runs if run["dag_run_id"] == run_id(submission)), "")

    def dag_id(self, submission: str) -> str:
        """Return the DAG that evaluates a submission."""
        return submission_dag_id(self.site.challenge, self.queue_of[submission])

    def wait_for(self, condition: Callable[[], bool], what: str, seconds: float = 120) -> None:
        """Wait until something is true."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"waited {seconds:.0f} s in vain for {what}"
            time.sleep(0.3)

    def mails(self, submission: str) -> list[str]:
        """Return the events that mails were sent about, sorted."""
        names = [str(mail["fileName"]) for mail in self.server.mailbox()]
        return sorted(name.split(".")[2] for name in names if name.startswith(f"{submission}."))

    def mail_texts(self, submission: str) -> str:
        """Return what all mails about a submission say, in one line."""
        mails = [mail for mail in self.server.mailbox() if str(mail["fileName"]).startswith(f"{submission}.")]
        return " ".join(" ".join(mail["body"] for mail in mails).split())

    def mail(self, submission: str, event: str) -> dict[str, Any]:
        """Return the one mail about an event."""
        found = [m for m in self.server.mailbox() if str(m["fileName"]).startswith(f"{submission}.1.{event}.")]
        assert len(found) == 1
        return found[0]
