"""
Containers on a Docker engine.

Worker and engine need not share a file system: inputs go into a volume and results come out of one as archive streams.

::

    look for the name ──▶ same labels, running or ended? ──▶ adopt
          │ no
          ▼
    find image ▶ fill volumes ▶ create ▶ prove the policy ▶ start ▶ wait ▶ collect ▶ remove

One caller may do it all (``run``), or several one after another: ``launch``, look from elsewhere, then ``finish``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from airflow_synapse_challenge.containers import archive, docker_policy, docker_proof, docker_storage
from airflow_synapse_challenge.containers.docker_calls import engine_errors, find_image, start_container
from airflow_synapse_challenge.containers.docker_storage import DockerHolder
from airflow_synapse_challenge.containers.docker_watch import Ending, OutputReader, ended_by, last_output, stop, wait
from airflow_synapse_challenge.containers.engine import Cancelled
from airflow_synapse_challenge.containers.holding import Holding
from airflow_synapse_challenge.containers.image_check import volume_problems
from airflow_synapse_challenge.containers.logs import BoundedLog
from airflow_synapse_challenge.containers.outcome import UNOBSERVED, Observed, Outcome
from airflow_synapse_challenge.containers.policy import Rule
from airflow_synapse_challenge.containers.spec import LABEL_PREFIX, OUTPUT, ContainerSpec, safe_name
from airflow_synapse_challenge.errors import ParticipantFault, PermanentError, SynapseChallengeError

if TYPE_CHECKING:
    from docker import APIClient

DIGEST_LABEL = f"{LABEL_PREFIX}image-digest"
#: Exit codes of a process that was told to end.
STOPPED = (137, 143)


class DockerEngine:
    """
    Run containers through docker-py's low-level client.

    :param client: connected and logged in, for example ``DockerHook(...).api_client``.
    """

    name = "docker"
    enforces = frozenset(Rule)

    def __init__(self, client: APIClient) -> None:
        self._client = client

    def run(
        self,
        spec: ContainerSpec,
        *,
        on_log: Callable[[str], None] | None = None,
        cancelled: Cancelled | None = None,
    ) -> Outcome:
        """
        Run, or adopt, a container; see :class:`~airflow_synapse_challenge.containers.engine.Engine`.

        A container outlives the worker that waits for it, so that the next try can adopt it; it is removed as soon as
        its outcome is known.
        """
        with engine_errors():
            adopted = self._adoptable(spec)
            if not adopted:
                self._prepare(spec)
            output = self._attach_and_start(spec, on_log, adopted=adopted)
            try:
                ending = wait(self._client, spec, output.ended, cancelled)
                output.finish()
                outcome = self._collect(spec, ending, output.log, adopted=adopted)
            except KeyboardInterrupt:
                self._remove(spec.safe_name)
                raise
            self._remove(spec.safe_name)
            return outcome

    def launch(self, spec: ContainerSpec) -> bool:
        """
        Start a container and come back at once; tell whether an earlier try had started it.

        :raises OrganiserFault: the image cannot be used. :class:`ParticipantFault` if it is a participant's.
        :raises TransientError: the engine is away.
        :raises PermanentError: a rule of the policy cannot be enforced here.
        """
        with engine_errors():
            if self._adoptable(spec):
                return True
            self._prepare(spec)
            self._start(spec)
            return False

    def has(self, spec: ContainerSpec) -> bool:
        """Tell whether exactly this container was started and has not been collected."""
        with engine_errors():
            return self._adoptable(spec)

    def log(self, spec: ContainerSpec) -> str:
        """Return the head and the tail of what a launched container has printed so far."""
        with engine_errors():
            return last_output(self._client, spec).text()

    def end(self, name: str) -> None:
        """Tell a container to end, and end it a little later; its results stay to be collected."""
        with engine_errors():
            stop(self._client, safe_name(name))

    def follow(
        self,
        spec: ContainerSpec,
        *,
        on_log: Callable[[str], None] | None = None,
        cancelled: Cancelled | None = None,
    ) -> Outcome:
        """
        Wait for the end of a launched container, or bring it about, and collect it as :meth:`finish` does.

        :param on_log: receives harmless lines while it runs.
        :param cancelled: asked about every second; a true answer ends the container.
        """
        with engine_errors():
            output = OutputReader(self._client, spec.safe_name, spec.policy.log_bytes, on_log, started=True)
            ending = wait(self._client, spec, output.ended, cancelled)
            output.finish()
        return self.finish(spec, Observed(ending.timed_out, ending.cancelled, ending.peak_memory_bytes))

    def finish(
        self,
        spec: ContainerSpec,
        observed: Observed = UNOBSERVED,
        on_log: Callable[[str], None] | None = None,
    ) -> Outcome:
        """Collect the outcome of a launched container as :meth:`collect` does, and remove it."""
        outcome = self.collect(spec, observed, on_log)
        with engine_errors():
            self._remove(spec.safe_name)
        return outcome

    def collect(
        self,
        spec: ContainerSpec,
        observed: Observed = UNOBSERVED,
        on_log: Callable[[str], None] | None = None,
    ) -> Outcome:
        """
        Return the outcome of a launched container, ended here if it still runs; it stays, to be collected again.

        :param observed: what whoever watched it saw of its end.
        :param on_log: receives the harmless lines of its log.
        """
        with engine_errors():
            ending = ended_by(self._client, spec.safe_name, observed)
            log = last_output(self._client, spec, on_log)
            return self._collect(spec, ending, log, adopted=True)

    def holder(self, holding: Holding) -> DockerHolder:
        """Return what holds the folders of a run; it begins with ``ensure()``."""
        return DockerHolder(self._client, holding)

    def kill(self, name: str) -> bool:
        """End and remove a container with its volumes; waits for no grace."""
        with engine_errors():
            return self._remove(safe_name(name))

    def sweep(self, labels: Mapping[str, str]) -> list[str]:
        """
        End and remove every container and volume that carries all of these labels; return the containers' names.

        :param labels: as in the spec; at least one, so that nothing is swept by mistake.
        """
        if not labels:
            raise PermanentError("A sweep needs at least one label; without any it would remove every container.")
        wanted = {"label": [f"{LABEL_PREFIX}{key}={value}" for key, value in labels.items()]}
        with engine_errors():
            names = [found["Names"][0].lstrip("/") for found in self._client.containers(all=True, filters=wanted)]
            for name in names:
                docker_storage.remove_container(self._client, name)
            for volume in self._client.volumes(filters=wanted)["Volumes"] or []:
                docker_storage.remove_volume(self._client, volume["Name"])
            return sorted(names)

    def _adoptable(self, spec: ContainerSpec) -> bool:
        """Tell whether an earlier try started exactly this container; clear away anything else of its name."""
        from docker.errors import NotFound

        try:
            found = self._client.inspect_container(spec.safe_name)
        except NotFound:
            self._remove(spec.safe_name)
            return False
        labels = found["Config"]["Labels"] or {}
        same = all(labels.get(key) == value for key, value in spec.full_labels.items())
        if same and found["State"]["Status"] in ("running", "exited"):
            return True
        self._remove(spec.safe_name)
        return False

    def _prepare(self, spec: ContainerSpec) -> None:
        """Create the container, filled and proved, so that only starting it is left."""
        image = find_image(self._client, spec.image, spec.author)
        if not (spec.command or image.starts):
            raise ParticipantFault(["The image has neither an entrypoint nor a command, so nothing can be started."])
        if spec.author == "participant" and (reasons := list(volume_problems(image.volumes))):
            raise ParticipantFault(reasons)
        try:
            if spec.inputs or not spec.holds_output:
                docker_storage.fill(self._client, spec, image)
            config = docker_policy.container_config(spec, image)
            config["labels"] = {**config["labels"], DIGEST_LABEL: image.digest}
            self._client.create_container(
                **config, host_config=self._client.create_host_config(**docker_policy.host_config(spec, image))
            )
            docker_proof.check(
                spec,
                image,
                self._client.inspect_container(spec.safe_name),
                self._client.info(),
                docker_storage.volume_options(self._client, spec),
            )
        except BaseException:
            self._remove(spec.safe_name)
            raise

    def _attach_and_start(
        self, spec: ContainerSpec, on_log: Callable[[str], None] | None, *, adopted: bool
    ) -> OutputReader:
        output = OutputReader(self._client, spec.safe_name, spec.policy.log_bytes, on_log, started=adopted)
        if not adopted:
            self._start(spec)
        return output

    def _start(self, spec: ContainerSpec) -> None:
        from docker.errors import APIError

        try:
            start_container(self._client, spec)
        except (APIError, SynapseChallengeError):
            self._remove(spec.safe_name)
            raise

    def _collect(self, spec: ContainerSpec, ending: Ending, log: BoundedLog, *, adopted: bool) -> Outcome:
        from docker.errors import NotFound

        state = ending.state
        results: dict[str, bytes] = {}
        refused = None
        digest = spec.image
        if state is not None:
            try:
                digest = self._client.inspect_container(spec.safe_name)["Config"]["Labels"][DIGEST_LABEL]
                results, refused = self._results(spec) if spec.results else ({}, None)
            except NotFound:
                state = None
        # An earlier waiter may have stopped it and died before it could say so.
        late = adopted and state is not None and state["ExitCode"] in STOPPED
        return Outcome(
            exit_code=state["ExitCode"] if state else None,
            oom_killed=bool(state and state["OOMKilled"]),
            timed_out=ending.timed_out or (late and ending.seconds >= spec.policy.timeout.total_seconds()),
            cancelled=ending.cancelled or state is None,
            seconds=ending.seconds,
            image_digest=digest,
            log=log.text(),
            log_bytes_total=log.total,
            results=results,
            refused=refused,
            adopted=adopted,
            peak_memory_bytes=ending.peak_memory_bytes,
        )

    def _results(self, spec: ContainerSpec) -> tuple[dict[str, bytes], str | None]:
        stream, _ = self._client.get_archive(spec.safe_name, OUTPUT)
        try:
            return archive.read_results(stream, spec.results, spec.policy), None
        except archive.Refusal as refusal:
            return {}, str(refusal)
        finally:
            stream.close()

    def _remove(self, name: str) -> bool:
        """Remove all that belongs to a name, whatever there is of it."""
        removed = docker_storage.remove_container(self._client, name)
        docker_storage.remove_container(self._client, docker_storage.loader_name(name))
        for kind in ("input", "output"):
            docker_storage.remove_volume(self._client, f"{name}.{kind}")
        return removed
