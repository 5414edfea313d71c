"""Output of strangers' code, made small and harmless."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable

#: Longest line that is passed on while a container runs; longer ones are broken.
LONGEST_LINE = 2000
#: Airflow's log viewer obeys these; so they are spoilt.
_MARKERS = re.compile(r"::(?=(?:end)?group::|error::|warning::|debug::|notice::)")
#: Everything that moves the cursor, rings a bell or changes colours; tabs and line feeds stay.
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def harmless(text: str) -> str:
    """Return text without control characters and without markers that Airflow's log viewer obeys."""
    return _MARKERS.sub(": :", _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n")))


class BoundedLog:
    """
    Keep the head and the tail of a stream of bytes.

    :param limit: bytes to keep, half of them from each end.
    """

    def __init__(self, limit: int) -> None:
        self._half = limit // 2
        self._limit = limit
        self._head = bytearray()
        self._tail = bytearray()
        self.total = 0

    def add(self, chunk: bytes) -> None:
        """Take more of the stream."""
        self.total += len(chunk)
        room = self._half - len(self._head)
        if room > 0:
            self._head += chunk[:room]
            chunk = chunk[room:]
        self._tail += chunk
        # Trimming in large steps keeps a flood cheap.
        if len(self._tail) > 4 * self._limit:
            del self._tail[: -(self._limit - self._half)]

    def text(self) -> str:
        """Return what was kept, harmless, with one line that tells how much was left out."""
        tail = bytes(self._tail[-(self._limit - self._half) :])
        left_out = self.total - len(self._head) - len(tail)
        head_text = harmless(self._head.decode("utf-8", "replace"))
        tail_text = harmless(tail.decode("utf-8", "replace"))
        if left_out == 0:
            return harmless((bytes(self._head) + tail).decode("utf-8", "replace"))
        return f"{head_text}\n[… {left_out} bytes left out …]\n{tail_text}"


class LineFeed:
    """
    Pass a stream on line by line while it arrives, up to a number of bytes.

    :param on_line: receives harmless lines of bounded length.
    :param limit: bytes after which one last line says that no more follows.
    """

    def __init__(self, on_line: Callable[[str], None], limit: int) -> None:
        self._on_line = on_line
        self._left = limit
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""

    def add(self, chunk: bytes) -> None:
        """Take more of the stream."""
        if self._left <= 0:
            return
        taken = chunk[: self._left]
        self._left -= len(taken)
        self._rest += self._decoder.decode(taken)
        *lines, self._rest = self._rest.split("\n")
        for line in lines:
            self._emit(line)
        if len(self._rest) > LONGEST_LINE:
            self._emit(self._rest)
            self._rest = ""
        if self._left <= 0:
            self.end()
            self._on_line("[… more output follows, which is not shown here …]")

    def end(self) -> None:
        """Pass on what has no line feed yet."""
        if self._rest:
            self._emit(self._rest)
            self._rest = ""

    def _emit(self, line: str) -> None:
        clean = harmless(line)
        for start in range(0, len(clean), LONGEST_LINE) or (0,):
            self._on_line(clean[start : start + LONGEST_LINE])
