"""
Containers on a Docker engine.

Worker and engine need not share a file system: inputs go into a volume and results come out of one as archive streams.

::

    look for the name ──▶ same labels, running or ended? ──▶ adopt
          │ no
          ▼
    find image ▶ fill volumes ▶ create ▶ prove the policy ▶ attach ▶ start ▶ wait ▶ collect ▶ remove
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from airflow_synapse_challenge.containers import archive, docker_policy
from airflow_synapse_challenge.containers.docker_calls import engine_errors, find_image
from airflow_synapse_challenge.containers.docker_watch import Ending, OutputReader, wait
from airflow_synapse_challenge.containers.engine import Cancelled
from airflow_synapse_challenge.containers.outcome import Outcome
from airflow_synapse_challenge.containers.policy import Rule
from airflow_synapse_challenge.containers.spec import LABEL_PREFIX, OUTPUT, ContainerSpec, safe_name
from airflow_synapse_challenge.errors import OrganiserFault, PermanentError

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
            output = self._start(spec, on_log, adopted=adopted)
            try:
                ending = wait(self._client, spec.safe_name, spec.policy.timeout, output.ended, cancelled)
                output.finish()
                outcome = self._collect(spec, ending, output, adopted=adopted)
            except KeyboardInterrupt:
                self._remove(spec.safe_name)
                raise
            self._remove(spec.safe_name)
            return outcome

    def kill(self, name: str) -> bool:
        """End and remove a container with its volumes; waits for no grace."""
        with engine_errors():
            return self._remove(safe_name(name))

    def sweep(self, labels: Mapping[str, str]) -> list[str]:
        """
        End and remove every container that carries all of these labels, and return their names.

        :param labels: as in the spec; at least one, so that nothing is swept by mistake.
        """
        if not labels:
            raise PermanentError("A sweep needs at least one label; without any it would remove every container.")
        wanted = [f"{LABEL_PREFIX}{key}={value}" for key, value in labels.items()]
        with engine_errors():
            found = self._client.containers(all=True, filters={"label": wanted})
            names = sorted({container["Labels"][f"{LABEL_PREFIX}name"] for container in found})
            for name in names:
                self._remove(safe_name(name))
            return names

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
        image = find_image(self._client, spec)
        try:
            self._fill(spec, image)
            config = docker_policy.container_config(spec, image)
            config["labels"] = {**config["labels"], DIGEST_LABEL: image.digest}
            self._client.create_container(
                **config, host_config=self._client.create_host_config(**docker_policy.host_config(spec, image))
            )
            docker_policy.check(spec, image, self._client.inspect_container(spec.safe_name), self._client.info())
        except BaseException:
            self._remove(spec.safe_name)
            raise

    def _fill(self, spec: ContainerSpec, image: docker_policy.Image) -> None:
        """Write the inputs through a container that never starts: the real one sees them read-only."""
        loader = _loader(spec.safe_name)
        self._client.create_container(
            image.id,
            entrypoint=["-"],
            name=loader,
            labels=spec.full_labels,
            use_config_proxy=False,
            network_disabled=True,
            host_config=self._client.create_host_config(
                network_mode="none", mounts=docker_policy.mounts(spec, filling=True)
            ),
        )
        self._client.put_archive(loader, "/", archive.pack(spec))
        self._remove_container(loader)

    def _start(self, spec: ContainerSpec, on_log: Callable[[str], None] | None, *, adopted: bool) -> OutputReader:
        from docker.errors import APIError

        try:
            output = OutputReader(self._client, spec.safe_name, spec.policy.log_bytes, on_log, started=adopted)
            if not adopted:
                self._client.start(spec.safe_name)
        except APIError as error:
            if not adopted:
                self._remove(spec.safe_name)
            if "OCI runtime" in str(error):
                raise OrganiserFault(
                    f"A container of the image {spec.image} cannot be started.", str(error.explanation)
                ) from error
            raise
        return output

    def _collect(self, spec: ContainerSpec, ending: Ending, output: OutputReader, *, adopted: bool) -> Outcome:
        from docker.errors import NotFound

        state = ending.state
        results: dict[str, bytes] = {}
        refused = None
        digest = spec.image
        if state is not None:
            try:
                digest = self._client.inspect_container(spec.safe_name)["Config"]["Labels"][DIGEST_LABEL]
                results, refused = self._results(spec)
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
            log=output.log.text(),
            log_bytes_total=output.log.total,
            results=results,
            refused=refused,
            adopted=adopted,
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
        removed = self._remove_container(name)
        self._remove_container(_loader(name))
        for kind in ("input", "output"):
            self._remove_volume(f"{name}.{kind}")
        return removed

    def _remove_container(self, name: str) -> bool:
        from docker.errors import APIError, NotFound

        try:
            self._client.remove_container(name, force=True, v=True)
        except NotFound:
            return False
        except APIError as error:
            if error.status_code == 409 and "already in progress" in str(error):
                return True
            raise
        return True

    def _remove_volume(self, name: str) -> None:
        from docker.errors import NotFound

        try:
            self._client.remove_volume(name, force=True)
        except NotFound:
            return


def _loader(name: str) -> str:
    return f"{name}.loader"
