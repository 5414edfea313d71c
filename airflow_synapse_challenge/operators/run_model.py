"""Run a submitted image: launch, watch, judge, phase after phase."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_synapse_challenge.challenge import verdicts
from airflow_synapse_challenge.containers.outcome import Observed, Outcome
from airflow_synapse_challenge.errors import ParticipantFault
from airflow_synapse_challenge.hooks.engines import watched_cluster
from airflow_synapse_challenge.operators.models import ModelOperator
from airflow_synapse_challenge.steps.claim import Claimed
from airflow_synapse_challenge.steps.model import ModelReport, ModelRun, Phase, settle
from airflow_synapse_challenge.steps.model_log import file_log
from airflow_synapse_challenge.steps.stop import fault_of, reason_in
from airflow_synapse_challenge.synapse import statuses
from airflow_synapse_challenge.triggers.containers import QUIET, WORKER_PATIENCE, ContainerTrigger, first_event

if TYPE_CHECKING:
    from airflow.sdk import Context

STOPPED = (verdicts.CANCELLED, verdicts.TIME_QUOTA)
#: Exit codes of a container that was told to end.
ENDED_BY_SIGNAL = (137, 143)


@dataclass
class Progress:
    """
    How far a model's run is; survives a deferral.

    :param index: the phase that runs, or comes next.
    :param report: of the phases before it.
    :param logs: how often the log was filed meanwhile.
    """

    index: int
    report: ModelReport
    logs: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return what comes back with the next event."""
        return {"index": self.index, "report": self.report.to_dict(), "logs": self.logs}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Progress:
        """Read what :meth:`to_dict` made."""
        return cls(values["index"], ModelReport.from_dict(values["report"]), values["logs"])


@dataclass(frozen=True)
class Scene:
    """What one stretch of work between two deferrals needs."""

    context: Context = field(repr=False)
    claimed: Claimed
    run: ModelRun
    work_dir: Path


class SynapseRunModelOperator(ModelOperator):
    """
    Run a checked image on the organisers' data, under the policy, and judge what it wrote.

    Deferred, which is the default, the triggerer watches a container that runs longer than fifteen seconds, and no
    worker is used meanwhile; the pool slots stay taken if the pool counts deferred tasks. Cancelling the submission on
    Synapse, its time quota, its time limit or the end of this task end the container. A task that is tried again adopts
    the container that runs, or has ended: it stays until the finishing task sweeps.

    The XCom ``report`` tells how it ran. What the participant is to blame for ends the task well and skips
    ``skip_when_invalid``.

    .. code-block:: python

        SynapseRunModelOperator(
            task_id="run_model", challenge=challenge, evaluation_queue=queue, pool=challenge.challenge, pool_slots=16
        )

    :param challenge: the challenge.
    :param evaluation_queue: a queue of the kind ``docker_image``.
    :param deferrable: wait in the triggerer (default) or in a worker.
    :param claim_task_id: the task that claimed.
    :param image_task_id: the task that checked the image.
    :param skip_when_invalid: tasks to skip when the model failed.
    """

    def __init__(self, *, deferrable: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.deferrable = deferrable
        self._container_name = ""

    def act(self, context: Context, work_dir: Path) -> None:
        """Begin with the first phase, or with the one that an earlier try left running."""
        scene = self._scene(context, work_dir)
        left = (index for index, phase in reversed(list(enumerate(scene.run.phases))) if self.engine.has(phase.spec))
        self._go_on(scene, Progress(next(left, 0), ModelReport(self.image(context).name)))

    def resume(self, context: Context, event: dict[str, Any], progress: dict[str, Any]) -> None:
        """Go on after the triggerer saw something happen."""
        with self.failures(context), self.work_dir() as work_dir:
            scene, found = self._scene(context, work_dir), Progress.from_dict(progress)
            self._take(scene, found, event)
            self._go_on(scene, found)

    def _scene(self, context: Context, work_dir: Path) -> Scene:
        claimed = self.claimed(context, self.claim_task_id)
        return Scene(context, claimed, self.model_run(context, claimed), work_dir)

    def _go_on(self, scene: Scene, progress: Progress) -> None:
        """Run the phases that are left; a deferral leaves this method and comes back through :meth:`resume`."""
        while progress.index < len(scene.run.phases):
            phase = self._held(scene.run, progress)
            self._container_name = phase.spec.name
            adopted = self._launch(scene, phase)
            patience = (0.0 if adopted else WORKER_PATIENCE) if self.deferrable else None
            event = first_event(self._trigger(phase, scene.claimed, patience=patience))
            if event["reason"] == "waiting":
                trigger = self._trigger(phase, scene.claimed, quiet=QUIET, peak_memory_bytes=event["peak_memory_bytes"])
                self.defer(trigger=trigger, method_name="resume", kwargs={"progress": progress.to_dict()})
            self._take(scene, progress, event)
        self._file_log(scene, progress.report.log, "end")
        scene.context["ti"].xcom_push(key="report", value=progress.report.to_dict())

    def _held(self, run: ModelRun, progress: Progress) -> Phase:
        """Return the next phase, its folders held; where the engine lost them, the first of those that wrote there."""
        phases = run.phases
        holding = phases[progress.index].holding
        if not self.engine.holder(holding).ensure():
            together = [index for index, phase in enumerate(phases) if phase.holding == holding]
            for index in together:
                self.engine.kill(phases[index].spec.name)
            progress.index = together[0]
        return phases[progress.index]

    def _take(self, scene: Scene, progress: Progress, event: dict[str, Any]) -> None:
        """Do what an event asks for: file the log so far, or collect a phase that has ended."""
        phase = scene.run.phases[progress.index]
        if event["reason"] == "log":
            self._file_log(scene, self.engine.log(phase.spec), f"log{progress.logs}")
            progress.logs += 1
            return
        observed = Observed(
            timed_out=event["reason"] == "timed_out",
            cancelled=event["reason"] in STOPPED,
            peak_memory_bytes=event["peak_memory_bytes"],
        )
        outcome = self.engine.collect(phase.spec, observed, self.log.info)
        self.log.info("The %s ended with %s after %.1f s.", phase.title, outcome.exit_code, outcome.seconds)
        progress.report = progress.report.after(phase, outcome, named=len(scene.run.phases) > 1)
        try:
            self._judge(scene, phase, outcome, event["reason"])
        except ParticipantFault as fault:
            scene.context["ti"].xcom_push(key="report", value=progress.report.to_dict())
            self._file_log(scene, progress.report.log, "end")
            self.end_invalid(scene.context, fault, self.skip_when_invalid)
        progress.index += 1

    def _judge(self, scene: Scene, phase: Phase, outcome: Outcome, reason: str) -> None:
        if reason == "ended" and outcome.exit_code in ENDED_BY_SIGNAL:
            reason = self._reason_to_stop(scene) or reason
        if reason in STOPPED:
            raise fault_of(reason)
        settle(scene.run, phase, outcome, self.engine.holder(phase.holding))

    def _reason_to_stop(self, scene: Scene) -> str | None:
        """Ask why a container was ended: whoever did it may have died before it could say so."""
        with self.hook.get_conn() as client:
            return reason_in(client.send(statuses.get(scene.claimed.submission.id)))

    def _launch(self, scene: Scene, phase: Phase) -> bool:
        """Start a container; tell whether an earlier try had done so."""
        try:
            adopted = self.engine.launch(phase.spec)
        except ParticipantFault as fault:
            self.end_invalid(scene.context, ParticipantFault(fault.reasons, "start"), self.skip_when_invalid)
        self.log.info("The %s %s.", phase.title, "was started before" if adopted else "has started")
        return adopted

    def _trigger(self, phase: Phase, claimed: Claimed, **arguments: Any) -> ContainerTrigger:
        return ContainerTrigger(
            container=phase.spec.name,
            timeout=phase.spec.policy.timeout.total_seconds(),
            docker_conn_id=self.challenge.compute.docker_connection,
            cluster=watched_cluster(self.challenge.compute),
            synapse_conn_id=self.synapse_conn_id,
            submission_id=claimed.submission.id,
            log_every=self.evaluation_queue.logs.upload_every.total_seconds(),
            **arguments,
        )

    def _file_log(self, scene: Scene, text: str, key: str) -> None:
        """File the log; the administrators hear of it once if the leak budget withholds some of it."""
        folders = self.folders(scene.context, self.claim_task_id)
        if folders is None:
            return
        work_dir = scene.work_dir / "transfer"
        with self.hook.get_conn() as client:
            filed = file_log(
                client,
                self.hook.file_transfer(work_dir),
                text,
                claimed=scene.claimed,
                queue=self.evaluation_queue,
                folders=folders,
                key=f"{scene.claimed.attempt}.{key}",
                work_dir=scene.work_dir,
            )
            if filed.withheld:
                self.post(scene.context, client, work_dir, recheck=True).to_administrators(
                    "admin_withheld",
                    scene.claimed,
                    summary="the submitter does not see all of its log.",
                    folder_url=self.hook.portal_url(folders.locked),
                )

    def on_kill(self) -> None:
        """Kill the container: Airflow leaves five seconds for this."""
        if self._container_name:
            self.engine.kill(self._container_name)
