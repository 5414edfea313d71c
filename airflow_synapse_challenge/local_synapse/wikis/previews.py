"""Previews of attachments: the beginning of a text, as a file of its own."""

from __future__ import annotations

from airflow_synapse_challenge.local_synapse.core.store import Json, Store, dump
from airflow_synapse_challenge.local_synapse.files import handles

from . import markdown

MOST_CHARACTERS = 1500
#: Larger files have no preview: what is read here is read while everybody waits.
LARGEST = 1024 * 1024


def ensure(store: Store, handle: int) -> None:
    """Make the preview of a text file that has none; other files get none."""
    doc = handles.show(store, handle)
    path = handles.path_of(store, handle)
    if "previewId" in doc or doc.get("isPreview") or path is None or not _is_text(doc):
        return
    text = markdown.unpacked(path.read_bytes()).decode(errors="replace")[:MOST_CHARACTERS]
    preview = handles.add_content(store, int(doc["createdBy"]), "preview.txt", "text/plain", text.encode())
    _write(store, preview, handles.show(store, preview) | {"isPreview": True})
    _write(store, handle, doc | {"previewId": str(preview)})


def _is_text(doc: Json) -> bool:
    return str(doc.get("contentType", "")).startswith("text/") and 0 < int(doc.get("contentSize", 0)) <= LARGEST


def _write(store: Store, handle: int, doc: Json) -> None:
    store.run("UPDATE file_handle SET doc = ? WHERE id = ?", dump(doc), handle)
