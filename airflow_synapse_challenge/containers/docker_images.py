"""Strangers' images on a Docker engine: room for them, their pull, their size, their end."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_synapse_challenge.containers import docker_storage
from airflow_synapse_challenge.containers.docker_calls import engine_errors, find_image
from airflow_synapse_challenge.containers.image_check import ImageLimits, too_large
from airflow_synapse_challenge.containers.policy import GIB, MIB
from airflow_synapse_challenge.containers.registry import GONE, ImageName, Manifest
from airflow_synapse_challenge.containers.spec import LABEL_PREFIX, safe_name
from airflow_synapse_challenge.errors import ParticipantFault, PermanentError, TransientError

if TYPE_CHECKING:
    from docker import APIClient

#: Where images stand that a run owns; the sweeper knows them by it.
OWN_REPOSITORY = "airflow-synapse-challenge/submitted"
#: Ends the name of the container that says who owns an image.
OWNER = ".image"
RESERVED_LABEL = f"{LABEL_PREFIX}reserved-bytes"
#: Never used up by a pull: what the host, its logs and the results of scripts need.
SPARE_BYTES = 2 * GIB
#: Layers grow when they are unpacked; most by less than this.
GROWTH = 3
#: Seconds between two looks at the disk while an image arrives.
LOOK = 1.0
NO_SPACE = "no space left on device"


class DockerImages:
    """
    Pull and remove images.

    :param client: connected.
    :param helper_image: an image of the organisers with ``df``, for engines whose disk cannot be seen from here.
    """

    def __init__(self, client: APIClient, helper_image: str) -> None:
        self._client = client
        self._helper_image = helper_image

    def platform(self) -> str:
        """Return what the engine runs, for example ``linux/amd64``."""
        with engine_errors():
            found = self._client.version()
        return f"{found['Os']}/{found['Arch']}"

    def manifest(self, name: str) -> Manifest | None:
        """
        Return what an image's manifest would say of one that the engine has, ``None`` if it does not have it.

        The engine knows the unpacked size of all layers together; it stands with the first of them.

        :param name: tag, id, or repository and digest.
        """
        from docker.errors import APIError, ImageNotFound

        with engine_errors():
            try:
                found = self._client.inspect_image(name)  # type: ignore[no-untyped-call]
            except ImageNotFound:
                return None
            except APIError as error:  # an image's name that is no name
                if error.is_client_error():
                    return None
                raise
        others = max(0, len((found.get("RootFS") or {}).get("Layers") or []) - 1)
        config = {"os": found["Os"], "architecture": found["Architecture"], "config": found.get("Config") or {}}
        return Manifest(found["Id"], (int(found["Size"]), *[0] * others), config)

    def fetch(
        self, name: ImageName, *, compressed_bytes: int, limits: ImageLimits, login: tuple[str, str] | None
    ) -> None:
        """
        Pull an image that no run owns; it stays until somebody removes it.

        :param compressed_bytes: of all layers, from the manifest.
        :param login: user and password of the registry.
        :raises ParticipantFault: it is gone.
        :raises TransientError: there is no room now, or the registry or the engine is away.
        :raises PermanentError: the login may not pull it.
        """
        with engine_errors():
            self._require_room(_need(compressed_bytes, limits), [])
            self._stream(name, login)

    def pull(
        self,
        name: ImageName,
        own_name: str,
        *,
        compressed_bytes: int,
        limits: ImageLimits,
        login: tuple[str, str] | None,
        labels: Mapping[str, str],
    ) -> str:
        """
        Pull an image and return the name under which its run owns it; a second time takes a moment.

        :param own_name: what makes that name unique, for example submission and attempt.
        :param compressed_bytes: of all layers, from the manifest.
        :param login: user and password of the registry.
        :param labels: of what reserves the room meanwhile.
        :raises ParticipantFault: it is gone, or larger than the limit once it is unpacked.
        :raises TransientError: there is no room now, or the registry or the engine is away.
        :raises PermanentError: the login may not pull it.
        """
        owned = f"{OWN_REPOSITORY}:{safe_name(own_name)}"
        with engine_errors():
            with self._reserved(safe_name(own_name), _need(compressed_bytes, limits), labels):
                self._stream(name, login)
            size = int(self._client.inspect_image(str(name))["Size"])  # type: ignore[no-untyped-call]
            self._mark(f"{safe_name(own_name)}{OWNER}", str(name), labels)
            self._client.tag(str(name), OWN_REPOSITORY, safe_name(own_name))
            if size > limits.total_bytes:
                self.remove(owned)
                raise ParticipantFault([too_large(size, limits.total_bytes)])
            return owned

    def remove(self, owned: str) -> None:
        """Remove the name that a run owns, and the image with it unless another run owns it too."""
        from docker.errors import APIError, ImageNotFound

        with engine_errors():
            docker_storage.remove_container(self._client, f"{owned.rpartition(':')[2]}{OWNER}")
            try:
                found = self._client.inspect_image(owned)  # type: ignore[no-untyped-call]
            except ImageNotFound:
                return
            others = [tag for tag in found.get("RepoTags") or [] if tag != owned]
            for reference in [owned, *([] if others else found.get("RepoDigests") or [])]:
                try:
                    self._client.remove_image(reference)
                except ImageNotFound:
                    continue
                except APIError as error:
                    if error.status_code != 409:  # a container of another run still uses it
                        raise

    def forgotten(self, challenge: str) -> list[str]:
        """Return the names of a challenge's images whose run is gone: nothing on the engine owns them."""
        with engine_errors():
            images = self._client.images(name=OWN_REPOSITORY)
            containers = {found["Names"][0].lstrip("/") for found in self._client.containers(all=True)}
        tags = [tag for image in images for tag in image.get("RepoTags") or []]
        own = [tag for tag in tags if tag.startswith(f"{OWN_REPOSITORY}:{challenge}.")]
        return sorted(tag for tag in own if f"{tag.rpartition(':')[2]}{OWNER}" not in containers)

    def free_bytes(self) -> int:
        """Return what is free on the engine's disk."""
        with engine_errors():
            root = Path(self._client.info()["DockerRootDir"])
            local = str(self._client.base_url).startswith(("http+docker://", "http+unix://", "unix://"))
            if local and root.is_dir():
                return shutil.disk_usage(root).free
            return self._free_seen_from_inside()

    def _free_seen_from_inside(self) -> int:
        """The root of a container lies on the engine's disk, whatever host that is."""
        image = find_image(self._client, self._helper_image, "organiser")
        made = self._client.create_container(
            image.id,
            entrypoint=["df"],
            command=["-kP", "/"],
            use_config_proxy=False,
            network_disabled=True,
            host_config=self._client.create_host_config(
                network_mode="none", cap_drop=["ALL"], read_only=True, mem_limit=32 * MIB, memswap_limit=32 * MIB
            ),
        )
        try:
            self._client.start(made["Id"])
            self._client.wait(made["Id"])
            output = self._client.logs(made["Id"]).decode(errors="replace")
            return int(output.strip().splitlines()[-1].split()[3]) * 1024
        except (IndexError, ValueError) as error:
            raise PermanentError(f"The image {self._helper_image} has no `df`, so the disk cannot be seen.") from error
        finally:
            docker_storage.remove_container(self._client, made["Id"])

    @contextmanager
    def _reserved(self, own_name: str, need: int, labels: Mapping[str, str]) -> Iterator[None]:
        """Have room on the disk that no other pull counts on: a container that never starts says so to all."""
        marker = f"{own_name}.pulling"
        image = find_image(self._client, self._helper_image, "organiser").id
        self._mark(marker, image, labels, {RESERVED_LABEL: str(need)})
        try:
            others = [
                int(found["Labels"][RESERVED_LABEL])
                for found in self._client.containers(all=True, filters={"label": RESERVED_LABEL})
                if found["Names"] != [f"/{marker}"]
            ]
            self._require_room(need, others)
            yield
        finally:
            docker_storage.remove_container(self._client, marker)

    def _require_room(self, need: int, others: Sequence[int]) -> None:
        free = self.free_bytes() - sum(others) - SPARE_BYTES
        if need > free:
            raise TransientError(
                f"There is no room for the image on the engine's disk: it needs {need / GIB:.1f} GiB, and "
                f"{max(0, free) / GIB:.1f} GiB are free besides what {len(others)} other pulls need."
            )

    def _mark(self, name: str, image: str, labels: Mapping[str, str], more: Mapping[str, str] | None = None) -> None:
        """Leave a container that never starts: it says whose something is, for as long as it is there."""
        docker_storage.remove_container(self._client, name)
        self._client.create_container(
            image,
            entrypoint=["-"],
            name=name,
            network_disabled=True,
            use_config_proxy=False,
            labels={**{f"{LABEL_PREFIX}{key}": value for key, value in labels.items()}, **(more or {})},
        )

    def _stream(self, name: ImageName, login: tuple[str, str] | None) -> None:
        """Pull; leaving the stream early makes the engine stop."""
        auth = {"username": login[0], "password": login[1]} if login else None
        repository, _, digest = str(name).partition("@")
        stream = self._client.pull(repository, tag=digest, stream=True, decode=True, auth_config=auth or {})
        looked = time.monotonic()
        for step in stream:
            if "error" in step:
                raise _pull_problem(name, str(step["error"]))
            if time.monotonic() - looked >= LOOK:
                looked = time.monotonic()
                if self.free_bytes() < SPARE_BYTES // 2:
                    stream.close()
                    raise TransientError("The engine's disk is nearly full; the pull was stopped.")


def _need(compressed_bytes: int, limits: ImageLimits) -> int:
    """Return the room that a pull takes: the layers as they arrive, and unpacked."""
    return compressed_bytes + min(GROWTH * compressed_bytes, limits.total_bytes)


def _pull_problem(name: ImageName, words: str) -> Exception:
    lower = words.lower()
    if NO_SPACE in lower:
        return TransientError("The engine's disk is full; the image was not pulled.")
    if "denied" in lower or "unauthorized" in lower:
        return PermanentError(f"The login of the challenge may not pull {name}.")
    if "not found" in lower or "manifest unknown" in lower:
        return ParticipantFault([f"The image {name} is not there any more. Push it again and resubmit."], GONE)
    return TransientError(f"The engine could not pull {name}: {words[:500]}")
