"""Statements that each connection parses and plans once: planning a join beneath row security costs more than
running it.

    _FIND = Prepared("SELECT … WHERE id = %(id)s")     # placeholders as everywhere
    cursor.execute(_FIND, {"id": …})

The text is a constant of our own code; values travel as literals of EXECUTE, in the same message as what
waits on the connection, which the protocol's own prepared statements could not.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

PLACEHOLDER = re.compile(r"%(?:\((\w+)\)s|(s)|(%))")
# The plan does not fit its tables any more, or a pooler between us and the server lost it.
STALE = frozenset({"0A000", "26000"})


class Prepared(str):  # noqa: SLOT000 — what is derived from it is kept
    """SQL whose parameters' types PostgreSQL can tell from where they stand."""

    @cached_property
    def name(self) -> str:
        return f"p{hashlib.sha256(self.encode()).hexdigest()[:24]}"

    @cached_property
    def preparation(self) -> str:
        return f"PREPARE {self.name} AS {self._numbered[0]}"

    @cached_property
    def call(self) -> str:
        count = self._numbered[2]
        return f"EXECUTE {self.name}" + (f" ({', '.join(['%s'] * count)})" if count else "")

    def arguments(self, params: Sequence[Any] | Mapping[str, Any] | None) -> Sequence[Any] | None:
        """Return the values in the order of `call`."""
        if isinstance(params, Mapping):
            return [params[name] for name in self._numbered[1]]
        return params

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
