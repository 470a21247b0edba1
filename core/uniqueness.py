"""What may be there once: the database's constraint decides, and its answer becomes a refusal of ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import IntegrityError, transaction

from core.errors import Problem


@contextmanager
def unique_or(refusal: Problem | type[Problem]) -> Iterator[None]:
    """Work in a savepoint, which a constraint that stands against it undoes; raises `refusal` then.

    Looking first would not do: of two at the same moment both would see nothing.
    """
    try:
        with transaction.atomic():
            yield
    except IntegrityError:
        raise refusal from None
