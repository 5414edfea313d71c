"""A visit: who looks at a page, what the address asks for, and what Synapse tells them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar
from urllib.parse import urlencode

from starlette.responses import RedirectResponse

from airflow_synapse_challenge.local_synapse.core.errors import Invalid, Missing, NotAllowed
from airflow_synapse_challenge.local_synapse.core.http import ANONYMOUS, as_id
from airflow_synapse_challenge.local_synapse.core.requests import Requests
from airflow_synapse_challenge.local_synapse.core.store import Json, Store
from airflow_synapse_challenge.local_synapse.people import principals

#: Who looks where nobody has been chosen.
DEFAULT_VIEWER = "challenge-service"
NOBODY = "anonymous"
PAGE_SIZE = 25
LONGEST_PAGE_NUMBER = 9

Item = TypeVar("Item")
#: Runs something in a transaction on the server's own store.
Beside = Callable[[Callable[[Store], Any]], Any]


@dataclass(frozen=True)
class Viewer:
    """
    A user whose eyes the pages are for.

    :param agreed: to the terms of use, without which Synapse tells nothing (G-03).
    """

    id: int
    name: str
    agreed: bool = True

    @property
    def is_anonymous(self) -> bool:
        """Nobody has logged in."""
        return self.id == ANONYMOUS


def viewer_named(store: Store, name: str) -> Viewer:
    """Return the user of a name, the organiser if there is no such user, nobody if there is no organiser either."""
    if name == NOBODY:
        return Viewer(ANONYMOUS, NOBODY)
    for wanted in (name, DEFAULT_VIEWER):
        if row := store.one("SELECT id, name, agreed FROM principal WHERE kind = 'user' AND name = ?", wanted):
            return Viewer(row["id"], row["name"], bool(row["agreed"]))
    return Viewer(ANONYMOUS, NOBODY)


def number_in(text: str) -> int:
    """Return an id that a part of an address is; what is none leads nowhere."""
    try:
        return as_id(text)
    except Invalid as refusal:
        raise Missing(refusal.reason) from refusal


@dataclass(frozen=True)
class Paging:
    """
    Which part of a long list is shown.

    :param name: of the parameter that says so.
    :param number: of the page, from 1.
    :param total: of the items, ``None`` if nobody counts them.
    :param more: there is another page; asked only where nobody counts.
    """

    name: str
    number: int
    address: Callable[[int], str]
    size: int = PAGE_SIZE
    total: int | None = None
    more: bool = False

    @property
    def offset(self) -> int:
        """How many items come before the page."""
        return (self.number - 1) * self.size

    @property
    def last(self) -> int | None:
        """Number of the last page, ``None`` if nobody counts."""
        return None if self.total is None else max(1, -(-self.total // self.size))

    @property
    def has_next(self) -> bool:
        """There is a page after this one."""
        return self.more if self.last is None else self.number < self.last

    def counted(self, total: int) -> Paging:
        """Return the same page of a list whose length is known; beyond the end it is the last page."""
        known = replace(self, total=total)
        return replace(known, number=min(self.number, known.last or 1))

    def cut(self, items: list[Item]) -> tuple[list[Item], Paging]:
        """Return the items of the page, of which one more than it holds was asked for, and the page."""
        return items[: self.size], replace(self, more=len(items) > self.size)


@dataclass
class Visit:
    """
    One look at a page.

    :param store: the state, for reading.
    :param path: values of the address's placeholders.
    :param query: what follows the address's question mark.
    :param address: of the page, without what follows the question mark.
    :param base: of this server.
    :param beside: for the few questions whose answers have to be written down first, such as those to views.
    """

    store: Store
    viewer: Viewer
    path: Mapping[str, Any]
    query: Mapping[str, str]
    address: str
    base: str
    requests: Requests
    beside: Beside
    _headers: dict[int, Json] = field(default_factory=dict)

    def get(self, path: str, **query: Any) -> Any:
        """Return what Synapse answers the viewer; refusals are raised."""
        return self._ask("GET", path, None, query)

    def post(self, path: str, body: Json) -> Any:
        """Return what Synapse answers the viewer's question that has a body; refusals are raised."""
        return self._ask("POST", path, body, {})

    def _ask(self, method: str, path: str, body: Json | None, query: Mapping[str, Any]) -> Any:
        self.require_agreed()
        texts = {name: str(value) for name, value in query.items() if value is not None}
        return self.requests(self.viewer.id, method, f"/repo/v1{path}", body, **texts)

    def leads_to(self, path: str, service: str = "repo", **query: Any) -> RedirectResponse:
        """Return the way to a file that the viewer may have, which Synapse answers with; refusals are raised."""
        self.require_agreed()
        found = self.requests(self.viewer.id, "GET", f"/{service}/v1{path}", None, **query)
        return RedirectResponse(found.url, 302, headers={"Cache-Control": "no-store"})

    def require_agreed(self) -> None:
        """Refuse who has not agreed to the terms of use, as the server does (G-03)."""
        if not self.viewer.agreed:
            raise NotAllowed("Terms of use have not been signed.")

    def maybe(self, path: str, **query: Any) -> Any:
        """Return what Synapse answers the viewer, ``None`` if it is not there or not for them."""
        try:
            return self.get(path, **query)
        except (Missing, NotAllowed):
            return None

    def seen_by(self, viewer: Viewer) -> Visit:
        """Return the same visit with somebody else's eyes."""
        return replace(self, viewer=viewer)

    def number(self, name: str) -> int:
        """Return an id from the address."""
        return number_in(str(self.path[name]))

    def header(self, principal: Any) -> Json:
        """Return who a principal is (``UserGroupHeader``)."""
        number = as_id(principal)
        if number not in self._headers:
            self._headers[number] = principals.header(self.store, number)
        return self._headers[number]

    def link(self, **changes: Any) -> str:
        """Return the address of this page with other parameters; ``None`` leaves one out."""
        merged = {**self.query, **changes}
        kept = {name: value for name, value in merged.items() if value not in (None, "")}
        return f"{self.address}?{urlencode(kept)}" if kept else self.address

    def paging(self, name: str = "page", size: int = PAGE_SIZE) -> Paging:
        """Return which part of a long list the address asks for."""
        text = self.query.get(name, "1")
        number = int(text) if text.isascii() and text.isdecimal() and len(text) <= LONGEST_PAGE_NUMBER else 1
        return Paging(name, max(1, number), lambda page: self.link(**{name: page if page > 1 else None}), size)
