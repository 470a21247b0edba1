"""Jobs of sign-in."""

from __future__ import annotations

import uuid
from typing import Any

from django.utils.translation import override

from core import context, housekeeping, jobs, scope
from events.services import emit
from identity.services import describe, person
from signin import notices
from signin.risk import Risk
from tenants import selectors


@jobs.handler("signin.tell_account", opens_scope=False)
def tell_account(payload: dict[str, Any]) -> None:
    """Write an event to the stream of the account it concerns; nothing where there is none."""
    if not payload["account"]:
        return
    account_id = uuid.UUID(payload["account"])
    with scope.account(account_id):
        emit(payload["type"], actor=person(account_id), object=payload.get("object") or describe(account_id))
    if "stopped" in payload:
        _tell_stopped(payload, account_id)


def _tell_stopped(payload: dict[str, Any], account_id: uuid.UUID) -> None:
    """A blocked sign-in is told as if it were now, from where it was tried and in the language of that page."""
    seen = payload["stopped"]
    tenant = selectors.by_id(payload["_tenant_id"]) if payload["_tenant_id"] else None
    with context.refine(ip=seen["ip"], user_agent=seen["user_agent"]), override(seen["language"]):
        notices.tell_stopped(tenant, account_id, Risk.load(seen["risk"]))


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
