"""Output of strangers' code, made small and harmless."""

from __future__ import annotations

import re
from collections.abc import Callable

#: Bytes of the longest line that is passed on; longer ones are broken.
LONGEST_LINE = 2000
#: Log viewers (Airflow's, and those of CI systems) obey these at any place of a line; so they are spoilt.
_MARKERS = re.compile(r"::(?=[A-Za-z-]+(?: [^:\n]*)?::)|##(?=\[)")
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b\n]*(?:\x07|\x1b\\))")
#: C0 and C1 controls, line separators and text direction overrides; tabs and line feeds stay.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
#: Bytes that the line about what was left out may take.
_NOTICE_BYTES = 64

CONTINUES = "[… the output continues; its end follows when the container has ended …]"


def harmless(text: str) -> str:
    """
    Return text without control characters and without markers that log viewers obey.

    Escape sequences go as a whole, a carriage return counts as a line feed, ``::group::`` becomes ``: :group::``.
    """
    text = _ESCAPES.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return _MARKERS.sub(lambda marker: " ".join(marker[0]), _CONTROLS.sub("", text))


class BoundedLog:
    """
    Keep the head and the tail of a stream of bytes, and pass on what is kept as lines while it arrives.

    Memory stays within a few times the limit, whatever arrives: floods, lines without end, broken UTF-8.

    :param limit: bytes of UTF-8 that :meth:`text` has at most; half of them from each end.
    :param on_line: receives harmless lines of at most :data:`LONGEST_LINE` bytes: those of the head at once, those of
        the tail on :meth:`close`.
    """

    def __init__(self, limit: int, on_line: Callable[[str], None] | None = None) -> None:
        self._limit = limit
        self._on_line = on_line
        self._head = bytearray()
        self._tail = bytearray()
        self._waiting = bytearray()
        self._continues = False
        self.total = 0

    def add(self, chunk: bytes) -> None:
        """Take more of the stream."""
        self.total += len(chunk)
        room = max(0, self._limit // 2 - len(self._head))
        self._head += chunk[:room]
        self._pass_on(chunk[:room])
        rest = chunk[room:]
        if not rest:
            return
        if not self._continues:
            self._continues = True
            self._emit(CONTINUES)
        self._tail += rest
        # Trimming in large steps keeps a flood cheap.
        if len(self._tail) > 4 * self._limit + len(rest):
            del self._tail[: -self._tail_limit]

    def close(self) -> None:
        """Pass on what has not been passed on yet: the end of the head, what was left out, the tail."""
        tail = self._kept_tail()
        left_out = self.total - len(self._head) - len(tail)
        if left_out:
            self._flush()
            self._emit(_notice(left_out))
        self._pass_on(tail)
        self._flush()

    def text(self) -> str:
        """Return what was kept, with one line that gives the number of bytes left out if there are any."""
        kept = bytes(self._head) + self._kept_tail()
        if len(kept) == self.total:
            text = harmless(kept.decode("utf-8", "replace"))
            if len(text.encode()) <= self._limit:
                return text
        half = (self._limit - _NOTICE_BYTES) // 2
        while half > 0:
            head, tail = _without_broken_end(kept[:half]), _without_broken_start(kept[-half:])
            text = "\n".join(
                (
                    harmless(head.decode("utf-8", "replace")),
                    _notice(self.total - len(head) - len(tail)),
                    harmless(tail.decode("utf-8", "replace")),
                )
            )
            if len(text.encode()) <= self._limit:
                return text
            half = half * 2 // 3  # what is no UTF-8 takes three times its size when it is replaced
        return ""

    @property
    def _tail_limit(self) -> int:
        return max(1, self._limit - self._limit // 2)

    def _kept_tail(self) -> bytes:
        return bytes(self._tail[-self._tail_limit :])

    def _pass_on(self, chunk: bytes) -> None:
        if self._on_line is None:
            return
        self._waiting += chunk
        *lines, rest = bytes(self._waiting).split(b"\n")
        for line in lines:
            self._emit_broken(line)
        while len(rest) > LONGEST_LINE:
            piece = _without_broken_end(rest[:LONGEST_LINE])
            self._emit(piece.decode("utf-8", "replace"))
            rest = rest[len(piece) :]
        self._waiting = bytearray(rest)

    def _flush(self) -> None:
        if self._waiting:
            self._emit_broken(bytes(self._waiting))
            self._waiting.clear()

    def _emit_broken(self, line: bytes) -> None:
        while len(line) > LONGEST_LINE:
            piece = _without_broken_end(line[:LONGEST_LINE])
            self._emit(piece.decode("utf-8", "replace"))
            line = line[len(piece) :]
        self._emit(line.decode("utf-8", "replace"))

    def _emit(self, text: str) -> None:
        if self._on_line is None:
            return
        for line in harmless(text.removesuffix("\r")).split("\n"):
            self._on_line(line)


def _notice(left_out: int) -> str:
    return f"[… {left_out} bytes left out …]"


def _without_broken_end(data: bytes) -> bytes:
    """Leave off the beginning of a UTF-8 character whose end was cut away."""
    for back in range(1, min(4, len(data)) + 1):
        byte = data[-back]
        if byte & 0b1100_0000 == 0b1000_0000:
            continue
        width = 4 if byte >= 0xF0 else 3 if byte >= 0xE0 else 2 if byte >= 0xC0 else 1
        return data[:-back] if width > back and back < len(data) else data
    return data


def _without_broken_start(data: bytes) -> bytes:
    """Leave off the end of a UTF-8 character whose beginning was cut away."""
    start = 0
    while start < min(3, len(data)) and data[start] & 0b1100_0000 == 0b1000_0000:
        start += 1
    return data[start:]
