"""Strangers' images on a Kubernetes cluster: its nodes pull them when they need them, and clean up by themselves."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_synapse_challenge.containers.image_check import ImageLimits
from airflow_synapse_challenge.containers.registry import ImageName


class ClusterImages:
    """
    Name images; nothing is pulled here.

    :param platform: of the nodes, for example ``linux/amd64``.
    """

    def __init__(self, platform: str) -> None:
        self._platform = platform

    def platform(self) -> str:
        """Return what the nodes run."""
        return self._platform

    def pull(
        self,
        name: ImageName,
        own_name: str,  # noqa: ARG002
        *,
        compressed_bytes: int,  # noqa: ARG002
        limits: ImageLimits,  # noqa: ARG002
        login: tuple[str, str] | None,  # noqa: ARG002
        labels: Mapping[str, str],  # noqa: ARG002
    ) -> str:
        """Return the name under which a pod asks for an image: by its digest."""
        return str(name)

    def remove(self, owned: str) -> None:
        """Leave an image to the nodes."""
