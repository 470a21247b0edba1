"""Tells a worker after a commit that deliveries are due; losing it costs one sweep interval of beat."""

from __future__ import annotations

import structlog
from celery import current_app

TASK = "webhooks.deliver"
log = structlog.get_logger(__name__)


def send() -> None:
    try:
        current_app.send_task(TASK, retry=False, expires=15)
    except Exception as error:  # noqa: BLE001 — the broker may be away; the row is the promise
        log.warning("nudge failed", error=type(error).__name__)
