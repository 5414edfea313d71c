"""Volumes on a Docker engine: filled before a container starts, or held for several containers of one run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from airflow_synapse_challenge.containers import archive, docker_policy
from airflow_synapse_challenge.containers.docker_accounts import plain_accounts
from airflow_synapse_challenge.containers.docker_calls import engine_errors, find_image
from airflow_synapse_challenge.containers.docker_files import look_at
from airflow_synapse_challenge.containers.engine_words import host_problem
from airflow_synapse_challenge.containers.holding import HeldFile, Holding
from airflow_synapse_challenge.containers.policy import Policy
from airflow_synapse_challenge.containers.spec import LABEL_PREFIX, ContainerSpec
from airflow_synapse_challenge.errors import OrganiserFault, ParticipantFault, TransientError

if TYPE_CHECKING:
    from docker import APIClient

#: What a holder may use: it sleeps.
HOLDER_MEMORY = 32 * 1024**2
HOLDER_PIDS = 16
EXEC_TRIES = 6
CHUNK = 1024**2


def fill(client: APIClient, spec: ContainerSpec, image: docker_policy.Image) -> None:
    """Write the inputs through a container that never starts: the real one sees them read-only."""
    loader = loader_name(spec.safe_name)
    client.create_container(
        image.id,
        entrypoint=["-"],
        name=loader,
        labels=spec.full_labels,
        use_config_proxy=False,
        network_disabled=True,
        host_config=client.create_host_config(network_mode="none", mounts=docker_policy.mounts(spec, filling=True)),
    )
    client.put_archive(loader, "/", archive.pack(spec))
    remove_container(client, loader)


def loader_name(name: str) -> str:
    """Return the name of the container that only fills volumes."""
    return f"{name}.loader"


class DockerHolder:
    """
    Folders that are held on a Docker engine.

    :param client: connected.
    """

    def __init__(self, client: APIClient, holding: Holding) -> None:
        self._client = client
        self._holding = holding
        self._name = holding.safe_name

    def ensure(self) -> bool:
        """
        Begin to hold; tell whether an earlier try had begun, so that what it wrote is there.

        :raises OrganiserFault: the image is not there and cannot be pulled, or has no ``sleep`` or no ``df``.
        :raises TransientError: the engine is away.
        """
        with engine_errors():
            if self.holds():
                return True
            self.release()
            self._create(find_image(self._client, self._holding.image, "organiser").id)
            self._start()
            self._prove()
            return False

    def holds(self) -> bool:
        """Tell whether the folders are there."""
        from docker.errors import NotFound

        try:
            found = self._client.inspect_container(self._name)
        except NotFound:
            return False
        labels = found["Config"]["Labels"] or {}
        return bool(found["State"]["Running"]) and all(labels.get(k) == v for k, v in self._labels().items())

    def look(self, folder: str, name: str) -> HeldFile | None:
        """
        Return what stands under a name in a folder, ``None`` for nothing.

        :param name: plain file name.
        """
        self._require()
        found = look_at(self._client, self._name, f"{self._holding.path(folder)}/{name}")
        return HeldFile(name, found.kind, found.size) if found else None

    def files(self, folder: str, most: int) -> list[HeldFile]:
        """
        Return the first things that a folder holds.

        :param most: entries; reading ends there, or where the files have more bytes than the folder: sparse ones can.
        """
        self._require()
        found: list[HeldFile] = []
        stream, _ = self._client.get_archive(self._name, self._holding.path(folder), chunk_size=CHUNK)
        try:
            for member, _ in archive.members(stream, self._policy(folder)):
                found.append(HeldFile(member.name, archive.kind_of(member), member.size))
                if len(found) >= most:
                    break
        except archive.Refusal:
            pass
        finally:
            stream.close()
        return found

    def copy(self, folder: str, name: str, target: Path) -> bool:
        """
        Copy a plain file out; nothing else is ever written to the target.

        :param name: plain file name in the folder.
        :return: ``False`` when there is nothing of that name.
        :raises Refusal: it is no plain file.
        """
        from docker.errors import NotFound

        self._require()
        limit = self._holding.folder(folder).size_bytes
        try:
            stream, _ = self._client.get_archive(self._name, f"{self._holding.path(folder)}/{name}", chunk_size=CHUNK)
        except NotFound:
            return False
        try:
            archive.copy_plain_file(stream, name, target, limit)
        finally:
            stream.close()
        return True

    def is_full(self, folder: str) -> bool:
        """Tell whether a folder has no room for one more file or block."""
        self._require()
        path = self._holding.path(folder)
        return any(self._free(flag, path) == 0 for flag in ("-kP", "-iP"))

    def _free(self, flag: str, path: str) -> int:
        """
        Return what is free, in blocks or in files: the fourth column of ``df``.

        A busy engine now and then loses what a program printed that ended soon; then it is asked again.

        :raises OrganiserFault: the image has no ``df``.
        :raises TransientError: it printed nothing that can be read.
        """
        tries = Retrying(
            retry=retry_if_exception_type(TransientError),
            stop=stop_after_attempt(EXEC_TRIES),
            wait=wait_random_exponential(multiplier=0.1, max=1),
            reraise=True,
        )
        return tries(self._ask_free, flag, path)

    def _ask_free(self, flag: str, path: str) -> int:
        run = self._client.exec_create(self._name, ["df", flag, path])
        output = self._client.exec_start(run["Id"]).decode(errors="replace")
        try:
            return int(output.strip().splitlines()[-1].split()[3])
        except (IndexError, ValueError) as error:
            if self._client.exec_inspect(run["Id"])["ExitCode"] == 0:
                raise TransientError(f"`df` printed {output!r} in {self._name}.") from error
            raise self._no_program("df", output) from error

    def release(self) -> None:
        """Hold no longer: what the folders hold is gone, and the containers that mount them with it."""
        remove_container(self._client, self._name)
        for folder in self._holding.folders:
            volume = self._holding.volume(folder.name)
            for found in self._client.containers(all=True, filters={"volume": volume}):
                remove_container(self._client, found["Id"])
            remove_volume(self._client, volume)

    def _labels(self) -> dict[str, str]:
        own = {**self._holding.labels, "name": self._name, "holds": repr(self._holding.folders)}
        return {f"{LABEL_PREFIX}{key}": value for key, value in own.items()}

    def _create(self, image_id: str) -> None:
        from docker.types import DriverConfig, Mount

        labels = self._labels()
        mounts = [
            Mount(
                self._holding.path(folder.name),
                self._holding.volume(folder.name),
                type="volume",
                no_copy=True,
                labels=labels,
                driver_config=DriverConfig("local", docker_policy.held_options(folder.size_bytes, folder.files)),
            )
            for folder in self._holding.folders
        ]
        self._client.create_container(
            image_id,
            entrypoint=["sleep"],
            command=[str(int(self._holding.lifetime.total_seconds()))],
            name=self._name,
            user=Policy.user,
            labels=labels,
            use_config_proxy=False,
            network_disabled=True,
            healthcheck={"test": ["NONE"]},
            host_config=self._client.create_host_config(
                network_mode="none",
                cap_drop=["ALL"],
                security_opt=["no-new-privileges:true"],
                read_only=True,
                init=True,
                mem_limit=HOLDER_MEMORY,
                memswap_limit=HOLDER_MEMORY,
                pids_limit=HOLDER_PIDS,
                mounts=mounts,
            ),
        )

    def _start(self) -> None:
        from docker.errors import APIError

        try:
            # Whoever tries a model may have no other image than the model's.
            plain_accounts(self._client, self._name)
            self._client.start(self._name)
        except ParticipantFault as fault:
            self.release()
            raise OrganiserFault(f"The image {self._holding.image} cannot hold results.", str(fault)) from fault
        except APIError as error:
            self.release()
            said = str(error.explanation)
            if "OCI runtime" in said and not host_problem(said):
                raise self._no_program("sleep", said) from error
            raise

    def _prove(self) -> None:
        """Have its programs fail now rather than when hours of somebody's work are to be judged."""
        from docker.errors import APIError

        problem = None
        try:
            self._free("-kP", self._holding.path(self._holding.folders[0].name))
        except APIError as error:
            if error.status_code != 409:
                raise
            problem = error
        except OrganiserFault:
            self.release()
            raise
        except TransientError as error:
            self.release()
            raise self._no_program("df", str(error)) from error
        # Its init process starts, and ends when there is nothing for it to start.
        if problem or not self.holds():
            self.release()
            raise self._no_program("sleep", "it ended at once") from problem

    def _no_program(self, name: str, detail: str) -> OrganiserFault:
        return OrganiserFault(f"The image {self._holding.image} cannot hold results: it has no `{name}`.", detail)

    def _require(self) -> None:
        if not self.holds():
            raise TransientError(f"The engine lost the results of {self._holding.name}.")

    def _policy(self, folder: str) -> Policy:
        held = self._holding.folder(folder)
        return Policy(output_bytes=held.size_bytes, output_files=held.files)


def remove_container(client: APIClient, name: str) -> bool:
    """End and remove a container with its own volumes; tell whether there was one."""
    from docker.errors import APIError, NotFound

    try:
        client.remove_container(name, force=True, v=True)
    except NotFound:
        return False
    except APIError as error:
        if error.status_code == 409 and "already in progress" in str(error):
            return True
        raise
    return True


def remove_volume(client: APIClient, name: str) -> None:
    """Remove a volume if there is one."""
    from docker.errors import NotFound

    try:
        client.remove_volume(name, force=True)
    except NotFound:
        return


def volume_options(client: APIClient, spec: ContainerSpec) -> dict[str, dict[str, str]]:
    """Return the driver options of the held volumes of a container, by name."""
    return {mount.volume: client.inspect_volume(mount.volume)["Options"] or {} for mount in spec.held}
