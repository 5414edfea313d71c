"""Run somebody else's image on data that must not leave the host, in any DAG."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from airflow_synapse_challenge.containers.archive import Refusal
from airflow_synapse_challenge.containers.docker_engine import DockerEngine
from airflow_synapse_challenge.containers.holding import HeldFolder, Holding
from airflow_synapse_challenge.containers.outcome import Observed, Outcome
from airflow_synapse_challenge.containers.policy import Policy
from airflow_synapse_challenge.containers.spec import INPUT, OUTPUT, ContainerSpec, HostFolder
from airflow_synapse_challenge.errors import ParticipantFault
from airflow_synapse_challenge.hooks.docker import docker_client
from airflow_synapse_challenge.operators.base import no_retry_when_useless
from airflow_synapse_challenge.triggers.containers import QUIET, WORKER_PATIENCE, ContainerTrigger, first_event

if TYPE_CHECKING:
    from airflow.sdk import Context

RESULTS = "output"
#: How long results are held beyond the run: copying them may be tried again.
SPARE_TIME = timedelta(hours=12)


class ModelContainerOperator(BaseOperator):
    """
    Run an untrusted image: no network, no capabilities, read-only root and input, everything else bounded.

    The container sees ``input_dir`` of the engine's host at ``/input``, read-only, and writes to ``/output``, a folder
    in memory whose size and number of files the kernel bounds. Deferred, which is the default, the triggerer watches a
    container that runs longer than fifteen seconds, and no worker is used meanwhile. A task that is tried again adopts
    the container that runs; ending the task ends the container. What the image is to blame for fails the task without
    another try.

    The XCom is a dict with ``result`` (path of the copied file, if one was asked for), ``exit_code``, ``seconds``,
    ``peak_memory_bytes``, ``image_digest`` and ``log`` (head and tail, harmless to print).

    .. code-block:: python

        ModelContainerOperator(
            task_id="predict",
            image="ghcr.io/example/model@sha256:…",
            input_dir="/data/patients",
            result="predictions.csv",
            result_path="/results/predictions.csv",
            policy=Policy(memory_bytes=16 * 1024**3, cpus=4, timeout=timedelta(hours=3)),
        )

    :param image: image by digest, or by a name that the engine has; it is never pulled (templated).
    :param command: argument vector in place of the image's own entrypoint (templated).
    :param input_dir: folder on the engine's host (templated).
    :param result: plain file that has to be in ``/output`` at the end; ``None`` for none.
    :param result_path: where to copy it on the worker (templated).
    :param policy: the bounds.
    :param holder_image: an image of your own with the command ``sleep`` that holds ``/output``.
    :param deferrable: wait in the triggerer (default) or in a worker.
    :param docker_conn_id: Airflow connection of type ``docker``; ``None`` for the environment's engine.
    """

    template_fields: Sequence[str] = ("image", "command", "input_dir", "result_path")
    ui_color = "#f0e6d2"

    def __init__(
        self,
        *,
        image: str,
        command: Sequence[str] = (),
        input_dir: str | None = None,
        result: str | None = None,
        result_path: str | None = None,
        policy: Policy | None = None,
        holder_image: str = "airflow-synapse-challenge/evaluation:latest",
        deferrable: bool = True,
        docker_conn_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.image = image
        self.command = command
        self.input_dir = input_dir
        self.result = result
        self.result_path = result_path
        self.policy = policy or Policy()
        self.holder_image = holder_image
        self.deferrable = deferrable
        self.docker_conn_id = docker_conn_id
        self._container_name = ""

    def execute(self, context: Context) -> dict[str, Any]:
        """Launch, or adopt, and wait."""
        holding, spec = self._plan(context)
        self._container_name = spec.name
        engine = self._engine()
        with no_retry_when_useless():
            engine.holder(holding).ensure()
            engine.launch(spec)
            event = first_event(self._trigger(spec, patience=WORKER_PATIENCE if self.deferrable else None))
            if event["reason"] == "waiting":
                trigger = self._trigger(spec, quiet=QUIET, peak_memory_bytes=event["peak_memory_bytes"])
                self.defer(trigger=trigger, method_name="complete")
            return self.complete(context, event)

    def _trigger(self, spec: ContainerSpec, **arguments: Any) -> ContainerTrigger:
        return ContainerTrigger(
            container=spec.name,
            timeout=self.policy.timeout.total_seconds(),
            docker_conn_id=self.docker_conn_id,
            **arguments,
        )

    def complete(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        """Collect what the container left."""
        holding, spec = self._plan(context)
        engine = self._engine()
        holder = engine.holder(holding)
        with no_retry_when_useless():
            observed = Observed(event["reason"] == "timed_out", peak_memory_bytes=event["peak_memory_bytes"])
            outcome = engine.finish(spec, observed, self.log.info)
            try:
                _require_success(outcome)
                path = self._copy(holder)
            finally:
                holder.release()
        return {
            "result": path,
            "exit_code": outcome.exit_code,
            "seconds": outcome.seconds,
            "peak_memory_bytes": outcome.peak_memory_bytes,
            "image_digest": outcome.image_digest,
            "log": outcome.log,
        }

    def _copy(self, holder: Any) -> str | None:
        if self.result is None:
            return None
        found = holder.look(RESULTS, self.result)
        if found is None or found.kind != "plain file":
            what = "nothing" if found is None else f"a {found.kind}"
            raise ParticipantFault([f"The container left {what} at /output/{self.result}."])
        if self.result_path is None:
            return None
        target = Path(self.result_path)
        target.unlink(missing_ok=True)
        try:
            holder.copy(RESULTS, self.result, target)
        except Refusal as refusal:
            raise ParticipantFault([str(refusal)]) from refusal
        return str(target)

    def _plan(self, context: Context) -> tuple[Holding, ContainerSpec]:
        ti = context["ti"]
        name = f"{ti.dag_id}-{ti.run_id}-{ti.task_id}-{ti.map_index}"
        labels = {"dag": ti.dag_id, "run": ti.run_id, "task": ti.task_id}
        folder = HeldFolder(RESULTS, self.policy.output_bytes, self.policy.output_files)
        holding = Holding(name, self.holder_image, (folder,), self.policy.timeout + SPARE_TIME, labels)
        spec = ContainerSpec(
            name=name,
            image=self.image,
            command=tuple(self.command),
            policy=self.policy,
            results=(),
            labels=labels,
            mounts=(HostFolder(INPUT, self.input_dir),) if self.input_dir else (),
            held=(holding.mount(RESULTS, OUTPUT),),
            author="participant",
        )
        return holding, spec

    def _engine(self) -> DockerEngine:
        return DockerEngine(docker_client(self.docker_conn_id))

    def on_kill(self) -> None:
        """Kill the container: Airflow leaves five seconds for this."""
        if self._container_name:
            self._engine().kill(self._container_name)


def _require_success(outcome: Outcome) -> None:
    if outcome.timed_out:
        raise ParticipantFault(["The container took too long."])
    if outcome.oom_killed:
        raise ParticipantFault(["The container needed more memory than it may use."])
    if outcome.exit_code != 0:
        raise ParticipantFault([f"The container ended with exit code {outcome.exit_code}."])
