"""Ending what connections opened: sessions, and by those who listen what was issued in them (threats F6, O16)."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from core import jobs, scope
from core.principal import Actor, Principal
from federation import doors
from federation.models import Connection, Exemption
from tenants import sessions
from tenants.models import Member, MemberStatus, TenantSession

CONNECTION, OWN_METHODS = "federation.close_connection", "federation.close_own_methods"
Listener = Callable[[Sequence[uuid.UUID]], None]
_listeners: list[Listener] = []


def on_closed(listener: Listener) -> Listener:
    """Register what else ends with sessions, also with those that were over already: it gets their ids."""
    _listeners.append(listener)
    return listener


def close(rows: QuerySet[TenantSession], reason: str, actor: Actor) -> None:
    """End sessions in the open transaction, and standing grants that came of them."""
    every = list(rows.values_list("id", flat=True))
    live = rows.filter(ended_at=None, expires_at__gt=timezone.now())
    for session in live.select_related("member"):
        sessions.revoke(session, reason, actor=actor)
    for listener in _listeners:
        listener(every)


def close_opened(
    *, actor: Principal, connection_id: uuid.UUID, reason: str, member_id: uuid.UUID | None = None
) -> None:
    """End what a connection opened, for all or for one member: now, or by a job where the actor's scope hides it."""
    if actor.organization_id is None:
        close(_opened(connection_id, member_id), reason, actor.actor)
    else:
        promise(CONNECTION, actor, connection_id, reason, member=str(member_id or ""))


def promise(job: str, actor: Principal, connection_id: uuid.UUID, reason: str, **more: str) -> None:
    told = [actor.actor.type, actor.actor.id]
    jobs.enqueue(job, {"connection": str(connection_id), "reason": reason, "actor": told, **more})


def _opened(connection_id: uuid.UUID, member_id: uuid.UUID | None) -> QuerySet[TenantSession]:
    rows = TenantSession.objects.filter(connection_id=connection_id)
    return rows.filter(member_id=member_id) if member_id else rows


@jobs.handler(CONNECTION, opens_scope=False)
def close_connection(payload: Mapping[str, Any]) -> None:
    """End what a connection opened that its organization has switched off, deleted, or taken from a member."""
    member = payload.get("member")
    with scope.tenant(payload["_tenant_id"]):
        rows = _opened(uuid.UUID(payload["connection"]), uuid.UUID(member) if member else None)
        close(rows, payload["reason"], Actor(*payload["actor"]))


@jobs.handler(OWN_METHODS, opens_scope=False)
def close_own_methods(payload: Mapping[str, Any]) -> None:
    """End what people opened by methods of their own where only a connection is taken from now on (ORG-07)."""
    with scope.tenant(payload["_tenant_id"]):
        connection = Connection.objects.filter(id=payload["connection"], enforced=True).first()
        if connection is None:
            return
        for member_id in _refused(connection):
            rows = TenantSession.objects.filter(member_id=member_id, connection_id=None)
            close(rows, payload["reason"], Actor(*payload["actor"]))


def _refused(connection: Connection) -> Iterator[uuid.UUID]:
    """Yield the members who have to use the connection."""
    exempt = set(Exemption.objects.filter(connection=connection).values_list("member_id", flat=True))
    people = Member.objects.filter(tenant_id=connection.tenant_id, status=MemberStatus.ACTIVE)
    for member_id, email in people.exclude(account_id=None).values_list("id", "email_search"):
        found = doors.demanded(connection.tenant_id, [email.rpartition("@")[2]])
        if found is not None and found.id == connection.id and member_id not in exempt:
            yield member_id
