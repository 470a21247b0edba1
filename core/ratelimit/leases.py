"""Calls paid for in advance at the shared count, so that a busy subject needs no round trip for each call.

Only a subject that calls again within a second pays ahead, and at most a twentieth of what it has left: the
shared count may run ahead of the truth by that, never behind. What is left when a window turns is lost.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from .limits import WHOLE, Count, Limit

MOST, SHARE = 50, 20
BUSY = 1.0  # seconds
MAX_LEASES = 20_000
Keys = tuple[str, ...]


@dataclass
class Lease:
    """`left` calls are paid for and not made; `paid` are the shared counts after the last payment."""

    indexes: list[int]
    paid: list[Count]
    left: int
    bought_at: float


class Leases:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._leases: dict[Keys, Lease] = {}
        self._paying: set[Keys] = set()

    def use(self, keys: Keys, limits: Sequence[Limit], cost: int) -> list[Count] | None:
        """Spend `cost` of what was paid for; returns the counts before it, None where too little is left."""
        now = time.time()
        with self._lock:
            lease = self._leases.get(keys)
            if lease is None or lease.left < cost or lease.indexes != _indexes(limits, now):
                return None
            left = lease.left
            lease.left -= cost
        return [
            Count(paid.current - left, paid.previous, _elapsed(limit, now))
            for paid, limit in zip(lease.paid, limits, strict=True)
        ]

    def ahead(self, keys: Keys, limits: Sequence[Limit]) -> int:
        """Return how many calls to pay for besides the one at hand; whoever gets some calls `settle` in the end.

        One at a time pays ahead for a subject: what many threads reserved at once would seem to use up its limit.
        """
        with self._lock:
            lease = self._leases.get(keys)
            if lease is None or keys in self._paying or time.time() - lease.bought_at > BUSY:
                return 0
            left = min(limit.quota - paid.used for limit, paid in zip(limits, lease.paid, strict=True))
            more = max(0, min(MOST, left // SHARE))
            if more:
                self._paying.add(keys)
            return more

    def settle(self, keys: Keys) -> None:
        """Let the next one pay ahead."""
        with self._lock:
            self._paying.discard(keys)

    def keep(
        self, keys: Keys, limits: Sequence[Limit], before: Sequence[Count], cost: int, ahead: int
    ) -> None:
        """Remember a payment of `cost` and `ahead` more, made when the counts were `before`."""
        now = time.time()
        paid = [Count(count.current + cost + ahead, count.previous, count.elapsed) for count in before]
        indexes = _indexes(limits, now)
        with self._lock:
            if len(self._leases) >= MAX_LEASES:
                self._leases.clear()
            held = self._leases.get(keys)
            if held is not None and held.indexes == indexes:  # another thread may have paid after us
                paid = [
                    max(pair, key=lambda count: count.current) for pair in zip(paid, held.paid, strict=True)
                ]
                ahead += held.left
            self._leases[keys] = Lease(indexes, paid, ahead, now)

    def clear(self) -> None:
        with self._lock:
            self._leases.clear()
            self._paying.clear()


def _indexes(limits: Sequence[Limit], now: float) -> list[int]:
    return [int(now // limit.window) for limit in limits]


def _elapsed(limit: Limit, now: float) -> int:
    return int(now % limit.window / limit.window * WHOLE)
