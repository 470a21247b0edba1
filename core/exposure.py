"""Credentials that were sent over plain http: refused, and told to whoever can flag them (API-10)."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from django.http import HttpRequest

log = structlog.get_logger(__name__)
Listener = Callable[[HttpRequest], None]
_listeners: list[Listener] = []


def on_exposed(listener: Listener) -> Listener:
    """Register what looks for its own credentials in a refused request; called with no scope open."""
    _listeners.append(listener)
    return listener


def report(request: HttpRequest) -> None:
    """Tell the listeners; the refusal stands whatever they do."""
    for listener in _listeners:
        try:
            listener(request)
        except Exception as error:
            log.error("an exposed credential could not be flagged", exc_info=error)
