"""Many rows in one statement whose text hardly depends on their number, so that it is parsed once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

FEW = 4


def insert(table: str, columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> tuple[str, list[Any]]:
    """Return an INSERT of `rows`, in their order, and its parameters.

    A few rows go as VALUES, which is cheapest for one; more go as one array for each column. Table, columns
    and their SQL types are names of our own code.
    """
    head = f"INSERT INTO {table} ({', '.join(columns)})"
    if len(rows) <= FEW:
        row = f"({', '.join(['%s'] * len(columns))})"
        return f"{head} VALUES {', '.join([row] * len(rows))}", [value for values in rows for value in values]
    arrays = ", ".join(f"%s::{kind}[]" for kind in columns.values())
    values = [list(column) for column in zip(*rows, strict=True)]
    return f"{head} SELECT * FROM unnest({arrays})", values  # noqa: S608 — constants only
