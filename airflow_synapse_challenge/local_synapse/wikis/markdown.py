"""Markdown of wiki pages: text in the first generation of the service, a compressed file in the second (K-03)."""

from __future__ import annotations

import gzip
import zlib

from airflow_synapse_challenge.local_synapse.core.store import Store
from airflow_synapse_challenge.local_synapse.files import handles

CONTENT_TYPE = "application/x-gzip"
GZIP_MAGIC = b"\x1f\x8b"


def written(store: Store, user: int, page: int, text: str) -> int:
    """Keep text as a compressed file of a user's; return its file handle (K-03)."""
    content = gzip.compress(text.encode(), mtime=0)
    return handles.add_content(store, user, f"{page}_markdown.txt.gz", CONTENT_TYPE, content)


def text_of(store: Store, handle: int) -> str:
    """Return the text of a file; clients store it compressed or plain, and some keep it elsewhere."""
    path = handles.path_of(store, handle)
    return unpacked(path.read_bytes()).decode(errors="replace") if path else ""


def unpacked(content: bytes) -> bytes:
    """Return the bytes of a file that may be compressed; nothing of one that is broken."""
    if not content.startswith(GZIP_MAGIC):
        return content
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error):
        return b""
