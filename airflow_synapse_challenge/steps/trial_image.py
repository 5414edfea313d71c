"""Find an image that somebody wants to try, under the same limits as a submitted one."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from airflow_synapse_challenge.challenge import verdicts
from airflow_synapse_challenge.challenge.config import Challenge, Model
from airflow_synapse_challenge.containers import image_check
from airflow_synapse_challenge.containers.docker_images import DockerImages
from airflow_synapse_challenge.containers.image_check import ImageLimits
from airflow_synapse_challenge.containers.policy import MIB
from airflow_synapse_challenge.containers.registry import DIGEST, GONE, ImageName, Manifest, Registry
from airflow_synapse_challenge.errors import ParticipantFault, PermanentError
from airflow_synapse_challenge.steps.check_image import known_registries

Login = tuple[str, str]


class NoImage(PermanentError):
    """There is no image of that name, or it may not be pulled."""


@dataclass(frozen=True)
class FoundImage:
    """
    An image on the engine that may be run.

    :param name: as it was asked for.
    :param id: what runs; a name can move to another image.
    :param platform: for example ``linux/amd64``.
    :param size_bytes: all layers, unpacked.
    :param layers: how many.
    """

    name: str
    id: str
    platform: str
    size_bytes: int
    layers: int


def find_image_to_try(
    name: str,
    challenge: Challenge,
    model: Model,
    *,
    images: DockerImages,
    login: Callable[[str], Login | None],
    note: Callable[[str], None],
) -> FoundImage:
    """
    Return an image that the engine has, or pull it by its digest; refuse what production would refuse.

    :param name: tag, id, or repository and digest.
    :param login: user and password for a registry's host, ``None`` to ask without.
    :param note: receives sentences for whoever waits.
    :raises NoImage: the engine does not have it and cannot get it.
    :raises ParticipantFault: too large, for another platform, nothing to start …; kind ``image``.
    """
    limits = ImageLimits(total_bytes=model.image_limit, platform=images.platform())
    found = images.manifest(name)
    if found is None:
        wanted = _by_digest(name)
        if wanted.host not in known_registries(challenge):
            known = ", ".join(known_registries(challenge))
            note(f"Submitted images are taken from {known} only; this one is on {wanted.host}.")
        _pull(wanted, limits, images=images, login=login, note=note)
        found = images.manifest(str(wanted))
        if found is None:
            raise NoImage(f"The engine has pulled {name} and lost it again.")
    _refuse_unfit(found, limits)
    return FoundImage(name, found.digest, found.platform, found.total_bytes, len(found.layer_bytes))


def _by_digest(name: str) -> ImageName:
    """Only a digest names one image for ever, and submissions are evaluated by digest."""
    repository, _, digest = name.rpartition("@")
    if not DIGEST.fullmatch(digest):
        raise NoImage(
            f"The engine has no image {name}. Build it, or get it with `docker pull {name}`, or name it by its digest: "
            "repository@sha256:…"
        )
    try:
        # A tag beside the digest says nothing more; a colon before a slash belongs to a port.
        return ImageName.of(re.sub(r":[^/:]*$", "", repository), digest)
    except ParticipantFault as fault:
        raise NoImage(str(fault)) from fault


def _pull(
    name: ImageName,
    limits: ImageLimits,
    *,
    images: DockerImages,
    login: Callable[[str], Login | None],
    note: Callable[[str], None],
) -> None:
    found = login(name.host)
    registry = Registry(*(found or ("", "")))
    try:
        manifest = registry.manifest(name, limits.platform)
        _refuse_unfit(manifest, limits)
        note(f"Pulling {name}: {len(manifest.layer_bytes)} layers, {manifest.total_bytes / MIB:.1f} MiB.")
        images.fetch(name, compressed_bytes=manifest.total_bytes, limits=limits, login=found)
    except ParticipantFault as fault:
        if fault.kind == GONE:
            raise NoImage(f"{fault.reasons[0].partition('. ')[0].rstrip('.')}. Check its name and digest.") from fault
        raise verdicts.bad_image(fault.reasons) from fault
    except PermanentError as error:
        how = f"the login that is stored for {name.host}" if found else "no login"
        raise NoImage(
            f"{error} It was asked for with {how}; `docker login {name.host}` stores one that may pull it."
        ) from error
    finally:
        registry.close()


def _refuse_unfit(manifest: Manifest, limits: ImageLimits) -> None:
    if found := list(image_check.problems(manifest, limits)):
        raise verdicts.bad_image(found)
