"""Charts as inline SVG: `<title>` on every mark, a data table beneath, and no style attribute anywhere.

`labels` are the columns' names; `series` is [{"label": …, "values": […]}] in the same order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

from django import template
from django.utils.formats import number_format

from core import charts
from core.charts import Number, Series

register = template.Library()
_ids = count(1)


@register.inclusion_tag("elements/chart_line.html")
def line_chart(
    series: Sequence[Mapping[str, Any]], labels: Sequence[str], title: str, unit: str = ""
) -> dict[str, Any]:
    """Show values over time as lines; a lone line gets a soft area beneath."""
    rows = charts.series_of(series)
    top = charts.ceiling(max((value for row in rows for value in row.values), default=0))
    drawn = [{"row": row, "points": charts.points(row.values, top)} for row in rows if row.values]
    area = f"0,{charts.HEIGHT} {drawn[0]['points']} {charts.WIDTH},{charts.HEIGHT}" if len(drawn) == 1 else ""
    return _frame(rows, labels, title, unit, top) | {
        "drawn": drawn,
        "area": area,
        "hits": _hits(rows, labels, unit),
    }


@register.inclusion_tag("elements/chart_bars.html")
def stacked_bars(
    series: Sequence[Mapping[str, Any]], labels: Sequence[str], title: str, unit: str = ""
) -> dict[str, Any]:
    """Show totals per label, split by series from the bottom up."""
    rows = charts.series_of(series)
    by_label = list(zip(*(row.values for row in rows), strict=True))
    top = charts.ceiling(max(map(sum, by_label), default=0))
    bars = [
        {
            "x": x,
            "width": width,
            "boxes": _boxes(rows, values, top),
            "title": _said(label, rows, values, unit),
        }
        for (x, width), label, values in zip(
            charts.columns(len(by_label), gap=0.28), labels, by_label, strict=True
        )
    ]
    return _frame(rows, labels, title, unit, top) | {"bars": bars}


@register.inclusion_tag("elements/chart_heat.html")
def heat_row(values: Sequence[Number], labels: Sequence[str], title: str, unit: str = "") -> dict[str, Any]:
    """Show one row of cells, darker where there was more."""
    row = Series(title, tuple(value or 0 for value in values), 1)
    highest = max(row.values, default=0)
    cells = [
        {
            "x": x,
            "width": width,
            "level": charts.level(value, highest),
            "title": f"{label}: {_amount(value, unit)}",
        }
        for (x, width), label, value in zip(
            charts.columns(len(row.values), gap=0.16), labels, row.values, strict=True
        )
    ]
    return _frame([row], labels, title, unit, 1) | {"cells": cells}


@register.inclusion_tag("elements/spark.html")
def sparkline(values: Sequence[Number], label: str, inline: bool = False) -> dict[str, Any]:
    """Show a trend without axes; the label says from what to what it went."""
    row = [value or 0 for value in values]
    if not row:
        return {"points": ""}
    top = max(*row, 1)
    said = f"{label}: {_amount(row[0])} → {_amount(row[-1])}"
    return {"points": charts.points(row, top, 120, 30), "said": said, "inline": inline}


def _frame(rows: list[Series], labels: Sequence[str], title: str, unit: str, top: Number) -> dict[str, Any]:
    table = [(label, [_amount(row.values[at], unit) for row in rows]) for at, label in enumerate(labels)]
    return {
        "id": f"chart-{next(_ids)}",
        "title": title,
        "series": rows,
        "ticks": [_amount(tick) for tick in charts.ticks(top)],
        "grid": [charts.HEIGHT * step / charts.TICKS for step in range(charts.TICKS + 1)],
        "axis": charts.ends([str(label) for label in labels]),
        "table": table,
        "nothing": not any(value for row in rows for value in row.values),
    }


def _boxes(rows: list[Series], values: Sequence[Number], top: Number) -> list[dict[str, Any]]:
    stacked = zip(rows, charts.stack(values, top), strict=True)
    return [{"shade": row.shade, "y": y, "height": height} for row, (y, height) in stacked if height]


def _hits(rows: list[Series], labels: Sequence[str], unit: str) -> list[dict[str, Any]]:
    return [
        {"x": x, "width": width, "title": _said(label, rows, [row.values[at] for row in rows], unit)}
        for at, ((x, width), label) in enumerate(zip(charts.columns(len(labels)), labels, strict=True))
    ]


def _said(label: str, rows: list[Series], values: Sequence[Number], unit: str) -> str:
    return "\n".join(
        [str(label), *(f"{row.label}: {_amount(v, unit)}" for row, v in zip(rows, values, strict=True))]
    )


def _amount(value: Number, unit: str = "") -> str:
    return f"{number_format(value, use_l10n=True, force_grouping=True)}{unit and f' {unit}'}"
