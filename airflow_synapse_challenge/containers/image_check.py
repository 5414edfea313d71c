"""May this image be pulled and run here? Answered from its manifest, before a byte of a layer arrives."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from airflow_synapse_challenge.containers.policy import GIB
from airflow_synapse_challenge.containers.registry import Manifest

MOST_LAYERS = 200
#: Bytes of environment, labels and arguments together: more is an attack on whoever reads them.
LARGEST_SETTINGS = 256 * 1024
MOST_VOLUMES = 50


@dataclass(frozen=True)
class ImageLimits:
    """
    Bounds on an image.

    :param total_bytes: all layers together; of the compressed ones before the pull, of the unpacked ones after it.
    :param layers: how many.
    :param platform: what the engine runs, for example ``linux/amd64``.
    """

    total_bytes: int = 20 * GIB
    layers: int = MOST_LAYERS
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
    if any(size < 0 for size in manifest.layer_bytes):
        yield "The image's manifest gives a negative size."
    if manifest.total_bytes > limits.total_bytes:
        yield too_large(manifest.total_bytes, limits.total_bytes)
    config = manifest.config.get("config") or {}
    if not (config.get("Entrypoint") or config.get("Cmd")):
        yield "The image has neither an entrypoint nor a command, so nothing can be started."
    settings = {key: config.get(key) for key in ("Env", "Labels", "Entrypoint", "Cmd", "Volumes", "ExposedPorts")}
    if len(json.dumps(settings)) > LARGEST_SETTINGS:
        yield f"The image's environment, labels and arguments are larger than {LARGEST_SETTINGS // 1024} KiB."
    if len(config.get("Volumes") or {}) > MOST_VOLUMES:
        yield f"The image declares {len(config['Volumes'])} volumes; {MOST_VOLUMES} is the most."


def too_large(size: int, limit: int) -> str:
    """Return the sentence about an image that is too large."""
    return f"The image has {size / GIB:.2f} GiB; {limit / GIB:.2f} GiB is the most. Leave out what it does not need."
