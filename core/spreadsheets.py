"""CSV that a spreadsheet opens as text and never as a program."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any


def written(columns: Sequence[str], rows: Iterable[Iterable[Any]]) -> str:
    """Return RFC 4180 CSV with a head line."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow(cell(value) for value in row)
    return out.getvalue()


def cell(value: Any) -> str:
    """Return text that no spreadsheet runs as a formula (OWASP, CSV injection)."""
    text = "" if value is None else str(value)
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text
