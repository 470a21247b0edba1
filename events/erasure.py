"""Forgetting personal values of recorded events: the record and its chain stay, the values go (threat U1).

The hash of an event covers salted digests of its personal values. Without salt and value a digest says
nothing, and the chain verifies as before.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection

from core import scope


def erase_values(subjects: Iterable[str]) -> int:
    """Forget, in the open scope's stream, what events about `subjects` and acts by them tell of people.

    `subjects` are public ids (`sub_…`, `inv_…`). Of events about them the object's values go; of their own
    acts the address and agent string, and not those of whoever acted on them. Returns how many values went.
    """
    scope.require()
    with connection.cursor() as cursor:
        cursor.execute("SELECT erase_event_values(%s)", [list(subjects)])
        row = cursor.fetchone()
    return int(row[0]) if row else 0
