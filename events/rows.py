"""Many rows in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Rows = Sequence[Sequence[Any]]


def insert(table: str, columns: Sequence[str], rows: Rows) -> tuple[str, list[Any]]:
    """Return `INSERT … VALUES (…), (…)` and its parameters; table and columns are names of our own code."""
    row = f"({', '.join(['%s'] * len(columns))})"
    statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([row] * len(rows))}"
    return statement, [value for values in rows for value in values]
