"""May this image be pulled and run here? Answered from its manifest, before a byte of a layer arrives."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from airflow_synapse_challenge.containers.archive import printable
from airflow_synapse_challenge.containers.policy import GIB
from airflow_synapse_challenge.containers.registry import ImageName, Manifest
from airflow_synapse_challenge.containers.spec import ImageFacts

#: Engines stack 128 layers, two of which are the container's own.
MOST_LAYERS = 125
#: Bytes of environment, labels and arguments together: more is an attack on whoever reads them.
LARGEST_SETTINGS = 256 * 1024
MOST_VOLUMES = 50
#: Files and folders in all layers: each takes an inode of the engine's disk, however small it is.
MOST_FILES = 2_000_000
#: Where the kernel and the runtime put file systems of their own.
SYSTEM_FOLDERS = ("proc", "sys", "dev")


@dataclass(frozen=True)
class ImageLimits:
    """
    Bounds on an image.

    :param total_bytes: all layers together; of the compressed ones before the pull, of the unpacked ones after it.
    :param layers: how many.
    :param files: files and folders of all layers.
    :param platform: what the engine runs, for example ``linux/amd64``.
    """

    total_bytes: int = 20 * GIB
    layers: int = MOST_LAYERS
    files: int = MOST_FILES
    platform: str = "linux/amd64"


def problems(manifest: Manifest, limits: ImageLimits) -> Iterator[str]:
    """Yield why an image cannot be run, in sentences for the participant."""
    if manifest.platform != limits.platform:
        yield (
            f"The image is for {manifest.platform}, and models run on {limits.platform} here. "
            f"Build it with --platform {limits.platform}."
        )
    if len(manifest.layer_bytes) > limits.layers:
        yield f"The image has {len(manifest.layer_bytes)} layers; {limits.layers} is the most."
    if manifest.total_bytes > limits.total_bytes:
        yield too_large(manifest.total_bytes, limits.total_bytes)
    yield from _settings_problems(manifest.config.get("config") or {})


def _settings_problems(config: Mapping[str, Any]) -> Iterator[str]:
    if not (config.get("Entrypoint") or config.get("Cmd")):
        yield "The image has neither an entrypoint nor a command, so nothing can be started."
    settings = {key: config.get(key) for key in ("Env", "Labels", "Entrypoint", "Cmd", "Volumes", "ExposedPorts")}
    if len(json.dumps(settings)) > LARGEST_SETTINGS:
        yield f"The image's environment, labels and arguments are larger than {LARGEST_SETTINGS // 1024} KiB."
    yield from volume_problems(tuple(config.get("Volumes") or ()))


def volume_problems(paths: Collection[str]) -> Iterator[str]:
    """
    Yield what is wrong with the volumes that an image declares.

    Each is covered by a folder of bounded size, which takes a path that the engine reads as it stands there.
    """
    if len(paths) > MOST_VOLUMES:
        yield f"The image declares {len(paths)} volumes; {MOST_VOLUMES} is the most."
        return
    for path in paths:
        parts = path.removeprefix("/").removesuffix("/").split("/")
        if not path.startswith("/") or {"", ".", ".."} & set(parts):
            yield f"The image declares the volume {printable(path)}, which is no plain absolute path below /."
        elif parts[0] in SYSTEM_FOLDERS:
            yield f"The image declares the volume {printable(path)}, which is the system's."


def too_large(size: int, limit: int) -> str:
    """Return the sentence about an image that is too large."""
    return f"The image has {size / GIB:.2f} GiB; {limit / GIB:.2f} GiB is the most. Leave out what it does not need."


class Images(Protocol):
    """What has submitted images ready for an engine."""

    def platform(self) -> str:
        """Return what the engine runs, for example ``linux/amd64``."""
        ...

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
        Have an image ready and return the name under which its run owns it; a second time takes a moment.

        :param own_name: what makes that name unique, for example submission and attempt.
        :param compressed_bytes: of all layers, from the manifest.
        :param login: user and password of the registry.
        :param labels: say whose it is.
        :raises ParticipantFault: it is gone or damaged, or not to be run.
        :raises TransientError: there is no room now, or the registry or the engine is away.
        :raises PermanentError: the login may not pull it.
        """
        ...

    def remove(self, owned: str) -> None:
        """Remove the name that a run owns."""
        ...


def facts_of(manifest: Manifest) -> ImageFacts:
    """Return what engines have to know of an image that they cannot look at."""
    config = manifest.config.get("config") or {}
    return ImageFacts(str(config.get("User") or ""), tuple(sorted(config.get("Volumes") or ())))
