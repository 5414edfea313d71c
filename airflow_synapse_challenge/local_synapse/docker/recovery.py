"""
Pushes that the registry has acknowledged and of which this Synapse never heard.

The registry tells of a push after it has answered the client. When both are killed between the two, the image is there
and its commit is not; before the next start it is put there.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from airflow_synapse_challenge.local_synapse.core.errors import Refused
from airflow_synapse_challenge.local_synapse.core.store import Store, as_text

from . import commits, events, repositories

log = logging.getLogger("local_synapse")


class Push(NamedTuple):
    """An image that a registry's folder holds under a tag, now or once."""

    pushed: float
    path: str
    tag: str
    digest: str
    current: bool


def recover(store: Store, images: Path) -> None:
    """Add the commits that are missing, oldest first."""
    registry = images / "docker" / "registry" / "v2"
    for push in sorted(_pushes(registry)):
        if not _is_known(store, push) and _counts(registry, push.digest):
            _add(store, push)


def _pushes(registry: Path) -> Iterator[Push]:
    top = registry / "repositories"
    for repository in _repositories(top):
        path = repository.relative_to(top).as_posix()
        for link in repository.glob("_manifests/tags/*/index/sha256/*/link"):
            tag, digest = link.parents[3], f"sha256:{link.parent.name}"
            current = (tag / "current" / "link").read_text() == digest
            yield Push(link.stat().st_mtime, path, tag.name, digest, current)


def _repositories(folder: Path) -> Iterator[Path]:
    """Find the folders of repositories; what the registry keeps in them begins with an underscore."""
    if (folder / "_manifests").is_dir():
        yield folder
    if folder.is_dir():
        for child in folder.iterdir():
            if not child.name.startswith("_"):
                yield from _repositories(child)


def _is_known(store: Store, push: Push) -> bool:
    row = repositories.managed(store, repositories.name_of(store, push.path))
    if row is None:
        return False
    if row["trashed_by"] is not None:
        return True
    digests = commits.digests_of(store, row["id"], push.tag)
    return digests[-1:] == [push.digest] if push.current else push.digest in digests


def _counts(registry: Path, digest: str) -> bool:
    """Tell whether it is a manifest of the type that becomes a commit (D-02)."""
    name = digest.removeprefix("sha256:")
    blob = registry / "blobs" / "sha256" / name[:2] / name / "data"
    try:
        return bool(json.loads(blob.read_bytes()).get("mediaType") == events.MANIFEST)
    except (OSError, ValueError, AttributeError):
        return False


def _add(store: Store, push: Push) -> None:
    user = store.value("SELECT user FROM docker_pusher WHERE name = ?", repositories.name_of(store, push.path))
    created_on = as_text(datetime.fromtimestamp(push.pushed, UTC) + store.clock_offset)
    try:
        with store.transaction():
            events.add_push(store, int(user or 0), push.path, push.tag, push.digest, created_on)
    except Refused as refusal:
        log.warning("%s:%s was pushed and cannot be taken over: %s", push.path, push.tag, refusal.reason)
