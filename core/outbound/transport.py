"""httpx transports with every rule of the way out inside, so that any client built on them keeps the rules.

One request per connection, no redirects of its own, no proxies, no environment, no compressed answers (an
encoded answer is refused before a byte of it is expanded), answers cut or refused at `max_bytes`.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import certifi
import httpcore
import httpx

from . import urls
from .errors import OutboundFailed
from .network import AsyncPinnedBackend, PinnedBackend


@dataclass(frozen=True)
class Limits:
    """Seconds to connect and in all, bytes of answer; `truncate` keeps the first bytes instead of failing."""

    connect: float = 5.0
    total: float = 15.0
    max_bytes: int = 1024 * 1024
    truncate: bool = False


DEFAULT_LIMITS = Limits()


class PinnedTransport(httpx.BaseTransport):
    """The synchronous transport. Raises OutboundRefused and OutboundFailed, nothing of httpx or httpcore."""

    def __init__(self, limits: Limits = DEFAULT_LIMITS, ssl_context: ssl.SSLContext | None = None) -> None:
        self._limits = limits
        self._pool = httpcore.ConnectionPool(
            ssl_context=ssl_context or default_ssl_context(),
            max_keepalive_connections=0,
            network_backend=PinnedBackend(limits.connect, limits.total),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        urls.check(request.url)
        with coarse_errors():
            answer = self._pool.handle_request(_outgoing(request, self._limits))
        try:
            _check_headers(answer, self._limits)
        except OutboundFailed:
            answer.close()
            raise
        stream = CappedStream(answer.stream, self._limits)
        return httpx.Response(
            answer.status, headers=answer.headers, stream=stream, extensions={"cap": stream.cap}
        )

    def close(self) -> None:
        self._pool.close()


class AsyncPinnedTransport(httpx.AsyncBaseTransport):
    """The asyncio transport, with the same rules and errors."""

    def __init__(self, limits: Limits = DEFAULT_LIMITS, ssl_context: ssl.SSLContext | None = None) -> None:
        self._limits = limits
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl_context or default_ssl_context(),
            max_keepalive_connections=0,
            network_backend=AsyncPinnedBackend(limits.connect, limits.total),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        urls.check(request.url)
        with coarse_errors():
            answer = await self._pool.handle_async_request(_outgoing(request, self._limits))
        try:
            _check_headers(answer, self._limits)
        except OutboundFailed:
            await answer.aclose()
            raise
        stream = AsyncCappedStream(answer.stream, self._limits)
        return httpx.Response(
            answer.status, headers=answer.headers, stream=stream, extensions={"cap": stream.cap}
        )

    async def aclose(self) -> None:
        await self._pool.aclose()


class Cap:
    """Counts what came; `cut` returns what to keep of a part. Over the cap it truncates or raises."""

    def __init__(self, limits: Limits) -> None:
        self._limits, self._left, self.truncated = limits, limits.max_bytes, False

    def cut(self, part: bytes) -> bytes:
        if len(part) > self._left:
            if not self._limits.truncate:
                raise OutboundFailed("too_large")
            self.truncated = True
        kept = part[: self._left]
        self._left -= len(kept)
        return kept


class CappedStream(httpx.SyncByteStream):
    def __init__(self, stream: Any, limits: Limits) -> None:
        self._stream, self.cap = stream, Cap(limits)

    def __iter__(self) -> Iterator[bytes]:
        with coarse_errors():
            for part in self._stream:
                yield self.cap.cut(part)
                if self.cap.truncated:
                    return

    def close(self) -> None:
        self._stream.close()


class AsyncCappedStream(httpx.AsyncByteStream):
    def __init__(self, stream: Any, limits: Limits) -> None:
        self._stream, self.cap = stream, Cap(limits)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with coarse_errors():
            async for part in self._stream:
                yield self.cap.cut(part)
                if self.cap.truncated:
                    return

    async def aclose(self) -> None:
        await self._stream.aclose()


def _outgoing(request: httpx.Request, limits: Limits) -> httpcore.Request:
    """The request as sent: our own Host, encoding and connection headers; no extension of the caller's."""
    url = request.url
    ours = {b"host": url.netloc, b"accept-encoding": b"identity", b"connection": b"close"}
    headers = [(name, value) for name, value in request.headers.raw if name.lower() not in ours]
    waits = {"connect": limits.connect, "read": limits.total, "write": limits.total, "pool": limits.connect}
    return httpcore.Request(
        request.method,
        httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
        headers=[*ours.items(), *headers],
        content=request.stream,
        extensions={"timeout": waits},
    )


def _check_headers(answer: httpcore.Response, limits: Limits) -> None:
    headers = httpx.Headers(answer.headers)
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise OutboundFailed("encoding")
    announced = headers.get("content-length", "0")
    if not limits.truncate and announced.isdecimal() and int(announced[:20]) > limits.max_bytes:
        raise OutboundFailed("too_large")


@contextmanager
def coarse_errors() -> Iterator[None]:
    """Whatever the network did wrong becomes one OutboundFailed with a reason for the operator."""
    try:
        yield
    except (httpcore.TimeoutException, TimeoutError):
        raise OutboundFailed("timeout") from None
    except (httpcore.NetworkError, OSError) as error:
        raise OutboundFailed("tls" if _is_tls(error) else "connect") from None
    except (httpcore.ProtocolError, httpcore.UnsupportedProtocol, ValueError):
        raise OutboundFailed("protocol") from None


def _is_tls(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLError):
        cause = cause.__cause__ or cause.__context__
    return cause is not None


@lru_cache(maxsize=1)
def default_ssl_context() -> ssl.SSLContext:
    """Public authorities from certifi, TLS 1.2 and later; built once, since loading the bundle is slow."""
    context = ssl.create_default_context(cafile=certifi.where())
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
