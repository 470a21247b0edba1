"""Tenant sessions: one identity session inside one tenant; the only session that a tenant sees."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils import timezone

from core import livecache
from core.principal import SYSTEM, Actor
from events.services import emit
from tenants import selectors
from tenants.models import Member, TenantSession


@dataclass(frozen=True)
class Ended:
    """A session that has just been ended, and the client ids of the applications that took part in it."""

    id: uuid.UUID
    clients: tuple[str, ...]


@dataclass(frozen=True)
class Proof:
    """What somebody has proved in a sign-in, and until when that lets a session last."""

    acr: str
    amr: Sequence[str]
    auth_time: datetime
    expires_at: datetime


RAN_OUT = ("idle", "expired")
_REFRESHED = ("auth_time", "acr", "amr", "organization_id", "last_active_at", "expires_at")
Listener = Callable[[Sequence[Ended]], None]
_listeners: list[Listener] = []


def on_ended(listener: Listener) -> Listener:
    """Register what happens when sessions end, however they do: in that transaction and scope."""
    _listeners.append(listener)
    return listener


def open_session(
    *,
    member: Member,
    identity_session_id: uuid.UUID | None,
    acr: str,
    amr: Sequence[str],
    auth_time: datetime,
    ip: str = "",
    user_agent: str = "",
    organization_id: uuid.UUID | None = None,
    expires_at: datetime | None = None,
    connection_id: uuid.UUID | None = None,
) -> TenantSession:
    """Open a session in the open tenant scope; its absolute limit is the tenant's policy or `expires_at`."""
    now = timezone.now()
    session = TenantSession.objects.create(
        member=member,
        identity_session_id=identity_session_id,
        organization_id=organization_id,
        connection_id=connection_id,
        acr=acr,
        amr=list(amr),
        auth_time=auth_time,
        last_active_at=now,
        expires_at=expires_at or now + timedelta(seconds=selectors.policy().session_absolute),
        ip=ip or None,
        user_agent=user_agent[:300],
    )
    Member.objects.filter(id=member.id).update(last_sign_in_at=now)
    emit("session.created", actor=Actor("user", member.subject), object=describe(session, member))
    return session


def describe(session: TenantSession, member: Member) -> dict[str, object]:
    return {"id": session.public_id, "object": "session", "member": member.subject, "acr": session.acr}


def end_session(session: TenantSession, reason: str, *, actor: Actor = SYSTEM) -> None:
    """End one session; ending an ended one changes nothing. Tokens that carry its `sid` are refused at once."""
    if _end(TenantSession.objects.filter(id=session.id), reason):
        event = "session.expired" if reason in RAN_OUT else "session.ended"
        emit(event, actor=actor, object=describe(session, session.member) | {"reason": reason})


def refresh(session: TenantSession, *, proof: Proof, organization_id: uuid.UUID | None) -> None:
    """Carry a further proof, or another organization, into a session that goes on under its `sid`."""
    before = session.acr
    session.auth_time, session.acr, session.amr = proof.auth_time, proof.acr, list(proof.amr)
    session.organization_id, session.last_active_at = organization_id, timezone.now()
    session.expires_at = proof.expires_at
    session.save(update_fields=(*_REFRESHED, "updated_at"))
    livecache.invalidate("session", session.public_id)
    actor, described = Actor("user", session.member.subject), describe(session, session.member)
    if before != session.acr:
        emit("session.assurance_changed", actor=actor, object=described, previous={"acr": before})
    else:
        emit("session.refreshed", actor=actor, object=described)


def revoke(session: TenantSession, reason: str, *, actor: Actor) -> None:
    """As `end_session`, by somebody else than the person."""
    if _end(TenantSession.objects.filter(id=session.id), reason):
        emit("session.revoked", actor=actor, object=describe(session, session.member) | {"reason": reason})


def end_member_sessions(member: Member, reason: str, *, actor: Actor = SYSTEM) -> int:
    """End all sessions of a member in this tenant; returns how many were open."""
    ended = _end(TenantSession.objects.filter(member=member), reason)
    for session in TenantSession.objects.filter(id__in=ended):
        emit("session.revoked", actor=actor, object=describe(session, member) | {"reason": reason})
    return len(ended)


def _end(sessions: QuerySet[TenantSession], reason: str) -> list[uuid.UUID]:
    rows = sessions.filter(ended_at=None).select_for_update().values_list("id", "clients")
    ended = [Ended(session_id, tuple(clients)) for session_id, clients in rows]
    live = [one.id for one in ended]
    TenantSession.objects.filter(id__in=live).update(
        ended_at=timezone.now(), end_reason=reason[:40], updated_at=timezone.now()
    )
    if live:
        livecache.invalidate("session", *(TenantSession(id=session_id).public_id for session_id in live))
        for listener in _listeners:
            listener(ended)
    return live


def touch(session: TenantSession) -> None:
    """Record activity by the person, at most once a minute."""
    stale = timezone.now() - timedelta(minutes=1)
    if session.last_active_at >= stale:
        return
    TenantSession.objects.filter(id=session.id, last_active_at__lt=stale).update(
        last_active_at=timezone.now()
    )


def is_idle(session: TenantSession, idle: int) -> bool:
    """Whether the person has been away for longer than `idle` seconds; decided at use (promise R20)."""
    return session.last_active_at + timedelta(seconds=idle) < timezone.now()
