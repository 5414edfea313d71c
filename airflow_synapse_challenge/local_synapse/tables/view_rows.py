"""What rows of a view share: fields and annotations become cells, whose sizes are watched (W-03, W-07)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from airflow_synapse_challenge.local_synapse.core.errors import Invalid
from airflow_synapse_challenge.local_synapse.core.store import Json

from . import cells


@dataclass(frozen=True)
class ViewRow:
    """
    An object that a view shows.

    :param numbers: row id, version, etag, whose rights protect it, and what tells whether it has changed.
    :param fields: what it is, by the names of default columns, as texts.
    :param annotations: its annotations of the newer generation.
    """

    numbers: tuple[int, int, str, int, str]
    fields: Mapping[str, str | None]
    annotations: Json


@dataclass
class Sizes:
    """Remembers what the columns of a view have no room for."""

    characters: dict[str, int] = field(default_factory=dict)
    elements: dict[str, int] = field(default_factory=dict)

    def watch(self, column: Json, texts: Sequence[str]) -> None:
        """Look at the values of a cell."""
        name, longest = column["name"], max(map(len, texts))
        if longest > column.get("maximumSize", longest):
            self.characters[name] = max(longest, self.characters.get(name, 0))
        if len(texts) > column.get("maximumListLength", len(texts)):
            self.elements[name] = max(len(texts), self.elements.get(name, 0))

    def check(self) -> None:
        """Refuse a view whose columns are too small, with the size that would do (W-07)."""
        for name, size in self.characters.items():
            raise Invalid(
                f"The size of the column '{name}' is too small.  "
                f"The column size needs to be at least {size} characters."
            )
        for name, count in self.elements.items():
            raise Invalid(f'maximumListLength for ColumnModel "{name}" must be at least: {count}')


def as_rows(columns: Sequence[Json], found: Iterable[ViewRow]) -> Iterator[list[Any]]:
    """
    Yield rows as sheets take them.

    :raises Invalid: a column is too small; told when all have been looked at.
    """
    sizes = Sizes()
    for row in found:
        yield [*row.numbers, *(_cell(column, row, sizes) for column in columns)]
    sizes.check()


def _cell(column: Json, row: ViewRow, sizes: Sizes) -> cells.Stored:
    """Return a cell: an annotation that is named like a field is hidden by it (W-03)."""
    name = column["name"]
    if name in row.fields:
        text = row.fields[name]
        texts = [] if text is None else [text]
    else:
        texts = row.annotations.get(name, {}).get("value") or []
        if column["columnType"] not in cells.LISTS:
            texts = texts[:1]
    if texts and column["columnType"] in ("STRING", "LINK", *cells.LISTS):
        sizes.watch(column, texts)
    return cells.from_annotation(column, texts)
