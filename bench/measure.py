"""One measured operation, by turns with the floor that it is compared to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from bench.client import Unexpected
from bench.meter import Meter
from bench.operations import Operation

WARM_SHARE = 0.3
TURNS = 4  # a machine that others use changes its speed within seconds: floor and operation must share that


@dataclass
class Row:
    """Milliseconds of processor time per operation, by component; `floor` is what its floor took by turns with it."""

    name: str
    spent: dict[str, float] = field(default_factory=dict)
    goal: float | None = None
    hashes: float | None = None
    failure: str = ""
    floor: float = 0.0

    @property
    def total(self) -> float:
        return sum(self.spent.values())


def measure(operation: Operation, meter: Meter, floor: Callable[[], float] | None = None) -> Row:
    """Warm up, then measure; an operation that fails is reported as such and costs the others nothing.

    `floor` measures the floor once, in milliseconds.
    """
    row = Row(operation.name, goal=operation.goal, hashes=operation.hashes)
    spent = dict.fromkeys(meter.roots, 0.0)
    done, beside = 0, []
    try:
        operation.run(max(1, int(operation.count * WARM_SHARE)))
        for _ in range(TURNS):
            beside += [floor()] if floor else []
            before = meter.read()
            done += operation.run(max(1, operation.count // TURNS))
            after = meter.read()
            spent = {name: spent[name] + after[name] - before[name] for name in spent}
    except (Unexpected, OSError, RuntimeError, httpx.HTTPError, KeyError) as error:
        row.failure = f"{type(error).__name__}: {error}"[:200]
        return row
    row.spent = {name: value / done for name, value in spent.items()}
    row.floor = sum(beside) / len(beside) if beside else row.total
    return row
