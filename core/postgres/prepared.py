"""Statements that each connection parses and plans once: planning a join beneath row security costs more than
running it.

    _FIND = Prepared("SELECT … WHERE id = %(id)s")     # placeholders as everywhere
    row = _FIND.first({"id": …})

The text is a constant of our own code; values travel as literals of EXECUTE, in the same message as what
waits on the connection, which the protocol's own prepared statements could not.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections
from psycopg.types.json import Jsonb

PLACEHOLDER = re.compile(r"%(?:\((\w+)\)s|(s)|(%))")
# The plan does not fit its tables any more, or a pooler between us and the server lost it.
STALE = frozenset({"0A000", "26000"})


Quote = Callable[[Any], str]
Params = Sequence[Any] | Mapping[str, Any] | None


def literal(value: Any, quote: Quote) -> str:
    """Write a value as SQL; the prepared statement knows its type.

    What needs no escaping is written here. Everything else (quotes, backslashes, NUL, other types) is left to psycopg,
    which takes ten times as long for each.
    """
    kind = type(value)
    if value is None:
        return "NULL"
    if kind is str and "'" not in value and "\\" not in value and "\0" not in value:
        return f"'{value}'"
    if kind is UUID:
        return f"'{value.hex}'"
    if kind is bool or kind is int:
        return str(value)
    if kind is bytes:
        return f"'\\x{value.hex()}'"
    if kind is datetime and value.tzinfo is not None:
        return f"'{value.isoformat()}'"
    if kind is list and value:
        return _array(value) or quote(value)
    if kind is Jsonb:
        return literal(json.dumps(value.obj) if value.dumps is None else value.dumps(value.obj), quote)
    return quote(value)


_WORD = re.compile(r"[0-9A-Za-z_.$:/-]+\Z")


def _array(values: list[Any]) -> str:
    """Write an array of ids, of numbers or of words that need no quotes inside; an empty text where it is not that."""
    if all(type(value) is UUID for value in values):
        return f"'{{{','.join([value.hex for value in values])}}}'"
    if all(type(value) is int for value in values):
        return f"'{{{','.join(map(str, values))}}}'"
    if all(type(value) is str and _WORD.match(value) and value.upper() != "NULL" for value in values):
        return f"'{{{','.join(values)}}}'"
    return ""


class Prepared(str):  # noqa: SLOT000 — what is derived from it is kept
    """SQL whose parameters' types PostgreSQL can tell from where they stand."""

    def all(self, params: Params = None, *, using: str = DEFAULT_DB_ALIAS) -> list[tuple[Any, ...]]:
        """Run it and return its rows; jsonb comes as text."""
        connection: Any = connections[using]
        found: list[tuple[Any, ...]] = connection.answer(self, params)
        return found

    def first(self, params: Params = None, *, using: str = DEFAULT_DB_ALIAS) -> tuple[Any, ...] | None:
        found = self.all(params, using=using)
        return found[0] if found else None

    def post(self, params: Params = None, *, using: str = DEFAULT_DB_ALIAS) -> None:
        """Run it with the next statement or with the commit, whose failure its own then is; it answers nothing."""
        connection: Any = connections[using]
        connection.post(self, params)

    @cached_property
    def name(self) -> str:
        return f"p{hashlib.sha256(self.encode()).hexdigest()[:24]}"

    @cached_property
    def preparation(self) -> str:
        return f"PREPARE {self.name} AS {self._numbered[0]}"

    def call(self, params: Params, quote: Quote) -> str:
        """Return the whole EXECUTE; `quote` writes the literals that are not plain."""
        _, names, count = self._numbered
        if not count:
            return f"EXECUTE {self.name}"
        values = [params[name] for name in names] if isinstance(params, Mapping) else params or ()
        if len(values) != count:
            raise TypeError(f"{count} parameters are needed, {len(values)} were given")
        return f"EXECUTE {self.name} ({', '.join([literal(value, quote) for value in values])})"

    @cached_property
    def _numbered(self) -> tuple[str, list[str], int]:
        """Return the text with $1, $2 …, the names in that order (none for positions), and how many there are."""
        names: list[str] = []
        positions = 0

        def number(match: re.Match[str]) -> str:
            nonlocal positions
            if match[3]:
                return "%"
            if match[2]:
                positions += 1
                return f"${positions}"
            if match[1] not in names:
                names.append(match[1])
            return f"${names.index(match[1]) + 1}"

        text = PLACEHOLDER.sub(number, self)
        return text, names, positions or len(names)
