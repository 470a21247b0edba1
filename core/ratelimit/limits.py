"""Classes of limits, and the arithmetic of a window that slides by two counters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import NamedTuple

SERVICE_FACTOR = 10  # service principals get ten times the rate of people
WHOLE = 1_000_000  # elapsed parts of a window are counted in millionths, alike here and in Valkey's script


@dataclass(frozen=True)
class Limit:
    """`quota` requests of the class `name` in any `window` seconds."""

    name: str
    quota: int
    window: int = 60

    @cached_property
    def policy(self) -> str:
        """The limit as the header RateLimit-Policy says it."""
        return f'"{self.name}";q={self.quota};w={self.window}'


STANDARD, WRITE = Limit("standard", 300), Limit("write", 60)
SEARCH, BULK = Limit("search", 120), Limit("bulk", 10)
CLASSES = {limit.name: limit for limit in (STANDARD, WRITE, SEARCH, BULK)}


@lru_cache(maxsize=1024)
def limit_for(name: str, *, service: bool = False, quota: int | None = None) -> Limit:
    """The limit of a class, tenfold for service principals; `quota` is a plan's override. Raises KeyError."""
    limit = CLASSES[name]
    if quota is not None:
        return replace(limit, quota=quota)
    return replace(limit, quota=limit.quota * SERVICE_FACTOR) if service else limit


class Count(NamedTuple):
    """What was used before this request: in the current and the previous window, and how far this one is."""

    current: int
    previous: int
    elapsed: int  # millionths of the window

    @property
    def used(self) -> int:
        """Rounded up: a part of a request still counts as one, or a turn of the window would admit one more."""
        return self.current - (-self.previous * (WHOLE - self.elapsed) // WHOLE)


class State(NamedTuple):
    """Where a subject stands against one limit: requests left, and seconds until there are more."""

    limit: Limit
    allowed: bool
    remaining: int
    reset: int


class Decision(NamedTuple):
    """The answer for one request. `degraded` says that Valkey did not take part in it."""

    states: tuple[State, ...]
    allowed: bool
    degraded: bool = False

    @property
    def violated(self) -> list[str]:
        """The classes over their limit, each once."""
        return list(dict.fromkeys(state.limit.name for state in self.states if not state.allowed))

    @property
    def retry_after(self) -> int:
        """Seconds after which every violated limit admits the request again; 0 when it is allowed."""
        return max((state.reset for state in self.states if not state.allowed), default=0)

    def headers(self) -> dict[str, str]:
        """`RateLimit-Policy`, `RateLimit` (the tightest state of each class) and, refused, `Retry-After`."""
        shown = self._tightest()
        states = [f'"{state.limit.name}";r={state.remaining};t={state.reset}' for state in shown]
        out = {
            "RateLimit-Policy": ", ".join([state.limit.policy for state in shown]),
            "RateLimit": ", ".join(states),
        }
        return out if self.allowed else {**out, "Retry-After": str(self.retry_after)}

    def _tightest(self) -> Sequence[State]:
        """Return the state of each class that leaves least, the most generous class first."""
        if len(self.states) == 1:
            return self.states
        tightest: dict[str, State] = {}
        for state in sorted(self.states, key=lambda state: (state.remaining, -state.reset)):
            tightest.setdefault(state.limit.name, state)
        return sorted(tightest.values(), key=lambda state: -state.limit.quota)


def decide(limits: Sequence[Limit], counts: Sequence[Count], cost: int) -> Decision:
    """Admit `cost` only when every limit has room for it; what is refused is not counted anywhere."""
    room = [limit.quota - count.used for limit, count in zip(limits, counts, strict=True)]
    allowed = min(room, default=cost) >= cost
    spent = cost if allowed else 0
    states = [
        State(limit, left >= cost, max(0, left - spent), _reset(limit, count, cost, left))
        for limit, count, left in zip(limits, counts, room, strict=True)
    ]
    return Decision(tuple(states), allowed)


def _reset(limit: Limit, count: Count, cost: int, left: int) -> int:
    """Seconds until the window ends, or for what has no room until it has."""
    if left < cost:
        return _wait(limit, count, cost)
    return math.ceil(limit.window * (WHOLE - count.elapsed) / WHOLE)


def _wait(limit: Limit, count: Count, cost: int) -> int:
    """Seconds until `cost` fits, if nothing else is counted meanwhile: the older window fades evenly."""
    room, fading, start = limit.quota - cost - count.current, count.previous, 0
    if room < 0:  # not within this window: then the current one fades
        room, fading, start = limit.quota - cost, count.current, WHOLE
    if room < 0 or not fading:  # more than the quota at once
        return limit.window
    faded_at = max(0, WHOLE - room * WHOLE // fading)
    return max(1, -(-limit.window * (start + faded_at - count.elapsed) // WHOLE))
