"""httpcore network backends that connect to checked addresses only and keep one deadline per connection.

httpcore takes SNI, certificate name and Host from the URL, and only the socket goes to the address found
here, so that the checked address is the called one. A connection serves one request: its deadline, counted
from the name lookup on, bounds a peer that sends a byte now and then.
"""

# ruff: noqa: ASYNC109 -- the signatures are httpcore's

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable
from typing import Any

import httpcore

from .errors import OutboundFailed, OutboundRefused
from .resolver import resolve, resolve_async

MAX_ADDRESSES = 4
WRITE_SIZE = 16 * 1024


class Deadline:
    """A point in monotonic time; `within` shortens a timeout to what is left, or raises OutboundFailed."""

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds

    def within(self, timeout: float | None) -> float:
        left = self._at - time.monotonic()
        if left <= 0:
            raise OutboundFailed("timeout")
        return left if timeout is None else min(timeout, left)


class PinnedBackend(httpcore.NetworkBackend):
    """Resolves, checks and connects; `total` seconds bound everything on the connection."""

    def __init__(self, connect: float, total: float) -> None:
        self._connect, self._total = connect, total
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        deadline, connecting = Deadline(self._total), Deadline(self._connect)
        addresses = resolve(host, port, connecting.within(None))[:MAX_ADDRESSES]
        failure: Exception = OutboundFailed("connect")
        for address in addresses:
            try:
                stream = self._backend.connect_tcp(address, port, connecting.within(None))
                return _Stream(stream, deadline)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.NetworkStream:
        raise OutboundRefused("unix socket")


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream, self._deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.within(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), WRITE_SIZE):
            self._stream.write(buffer[start : start + WRITE_SIZE], self._deadline.within(timeout))

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, self._deadline.within(timeout))
        return _Stream(stream, self._deadline)

    def close(self) -> None:
        self._stream.close()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class AsyncPinnedBackend(httpcore.AsyncNetworkBackend):
    """As `PinnedBackend`, on asyncio."""

    def __init__(self, connect: float, total: float) -> None:
        self._connect, self._total = connect, total
        self._backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        deadline, connecting = Deadline(self._total), Deadline(self._connect)
        addresses = (await resolve_async(host, port, connecting.within(None)))[:MAX_ADDRESSES]
        failure: Exception = OutboundFailed("connect")
        for address in addresses:
            try:
                stream = await self._backend.connect_tcp(address, port, connecting.within(None))
                return _AsyncStream(stream, deadline)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.AsyncNetworkStream:
        raise OutboundRefused("unix socket")


class _AsyncStream(httpcore.AsyncNetworkStream):
    def __init__(self, stream: httpcore.AsyncNetworkStream, deadline: Deadline) -> None:
        self._stream, self._deadline = stream, deadline

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return await self._stream.read(max_bytes, self._deadline.within(timeout))

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._stream.write(buffer, self._deadline.within(timeout))

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        stream = await self._stream.start_tls(ssl_context, server_hostname, self._deadline.within(timeout))
        return _AsyncStream(stream, self._deadline)

    async def aclose(self) -> None:
        await self._stream.aclose()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
