"""May a submitted image be run? If so, have it on the engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from airflow_synapse_challenge.challenge import verdicts
from airflow_synapse_challenge.challenge.config import Challenge, Queue
from airflow_synapse_challenge.containers import image_check
from airflow_synapse_challenge.containers.image_check import ImageLimits, Images, facts_of
from airflow_synapse_challenge.containers.registry import ImageName, Registry
from airflow_synapse_challenge.containers.spec import ImageFacts
from airflow_synapse_challenge.errors import ConfigurationError, ParticipantFault

if TYPE_CHECKING:
    from airflow_synapse_challenge.synapse.submissions import Submission


@dataclass(frozen=True)
class CheckedImage:
    """
    An image that may be run, and that the engine has or can get.

    :param name: repository and digest as submitted; for people and provenance.
    :param owned: the name under which this run owns it on the engine.
    :param compressed_bytes: all layers.
    :param user: user and group that it asks for.
    :param volumes: folders that it declares as volumes.
    """

    name: str
    owned: str
    compressed_bytes: int
    user: str = ""
    volumes: tuple[str, ...] = ()

    @property
    def facts(self) -> ImageFacts:
        """What engines have to know that cannot look at it."""
        return ImageFacts(self.user, self.volumes)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON for the next task."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> CheckedImage:
        """Read what :meth:`to_dict` made."""
        return cls(**{**values, "volumes": tuple(values.get("volumes") or ())})


def check_image(
    submission: Submission,
    challenge: Challenge,
    queue: Queue,
    *,
    images: Images,
    login: Callable[[str], tuple[str, str] | None],
    own_name: str,
    labels: dict[str, str],
    note: Callable[[str], None],
) -> CheckedImage:
    """
    Read the manifest, refuse what may not run here, then pull.

    :param login: user and password for a registry's host, ``None`` to ask without.
    :param own_name: submission and attempt.
    :raises ParticipantFault: not Docker, gone, too large, for another platform, nothing to start.
    """
    if queue.model is None:
        raise ConfigurationError(f"Queue {queue.name!r} takes no images; its kind is {queue.kind}.")
    if not (submission.docker_repository_name and submission.docker_digest):
        what = submission.entity_type or "something else"
        raise verdicts.bad_image([f"A submission to this queue must be a Docker image, and this one is {what}."])
    try:
        name = ImageName.of(submission.docker_repository_name, submission.docker_digest)
        require_known_registry(name, challenge)
        limits = ImageLimits(total_bytes=queue.model.image_limit, platform=images.platform())
        user, password = login(name.host) or ("", "")
        registry = Registry(user, password)
        try:
            manifest = registry.manifest(name, limits.platform)
        finally:
            registry.close()
        if found := list(image_check.problems(manifest, limits)):
            raise ParticipantFault(found)
        note(f"{name}: {len(manifest.layer_bytes)} layers, {manifest.total_bytes} bytes.")
        owned = images.pull(
            name,
            own_name,
            compressed_bytes=manifest.total_bytes,
            limits=limits,
            login=(user, password) if password else None,
            labels=labels,
        )
    except ParticipantFault as fault:
        raise verdicts.bad_image(fault.reasons) from fault
    facts = facts_of(manifest)
    return CheckedImage(str(name), owned, manifest.total_bytes, facts.user, facts.volumes)


def known_registries(challenge: Challenge) -> tuple[str, ...]:
    """Return the registries that submitted images may come from."""
    return (challenge.synapse.docker_registry, *challenge.compute.other_registries)


def require_known_registry(name: ImageName, challenge: Challenge) -> None:
    """
    Refuse images from anywhere else: the name is a stranger's, and this host would ask whoever it names.

    :raises ParticipantFault: another registry.
    """
    known = known_registries(challenge)
    if name.host not in known:
        raise ParticipantFault([f"Images are taken from {', '.join(known)} only, and this one is on {name.host}."])
