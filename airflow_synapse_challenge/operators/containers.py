"""Run the organisers' containers under the policy."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from airflow_synapse_challenge.containers.engine import Engine
from airflow_synapse_challenge.containers.outcome import Outcome
from airflow_synapse_challenge.containers.policy import Policy
from airflow_synapse_challenge.containers.spec import ContainerSpec, Input
from airflow_synapse_challenge.errors import OrganiserFault
from airflow_synapse_challenge.hooks.docker import engine_for
from airflow_synapse_challenge.hooks.engines import cluster_engine
from airflow_synapse_challenge.operators.base import no_retry_when_useless

if TYPE_CHECKING:
    from airflow.sdk import Context

GIB = 1024**3


class EvaluationContainerOperator(BaseOperator):
    """
    Run one trusted command in a container without network, with every capability dropped and every resource bounded.

    Inputs go in and results come back through the engine's archive streams, so that worker and engine need not share
    a file system. Killed workers leave the container running; the next try adopts it. The XCom is a dict with
    ``results`` (the JSON result files by name), ``exit_code``, ``seconds``, ``image_digest`` and ``log``.

    .. code-block:: python

        EvaluationContainerOperator(
            task_id="validate",
            image="ghcr.io/example/evaluation@sha256:…",
            command=["python3", "/usr/local/bin/validate.py", "-p", "/input/p.csv", "-o", "/output/results.json"],
            inputs={"/input/p.csv": "/data/incoming/predictions.csv"},
            memory_bytes=2 * 1024**3,
        )

    :param image: image by digest, or by a name that the engine knows (templated).
    :param command: argument vector; the image's own entrypoint is not used (templated).
    :param inputs: local file by path in the container, below ``/input`` (templated).
    :param results: names of JSON files below ``/output`` to bring back.
    :param memory_bytes: memory and swap together.
    :param cpus: hard cap in cores.
    :param timeout: wall clock of the container.
    :param output_bytes: bound on each result file.
    :param log_bytes: how much of the output is kept: head and tail.
    :param engine: ``docker``, ``process`` or ``kubernetes``.
    :param docker_conn_id: Airflow connection of type ``docker``.
    :param cluster: for ``kubernetes``: the keys of ``compute: {kubernetes: …}`` in a challenge.yaml, ``helper_image``
        among them.
    """

    template_fields: Sequence[str] = ("image", "command", "inputs")
    template_ext: Sequence[str] = ()
    ui_color = "#f0e6d2"

    def __init__(
        self,
        *,
        image: str,
        command: Sequence[str],
        inputs: Mapping[str, str] | None = None,
        results: Sequence[str] = ("results.json",),
        memory_bytes: int = 2 * GIB,
        cpus: float = 1.0,
        timeout: timedelta = timedelta(minutes=10),
        output_bytes: int = 10 * 1024**2,
        log_bytes: int = 50_000,
        engine: str = "docker",
        docker_conn_id: str | None = None,
        cluster: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.image = image
        self.command = command
        self.inputs = inputs or {}
        self.results = results
        self.memory_bytes = memory_bytes
        self.cpus = cpus
        self.timeout = timeout
        self.output_bytes = output_bytes
        self.log_bytes = log_bytes
        self.engine = engine
        self.docker_conn_id = docker_conn_id
        self.cluster = cluster
        self._container_name = ""

    def execute(self, context: Context) -> dict[str, Any]:
        """Run the container, or adopt the one that an earlier try left running."""
        ti = context["ti"]
        self._container_name = f"{ti.dag_id}-{ti.run_id}-{ti.task_id}-{ti.map_index}"
        spec = ContainerSpec(
            name=self._container_name,
            image=self.image,
            command=tuple(self.command),
            policy=Policy(
                memory_bytes=self.memory_bytes,
                cpus=self.cpus,
                timeout=self.timeout,
                output_bytes=self.output_bytes,
                log_bytes=self.log_bytes,
            ),
            inputs=tuple(Input(path, Path(source)) for path, source in self.inputs.items()),
            results=tuple(self.results),
            labels={"dag": ti.dag_id, "run": ti.run_id, "task": ti.task_id},
        )
        with no_retry_when_useless():
            outcome = self._engine().run(spec, on_log=self.log.info)
            return self._report(outcome)

    def _report(self, outcome: Outcome) -> dict[str, Any]:
        if outcome.exit_code != 0 or outcome.refused:
            reason = outcome.refused or (
                f"exit code {outcome.exit_code}, timed out: {outcome.timed_out}, out of memory: {outcome.oom_killed}"
            )
            raise OrganiserFault(f"The container failed: {reason}", outcome.log)
        return {
            "results": {name: json.loads(content) for name, content in outcome.results.items()},
            "exit_code": outcome.exit_code,
            "seconds": outcome.seconds,
            "image_digest": outcome.image_digest,
            "log": outcome.log,
        }

    def on_kill(self) -> None:
        """Kill the container: Airflow leaves five seconds for this."""
        if self._container_name:
            self._engine().kill(self._container_name)

    def _engine(self) -> Engine:
        if self.engine == "kubernetes":
            return cluster_engine(self.cluster or {})
        return engine_for(self.engine, self.docker_conn_id)
