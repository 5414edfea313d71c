"""Query parameters of a kind that several operations take."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import TypeVar

from airflow_synapse_challenge.local_synapse.core.errors import Invalid
from airflow_synapse_challenge.local_synapse.core.http import Context

Item = TypeVar("Item")

#: Most items on a page that a ``nextPageToken`` leads through (G-09).
TOKEN_PAGE = 50
TOKEN = re.compile(r"(\d{1,3})a(\d{1,12})")


def required(context: Context, name: str) -> str:
    """Return a query parameter that has to be there."""
    value = context.query.get(name)
    if value is None:
        raise Invalid(f"Required request parameter '{name}' is not present")
    return value


def choice(context: Context, name: str, options: Collection[str], default: str | None = None) -> str:
    """Return a query parameter that is one of an enumeration; without a default it has to be there."""
    value = required(context, name) if default is None else context.query.get(name, default)
    if value not in options:
        raise Invalid(f"{name} must be one of {', '.join(options)}, not {value!r}")
    return value


def check_redirect(context: Context) -> None:
    """Refuse a ``redirect`` that is neither true nor false before anything is looked up (G-12)."""
    context.flag("redirect", default=True)


def sorting(context: Context, orders: Collection[str]) -> tuple[str, bool] | None:
    """Return what ``sort`` and ``ascending`` ask for, which stand together or not at all."""
    order = choice(context, "sort", orders) if "sort" in context.query else None
    ascending = context.flag("ascending") if "ascending" in context.query else None
    if order is None and ascending is None:
        return None
    if order is None or ascending is None:
        raise Invalid("order and ascending must be both null or not null")
    return order, ascending


def token_page(context: Context) -> tuple[int, int]:
    """Return offset and limit of the page that a ``nextPageToken`` leads to (G-09)."""
    token = context.query.get("nextPageToken")
    if token is None:
        return 0, TOKEN_PAGE
    found = TOKEN.fullmatch(token)
    if not found or not 1 <= int(found[1]) <= TOKEN_PAGE:
        raise Invalid(f"Unknown nextPageToken: {token}")
    return int(found[2]), int(found[1])


def cut_page(items: list[Item], offset: int, limit: int) -> tuple[list[Item], str | None]:
    """Return a page of what was read one item beyond it, and the token of the next page, if there is one (G-09)."""
    return items[:limit], f"{limit}a{offset + limit}" if len(items) > limit else None


__all__ = ["check_redirect", "choice", "cut_page", "required", "sorting", "token_page"]
