"""The language of the older query service, which is not SQL though it looks like it (Q-01)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from airflow_synapse_challenge.local_synapse.core.errors import Invalid

TOKEN = re.compile(
    r"""\s*(?:
        (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<number>[+-]?(?:\d+\.\d*|\.\d+|\d+)(?:[eE][+-]?\d+)?(?![\w.]))
      | (?P<quoted>`[^`]+`)
      | (?P<word>[^\W\d][\w.\-]*)
      | (?P<sign>==|!=|<>|<=|>=|=|<|>|,|\*)
    )""",
    re.VERBOSE,
)
OPERATORS = {"==": "=", "=": "=", "!=": "<>", "<>": "<>", "<": "<", ">": ">", "<=": "<=", ">=": ">="}
KEYWORDS = {"select", "from", "where", "and", "order", "by", "asc", "desc", "limit", "offset"}
#: What a page holds when the query does not say (G-10).
LIMIT = 10
LARGEST = 2**63 - 1


@dataclass(frozen=True)
class Filter:
    """One condition: an attribute, an operator of SQL, a value."""

    name: str
    operator: str
    value: str | int | float


@dataclass(frozen=True)
class Query:
    """
    What is asked for.

    :param names: attributes in the order of the columns, ``None`` for all.
    :param order_by: attribute, and whether the largest comes first.
    """

    evaluation: int
    names: list[str] | None
    filters: list[Filter] = field(default_factory=list)
    order_by: tuple[str, bool] | None = None
    limit: int = LIMIT
    offset: int = 0


def parse(text: str) -> Query:
    """
    Read a query.

    :raises Invalid: it is none.
    """
    return _Reader(text).query()


class _Reader:
    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        self._next = 0
        end = 0
        text = text.rstrip()
        while end < len(text):
            found = TOKEN.match(text, end)
            if not found:
                raise Invalid(f"The query cannot be read at: {text[end : end + 40].strip()}")
            self._tokens.append((str(found.lastgroup), found[str(found.lastgroup)]))
            end = found.end()

    def query(self) -> Query:
        self._need("select")
        names = self._names()
        self._need("from")
        evaluation = self._evaluation()
        filters = self._filters() if self._skip("where") else []
        order_by = self._order() if self._skip("order") else None
        limit, offset = self._page()
        if self._next < len(self._tokens):
            raise Invalid(f"The query cannot be read at: {self._tokens[self._next][1]}")
        return Query(evaluation, names, filters, order_by, limit, offset)

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._next] if self._next < len(self._tokens) else ("end", "")

    def _take(self) -> tuple[str, str]:
        found = self._peek()
        self._next += 1
        return found

    def _skip(self, word: str) -> bool:
        kind, text = self._peek()
        here = kind in ("word", "sign") and text.lower() == word
        self._next += here
        return here

    def _need(self, word: str) -> None:
        if not self._skip(word):
            raise Invalid(f"The query needs '{word.upper()}' where it has '{self._peek()[1]}'.")

    def _name(self) -> str:
        kind, text = self._take()
        if kind == "word" and text.lower() not in KEYWORDS:
            return text
        if kind in ("quoted", "text"):
            return text[1:-1]
        raise Invalid(f"The query needs the name of a field where it has '{text}'.")

    def _names(self) -> list[str] | None:
        if self._skip("*"):
            return None
        names = [self._name()]
        while self._skip(","):
            names.append(self._name())
        return names

    def _evaluation(self) -> int:
        name = self._name()
        found = re.fullmatch(r"evaluation_(\d{1,18})", name, re.IGNORECASE)
        if not found:
            raise Invalid(f"Only evaluation_<id> can be queried, not '{name}'.")
        return int(found[1])

    def _filters(self) -> list[Filter]:
        filters = [self._filter()]
        while self._skip("and"):
            filters.append(self._filter())
        return filters

    def _filter(self) -> Filter:
        name = self._name()
        kind, text = self._take()
        if kind != "sign" or text not in OPERATORS:
            raise Invalid(f"The query needs a comparison where it has '{text}'.")
        return Filter(name, OPERATORS[text], self._value())

    def _value(self) -> str | int | float:
        kind, text = self._take()
        if kind == "text":
            return re.sub(r"\\(.)", r"\1", text[1:-1])
        if kind != "number":
            raise Invalid(f"The query needs a number or a quoted text where it has '{text}'.")
        if re.fullmatch(r"[+-]?\d+", text) and abs(int(text)) <= LARGEST:
            return int(text)
        return float(text)

    def _order(self) -> tuple[str, bool]:
        self._need("by")
        name = self._name()
        if self._skip("desc"):
            return name, True
        self._skip("asc")
        return name, False

    def _page(self) -> tuple[int, int]:
        limit, offset = LIMIT, 0
        if self._skip("limit"):
            limit = self._whole()
        if self._skip("offset"):
            offset = self._whole()
        return limit, offset

    def _whole(self) -> int:
        kind, text = self._take()
        if kind != "number" or not text.isdecimal() or int(text) > LARGEST:
            raise Invalid(f"The query needs a whole number where it has '{text}'.")
        return int(text)
