"""Many rows by one statement whose text does not depend on their number, so that it is planned once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def insert(table: str, columns: Mapping[str, str]) -> str:
    """Return an INSERT that takes one array for each column. Table, columns and types are names of our own code."""
    places = ", ".join(f"%s::{kind}[]" for kind in columns.values())
    return f"INSERT INTO {table} ({', '.join(columns)}) SELECT * FROM unnest({places})"  # noqa: S608 — constants only


def arrays(columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Return the arrays of `insert`, in the order of the columns."""
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in columns]
