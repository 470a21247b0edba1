"""Who is told when the door refuses a caller it knows: audit, bound from above (TEN-06)."""

from __future__ import annotations

from collections.abc import Callable

from core.errors import Problem
from core.principal import Principal

Listener = Callable[[Principal, Problem], None]
_listeners: list[Listener] = []


def on_denied(listener: Listener) -> Listener:
    """Register what happens after a 403, with no scope open; it must not raise."""
    _listeners.append(listener)
    return listener


def report(caller: Principal, problem: Problem) -> None:
    if problem.status == 403:
        for listener in _listeners:
            listener(caller, problem)
