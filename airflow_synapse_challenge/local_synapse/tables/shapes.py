"""Shapes of the requests that the jobs of tables and views take."""

from __future__ import annotations

from typing import Any, Literal

from airflow_synapse_challenge.local_synapse.core.bodies import Body, Long


class QueryFilter(Body, total=False):
    """A condition beside the query's own; which fields it has depends on its type."""

    concreteType: str
    columnName: str
    operator: Literal["LIKE", "EQUAL", "IN"]
    function: Literal["HAS", "HAS_LIKE"]
    values: list[str]
    searchExpression: str
    isDefiningCondition: bool


class FacetColumnRequest(Body, total=False):
    """What has been chosen of a facet."""

    concreteType: str
    columnName: str
    facetValues: list[str]
    min: str
    max: str
    jsonPath: str


class SortItem(Body, total=False):
    """What rows are sorted by."""

    column: str
    direction: Literal["ASC", "DESC"]


class Query(Body, total=False):
    """A query."""

    sql: str
    additionalFilters: list[QueryFilter]
    selectedFacets: list[FacetColumnRequest]
    includeEntityEtag: bool
    selectFileColumn: Long
    selectFileVersionColumn: Long
    offset: Long
    limit: Long
    sort: list[SortItem]


class QueryBundleRequest(Body, total=False):
    """A query, and which parts of its result are wanted (J-05)."""

    concreteType: str
    entityId: str
    query: Query
    partMask: Long


class QueryNextPageToken(Body, total=False):
    """Where the next page begins."""

    concreteType: str
    entityId: str
    token: str


class CsvTableDescriptor(Body, total=False):
    """How a CSV file is written."""

    separator: str
    quoteCharacter: str
    escapeCharacter: str
    lineEnd: str
    isFirstLineHeader: bool


class DownloadFromTableRequest(Query, total=False):
    """A query whose result becomes a CSV file."""

    concreteType: str
    entityId: str
    writeHeader: bool
    includeRowIdAndRowVersion: bool
    csvTableDescriptor: CsvTableDescriptor
    fileName: str


class SelectColumn(Body, total=False):
    """A header."""

    id: str
    name: str
    columnType: str


class Row(Body, total=False):
    """A row, whole or in part; the values of a part name their columns."""

    rowId: Long
    versionNumber: Long
    etag: str
    values: list[Any] | dict[str, Any]


class AppendableRowSet(Body, total=False):
    """Rows."""

    concreteType: str
    tableId: str
    etag: str
    headers: list[SelectColumn]
    rows: list[Row]


class RowSelection(Body, total=False):
    """Rows by their numbers."""

    tableId: str
    etag: str
    rowIds: list[Long]


class ColumnChange(Body, total=False):
    """A column that comes, goes or becomes another."""

    oldColumnId: str
    newColumnId: str


class AppendableRowSetRequest(Body, total=False):
    """Rows that are appended, changed or deleted."""

    concreteType: str
    entityId: str
    toAppend: AppendableRowSet


class UploadToTableRequest(Body, total=False):
    """A CSV file whose rows are appended, changed or deleted."""

    concreteType: str
    entityId: str
    tableId: str
    uploadFileHandleId: str
    updateEtag: str
    linesToSkip: Long
    csvTableDescriptor: CsvTableDescriptor


class TableUpdateRequest(AppendableRowSetRequest, UploadToTableRequest, total=False):
    """A change of a table; which fields it has depends on its type."""

    changes: list[ColumnChange]
    orderedColumnIds: list[str]
    searchEnabled: bool


class SnapshotRequest(Body, total=False):
    """What a snapshot is called."""

    snapshotComment: str
    snapshotLabel: str
    snapshotActivityId: str


class TableUpdateTransactionRequest(Body, total=False):
    """Changes that are made together or not at all."""

    concreteType: str
    entityId: str
    changes: list[TableUpdateRequest]
    createSnapshot: bool
    snapshotOptions: SnapshotRequest


class UploadToTablePreviewRequest(Body, total=False):
    """A CSV file whose columns are to be guessed."""

    concreteType: str
    uploadFileHandleId: str
    linesToSkip: Long
    csvTableDescriptor: CsvTableDescriptor
    doFullFileScan: bool


class ViewScope(Body, total=False):
    """What a view would show."""

    scope: list[str]
    viewEntityType: Literal["entityview", "submissionview", "dataset", "datasetcollection"]
    viewTypeMask: Long
    viewType: Literal["file", "project", "file_and_table"]


class ViewColumnModelRequest(Body, total=False):
    """A scope whose annotations are to become columns."""

    concreteType: str
    viewScope: ViewScope
    includeDerivedAnnotations: bool
    nextPageToken: str


class ValidateDefiningSqlRequest(Body, total=False):
    """A query that would define a table."""

    definingSql: str
    entityType: Literal["materializedview", "virtualtable"]
