"""Pages of files: what is in them, their versions, how they were made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from airflow_synapse_challenge.local_synapse.core.errors import Missing, NotAllowed
from airflow_synapse_challenge.local_synapse.core.http import as_id
from airflow_synapse_challenge.local_synapse.core.store import Json, Store
from airflow_synapse_challenge.local_synapse.files import handles

from .subjects import Subject, subject_of
from .visits import Visit

PREVIEW_BYTES = 4000
PREVIEW_LINES = 20
PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml")
TEXTS = ("text/", "application/json", "application/xml", "application/yaml", "application/x-sh")


@dataclass(frozen=True)
class Used:
    """
    Something that an activity used.

    :param address: where it is.
    :param executed: it was run, not read.
    """

    name: str
    address: str
    executed: bool


def values_of(visit: Visit, subject: Subject) -> dict[str, Any]:
    """Return what the page of a file shows beside what all entities have."""
    found = subject.bundle.get("fileHandles") or []
    if not found:
        return {"handle": None}
    handle: Json = found[0]
    is_picture = str(handle.get("contentType")).lower() in PICTURES
    return {"handle": handle, "preview": beginning(visit.store, handle), "is_picture": is_picture}


def beginning(store: Store, handle: Json) -> str:
    """Return the first lines of a file that is text, nothing of others."""
    path = handles.path_of(store, int(handle["id"]))
    if path is None or not path.is_file() or not str(handle.get("contentType", "")).startswith(TEXTS):
        return ""
    with path.open("rb") as file:
        text = file.read(PREVIEW_BYTES).decode(errors="replace")
    lines = text.splitlines()
    more = len(lines) > PREVIEW_LINES or path.stat().st_size > PREVIEW_BYTES
    return "\n".join(lines[:PREVIEW_LINES]) + ("\n…" if more else "")


def versions_of(visit: Visit, subject: Subject) -> tuple[list[Json], Any]:
    """Return a page of the versions of an entity, newest first, and the paging."""
    paging = visit.paging("versions", 10)
    asked = visit.get(f"/entity/{subject.id}/version", offset=paging.offset, limit=paging.size + 1)
    return paging.cut(asked["results"])


def used_by(visit: Visit, activity: Json | None) -> list[Used]:
    """Return what an activity used; of entities that the viewer may not see the id alone."""
    entries = (activity or {}).get("used", [])
    names = _names(visit, (entry["reference"]["targetId"] for entry in entries if "reference" in entry))
    return [_used(entry, names) for entry in entries]


def _names(visit: Visit, ids: Iterable[str]) -> dict[str, str]:
    references = [{"targetId": identity} for identity in dict.fromkeys(ids)]
    if not references:
        return {}
    found = visit.post("/entity/header", {"references": references})["results"]
    return {header["id"]: header["name"] for header in found}


def _used(entry: Json, names: dict[str, str]) -> Used:
    executed = bool(entry.get("wasExecuted"))
    if "reference" not in entry:
        return Used(entry.get("name") or entry["url"], entry["url"], executed)
    target, version = entry["reference"]["targetId"], entry["reference"].get("targetVersionNumber")
    address = f"/Synapse:{target}" + (f".{version}" if version else "")
    return Used(names.get(target, target), address, executed)


def download(visit: Visit) -> Response:
    """Lead to the content of a file."""
    subject = subject_of(visit)
    handle = subject.entity.get("dataFileHandleId")
    if handle is None:
        raise Missing(f"{subject.id} has no content to download.")
    if not subject.bundle.get("fileHandles"):
        raise NotAllowed(f"You lack DOWNLOAD access to {subject.id}.")
    association = {"fileAssociateType": "FileEntity", "fileAssociateId": subject.id}
    return visit.leads_to(f"/file/{as_id(handle)}", "file", **association)
