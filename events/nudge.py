"""Tells the sealer after a commit that something waits; losing it costs one poll of the sealer."""

from __future__ import annotations

import time

import structlog
from django.db import transaction

from core import valkey

log = structlog.get_logger(__name__)
CHANNEL = "events.pending"
SPACING = 0.1  # seconds: a busy process nudges ten times a second, not once an event
_last = 0.0


def after_commit(alias: str) -> None:
    global _last
    now = time.monotonic()
    if now - _last >= SPACING:
        _last = now
        transaction.on_commit(_publish, using=alias)


def _publish() -> None:
    try:
        valkey.client().publish(CHANNEL, b"")
    except valkey.ValkeyError as error:
        log.debug("nudge lost", error=type(error).__name__)
