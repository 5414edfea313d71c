"""What ends a program at once is made to leave time for tidying up."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

#: Ctrl-C, a polite end, and a terminal that was closed.
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def raised() -> Iterator[None]:
    """Let whatever asks this program to end raise :class:`KeyboardInterrupt`, as Ctrl-C does."""
    with _handled(_interrupt):
        yield


@contextmanager
def ignored() -> Iterator[None]:
    """Let nothing that asks this program to end keep it from tidying up."""
    with _handled(signal.SIG_IGN):
        yield


def _interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  as handlers are called
    raise KeyboardInterrupt


@contextmanager
def _handled(handler: signal._HANDLER) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in SIGNALS}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)
