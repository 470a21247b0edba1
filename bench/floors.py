"""The floors that operations are compared to, each served throughout a run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from bench.client import Request, drive, repeat
from bench.measure import Row, measure
from bench.meter import Meter
from bench.operations import Operation
from bench.wsgi import serving

REQUEST = Request("GET", "/")


@dataclass(frozen=True)
class Floor:
    """A server of one of bench.floor's applications; `count` requests measure it, `turn` measure it once more."""

    name: str
    port: int
    meter: Meter
    count: int
    turn: int

    def measured(self) -> Row:
        return measure(Operation(self.name, self._run, self.count), self.meter)

    def again(self) -> float:
        """Return the milliseconds of one request now."""
        before = sum(self.meter.read().values())
        self._run(self.turn)
        return (sum(self.meter.read().values()) - before) / self.turn

    def _run(self, count: int) -> int:
        return drive(self.port, repeat(REQUEST, count))


KINDS = [
    ("plain", "bare WSGI function", 3000, 500),
    ("django", "bare Django view", 3000, 500),
    ("hash", "Argon2id, one check", 60, 12),
]


@contextmanager
def standing() -> Iterator[list[Floor]]:
    """Serve them all, on the processors that this process may use now."""
    with ExitStack() as stack:
        floors = []
        for application, name, count, turn in KINDS:
            port, pid = stack.enter_context(serving(f"bench.floor:{application}"))
            floors.append(Floor(name, port, Meter({"web": pid}), count, turn))
        yield floors
