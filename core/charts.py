"""Geometry of the server-rendered charts: numbers in, SVG coordinates out. No markup here.

The plot is drawn in a 600 × 200 box that stretches to its container; strokes do not scale, and labels are
HTML around the plot, so that a chart reads equally at 390 and 1280 px.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import Any

WIDTH, HEIGHT = 600, 200
TICKS = 4

Number = int | float


@dataclass(frozen=True)
class Series:
    """One row of values, in the order of the labels; `shade` is 1 to 6, a colour in chart.css."""

    label: str
    values: tuple[Number, ...]
    shade: int


def series_of(rows: Sequence[Mapping[str, Any]]) -> list[Series]:
    """Read [{"label", "values"}]; a missing value counts as nothing."""
    return [
        Series(str(row["label"]), tuple(value or 0 for value in row["values"]), index % 6 + 1)
        for index, row in enumerate(rows)
    ]


def ceiling(highest: Number) -> Number:
    """Return the number at the top of the axis, of which every tick is round; whole ones for whole numbers."""
    if highest <= 0:
        return TICKS
    least = highest / TICKS
    power: Number = 10 ** floor(log10(least))
    steps = (step * power for step in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10))
    step = next(step for step in steps if step >= least)
    return TICKS * (ceil(step) if isinstance(highest, int) else step)


def ticks(top: Number) -> list[Number]:
    """Return axis values from the top down to zero, whole wherever they are whole."""
    values = [top * step / TICKS for step in range(TICKS, -1, -1)]
    return [int(value) if float(value).is_integer() else round(value, 2) for value in values]


def points(values: Sequence[Number], top: Number, width: int = WIDTH, height: int = HEIGHT) -> str:
    """Return `x,y x,y …` of a line; a single value becomes a level line."""
    row = [*values, *values] if len(values) == 1 else list(values)
    step = width / max(len(row) - 1, 1)
    return " ".join(f"{at * step:.1f},{height - value / top * height:.1f}" for at, value in enumerate(row))


def columns(count: int, width: int = WIDTH, gap: float = 0.0) -> list[tuple[float, float]]:
    """Return (x, width) of `count` equal columns with `gap` (a share of the column) between them."""
    pitch = width / max(count, 1)
    return [(round(at * pitch + pitch * gap / 2, 2), round(pitch * (1 - gap), 2)) for at in range(count)]


def stack(values: Sequence[Number], top: Number) -> list[tuple[float, float]]:
    """Return (y, height) of one stacked column, first series at the bottom."""
    boxes, base = [], float(HEIGHT)
    for value in values:
        height = value / top * HEIGHT
        base -= height
        boxes.append((round(base, 2), round(height, 2)))
    return boxes


def level(value: Number, highest: Number) -> int:
    """Return the heat of a cell: 0 for nothing, else 1 to 4 by quarters of the highest."""
    return 0 if value <= 0 or highest <= 0 else min(4, ceil(value / highest * 4))


def ends(labels: Sequence[str], most: int = 5) -> list[str]:
    """Return evenly spaced labels for the axis, first and last among them."""
    if len(labels) <= most:
        return list(labels)
    return [labels[round(at * (len(labels) - 1) / (most - 1))] for at in range(most)]
