"""
When a request is sent again.

A request that Synapse certainly did not act on (no connection, 429) is sent again whatever it is. One that Synapse may
have acted on (connection lost, 5xx) is sent again only if it is idempotent; a create is looked for first.
"""

from __future__ import annotations

import email.utils
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from airflow_synapse_challenge.synapse.call import Call
from airflow_synapse_challenge.synapse.errors import BY_STATUS, StaleEtag, SynapseRejected, SynapseUnavailable

UNAVAILABLE = frozenset({429, 500, 502, 503, 504})
CONFLICT_TRIES = 10


@dataclass(frozen=True)
class RetryPolicy:
    """
    Bounds on sending again.

    :param total_seconds: no try starts later than this after the first one.
    :param first_pause: seconds before the second try; doubled for each further one, with jitter.
    :param longest_pause: bound on one pause, unless Synapse asks for more with ``Retry-After``.
    """

    total_seconds: float = 90.0
    first_pause: float = 0.5
    longest_pause: float = 15.0
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)
    jitter: Callable[[], float] = field(default=lambda: random.uniform(0.5, 1.5), repr=False)  # noqa: S311


@dataclass
class Attempts:
    """
    The tries of one call. Sans-I/O: the clients ask it what to do and do it.

    :param call: what is sent.
    """

    policy: RetryPolicy
    call: Call[object]
    tries: int = 0

    def __post_init__(self) -> None:
        self._start = self.policy.clock()

    def failed(self, problem: SynapseUnavailable, *, acted: bool, retry_after: float | None) -> float:
        """
        Return the seconds to wait before the next try.

        :param acted: Synapse may have acted on the request.
        :raises SynapseUnavailable: there is no next try.
        """
        self.tries += 1
        may_repeat = not acted or self.call.idempotent or self.call.recheck is not None
        pause: float = min(self.policy.first_pause * 2.0 ** (self.tries - 1), self.policy.longest_pause)
        pause *= self.policy.jitter()
        if retry_after is not None:
            pause = max(pause, retry_after)
        elapsed = self.policy.clock() - self._start
        if not may_repeat or elapsed + pause > self.policy.total_seconds:
            raise problem
        return pause


def contested() -> Retrying:
    """
    Return the tries of a write under an etag: ``for attempt in contested()``, read, and write ``with attempt``.

    Others that lost to the same writer pause differently long, so that they do not meet again.

    :raises StaleEtag: others wrote before each of the tries.
    :raises SynapseUnavailable: the last try got no answer.
    """
    return Retrying(
        retry=retry_if_exception_type((StaleEtag, SynapseUnavailable)),
        stop=stop_after_attempt(CONFLICT_TRIES),
        wait=wait_random_exponential(multiplier=0.1, max=2),
        reraise=True,
    )


def rejection(call: Call[object], answer: httpx.Response) -> SynapseRejected | StaleEtag | SynapseUnavailable | None:
    """Return the error that an answer stands for, ``None`` for a success."""
    if answer.is_success:
        return None
    words = in_words(call)
    if answer.status_code in UNAVAILABLE:
        return SynapseUnavailable(words, reason_of(answer), answer.status_code)
    kind = BY_STATUS.get(answer.status_code, SynapseRejected)
    return kind(words, reason_of(answer), answer.status_code)


def in_words(call: Call[object]) -> str:
    """Return what the call does, with its method and path."""
    return f"{call.words} ({call.method} {call.path})"


def reason_of(answer: httpx.Response) -> str:
    """Return Synapse's ``reason``, or the beginning of whatever the answer holds."""
    try:
        return str(answer.json()["reason"])
    except (ValueError, KeyError, TypeError):
        return answer.text[:200].strip() or answer.reason_phrase


def retry_after_of(answer: httpx.Response, now: datetime | None = None) -> float | None:
    """Return the seconds that ``Retry-After`` asks for, given as seconds or as an HTTP date."""
    value = answer.headers.get("Retry-After")
    if value is None:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())
