"""`python -m bench`: the product on one core, the load generator on the other, one table.

What counts is processor time per operation over the trees of web server, PostgreSQL and Valkey, beside a
bare WSGI function, a bare Django view and one check of a password under the same server in the same run: the
ratio survives a noisy machine. An operation takes turns with its floor, since such a machine changes its speed.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import floors
from bench.contest import compare, contest
from bench.measure import Row, measure
from bench.meter import Meter, settle
from bench.operations import Operations
from embedded.installation import Installation

# What the bare function cost where the goals were set. Goals scale with the machine: a busy or slow one
# makes everything dearer, the floor of the same run too.
FLOOR_OF_GOALS = 0.04


def main() -> int:
    options = parse()
    product, generator = cores()
    os.sched_setaffinity(0, product)  # children inherit it; this process moves on afterwards
    with (
        floors.standing() as (plain, django, hashing),
        TemporaryDirectory(prefix="cv-bench-") as home,
        Installation(Path(home)) as installation,
    ):
        os.sched_setaffinity(0, generator)
        first = [one.measured() for one in (plain, django, hashing)]
        meter = Meter.of(installation)
        settle(meter)
        rows = [
            measure(operation, meter, (hashing if operation.hashes else plain).again)
            for operation in Operations(installation).all()
            if options.only in operation.name
        ]
    others = contest(product, generator, options.only) if options.opponents else {}
    report(first, rows)
    if others:
        compare(rows, others)
    return int(any(row.failure for row in rows))


def cores() -> tuple[set[int], set[int]]:
    """Return the product's core and the generator's; the same one where there is only one."""
    mine = sorted(os.sched_getaffinity(0))
    return {mine[0]}, {mine[-1]}


def report(first: list[Row], rows: list[Row]) -> None:
    heads = ("CPU ms", "web", "postgres", "valkey", "x WSGI", "x Django", "x hash", "goal x", "")
    print(f"{'operation':<30}" + "".join(f"{head:>10}" for head in heads))
    for row in [*first, *rows]:
        if row.failure:
            print(f"{row.name:<30}  failed: {row.failure}")
            continue
        parts = [row.spent.get(name, 0.0) for name in ("web", "postgres", "valkey")]
        ratios = compared(row, first)
        numbers = "".join(f"{n:>10.3f}" for n in (row.total, *parts)) + "".join(f"{n:>10.1f}" for n in ratios)
        print(f"{row.name:<30}{numbers}{judged(row, ratios)}")


def compared(row: Row, first: list[Row]) -> list[float]:
    """Return how often each floor fits into an operation, at the speed that the machine had meanwhile.

    That is told by the floor which took turns with it: the one that its goal is set by.
    """
    if row in first:
        speed = 1.0
    else:
        speed = row.floor / max((first[2] if row.hashes else first[0]).total, 1e-9)
    return [row.total / max(one.total * speed, 1e-9) for one in first]


def judged(row: Row, ratios: list[float]) -> str:
    """Return the goal, in multiples of the floor that it is set by, and whether it is met."""
    if row.hashes:
        times, reached = row.hashes, ratios[2]
    elif row.goal:
        times, reached = row.goal / FLOOR_OF_GOALS, ratios[0]
    else:
        return ""
    return f"{times:>10.1f}{'met' if reached <= times else 'missed':>10}"


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./bin/bench", description="Measure the hot paths.")
    parser.add_argument("--only", default="", help="measure operations whose name contains this")
    parser.add_argument(
        "--opponents", action="store_true", help="measure oidc-provider and django-oauth-toolkit too"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
