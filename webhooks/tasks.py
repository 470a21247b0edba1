"""Celery tasks of webhooks: the sweep of beat and the nudges after a fan-out are the same call."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from celery.signals import worker_shutting_down

from core import pools
from webhooks import nudge, pump


@shared_task(name=nudge.TASK)
def deliver() -> None:
    with pools.healing():
        pump.deliver_due()


@worker_shutting_down.connect
def _stop(*_: Any, **__: Any) -> None:
    pump.stop()
