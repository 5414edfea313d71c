"""Query jobs: the parts of a result that a request asks for, page by page (J-05)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from pydantic import TypeAdapter

from airflow_synapse_challenge.local_synapse.core.bodies import shaped
from airflow_synapse_challenge.local_synapse.core.errors import Invalid, require
from airflow_synapse_challenge.local_synapse.core.http import Context
from airflow_synapse_challenge.local_synapse.core.jobs import job
from airflow_synapse_challenge.local_synapse.core.store import Json, Store

from . import shapes
from .queries import Prepared

MODEL = "org.sagebionetworks.repo.model.table."
ALL_PARTS = -1
QUERY: TypeAdapter[Any] = TypeAdapter(shapes.Query)
QUERY_SCOPES = ("view", "download")


def query_result(query: Prepared) -> Json:
    """Return ``QueryResult``: a page of rows, and where the next one begins."""
    limit, offset = query.bounds()
    most = query.rows_per_page
    size = most if limit is None else min(limit, most)
    # One more row tells whether there is another page.
    found = list(query.rows(size + 1 if size == most else size, offset))
    result: Json = {
        "concreteType": f"{MODEL}QueryResult",
        "queryResults": {
            "concreteType": f"{MODEL}RowSet",
            "tableId": f"syn{query.source.entity}",
            "etag": query.source.etag,
            "headers": query.headers,
            "rows": [_row(query, row) for row in found[:size]],
        },
    }
    if len(found) > size and (limit is None or limit > size):
        result["nextPageToken"] = {
            "concreteType": f"{MODEL}QueryNextPageToken",
            "entityId": f"syn{query.source.entity}",
            "token": json.dumps(_next(query.wish, size)),
        }
    return result


def _next(wish: Json, size: int) -> Json:
    """Return the request for the next page."""
    following = wish | {"offset": wish.get("offset", 0) + size}
    if "limit" in wish:
        following["limit"] = wish["limit"] - size
    return following


def _row(query: Prepared, row: tuple[Any, ...]) -> Json:
    shown: Json = {"values": query.shown(row)}
    if query.selection.rows:
        shown |= {"rowId": row[0], "versionNumber": row[1], "etag": row[2] if query.with_etags else None}
    return shown


def _column_models(query: Prepared) -> list[Json]:
    return list(query.source.columns)


def _facets(query: Prepared) -> list[Json]:
    from . import facets

    return facets.results(query)


def _sum_of_sizes(query: Prepared) -> Json:
    """Return the sizes of all files among the rows; only views of entities have files."""
    total = 0
    if query.source.short == "entityview":
        numbers = query.selection.over_rows("T0.ROW_ID")
        total = query.one(
            "SELECT coalesce(sum(json_extract(file_handle.doc, '$.contentSize')), 0) FROM entity JOIN file_handle "
            "ON file_handle.id = CAST(json_extract(entity.doc, '$.dataFileHandleId') AS INTEGER) "
            f"WHERE entity.id IN ({numbers})"
        )[0]
    return {"sumFileSizesBytes": total, "greaterThan": False}


def _combined_sql(query: Prepared) -> str:
    from .synapse_sql import exp, text

    tree = query.tree.copy()
    limit, offset = query.bounds()
    if limit is not None:
        tree.set("limit", exp.Limit(expression=exp.Literal.number(limit)))
    if offset:
        tree.set("offset", exp.Offset(expression=exp.Literal.number(offset)))
    return text(tree)


def _actions(query: Prepared) -> list[Json] | None:
    """Nothing here asks for an action before a download; without a column of files there is no part."""
    return [] if "selectFileColumn" in query.wish else None


#: Bits of ``partMask`` (J-05): name of the part, and what makes it.
PARTS: dict[int, tuple[str, Callable[[Prepared], Any]]] = {
    0x1: ("queryResult", query_result),
    0x2: ("queryCount", Prepared.count),
    0x4: ("selectColumns", lambda query: query.headers),
    0x8: ("maxRowsPerPage", lambda query: query.rows_per_page),
    0x10: ("columnModels", _column_models),
    0x20: ("facets", _facets),
    0x40: ("sumFileSizes", _sum_of_sizes),
    0x80: ("lastUpdatedOn", lambda query: query.source.changed_on),
    0x100: ("combinedSql", _combined_sql),
    0x200: ("actionsRequired", _actions),
}


def state_of(store: Store, user: int, wish: Json) -> str:
    """Return what the result of a query depends on beside the request; a time in it makes it depend on that (J-04)."""
    query = Prepared(store, user, wish)
    moving = any(word in str(wish.get("sql")).upper() for word in ("NOW", "CURRENT_", "CURDATE", "UNIX_TIMESTAMP"))
    return f"{query.source.state} {store.now().timestamp() if moving else ''}"


def _query_of(context: Context) -> Json:
    query: Json | None = context.body.get("query")
    require(query, "query")
    assert query is not None
    return query


@job(
    "/repo/v1/entity/{id}/table/query/async",
    request=f"{MODEL}QueryBundleRequest",
    response=f"{MODEL}QueryResultBundle",
    body=shapes.QueryBundleRequest,
    scopes=QUERY_SCOPES,
    get_scopes=QUERY_SCOPES,
    state_of=lambda context: state_of(context.store, context.user, _query_of(context)),
)
def query_bundle(context: Context) -> Json:
    """Run a query and return the parts of its result that are asked for."""
    query = Prepared(context.store, context.user, _query_of(context))
    mask = context.body.get("partMask", ALL_PARTS)
    return {name: make(query) for bit, (name, make) in PARTS.items() if mask & bit}


def _following(context: Context) -> Json:
    token = context.body.get("token")
    require(token, "QueryNextPageToken.token")
    try:
        wish = json.loads(str(token))
    except ValueError as error:
        raise Invalid(f"Not a token of a next page: {token}") from error
    following: Json = shaped(QUERY, wish)
    return following


@job(
    "/repo/v1/entity/{id}/table/query/nextPage/async",
    request=f"{MODEL}QueryNextPageToken",
    response=f"{MODEL}QueryResult",
    body=shapes.QueryNextPageToken,
    scopes=QUERY_SCOPES,
    get_scopes=QUERY_SCOPES,
    state_of=lambda context: state_of(context.store, context.user, _following(context)),
)
def next_page(context: Context) -> Json:
    """Return the next page of a query."""
    return query_result(Prepared(context.store, context.user, _following(context)))
