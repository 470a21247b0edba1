"""What is known about the request at hand, wherever the code runs: request id, address, agent string."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

from core import ids


@dataclass(frozen=True)
class RequestContext:
    """`ip` is the client's address behind trusted proxies; empty strings where unknown."""

    request_id: str
    ip: str = ""
    user_agent: str = ""
    idempotency_key: str = ""
    reason: str = ""
    session: str = ""


_current: ContextVar[RequestContext | None] = ContextVar("request_context", default=None)


def running() -> RequestContext | None:
    """Return the context of the request at hand, None outside any."""
    return _current.get()


def current() -> RequestContext:
    """Return the running request's context; outside any request a fresh one with its own id."""
    known = _current.get()
    return known if known is not None else RequestContext(request_id=ids.new_request_id())


class use:  # noqa: N801 — reads as the function that it stands for; a generator costs each request twice as much
    """Let a context be the running one."""

    __slots__ = ("context", "token")

    def __init__(self, context: RequestContext) -> None:
        self.context = context

    def __enter__(self) -> RequestContext:
        self.token = _current.set(self.context)
        return self.context

    def __exit__(self, *_: object) -> None:
        _current.reset(self.token)


@contextmanager
def refine(**changes: Any) -> Iterator[RequestContext]:
    """Add to the running context, such as `reason=` typed by an administrator."""
    with use(replace(current(), **changes)) as refined:
        yield refined
