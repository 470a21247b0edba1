"""Retention: each app registers a sweep that deletes what is past its time, in batches.

Expiry is always decided when a row is used (promise R20); these only give the space back.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog
from django.db import connections

from core import scope

log = structlog.get_logger(__name__)
Sweep = Callable[[], int]
_sweeps: dict[str, Sweep] = {}


def sweep(name: str) -> Callable[[Sweep], Sweep]:
    """Register a function that deletes one batch under the relay role and returns how many rows went."""

    def register(function: Sweep) -> Sweep:
        _sweeps[name] = function
        return function

    return register


def delete_batch(table: str, condition: str, limit: int = 1000) -> int:
    """Delete up to `limit` rows as the relay role; both arguments are constants of our own code."""
    statement = f"DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE {condition} LIMIT %s)"  # noqa: S608
    with scope.relay(), connections["relay"].cursor() as cursor:
        cursor.execute(statement, [limit])
        return int(cursor.rowcount)


def run() -> dict[str, int]:
    """Run every sweep until it has nothing left; one failing sweep does not stop the others."""
    done: dict[str, int] = {}
    for name, function in _sweeps.items():
        try:
            done[name] = _drain(function)
        except Exception as error:
            log.error("sweep failed", sweep=name, exc_info=error)
    return done


def _drain(function: Sweep) -> int:
    total = 0
    while count := function():
        total += count
    return total


@sweep("invalidations")
def _invalidations() -> int:
    return delete_batch("core_invalidation", "created_at < now() - interval '1 hour'")


@sweep("idempotency")
def _idempotency() -> int:
    return delete_batch("core_idempotencyrecord", "expires_at < now()")


@sweep("idempotency secrets")
def _idempotency_secrets() -> int:
    """Take secrets out of stored answers once no replay shows them (api-conventions §5)."""
    due = "secret_until < now() AND sealed_secret IS NOT NULL"
    statement = f"UPDATE core_idempotencyrecord SET sealed_secret = NULL WHERE {due}"  # noqa: S608 — constants
    with scope.relay(), connections["relay"].cursor() as cursor:
        cursor.execute(statement)
        return int(cursor.rowcount)
