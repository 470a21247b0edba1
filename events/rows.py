"""Many rows in one statement whose text does not depend on their number, so that it is parsed once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def insert(table: str, columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> tuple[str, list[Any]]:
    """Return an INSERT of `rows` and its parameters, one array for each column.

    Table, columns and their SQL types are names of our own code. Rows are inserted in their order.
    """
    arrays = ", ".join(f"%s::{kind}[]" for kind in columns.values())
    statement = f"INSERT INTO {table} ({', '.join(columns)}) SELECT * FROM unnest({arrays})"
    values = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in columns]
    return statement, values
