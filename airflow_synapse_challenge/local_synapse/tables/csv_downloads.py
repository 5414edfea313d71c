"""CSV files of query results (J-08)."""

from __future__ import annotations

import hashlib
import uuid
from pathlib import Path
from typing import Any

from airflow_synapse_challenge.local_synapse.core.http import Context
from airflow_synapse_challenge.local_synapse.core.jobs import job
from airflow_synapse_challenge.local_synapse.core.store import Json, Store
from airflow_synapse_challenge.local_synapse.files import handles

from . import shapes
from .csv_files import Format
from .queries import Prepared
from .query_jobs import MODEL, QUERY_SCOPES, state_of


def _state_of(context: Context) -> str:
    return state_of(context.store, context.user, context.body)


def _download(context: Context) -> Json:
    """Write the result of a query into a file of the caller's."""
    query = Prepared(context.store, context.user, context.body)
    numbered = context.body.get("includeRowIdAndRowVersion", True) and query.selection.rows
    path = _written(context.store, query, context.body, numbered=numbered)
    name = context.body.get("fileName") or f"Job-{path.stem}.csv"
    return {
        "resultsFileHandleId": str(_handle(context.store, context.user, path, name)),
        "tableId": f"syn{query.source.entity}",
        "etag": query.source.etag,
        "headers": query.headers,
    }


for _path in ("/repo/v1/entity/{id}/table/download/csv/async", "/repo/v1/table/download/csv/async"):
    job(
        _path,
        request=f"{MODEL}DownloadFromTableRequest",
        response=f"{MODEL}DownloadFromTableResult",
        body=shapes.DownloadFromTableRequest,
        scopes=QUERY_SCOPES,
        get_scopes=QUERY_SCOPES,
        state_of=_state_of,
    )(_download)


def _written(store: Store, query: Prepared, wish: Json, *, numbered: bool) -> Path:
    written = Format.of(wish.get("csvTableDescriptor", {}))
    path = store.files / f"{uuid.uuid4().hex}.csv"
    with path.open("w", encoding="utf-8", newline="") as target:
        if wish.get("writeHeader", True):
            names = _numbers(query, ("ROW_ID", "ROW_VERSION", "ROW_ETAG")) if numbered else []
            target.write(written.line([*names, *(header["name"] for header in query.headers)]))
        for row in query.rows(*query.bounds()):
            numbers = _numbers(query, row) if numbered else []
            target.write(written.line([*numbers, *query.shown(row)]))
    return path


def _numbers(query: Prepared, row: tuple[Any, ...]) -> list[str]:
    """Return what a row begins with: its number, its version and perhaps its etag."""
    return [str(value) for value in row[: 3 if query.with_etags else 2]]


def _handle(store: Store, user: int, path: Path, name: str) -> int:
    """Make a file handle of the caller's."""
    with path.open("rb") as source:
        digest = hashlib.file_digest(source, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    doc = {
        "concreteType": handles.S3,
        "fileName": name,
        "contentType": "text/csv",
        "contentMd5": digest,
        "contentSize": path.stat().st_size,
        "storageLocationId": handles.DEFAULT_LOCATION,
        "bucketName": handles.BUCKET,
        "key": path.name,
    }
    return handles.add(store, user, path, doc)
