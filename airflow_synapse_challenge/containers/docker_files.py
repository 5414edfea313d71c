"""What stands at a path of a container, without reading or opening it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docker import APIClient

#: The bits of Go's ``FileMode`` by which the engine tells what is no plain file.
KINDS = {
    1 << 31: "folder",
    1 << 27: "symbolic link",
    1 << 26: "device",
    1 << 25: "pipe",
    1 << 24: "socket",
    1 << 19: "special file",
}
PLAIN = "plain file"


@dataclass(frozen=True)
class FoundFile:
    """
    Something in a container.

    :param kind: ``plain file``, ``symbolic link``, ``pipe`` …
    :param size: bytes of a plain file.
    :param target: where a link leads in the end, as the container sees it.
    """

    kind: str
    size: int
    target: str


def look_at(client: APIClient, container: str, path: str) -> FoundFile | None:
    """
    Return what stands at a path (``HEAD /containers/{id}/archive``), ``None`` for nothing.

    An archive would be made by a process of the engine inside of the container's files, which these can hang.
    """
    from docker.utils import decode_json_header

    docker: Any = client
    answer = docker.head(docker._url("/containers/{0}/archive", container), params={"path": path})
    if answer.status_code == 404:
        return None
    if answer.status_code >= 500:
        # An answer to HEAD has no words; the same fails for GET, with words.
        client.get_archive(container, path)[0].close()
    docker._raise_for_status(answer)
    about: dict[str, Any] = decode_json_header(answer.headers["X-Docker-Container-Path-Stat"])
    kind = next((kind for bit, kind in KINDS.items() if about["mode"] & bit), PLAIN)
    return FoundFile(kind, int(about["size"]), about.get("linkTarget") or "")
