"""Devices as the person who decided about them sees them: waiting, allowed, refused; and ending one (POR-07).

Which devices wait for somebody is not knowable: a code names nobody before it is typed (RFC 8628 §3.3).
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from core import scope
from core.errors import NotFound
from core.principal import Actor
from events.services import emit
from oauth import families
from oauth.models import DeviceGrant, RefreshToken
from oauth.models.devices import DeviceStatus

SHOWN_FOR = timedelta(days=30)


@dataclass(frozen=True)
class DeviceSignIn:
    """One device. `state` is pending (typed, not decided), allowed, ended or refused."""

    id: str
    application: str
    state: str
    ip: str
    user_agent: str
    decided_at: datetime
    expires_at: datetime


def of_member(member_id: uuid.UUID) -> list[DeviceSignIn]:
    """Return the member's devices of the last 30 days in the open tenant scope, newest first."""
    rows = _mine(member_id).filter(updated_at__gt=timezone.now() - SHOWN_FOR).order_by("-updated_at")[:50]
    return [_described(row) for row in rows if row.status != DeviceStatus.PENDING or _is_open(row)]


def _mine(member_id: uuid.UUID) -> QuerySet[Any]:
    """The member's devices; `lives` says whether what was allowed still goes on."""
    now = timezone.now()
    family = RefreshToken.objects.filter(
        tenant_id=scope.require_tenant(), token_family=OuterRef("token_family"), revoked=None, expires__gt=now
    )
    unused = Q(used_at=None, expires__gt=now)
    rows = DeviceGrant.objects.filter(tenant_id=scope.require_tenant(), member_id=member_id)
    rows = rows.exclude(status=DeviceStatus.EXPIRED).select_related("application")
    return rows.annotate(refreshes=Exists(family)).annotate(
        lives=Q(status=DeviceStatus.APPROVED) & (Q(refreshes=True) | unused | Q(access_expires_at__gt=now))
    )


def _is_open(row: DeviceGrant) -> bool:
    return bool(row.expires > timezone.now())


def _described(row: Any) -> DeviceSignIn:
    states = {DeviceStatus.PENDING: "pending", DeviceStatus.DENIED: "refused"}
    state = states.get(DeviceStatus(row.status)) or ("allowed" if row.lives else "ended")
    return DeviceSignIn(
        row.public_id,
        row.application.name,
        state,
        row.ip or "",
        row.user_agent,
        row.updated_at,
        row.expires,
    )


def end(*, actor: Actor, member_id: uuid.UUID, device_id: uuid.UUID) -> None:
    """End what the member allowed a device, in the open tenant scope: codes and tokens, at once.

    Raises NotFound for anybody else's, and for one that has ended or was never allowed.
    """
    locked = DeviceGrant.objects.select_for_update(no_key=True).filter(id=device_id, member_id=member_id)
    row = _mine(member_id).filter(id=device_id, lives=True).first() if locked.first() else None
    if row is None:
        raise NotFound
    families.revoke([row.token_family])
    DeviceGrant.objects.filter(id=row.id).update(access_expires_at=None, updated_at=timezone.now())
    described = families.describe(row.token_family, row.application_id, "device_ended")
    emit("token.revoked", actor=actor, object=described)
