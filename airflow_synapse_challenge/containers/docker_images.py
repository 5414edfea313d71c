"""Strangers' images on a Docker engine: room for them, their pull, their size, their end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow_synapse_challenge.containers import docker_storage, image_check
from airflow_synapse_challenge.containers.docker_calls import engine_errors, find_image
from airflow_synapse_challenge.containers.docker_disk import SPARE_BYTES, Claim, EngineDisk, Guard
from airflow_synapse_challenge.containers.image_check import ImageLimits
from airflow_synapse_challenge.containers.policy import GIB
from airflow_synapse_challenge.containers.registry import GONE, ImageName, Manifest
from airflow_synapse_challenge.containers.spec import LABEL_PREFIX, safe_name
from airflow_synapse_challenge.errors import ParticipantFault, PermanentError, TransientError

if TYPE_CHECKING:
    from docker import APIClient

#: Where images stand that a run owns; the sweeper knows them by it.
OWN_REPOSITORY = "airflow-synapse-challenge/submitted"
#: End the names of the containers that say who owns an image, and who needs room for one.
OWNER, PULLING = ".image", ".pulling"
RESERVED_LABEL = f"{LABEL_PREFIX}reserved-bytes"
NO_SPACE = "no space left on device"
#: What engines say of images that nobody could unpack.
DAMAGED = (
    "failed to register layer",
    "verification failed",
    "match image configuration",
    "invalid rootfs",
    "unmarshal",
    "invalid character",
    "parsing time",
    "unsupported",
    "unknown media",
    "unknown blob",
    "cannot be used on this platform",
)


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
            claim = Claim(compressed_bytes, limits)
            self._require_room(claim.need, [])
            self._stream(name, login, claim)

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
        :raises ParticipantFault: it is gone or damaged, larger than the limit once it is unpacked, or not to be run.
        :raises TransientError: there is no room now, or the registry or the engine is away.
        :raises PermanentError: the login may not pull it.
        """
        owned = f"{OWN_REPOSITORY}:{safe_name(own_name)}"
        with engine_errors():
            need = Claim(compressed_bytes, limits).need
            with self._reserved(safe_name(own_name), need, labels) as others:
                self._stream(name, login, Claim(compressed_bytes, limits, others))
            self._mark(f"{safe_name(own_name)}{OWNER}", labels)
            self._client.tag(str(name), OWN_REPOSITORY, safe_name(own_name))
            # What the engine has made of the image counts; it reads documents otherwise than this program does.
            found = self.manifest(owned)
            reasons = list(image_check.problems(found, limits)) if found else ["The image is gone again."]
            if reasons:
                self.remove(owned)
                raise ParticipantFault(reasons)
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
            return self._disk.room().bytes

    @cached_property
    def _disk(self) -> EngineDisk:
        return EngineDisk(self._client, self._helper_image)

    @contextmanager
    def _reserved(self, own_name: str, need: int, labels: Mapping[str, str]) -> Iterator[Callable[[], list[int]]]:
        """
        Have room on the disk that no other pull counts on: a container that never starts says so to all.

        :return: what the others count on, when it is asked for.
        """
        marker = f"{own_name}{PULLING}"
        self._mark(marker, labels, {RESERVED_LABEL: str(need)})

        def others() -> list[int]:
            found = self._client.containers(all=True, filters={"label": RESERVED_LABEL})
            named = {container["Names"][0].lstrip("/"): container["Labels"][RESERVED_LABEL] for container in found}
            # Only names are this host's own: a container also has the labels of its image.
            return [int(size) for name, size in named.items() if name.endswith(PULLING) and name != marker]

        try:
            self._require_room(need, others())
            yield others
        finally:
            docker_storage.remove_container(self._client, marker)

    def _require_room(self, need: int, others: Sequence[int]) -> None:
        free = self._disk.room().bytes - sum(others) - SPARE_BYTES
        if need > free:
            raise TransientError(
                f"There is no room for the image on the engine's disk: it needs {need / GIB:.1f} GiB, and "
                f"{max(0, free) / GIB:.1f} GiB are free besides what {len(others)} other pulls need."
            )

    def _mark(self, name: str, labels: Mapping[str, str], more: Mapping[str, str] | None = None) -> None:
        """
        Leave a container that never starts: it says whose something is, for as long as it is there.

        It is never one of the stranger's image, whose volumes would be filled and whose labels it would have.
        """
        docker_storage.remove_container(self._client, name)
        self._client.create_container(
            find_image(self._client, self._helper_image, "organiser").id,
            entrypoint=["-"],
            name=name,
            network_disabled=True,
            use_config_proxy=False,
            labels={**{f"{LABEL_PREFIX}{key}": value for key, value in labels.items()}, **(more or {})},
        )

    def _stream(self, name: ImageName, login: tuple[str, str] | None, claim: Claim) -> None:
        """Pull; the engine stops when the connection is shut."""
        stream = _pulling(self._client, name, login)
        guard = Guard(self._disk, claim, stream.close)
        with guard.watching():
            for step in stream:
                if guard.problem:
                    break
                if "error" in step:
                    words = str(step["error"])
                    raise guard.out_of_space() if NO_SPACE in words.lower() else _pull_problem(name, words)


def _pulling(client: Any, name: ImageName, login: tuple[str, str] | None) -> Any:
    """Begin a pull (``POST /images/create``) whose stream another thread can close; docker-py's own has no such."""
    from docker.auth import encode_header
    from docker.types import CancellableStream

    repository, _, digest = str(name).partition("@")
    auth = {"username": login[0], "password": login[1]} if login else {}
    answer = client._post(
        client._url("/images/create"),
        params={"fromImage": repository, "tag": digest},
        headers={"X-Registry-Auth": encode_header(auth)},
        stream=True,
        timeout=None,
    )
    client._raise_for_status(answer)
    return CancellableStream(client._stream_helper(answer, decode=True), answer)


def _pull_problem(name: ImageName, words: str) -> Exception:
    lower = words.lower()
    if "denied" in lower or "unauthorized" in lower:
        return PermanentError(f"The login of the challenge may not pull {name}.")
    if "not found" in lower or "manifest unknown" in lower:
        return ParticipantFault([f"The image {name} is not there any more. Push it again and resubmit."], GONE)
    if any(sign in lower for sign in DAMAGED):
        return ParticipantFault([f"The image {name} cannot be unpacked: it is damaged. Build it again and resubmit."])
    return TransientError(f"The engine could not pull {name}: {words[:500]}")
