"""The disk of a Docker engine: what is free on it, and how much of it a pull may take."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_synapse_challenge.containers import docker_storage
from airflow_synapse_challenge.containers.docker_calls import find_image
from airflow_synapse_challenge.containers.image_check import ImageLimits
from airflow_synapse_challenge.containers.policy import GIB, MIB
from airflow_synapse_challenge.errors import ParticipantFault, PermanentError, TransientError

if TYPE_CHECKING:
    from docker import APIClient

#: Never used up by a pull: what the host, its logs and the results of scripts need.
SPARE_BYTES = 2 * GIB
SPARE_FILES = 50_000
#: Layers grow when they are unpacked; most by less than this, and none that is honest by more than the other.
GROWTH, LARGEST_GROWTH = 3, 10
#: Other programs write to the disk too: what is taken is a pull's own only as far as it is more than this.
SLACK_BYTES = GIB
SLACK_FILES = 100_000
#: Seconds between two looks at the disk while an image arrives.
LOOK = 0.25


@dataclass(frozen=True)
class Room:
    """
    What is free on a disk.

    :param files: how many more files it can hold; ``None`` where the file system does not say.
    """

    bytes: int
    files: int | None


class EngineDisk:
    """
    The disk that an engine keeps images on.

    :param client: connected.
    :param helper_image: an image of the organisers with ``df``, for engines whose disk cannot be seen from here.
    """

    def __init__(self, client: APIClient, helper_image: str) -> None:
        self._client = client
        self._helper_image = helper_image
        root = Path(client.info()["DockerRootDir"])
        local = str(client.base_url).startswith(("http+docker://", "http+unix://", "unix://"))
        self._root = root if local and root.is_dir() else None

    def room(self) -> Room:
        """Return what is free now."""
        if self._root:
            found = os.statvfs(self._root)
            return Room(found.f_bavail * found.f_frsize, found.f_favail if found.f_files else None)
        return Room(self._seen_from_inside("-kP") * 1024, self._seen_from_inside("-iP") or None)

    def _seen_from_inside(self, flag: str) -> int:
        """The root of a container lies on the engine's disk, whatever host that is; what is free is `df`'s fourth."""
        image = find_image(self._client, self._helper_image, "organiser")
        made = self._client.create_container(
            image.id,
            entrypoint=["df"],
            command=[flag, "/"],
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
            return int(output.strip().splitlines()[-1].split()[3])
        except (IndexError, ValueError) as error:
            raise PermanentError(f"The image {self._helper_image} has no `df`, so the disk cannot be seen.") from error
        finally:
            docker_storage.remove_container(self._client, made["Id"])


@dataclass(frozen=True)
class Claim:
    """
    What a pull may take of a disk.

    :param compressed_bytes: of all layers, as the manifest says: a stranger's word.
    :param limits: on the image.
    :param others: what each of the other pulls may take, asked for again at every look.
    """

    compressed_bytes: int
    limits: ImageLimits
    others: Callable[[], Sequence[int]] = tuple

    @property
    def need(self) -> int:
        """Return the room that it takes if the manifest is right: the layers as they arrive, and unpacked."""
        return self.compressed_bytes + min(GROWTH * self.compressed_bytes, self.limits.total_bytes)

    def problem(self, begin: Room, now: Room) -> Exception | None:
        """Return why the pull has to stop, by what the disk had at its begin and has now."""
        others = self.others()
        taken = begin.bytes - now.bytes - sum(others) - SLACK_BYTES
        if taken > self.compressed_bytes + 2 * self.limits.total_bytes:
            return ParticipantFault([_swollen(self.limits.total_bytes)])
        if begin.files is not None and now.files is not None:
            most = (1 + len(others)) * self.limits.files
            if begin.files - now.files > most + SLACK_FILES:
                return ParticipantFault([f"The image holds more than {self.limits.files} files and folders."])
            if now.files < min(SPARE_FILES, begin.files // 2):
                return TransientError("The engine's disk can hold hardly any more files; the pull was stopped.")
        return self.full(taken) if now.bytes < SPARE_BYTES // 2 else None

    def full(self, taken: int) -> Exception:
        """Return whose fault a full disk is."""
        if taken > LARGEST_GROWTH * self.compressed_bytes:
            return ParticipantFault([_swollen(self.compressed_bytes * LARGEST_GROWTH)])
        return TransientError("The engine's disk is nearly full; the pull was stopped.")


def _swollen(size: int) -> str:
    return (
        f"The image has more than {size / GIB:.2f} GiB once it is unpacked, so that its pull was stopped. "
        "Leave out what it does not need."
    )


class Guard:
    """
    Look at the disk while an image arrives, whether or not the engine reports progress: a bomb does not.

    :param stop: ends the pull.
    """

    def __init__(self, disk: EngineDisk, claim: Claim, stop: Callable[[], Any]) -> None:
        self._disk = disk
        self._claim = claim
        self._stop = stop
        self._begin = disk.room()
        self._ended = threading.Event()
        self.problem: Exception | None = None

    @contextmanager
    def watching(self) -> Iterator[None]:
        """
        Guard the block.

        :raises Exception: why the pull had to stop.
        """
        thread = threading.Thread(target=self._look, name="guard of the engine's disk", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join()
        if self.problem:
            raise self.problem

    def out_of_space(self) -> Exception:
        """Return whose fault it is that the engine found its disk full."""
        return self.problem or self._claim.full(self._begin.bytes - self._disk.room().bytes)

    def _look(self) -> None:
        while not self._ended.wait(LOOK):
            try:
                self.problem = self._claim.problem(self._begin, self._disk.room())
            except Exception as error:  # noqa: BLE001  raised again in watching(), in the caller's thread
                self.problem = error
            if self.problem:
                # A stream that has ended by itself, or one over SSH, cannot be shut.
                with suppress(Exception):
                    self._stop()
                return
