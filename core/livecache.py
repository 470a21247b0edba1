"""What a process may remember between requests, and how it learns that it must forget.

A change inserts an Invalidation row in its own transaction. Each process reads the last 10 s of those
rows every second: an overlapping window, because commits reorder. If the poll fails for 3 s every
cache is bypassed, so that a node cut off from the database cannot serve what was revoked. The node
that made the change forgets at once, after its commit.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Generic, TypeVar

import structlog
from django.conf import settings
from django.db import connections, transaction

from core.postgres.prepared import Prepared

log = structlog.get_logger(__name__)
V = TypeVar("V")
INTERVAL, WINDOW, DISTRUST = 0.5, 10, 3.0
_caches: dict[str, list[LiveCache[Any]]] = {}


class LiveCache(Generic[V]):
    """A bounded map of `key` to a loaded value, forgotten by `invalidate(topic, key)`.

    None results are remembered too: rejections are as hot as successes.
    """

    def __init__(self, topic: str, *, max_items: int = 20_000, ttl: float = 60.0) -> None:
        self.topic, self.max_items, self.ttl = topic, max_items, ttl
        self._items: dict[str, tuple[float, V]] = {}
        self._generation = 0
        _caches.setdefault(topic, []).append(self)

    def get(self, key: str, load: Callable[[], V]) -> V:
        """Return the remembered value, or load it; raises what `load` raises."""
        if not _poller.trusted():
            return load()
        known = self._items.get(key)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        return self.renew(key, load)

    def renew(self, key: str, load: Callable[[], V]) -> V:
        """Load the value whatever is remembered, and remember it; raises what `load` raises."""
        now, generation = time.monotonic(), self._generation
        value = load()
        if generation == self._generation:  # nothing was invalidated while we were loading
            if len(self._items) >= self.max_items:
                self._items.clear()
            self._items[key] = (now + self.ttl, value)
        return value

    def peek(self, key: str) -> V | None:
        """Return what is remembered and may be believed, without loading; None otherwise."""
        if not _poller.trusted():
            return None
        known = self._items.get(key)
        return known[1] if known is not None and known[0] > time.monotonic() else None

    def forget(self, key: str) -> None:
        self._generation += 1
        self._items.pop(key, None)

    def clear(self) -> None:
        self._generation += 1
        self._items.clear()


class Conclusions(LiveCache[V]):
    """What follows from the caches of several topics; a change in any of them makes it forget everything.

    For what is asked on each call and takes many single answers; `ttl` adds to that of the caches below.
    """

    def __init__(self, *topics: str, ttl: float = 1.0, max_items: int = 20_000) -> None:
        super().__init__(topics[0], ttl=ttl, max_items=max_items)
        for topic in topics[1:]:
            _caches.setdefault(topic, []).append(self)

    def forget(self, key: str) -> None:
        self.clear()


def invalidate(topic: str, *keys: str, using: str = "default") -> None:
    """Record in the running transaction that `keys` of `topic` changed; forget them here on commit."""
    _INVALIDATE.post([topic, list(keys)], using=using)
    forget(topic, *keys)
    transaction.on_commit(partial(forget, topic, *keys), using=using)


def forget(topic: str, *keys: str) -> None:
    """Drop what this process remembers of `keys`."""
    for cache in _caches.get(topic, ()):
        for key in keys:
            cache.forget(key)


class _Poller:
    """One daemon thread a process, started by the first cached read."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process = 0
        self._seen_at = 0.0

    def trusted(self) -> bool:
        """Whether the last successful poll is recent enough to believe the caches."""
        if self._process != os.getpid():
            self._start(os.getpid())
        return time.monotonic() - self._seen_at < DISTRUST

    def _start(self, process: int) -> None:
        with self._lock:
            if self._process == process:
                return
            self._process, self._seen_at = process, time.monotonic()
            for caches in _caches.values():
                for cache in caches:
                    cache.clear()
            if settings.LIVECACHE_POLL:
                threading.Thread(target=self._run, name="livecache", daemon=True).start()
            else:
                self._seen_at = float("inf")

    def _run(self) -> None:
        while True:
            try:
                poll()
            except Exception as error:  # noqa: BLE001 — whatever it was, the next poll tries again
                log.warning("invalidation poll failed", error=type(error).__name__)
            time.sleep(INTERVAL)

    def seen(self) -> None:
        self._seen_at = max(self._seen_at, time.monotonic())


_poller = _Poller()
_INVALIDATE = Prepared("INSERT INTO core_invalidation (topic, key) SELECT %s, unnest(%s::text[])")
_RECENT = Prepared(
    "SELECT DISTINCT topic, key FROM core_invalidation WHERE created_at > now() - %s * interval '1 second'"
)


def poll() -> None:
    """Read the window of invalidations once and forget what they name."""
    started = time.monotonic()
    rows = _RECENT.all([WINDOW])
    connections["default"].close()
    for topic, key in rows:
        forget(topic, key)
    if time.monotonic() - started < DISTRUST:
        _poller.seen()
