"""CSV files as Synapse writes and reads them."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from airflow_synapse_challenge.local_synapse.core.errors import Invalid
from airflow_synapse_challenge.local_synapse.core.store import Json

#: Cells may be larger than Python expects; Synapse's largest text has half a million characters.
csv.field_size_limit(16 * 1024 * 1024)


@dataclass(frozen=True)
class Format:
    """
    How a file is written.

    :param header: the first line holds the names of the columns.
    """

    separator: str = ","
    quote: str = '"'
    escape: str = "\\"
    line_end: str = "\n"
    header: bool = True

    @classmethod
    def of(cls, descriptor: Json) -> Format:
        """Return what ``CsvTableDescriptor`` means."""
        found = cls(
            separator=descriptor.get("separator") or cls.separator,
            quote=descriptor.get("quoteCharacter") or cls.quote,
            escape=descriptor.get("escapeCharacter") or cls.escape,
            line_end=descriptor.get("lineEnd") or cls.line_end,
            header=descriptor.get("isFirstLineHeader", cls.header),
        )
        for name, value in (("separator", found.separator), ("quote", found.quote), ("escape", found.escape)):
            if len(value) != 1 or value in "\r\n":
                raise Invalid(f"The {name} character of a CSV file is one character, not {value!r}")
        return found

    def line(self, values: Iterable[str | None]) -> str:
        """Return a line; no value is nothing, and no text is a pair of quotes."""
        return self.separator.join(map(self._cell, values)) + self.line_end

    def _cell(self, value: str | None) -> str:
        if value is None:
            return ""
        if value and not any(special in value for special in (self.separator, self.quote, self.escape, "\n", "\r")):
            return value
        escaped = value.replace(self.escape, self.escape * 2) if self.escape != self.quote else value
        return f"{self.quote}{escaped.replace(self.quote, self.escape + self.quote)}{self.quote}"

    def rows(self, path: Path, skipped: int) -> Iterator[list[str | None]]:
        """
        Yield the lines of a file; an empty cell is no value.

        :param skipped: how many lines are none of them.
        """
        with path.open(encoding="utf-8-sig", newline="") as source:
            for _ in range(skipped):
                source.readline()
            reader = csv.reader(
                source,
                delimiter=self.separator,
                quotechar=self.quote,
                escapechar=None if self.escape == self.quote else self.escape,
            )
            try:
                for row in reader:
                    if row:
                        yield [cell or None for cell in row]
            except (csv.Error, UnicodeDecodeError) as error:
                raise Invalid(f"The CSV file cannot be read: {error}") from error
