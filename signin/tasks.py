"""Jobs of sign-in."""

from __future__ import annotations

import uuid
from typing import Any

from core import housekeeping, jobs, scope
from events.services import emit
from identity.services import describe, person


@jobs.handler("signin.tell_account", opens_scope=False)
def tell_account(payload: dict[str, Any]) -> None:
    """Write an event to the stream of the account it concerns; nothing where there is none."""
    if not payload["account"]:
        return
    account_id = uuid.UUID(payload["account"])
    with scope.account(account_id):
        emit(payload["type"], actor=person(account_id), object=payload.get("object") or describe(account_id))


@housekeeping.sweep("signin_flows")
def _flows() -> int:
    return housekeeping.delete_batch("signin_signinflow", "expires_at < now()")


@housekeeping.sweep("known_devices")
def _devices() -> int:
    return housekeeping.delete_batch("identity_knowndevice", "seen_at < now() - interval '400 days'")


@housekeeping.sweep("signin_attempts")
def _attempts() -> int:
    statement = (
        "DELETE FROM signin_attemptwindow WHERE key IN"
        " (SELECT key FROM signin_attemptwindow WHERE expires_at < now() LIMIT 1000)"
    )
    from django.db import connections

    with scope.relay(), connections["relay"].cursor() as cursor:
        cursor.execute(statement)
        return int(cursor.rowcount)
