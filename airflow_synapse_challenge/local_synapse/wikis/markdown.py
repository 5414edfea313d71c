"""Markdown of wiki pages: text in the first generation of the service, a compressed file in the second (K-03)."""

from __future__ import annotations

import gzip
import hashlib
import uuid
import zlib

from airflow_synapse_challenge.local_synapse.core.store import Store
from airflow_synapse_challenge.local_synapse.files import handles

CONTENT_TYPE = "application/x-gzip"
GZIP_MAGIC = b"\x1f\x8b"


def written(store: Store, user: int, page: int, text: str) -> int:
    """Keep text as a compressed file of a user's; return its file handle (K-03)."""
    content = gzip.compress(text.encode(), mtime=0)
    path = store.files / f"wiki-{page}-{uuid.uuid4().hex}"
    path.write_bytes(content)
    doc = {
        "concreteType": f"{handles.MODEL}S3FileHandle",
        "fileName": f"{page}_markdown.txt.gz",
        "contentType": CONTENT_TYPE,
        "contentMd5": hashlib.md5(content, usedforsecurity=False).hexdigest(),
        "contentSize": len(content),
        "storageLocationId": 1,
        "bucketName": "local-synapse",
        "key": path.name,
    }
    return handles.add(store, user, path, doc)


def text_of(store: Store, handle: int) -> str:
    """Return the text of a file; clients store it compressed or plain, and some keep it elsewhere."""
    path = store.value("SELECT path FROM file_handle WHERE id = ?", handle)
    if path is None:
        return ""
    content: bytes = (store.files / path).read_bytes()
    if content.startswith(GZIP_MAGIC):
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error):
            return ""
    return content.decode(errors="replace")
