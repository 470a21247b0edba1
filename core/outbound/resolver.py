"""Name to checked addresses: the only place of this product that resolves a caller's host name.

`socket.getaddrinfo` knows no time limit, so it runs in a small pool of threads and the wait is bounded.
"""

from __future__ import annotations

import asyncio
import os
import socket
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache

from .addresses import is_allowed, is_public
from .errors import OutboundRefused

THREADS = 32
TIMEOUT = 5.0  # seconds


def resolve(host: str, port: int, timeout: float = TIMEOUT) -> list[str]:
    """The addresses of `host`, each of them public unless the operator lists `host:port`.

    Raises OutboundRefused when there is none, when the answer is late, or when any one is not public: a name
    that answers with both kinds is refused whole.
    """
    pending = _lookup(host, port)
    try:
        found = pending.result(timeout)
    except (OSError, UnicodeError):  # TimeoutError is an OSError
        pending.cancel()  # if it still waits for a thread, others need that place
        raise OutboundRefused("name does not resolve") from None
    return _checked(found, host, port)


async def resolve_async(host: str, port: int, timeout: float = TIMEOUT) -> list[str]:  # noqa: ASYNC109
    """As `resolve`, without blocking the event loop."""
    try:
        found = await asyncio.wait_for(asyncio.wrap_future(_lookup(host, port)), timeout)
    except (OSError, UnicodeError):
        raise OutboundRefused("name does not resolve") from None
    return _checked(found, host, port)


def _checked(found: list[str], host: str, port: int) -> list[str]:
    if not found or not (is_allowed(host, port) or all(is_public(address) for address in found)):
        raise OutboundRefused("address is not public")
    return found


def _lookup(host: str, port: int) -> Future[list[str]]:
    return _threads().submit(_addresses, host, port)


def _addresses(host: str, port: int) -> list[str]:
    answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))


@lru_cache(maxsize=1)
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, thread_name_prefix="resolver")


os.register_at_fork(after_in_child=_threads.cache_clear)  # threads do not cross a fork
