"""One request to Synapse, described."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel as _to_camel

T = TypeVar("T")
Service = Literal["repo", "auth", "file"]


def to_camel(name: str) -> str:
    """Return Synapse's spelling of a field: camelCase, but ``JSON`` and ``URL`` in capitals."""
    return _to_camel(name).replace("Json", "JSON").replace("Url", "URL")


class Document(BaseModel):
    """
    A JSON object of Synapse.

    Fields that this package does not know survive a round trip, because Synapse's updates replace whole objects.
    """

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="allow")

    def to_json(self) -> dict[str, Any]:
        """Return the object as Synapse takes it: camelCase, without empty fields."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


@dataclass(frozen=True)
class Call(Generic[T]):
    """
    One request, and how to read its answer.

    :param method: HTTP method.
    :param path: path below the service, for example ``/evaluation/9614001``.
    :param words: the request in words, to be read after "trying to".
    :param parse: makes the result from the JSON body.
    :param service: which of Synapse's services.
    :param idempotent: sending it twice does the same as sending it once.
    :param missing_is_none: a 404 stands for ``parse(None)``.
    :param recheck: for a create: the call that finds what an earlier send made, with ``None`` for nothing. A create
        without one is never sent again once Synapse may have received it.
    """

    method: str
    path: str
    words: str
    parse: Callable[[Any], T]
    params: Mapping[str, Any] = field(default_factory=dict)
    json: Any = None
    service: Service = "repo"
    idempotent: bool = True
    missing_is_none: bool = False
    recheck: Call[T | None] | None = None

    def with_params(self, **params: Any) -> Call[T]:
        """Return the call with more query parameters."""
        return replace(self, params={**self.params, **params})


@dataclass(frozen=True)
class Pages(Generic[T]):
    """
    A listing by offset: a call for one page whose result is a list.

    Synapse's totals are estimates (G-08), so a listing ends at the first page that is not full.

    :param page: the call; ``offset`` and ``limit`` are added to it.
    :param limit: items for each page.
    """

    page: Call[list[T]]
    limit: int = 100

    def call(self, offset: int) -> Call[list[T]]:
        """Return the call for the page that starts at ``offset``."""
        return self.page.with_params(offset=offset, limit=self.limit)


def results_of(parse: Callable[[Any], T]) -> Callable[[Any], list[T]]:
    """Return a parser for ``PaginatedResults``."""
    return lambda body: [parse(item) for item in body.get("results", [])]


def nothing(_: Any) -> None:
    """Parse an answer without a body."""
