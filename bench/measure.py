"""One measured operation."""

from __future__ import annotations

from dataclasses import dataclass, field

import httpx

from bench.client import Unexpected
from bench.meter import Meter
from bench.operations import Operation

WARM_SHARE = 0.3


@dataclass
class Row:
    """Milliseconds of processor time per operation, by component."""

    name: str
    spent: dict[str, float] = field(default_factory=dict)
    goal: float | None = None
    hashes: float | None = None
    failure: str = ""

    @property
    def total(self) -> float:
        return sum(self.spent.values())


def measure(operation: Operation, meter: Meter) -> Row:
    """Warm up, then measure; an operation that fails is reported as such and costs the others nothing."""
    row = Row(operation.name, goal=operation.goal, hashes=operation.hashes)
    try:
        operation.run(max(1, int(operation.count * WARM_SHARE)))
        before = meter.read()
        count = operation.run(operation.count)
        after = meter.read()
    except (Unexpected, OSError, RuntimeError, httpx.HTTPError, KeyError) as error:
        row.failure = f"{type(error).__name__}: {error}"[:200]
        return row
    row.spent = {name: (after[name] - before[name]) / count for name in after}
    return row
