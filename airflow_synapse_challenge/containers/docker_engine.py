"""
Containers on a Docker engine (also Podman's Docker API).

Worker and engine need not share a file system: inputs go into a volume and results come out of one as archive streams.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_synapse_challenge.containers import archive, docker_policy
from airflow_synapse_challenge.containers.engine import Cancelled
from airflow_synapse_challenge.containers.logs import BoundedLog, LineFeed
from airflow_synapse_challenge.containers.outcome import Outcome
from airflow_synapse_challenge.containers.policy import Rule
from airflow_synapse_challenge.containers.spec import INPUT, OUTPUT, ContainerSpec
from airflow_synapse_challenge.errors import OrganiserFault, TransientError

if TYPE_CHECKING:
    from docker import APIClient

#: Seconds between TERM and KILL.
GRACE = 2
FIRST_LOOK = 0.05
SLOWEST_LOOK = 1.0


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

        The container outlives a worker that is killed here, so that the next try can adopt it; it is removed as soon
        as its outcome is known.
        """
        with _engine_errors():
            adopted = self._adoptable(spec)
            if not adopted:
                self._prepare(spec)
                self._client.start(spec.safe_name)
            outcome = self._follow(spec, on_log, cancelled, adopted=adopted)
            self._remove(spec.safe_name)
            return outcome

    def kill(self, name: str) -> bool:
        """End and remove a container with its volumes."""
        with _engine_errors():
            return self._remove(ContainerSpec(name=name, image="-", command=("-",)).safe_name)

    def _adoptable(self, spec: ContainerSpec) -> bool:
        """Tell whether an earlier try started exactly this container; clear away anything else of its name."""
        from docker.errors import NotFound

        try:
            found = self._client.inspect_container(spec.safe_name)
        except NotFound:
            return False
        labels = found["Config"]["Labels"] or {}
        same = all(labels.get(key) == value for key, value in spec.full_labels.items())
        if same and found["State"]["Status"] in ("running", "exited"):
            return True
        self._remove(spec.safe_name)
        return False

    def _prepare(self, spec: ContainerSpec) -> None:
        """Create the container, filled and checked, so that only starting it is left."""
        image = self._image_id(spec.image)
        labels = spec.full_labels
        for volume in _volumes(spec.safe_name):
            self._remove_volume(volume)
            self._client.create_volume(volume, labels=labels)
        self._fill(spec, image)
        try:
            self._client.create_container(
                image,
                name=spec.safe_name,
                entrypoint=[spec.command[0]],
                command=list(spec.command[1:]),
                user=docker_policy.user(spec.policy),
                environment={"HOME": "/tmp", "TMPDIR": "/tmp", "LANG": "C.UTF-8", **spec.environment},  # noqa: S108
                working_dir="/tmp",  # noqa: S108
                labels=labels,
                host_config=self._client.create_host_config(
                    **docker_policy.host_config(spec.policy), binds=_binds(spec.safe_name, input_mode="ro")
                ),
                network_disabled=True,
            )
            docker_policy.check(spec.policy, self._client.inspect_container(spec.safe_name))
        except BaseException:
            self._remove(spec.safe_name)
            raise

    def _image_id(self, image: str) -> str:
        """Return the id of an image, pulled if the engine does not have it: a name can move, an id cannot."""
        from docker.errors import APIError, NotFound

        with suppress(NotFound):
            return str(self._inspected(image)["Id"])
        try:
            self._client.pull(image)
            return str(self._inspected(image)["Id"])
        except (APIError, NotFound) as error:
            raise OrganiserFault(
                f"The image {image} cannot be had.", f"{error}\nCheck its name, and the registry login of the engine."
            ) from error

    def _fill(self, spec: ContainerSpec, image: str) -> None:
        """Write the inputs through a container that never starts: the real one sees them read-only."""
        loader = f"{spec.safe_name}.loader"
        self._remove_container(loader)
        self._client.create_container(
            image,
            command=["-"],
            name=loader,
            labels=spec.full_labels,
            host_config=self._client.create_host_config(
                network_mode="none", binds=_binds(spec.safe_name, input_mode="rw")
            ),
        )
        try:
            with archive.pack(spec.inputs, INPUT) as packed:
                self._client.put_archive(loader, INPUT, archive.chunks(packed))
            self._client.put_archive(loader, "/", archive.writable_folder(OUTPUT))
        finally:
            self._remove_container(loader)

    def _follow(
        self,
        spec: ContainerSpec,
        on_log: Callable[[str], None] | None,
        cancelled: Cancelled | None,
        *,
        adopted: bool,
    ) -> Outcome:
        log = BoundedLog(spec.policy.log_bytes)
        feed = LineFeed(on_log or (lambda _: None), spec.policy.log_bytes)
        reader = threading.Thread(target=self._read_log, args=(spec.safe_name, log, feed), daemon=True)
        reader.start()
        timed_out, was_cancelled = self._wait(spec, cancelled)
        reader.join(timeout=30)
        state = self._client.inspect_container(spec.safe_name)
        results, refused = self._results(spec)
        return Outcome(
            exit_code=state["State"]["ExitCode"],
            oom_killed=bool(state["State"]["OOMKilled"]),
            timed_out=timed_out,
            cancelled=was_cancelled,
            seconds=(_moment(state["State"]["FinishedAt"]) - _moment(state["State"]["StartedAt"])).total_seconds(),
            image_digest=self._digest(state["Image"]),
            log=log.text(),
            log_bytes_total=log.total,
            results=results,
            refused=refused,
            adopted=adopted,
        )

    def _read_log(self, container: str, log: BoundedLog, feed: LineFeed) -> None:
        from docker.errors import APIError

        with suppress(APIError, OSError):  # the container may be gone: then there is nothing more to read
            for chunk in self._client.logs(container, stream=True, follow=True):
                log.add(chunk)
                feed.add(chunk)
        feed.end()

    def _wait(self, spec: ContainerSpec, cancelled: Cancelled | None) -> tuple[bool, bool]:
        """Wait for the end, or bring it about; return whether by time and whether by request."""
        pause = FIRST_LOOK
        asked = time.monotonic()
        while True:
            state = self._client.inspect_container(spec.safe_name)["State"]
            if state["Status"] not in ("running", "created", "restarting", "paused"):
                return False, False
            if datetime.now(UTC) - _moment(state["StartedAt"]) > spec.policy.timeout:
                self._client.stop(spec.safe_name, timeout=GRACE)
                return True, False
            if cancelled and time.monotonic() - asked >= SLOWEST_LOOK:
                asked = time.monotonic()
                if cancelled():
                    self._client.stop(spec.safe_name, timeout=GRACE)
                    return False, True
            time.sleep(pause)
            pause = min(pause * 1.3, SLOWEST_LOOK)

    def _results(self, spec: ContainerSpec) -> tuple[dict[str, bytes], str | None]:
        from docker.errors import NotFound

        found: dict[str, bytes] = {}
        for name in spec.results:
            try:
                stream, _ = self._client.get_archive(spec.safe_name, f"{OUTPUT}/{name}")
            except NotFound:
                continue
            try:
                found[name] = archive.read_one_file(stream, name, spec.policy.output_bytes)
            except archive.Refusal as refusal:
                return found, str(refusal)
            finally:
                stream.close()
        return found, None

    def _digest(self, image_id: str) -> str:
        digests = self._inspected(image_id).get("RepoDigests") or []
        return str(digests[0]) if digests else image_id

    def _inspected(self, image: str) -> dict[str, Any]:
        found: dict[str, Any] = self._client.inspect_image(image)  # type: ignore[no-untyped-call]
        return found

    def _remove(self, name: str) -> bool:
        removed = self._remove_container(name)
        self._remove_container(f"{name}.loader")
        for volume in _volumes(name):
            self._remove_volume(volume)
        return removed

    def _remove_container(self, name: str) -> bool:
        from docker.errors import NotFound

        try:
            self._client.remove_container(name, force=True, v=True)
        except NotFound:
            return False
        return True

    def _remove_volume(self, name: str) -> None:
        from docker.errors import NotFound

        with suppress(NotFound):
            self._client.remove_volume(name, force=True)


def _volumes(name: str) -> tuple[str, str]:
    return f"{name}.input", f"{name}.output"


def _binds(name: str, *, input_mode: str) -> list[str]:
    """``nocopy``: what the image has at those paths stays out of the volumes."""
    given, made = _volumes(name)
    return [f"{given}:{INPUT}:{input_mode},nocopy", f"{made}:{OUTPUT}:rw,nocopy"]


def _moment(text: str) -> datetime:
    """Docker writes nanoseconds, which Python does not read."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    return datetime.fromisoformat(f"{whole}.{(fraction or '0')[:6]}+00:00")


@contextmanager
def _engine_errors() -> Iterator[None]:
    """Say in our own tree what docker-py and the connection below it raise."""
    import requests
    from docker.errors import DockerException

    try:
        yield
    except (DockerException, requests.RequestException) as error:
        raise TransientError(f"The Docker engine failed: {error}") from error
