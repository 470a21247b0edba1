"""Pausing, resuming and enabling endpoints."""

from __future__ import annotations

from django.db import transaction

from core.errors import Conflict
from core.principal import Principal
from webhooks import health, nudge
from webhooks.models import Endpoint, EndpointStatus
from webhooks.services.endpoints import locked, tell


@transaction.atomic
def pause_endpoint(*, actor: Principal, endpoint: Endpoint, reason: str = "") -> Endpoint:
    """Hold deliveries back; events go on being queued and spend no attempts. Raises Conflict for a disabled one."""
    row = locked(actor, endpoint)
    if row.status == EndpointStatus.PAUSED:
        return row
    if row.status == EndpointStatus.DISABLED:
        raise Conflict("The endpoint is disabled. Enable it before you pause it.")
    return _switch(actor, row, EndpointStatus.PAUSED, "paused", reason)


@transaction.atomic
def resume_endpoint(*, actor: Principal, endpoint: Endpoint) -> Endpoint:
    """Let a paused endpoint's deliveries go. Raises Conflict for a disabled one."""
    row = locked(actor, endpoint)
    if row.status == EndpointStatus.ACTIVE:
        return row
    if row.status == EndpointStatus.DISABLED:
        raise Conflict("The endpoint is disabled, not paused. Enable it.")
    return _switch(actor, row, EndpointStatus.ACTIVE, "reenabled")


@transaction.atomic
def enable_endpoint(*, actor: Principal, endpoint: Endpoint) -> Endpoint:
    """Let a disabled (or paused, or failing) endpoint start anew; a replay brings what it missed."""
    row = locked(actor, endpoint)
    if row.state == EndpointStatus.ACTIVE:
        return row
    health.reset(row)
    return _switch(actor, row, EndpointStatus.ACTIVE, "reenabled")


def _switch(actor: Principal, row: Endpoint, to: EndpointStatus, verb: str, reason: str = "") -> Endpoint:
    before = {"status": str(row.status)}
    row.status, row.status_reason = to, reason[:200]
    row.save()
    tell(verb, actor, row, before)
    transaction.on_commit(nudge.send)
    return row
