"""The two clients that send calls: synchronous for workers, asynchronous for the triggerer."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Self, TypeVar, cast

import httpx

from airflow_synapse_challenge import __version__
from airflow_synapse_challenge.errors import ConfigurationError
from airflow_synapse_challenge.synapse.call import Call, Pages, Service
from airflow_synapse_challenge.synapse.errors import SynapseUnavailable
from airflow_synapse_challenge.synapse.retry import (
    Attempts,
    RetryPolicy,
    in_words,
    rejection,
    retry_after_of,
)

T = TypeVar("T")
USER_AGENT = f"airflow-synapse-challenge/{__version__}"
TIMEOUT = httpx.Timeout(60.0, connect=10.0)
#: For questions that may go unanswered this time, asked by somebody who must not wait long.
IMPATIENT: dict[str, Any] = {"retry": RetryPolicy(total_seconds=1.0), "timeout": httpx.Timeout(3.0)}


@cache
def tls_context() -> ssl.SSLContext:
    """Return the trust in certificates of all clients of this process: reading it takes longer than a request."""
    return httpx.create_ssl_context()


@dataclass(frozen=True)
class Endpoints:
    """
    Where a Synapse is.

    :param repo: base of the repository service, ending in ``/repo/v1``.
    :param portal: base of the web site.
    """

    repo: str
    auth: str
    file: str
    portal: str

    @classmethod
    def production(cls) -> Endpoints:
        """Return Sage Bionetworks' own Synapse."""
        return cls(
            repo="https://repo-prod.prod.sagebase.org/repo/v1",
            auth="https://auth-prod.prod.sagebase.org/auth/v1",
            file="https://file-prod.prod.sagebase.org/file/v1",
            portal="https://www.synapse.org",
        )

    @classmethod
    def at(cls, base: str) -> Endpoints:
        """
        Return a Synapse whose services lie below one address.

        :raises ConfigurationError: that is no http(s) address.
        """
        base = base.rstrip("/")
        if not base.startswith(("http://", "https://")):
            raise ConfigurationError(f"{base!r} is no address of a Synapse; give one like http://127.0.0.1:7007.")
        return cls(repo=f"{base}/repo/v1", auth=f"{base}/auth/v1", file=f"{base}/file/v1", portal=base)

    def of(self, service: Service) -> str:
        """Return the base of one service."""
        return cast("str", getattr(self, service))


class _Sender:
    """What both clients share: how a call becomes a request and an answer a result."""

    def __init__(self, token: str, endpoints: Endpoints, retry: RetryPolicy | None) -> None:
        self.endpoints = endpoints
        self._retry = retry or RetryPolicy()
        self._headers = {
            "Authorization": f"Bearer {token}",
            "Accept": "application/json",
            "User-Agent": USER_AGENT,
        }

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.endpoints.repo})"

    def _request(self, call: Call[Any]) -> dict[str, Any]:
        return {
            "method": call.method,
            "url": self.endpoints.of(call.service) + call.path,
            "params": dict(call.params),
            "json": call.json,
        }

    def _judge(self, attempts: Attempts, answer: httpx.Response | httpx.TransportError) -> float | None:
        """Return the pause before the next try, or ``None`` for an answer that holds the result."""
        call = attempts.call
        if isinstance(answer, httpx.TransportError):
            acted = not isinstance(answer, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
            problem = SynapseUnavailable(in_words(call), f"{type(answer).__name__} {answer}".strip())
            return attempts.failed(problem, acted=acted, retry_after=None)
        error = rejection(call, answer)
        if isinstance(error, SynapseUnavailable):
            return attempts.failed(error, acted=answer.status_code != 429, retry_after=retry_after_of(answer))
        if error and not (call.missing_is_none and answer.status_code == 404):
            raise error
        return None

    def _parse(self, call: Call[T], answer: httpx.Response) -> T:
        if not answer.content or answer.status_code == 404:
            return call.parse(None)
        try:
            return call.parse(answer.json())
        except ValueError as error:
            raise SynapseUnavailable(
                in_words(cast("Call[object]", call)), f"the answer cannot be read: {error}"
            ) from error


class SynapseClient(_Sender):
    """
    Send calls one after another.

    :param token: personal access token; shown nowhere.
    :param endpoints: which Synapse.
    :param retry: bounds on sending again.
    :param timeout: bounds on one answer.
    :param transport: replaces the network, for tests.
    :param sleep: waits between tries.
    """

    def __init__(
        self,
        token: str,
        endpoints: Endpoints,
        *,
        retry: RetryPolicy | None = None,
        timeout: httpx.Timeout = TIMEOUT,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(token, endpoints, retry)
        self._http = httpx.Client(headers=self._headers, timeout=timeout, transport=transport, verify=tls_context())
        self._sleep = sleep

    def send(self, call: Call[T]) -> T:
        """
        Send a call and return its result.

        :raises SynapseUnavailable: no answer within the bounds.
        :raises SynapseRejected: Synapse refused.
        """
        attempts = Attempts(self._retry, cast("Call[object]", call))
        while True:
            answer: httpx.Response | httpx.TransportError
            try:
                answer = self._http.request(**self._request(call))
            except httpx.TransportError as error:
                answer = error
            pause = self._judge(attempts, answer)
            if pause is None:
                return self._parse(call, cast("httpx.Response", answer))
            self._sleep(pause)
            if call.recheck and (found := self.send(call.recheck)) is not None:
                return found

    def pages(self, pages: Pages[T]) -> Iterator[T]:
        """Yield every item of a listing."""
        offset = 0
        while True:
            items = self.send(pages.call(offset))
            yield from items
            if len(items) < pages.limit:
                return
            offset += len(items)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncSynapseClient(_Sender):
    """
    Send calls from an event loop. The parameters are those of :class:`SynapseClient`.
    """

    def __init__(
        self,
        token: str,
        endpoints: Endpoints,
        *,
        retry: RetryPolicy | None = None,
        timeout: httpx.Timeout = TIMEOUT,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        super().__init__(token, endpoints, retry)
        self._http = httpx.AsyncClient(
            headers=self._headers, timeout=timeout, transport=transport, verify=tls_context()
        )
        self._sleep = sleep

    async def send(self, call: Call[T]) -> T:
        """Send a call and return its result; errors as in :meth:`SynapseClient.send`."""
        attempts = Attempts(self._retry, cast("Call[object]", call))
        while True:
            answer: httpx.Response | httpx.TransportError
            try:
                answer = await self._http.request(**self._request(call))
            except httpx.TransportError as error:
                answer = error
            pause = self._judge(attempts, answer)
            if pause is None:
                return self._parse(call, cast("httpx.Response", answer))
            await self._sleep(pause)
            if call.recheck and (found := await self.send(call.recheck)) is not None:
                return found

    async def pages(self, pages: Pages[T]) -> AsyncIterator[T]:
        """Yield every item of a listing."""
        offset = 0
        while True:
            items = await self.send(pages.call(offset))
            for item in items:
                yield item
            if len(items) < pages.limit:
                return
            offset += len(items)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
