"""CSV files that become rows, and guesses of the columns that they would need."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from airflow_synapse_challenge.local_synapse.core.errors import Invalid, NotAllowed, require
from airflow_synapse_challenge.local_synapse.core.http import Context, as_id
from airflow_synapse_challenge.local_synapse.core.jobs import job
from airflow_synapse_challenge.local_synapse.core.store import Json, Store
from airflow_synapse_challenge.local_synapse.files import handles

from . import cells, columns, shapes
from .csv_files import Format
from .query_jobs import MODEL
from .table_rows import Change

SAMPLE_ROWS = 5
SCANNED_ROWS = 1000


def file_of(store: Store, user: int, wish: Json) -> Path:
    """Return the uploaded file that a request names; it has to be the caller's."""
    require(wish.get("uploadFileHandleId"), "uploadFileHandleId")
    handle = as_id(wish["uploadFileHandleId"])
    handles.show(store, handle)
    if not handles.is_own(store, user, handle):
        raise NotAllowed(f"Only the creator of a FileHandle can use it here. FileHandle {handle}")
    path = handles.path_of(store, handle)
    if path is None:
        raise Invalid(f"The content of the FileHandle {handle} is not in Synapse.")
    return path


class Upload:
    """
    The rows of an uploaded CSV file, for a table or a view with some columns.

    :param wish: ``UploadToTableRequest``.
    """

    def __init__(self, store: Store, user: int, wish: Json, columns_of: list[Json]) -> None:
        written = Format.of(wish.get("csvTableDescriptor", {}))
        self._rows = written.rows(file_of(store, user, wish), wish.get("linesToSkip", 0))
        names = [column["name"] for column in columns_of]
        if written.header:
            names = [name or "" for name in next(self._rows, [])]
        by_name = {column["name"]: column["id"] for column in columns_of}
        #: Ids of the columns, and names of the numbers of rows, in the order of the file.
        self._keys = [name if name in columns.RESERVED else by_name.get(name) for name in names]
        if None in self._keys:
            unknown = names[self._keys.index(None)]
            raise Invalid(f"CSV file contains columns that are not part of the table: '{unknown}'")
        #: Files that name rows and nothing of them delete these rows.
        self.deletes = "ROW_ID" in self._keys and all(key in columns.RESERVED for key in self._keys)

    def changes(self) -> Iterator[tuple[Change, str | None]]:
        """Yield what each line says of a row, with the etag that the line has."""
        for number, line in enumerate(self._rows, 1):
            if len(line) != len(self._keys):
                raise Invalid(f"Row {number} of the CSV file has {len(line)} values, not {len(self._keys)}.")
            found = dict(zip(self._keys, line, strict=True))
            row = found.pop("ROW_ID", None)
            etag = found.pop("ROW_ETAG", None)
            found.pop("ROW_VERSION", None)
            values = {str(key): value for key, value in found.items() if key not in columns.RESERVED}
            yield Change(_row_number(row), None if self.deletes else values), etag


def _row_number(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return cells.whole(text)
    except ValueError as error:
        raise Invalid(f"ROW_ID must be a whole number, not {text}") from error


def _is(parse: Callable[[str], Any]) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        try:
            parse(text)
        except ValueError:
            return False
        return True

    return check


def _is_entity(text: str) -> bool:
    return text.lower().startswith("syn") and _is(cells.entity)(text)


def _is_list(text: str) -> bool:
    return text.startswith("[") and _is(json.loads)(text)


def _is_date(text: str) -> bool:
    return "-" in text[1:] and _is(cells.moment)(text)


#: From the narrowest type to the widest; what is none of them is a text.
GUESSES: tuple[tuple[str, Callable[[str], bool]], ...] = (
    ("BOOLEAN", _is(cells.flag)),
    ("INTEGER", _is(cells.whole)),
    ("DOUBLE", _is(cells.number)),
    ("ENTITYID", _is_entity),
    ("DATE", _is_date),
    ("STRING_LIST", _is_list),
)


@job(
    "/repo/v1/table/upload/csv/preview/async",
    request=f"{MODEL}UploadToTablePreviewRequest",
    response=f"{MODEL}UploadToTablePreviewResult",
    body=shapes.UploadToTablePreviewRequest,
)
def preview(context: Context) -> Json:
    """Guess the columns that a CSV file needs, and show its first rows."""
    body = context.body
    written = Format.of(body.get("csvTableDescriptor", {}))
    lines = written.rows(file_of(context.store, context.user, body), body.get("linesToSkip", 0))
    names = [name or "" for name in next(lines, [])] if written.header else None
    found: list[list[str | None]] = []
    for line in lines:
        found.append(line)
        if len(found) >= SCANNED_ROWS and not body.get("doFullFileScan"):
            break
    width = max((len(line) for line in found), default=0)
    headings = names or [f"col{number}" for number in range(1, width + 1)]
    return {
        "suggestedColumns": [
            _guess(name, [line[at] for line in found if at < len(line)])
            for at, name in enumerate(headings)
            if name not in columns.RESERVED
        ],
        "sampleRows": [{"values": line} for line in found[:SAMPLE_ROWS]],
        "rowsScanned": len(found),
    }


def _guess(name: str, values: list[str | None]) -> Json:
    texts = [value for value in values if value is not None]
    if not texts:
        return {"name": name, "columnType": "STRING", "maximumSize": columns.DEFAULT_SIZE}
    for kind, fits in GUESSES:
        if all(map(fits, texts)):
            return {"name": name, "columnType": kind}
    longest = max(map(len, texts))
    if longest > cells.LARGEST_STRING:
        return {"name": name, "columnType": "LARGETEXT"}
    return {"name": name, "columnType": "STRING", "maximumSize": longest}
