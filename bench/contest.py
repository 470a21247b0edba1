"""The same operations at other servers, in one table beside ours: `./bin/bench --opponents`."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager

from bench.measure import Row, measure
from bench.meter import Meter
from bench.opponents import servers
from bench.opponents.flows import Opponent

FIELD: tuple[Callable[[], AbstractContextManager[Opponent]], ...] = (
    servers.oidc_provider,
    servers.toolkit,
    lambda: servers.toolkit("digest"),
)


def contest(product: set[int], generator: set[int], only: str) -> dict[str, list[Row]]:
    """Measure each opponent on the product's core; one that cannot be had is said to be missing."""
    results: dict[str, list[Row]] = {}
    for start in FIELD:
        os.sched_setaffinity(0, product)
        try:
            with start() as opponent:
                os.sched_setaffinity(0, generator)
                meter = Meter(opponent.processes)
                results[opponent.name] = [
                    measure(operation, meter) for operation in opponent.operations() if only in operation.name
                ]
        except (servers.Missing, RuntimeError, OSError) as error:
            print(f"not measured: {error}")
    os.sched_setaffinity(0, generator)
    return results


def compare(ours: list[Row], others: dict[str, list[Row]]) -> None:
    """Print processor milliseconds per operation side by side, the database included."""
    known = {row.name: row for row in ours}
    names = list(dict.fromkeys(row.name for rows in others.values() for row in rows))
    print(f"\n{'CPU ms, database included':<30}" + "".join(f"{name:>22}" for name in ("claviger", *others)))
    for name in names:
        columns = [known.get(name), *(_named(rows, name) for rows in others.values())]
        print(f"{name:<30}" + "".join(f"{_cell(row):>22}" for row in columns))
    for at, rows in others.items():
        for row in rows:
            if row.failure:
                print(f"{at}: {row.name} failed: {row.failure}")


def _named(rows: list[Row], name: str) -> Row | None:
    return next((row for row in rows if row.name == name), None)


def _cell(row: Row | None) -> str:
    if row is None:
        return "-"
    return "failed" if row.failure else f"{row.total:.3f}"
