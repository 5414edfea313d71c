"""How a container ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Observed:
    """
    What whoever watched a container saw of its end.

    :param timed_out: it was ended for its run time.
    :param cancelled: it was ended on request.
    :param peak_memory_bytes: the most memory that was seen.
    """

    timed_out: bool = False
    cancelled: bool = False
    peak_memory_bytes: int | None = None


#: Nobody watched it, or nothing was to be seen.
UNOBSERVED = Observed()


@dataclass(frozen=True)
class Outcome:
    """
    The engine's own report.

    :param exit_code: ``None`` if it never ran to an end of its own.
    :param oom_killed: the kernel ended it for its memory.
    :param timed_out: it was ended for its run time.
    :param cancelled: it was ended on request.
    :param seconds: run time.
    :param image_digest: the image that really ran.
    :param log: bounded and harmless to print.
    :param log_bytes_total: how much it printed.
    :param results: content of the result files that were there.
    :param refused: why a result was refused; ``None`` if none was.
    :param adopted: an earlier try had started it.
    :param peak_memory_bytes: the most memory that was seen; ``None`` if nobody looked in time.
    :param storage_full: the engine ended it because it filled its share of the engine's disk.
    """

    exit_code: int | None
    oom_killed: bool
    timed_out: bool
    cancelled: bool
    seconds: float
    image_digest: str
    log: str
    log_bytes_total: int
    results: Mapping[str, bytes] = field(default_factory=dict)
    refused: str | None = None
    adopted: bool = False
    peak_memory_bytes: int | None = None
    storage_full: bool = False
