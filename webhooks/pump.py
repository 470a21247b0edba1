"""The delivery pump: one a process, refilled as requests end, gone when nothing is due.

A slow receiver keeps its own place in the pump and no one else's (promise R18): while some requests hang,
others are taken, sent and recorded.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import TypeVar
from uuid import UUID

import structlog

from webhooks import messages, queue, recording
from webhooks.messages import Message
from webhooks.queue import Leased
from webhooks.sending import Result, Sender

log = structlog.get_logger(__name__)
IN_FLIGHT = 200  # requests of this process
BATCH = 100
LINGER = 0.02  # seconds
GLANCE = 0.25  # seconds between looks at the queue while requests are under way

_running = threading.Lock()
_wake = threading.Event()
_stopping = threading.Event()
T = TypeVar("T", Leased, Result)


def deliver_due() -> int:
    """Deliver what is due and return how many attempts that were.

    While one call runs in this process, another only makes sure that the first looks again, and returns 0.
    """
    total = 0
    _wake.set()
    while _wake.is_set() and _running.acquire(blocking=False):
        try:
            _wake.clear()
            with Sender() as sender:
                total += _Pump(sender).run()
        finally:
            _running.release()
    return total


def stop() -> None:
    """Take nothing more; what is under way may end. The process is going down."""
    _stopping.set()


class _Pump:
    def __init__(self, sender: Sender) -> None:
        self.sender = sender
        self.flying: set[Future[Result]] = set()

    def run(self) -> int:
        total = 0
        while True:
            taken = self.refill()
            if self.flying:
                total += self.land()
            elif not taken:
                return total

    def land(self) -> int:
        """Wait for requests to end and record them; returns how many did.

        After the first it lingers for those that end with it, so that they share transactions.
        """
        if wait(self.flying, timeout=GLANCE, return_when=FIRST_COMPLETED).done:
            time.sleep(LINGER)
        done, self.flying = wait(self.flying, timeout=0)
        finish([future.result() for future in done])
        return len(done)

    def refill(self) -> int:
        """Take due deliveries into the free places and send them; returns how many were taken."""
        room = min(IN_FLIGHT - len(self.flying), BATCH)
        if _stopping.is_set() or room <= 0:
            return 0
        leased = queue.lease_due(room)
        for tenant_id, own in by_tenant(leased).items():
            for message in compose(tenant_id, own):
                self.flying.add(self.sender.send(message))
        return len(leased)


def compose(tenant_id: UUID, leased: list[Leased]) -> list[Message]:
    """Return a tenant's messages; a tenant that fails keeps its leases until they end and holds up nobody."""
    try:
        found, returned = messages.compose(tenant_id, leased)
        recording.put_back(tenant_id, returned)
    except Exception as error:
        log.exception("composing webhooks failed", tenant=str(tenant_id), exc_info=error)
        return []
    return found


def finish(results: list[Result]) -> None:
    """Record results by tenant; one that cannot be recorded is sent again when its lease ends."""
    for tenant_id, own in by_tenant(results).items():
        try:
            recording.record(tenant_id, own)
        except Exception as error:
            log.exception("recording webhooks failed", tenant=str(tenant_id), exc_info=error)


def by_tenant(things: Iterable[T]) -> dict[UUID, list[T]]:
    found: dict[UUID, list[T]] = defaultdict(list)
    for thing in things:
        leased = thing if isinstance(thing, Leased) else thing.message.leased
        found[leased.tenant_id].append(thing)
    return dict(found)
