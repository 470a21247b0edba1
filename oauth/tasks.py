"""Celery tasks of the authorization server: lines that call the module that knows."""

from __future__ import annotations

from celery import shared_task

from core import pools
from oauth import backchannel


@shared_task(name=backchannel.TASK)
def deliver_logouts() -> None:
    with pools.healing():
        backchannel.deliver_due()
