"""Addresses that work without a token for a while (F-08)."""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from airflow_synapse_challenge.local_synapse.core.http import error_response
from airflow_synapse_challenge.local_synapse.core.store import Store

DOWNLOAD_SECONDS = 30
UPLOAD_SECONDS = 900


def presigned(store: Store, base: str, verb: str, target: str, seconds: int, content_type: str | None = None) -> str:
    """
    Return an address that works without a token for a while (F-08).

    :param content_type: what the request that uses the address has to say of its content.
    """
    now = store.now()
    query = {
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Date": now.strftime("%Y%m%dT%H%M%SZ"),
        "X-Amz-Expires": str(seconds),
        "X-Amz-SignedHeaders": "content-type;host" if content_type else "host",
        "expires": str(int((now + timedelta(seconds=seconds)).timestamp())),
    }
    query["X-Amz-Signature"] = _signature(store, verb, target, query["expires"], content_type)
    return f"{base}/storage/{target}?{urlencode(query)}"


def verified(store: Store, request: Request, verb: str, target: str) -> Response | None:
    """Return the refusal of a presigned address, ``None`` for a good one."""
    query = request.query_params
    expires, content_type = query.get("expires", ""), None
    if "content-type" in query.get("X-Amz-SignedHeaders", ""):
        content_type = request.headers.get("content-type", "")
    wanted = _signature(store, verb, target, expires, content_type)
    if not (expires.isdecimal() and hmac.compare_digest(wanted, query.get("X-Amz-Signature", ""))):
        return error_response(403, "SignatureDoesNotMatch")
    if store.now().timestamp() > int(expires):
        return error_response(403, "AccessDenied: Request has expired")
    return None


def _signature(store: Store, verb: str, target: str, expires: str, content_type: str | None) -> str:
    secret = store.setting("storage_secret") or ""
    signed = "\n".join([verb, target, expires, *([content_type] if content_type is not None else [])])
    return hmac.new(secret.encode(), signed.encode(), hashlib.sha256).hexdigest()
