"""The long-running sealer; several may run."""

from __future__ import annotations

import signal
import time
from typing import Any

import structlog
from django.core.management.base import BaseCommand
from django.db import Error, connections

from core import valkey
from events import nudge
from events.sealing import seal_pending

log = structlog.get_logger(__name__)
POLL = 0.2  # seconds between looks when nobody nudges
SPACING = 0.2  # seconds from one batch to the next: a batch costs its look, however many events it seals
LONGEST_PAUSE = 2.0


class Command(BaseCommand):
    help = "Seal pending events into their chains until SIGTERM. Run one or more."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        self.stopping = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        nudges = Nudges()
        pause = 0.0
        while not self.stopping:
            began = time.monotonic()
            try:
                sealed = seal_pending()
            except Error as error:
                pause = min(max(pause * 2, 0.1), LONGEST_PAUSE)
                log.warning("the sealer waits for the database", error=type(error).__name__, pause=pause)
                forget_connections()
                time.sleep(pause)
            else:
                pause = 0.0
                if sealed:
                    time.sleep(max(0.0, began + SPACING - time.monotonic()))
                nudges.wait(POLL)
        nudges.close()

    def _stop(self, *_: Any) -> None:
        self.stopping = True


def forget_connections() -> None:
    """Drop the pool with its dead connections: it would try them one by one, seconds apart."""
    connections["relay"].close()
    connections["relay"].close_pool()  # type: ignore[attr-defined]


class Nudges:
    """Waits for a nudge through Valkey; with Valkey away it just waits."""

    def __init__(self) -> None:
        self._subscription: Any = None

    def wait(self, seconds: float) -> None:
        try:
            if self._subscription is None:
                self._subscription = valkey.client().pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
                self._subscription.subscribe(nudge.CHANNEL)
            self._subscription.get_message(timeout=seconds)
        except (valkey.ValkeyError, OSError):
            self.close()
            time.sleep(seconds)

    def close(self) -> None:
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            try:
                subscription.close()
            except (valkey.ValkeyError, OSError) as error:
                log.debug("closing the subscription failed", error=type(error).__name__)
