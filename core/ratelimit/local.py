"""What this process let through: the first check, and the only one while Valkey is away."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from zlib import crc32

from .limits import WHOLE, Count, Limit

MAX_KEYS = 50_000
OVERFLOW_KEYS = 1024


class _Window:
    """Counters of one window length; `roll` follows the clock, and a step back gives nothing back."""

    def __init__(self) -> None:
        self.index = 0
        self.current: dict[str, int] = {}
        self.previous: dict[str, int] = {}

    def roll(self, index: int) -> None:
        if index == self.index + 1:
            self.previous, self.current = self.current, {}
        elif index > self.index:
            self.previous, self.current = {}, {}
        elif index >= self.index - 1:
            return
        self.index = index

    def key(self, key: str) -> str:
        """Beyond MAX_KEYS subjects share counters: stricter, in bounded memory."""
        if key in self.current or len(self.current) < MAX_KEYS:
            return key
        return f"overflow:{crc32(key.encode()) % OVERFLOW_KEYS}"


class LocalWindows:
    """Thread-safe; `reserve` counts first, so that parallel requests cannot all see the last place."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._windows: dict[int, _Window] = {}
        os.register_at_fork(after_in_child=self._reset_lock)

    def reserve(self, keys: Sequence[str], limits: Sequence[Limit], cost: int) -> list[Count]:
        """Count `cost` for each key; returns the counts before it."""
        now = time.time()
        with self._lock:
            return [self._add(key, limit.window, cost, now) for key, limit in zip(keys, limits, strict=True)]

    def release(self, keys: Sequence[str], limits: Sequence[Limit], cost: int) -> None:
        """Take back a reservation that was refused."""
        with self._lock:
            for key, limit in zip(keys, limits, strict=True):
                window = self._windows[limit.window]
                name = window.key(key)
                counters = window.current if name in window.current else window.previous
                counters[name] = max(0, counters.get(name, 0) - cost)

    def clear(self) -> None:
        with self._lock:
            self._windows.clear()

    def _add(self, key: str, length: int, cost: int, now: float) -> Count:
        window = self._windows.setdefault(length, _Window())
        index, rest = divmod(now, length)
        window.roll(int(index))
        name = window.key(key)
        before = window.current.get(name, 0)
        window.current[name] = before + cost
        return Count(before, window.previous.get(name, 0), int(rest / length * WHOLE))

    def _reset_lock(self) -> None:
        self._lock = threading.Lock()
