"""What a person decides about a device (RFC 8628 §3.3): found by its user code, bound to them, once."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.utils import timezone

from core import scope, secrets
from core.principal import Actor
from events.services import emit
from oauth import assignment, clients, code_grant, consents
from oauth.catalogue import OFFLINE
from oauth.clients import Client
from oauth.consents import Allowed
from oauth.decisions import Decision
from oauth.device_authorization import USER_PURPOSE, describe, typed
from oauth.models import Application, DeviceGrant
from oauth.models.devices import DeviceStatus
from tenants.selectors import TenantRef

# The first who types the code is the one who may decide (threat O11).
_CLAIM = """
UPDATE oauth_devicegrant SET member_id = %(member)s, updated_at = now()
 WHERE tenant_id = %(tenant)s AND user_code = ANY(%(digests)s) AND status = 'pending' AND expires > now()
   AND (member_id IS NULL OR member_id = %(member)s)
RETURNING id
"""


@dataclass(frozen=True)
class Asking:
    """A device that waits for the decision of one person; `scopes` are what it would get."""

    row: DeviceGrant
    client: Client
    scopes: tuple[str, ...]

    @property
    def ip(self) -> str:
        return self.row.ip or ""

    @property
    def since(self) -> datetime:
        return self.row.created_at


def claim(tenant: TenantRef, member_id: uuid.UUID, user_code: str) -> Asking | None:
    """Bind the device with this code to the person who typed it.

    None for a code that is unknown, run out, decided, another person's, or of a client that is gone: they
    are not told apart.
    """
    code = typed(user_code)
    if not code:
        return None
    digests = secrets.fingerprints(code, USER_PURPOSE)
    with scope.tenant(tenant.id):
        with connection.cursor() as cursor:
            cursor.execute(_CLAIM, {"tenant": tenant.id, "digests": digests, "member": member_id})
            found = cursor.fetchone()
        return _asking(tenant, found[0], member_id) if found else None


def find(tenant: TenantRef, member_id: uuid.UUID, row_id: uuid.UUID) -> Asking | None:
    """Return a device that this person has claimed and not decided about yet."""
    with scope.tenant(tenant.id):
        return _asking(tenant, row_id, member_id)


def _asking(tenant: TenantRef, row_id: uuid.UUID, member_id: uuid.UUID) -> Asking | None:
    row = DeviceGrant.objects.filter(
        id=row_id, member_id=member_id, status=DeviceStatus.PENDING, expires__gt=timezone.now()
    ).first()
    if row is None:
        return None
    named = Application.objects.values_list("client_id", flat=True).get(id=row.application_id)
    client = clients.live(tenant, named)
    if client is None:
        return None
    return Asking(row, client, tuple(word for word in row.scope.split() if word in client.scopes))


def may_use(tenant: TenantRef, signed: Any, asking: Asking) -> bool:
    """Whether the application is given to this person, at work where they are (APP-06)."""
    with scope.tenant(tenant.id):
        return assignment.allows(asking.client, signed.member.id, signed.organization_id)


def decide(tenant: TenantRef, signed: Any, asking: Asking, decision: Decision) -> bool:
    """Record the answer with the sign-in it was given under; False when it came too late.

    Allowing is consent too, but for the tenant's own applications, which never ask for it.
    """
    member, client = signed.member, asking.client
    status = DeviceStatus.APPROVED if decision.is_given else DeviceStatus.DENIED
    actor = Actor("user", member.subject, via=client.client_id)
    with scope.tenant(tenant.id):
        waiting = DeviceGrant.objects.select_for_update(no_key=True).filter(
            id=asking.row.id, member_id=member.id, status=DeviceStatus.PENDING, expires__gt=timezone.now()
        )
        row = waiting.first()
        if row is None:
            return False
        if decision.is_given:
            _allow(row, signed, client, decision)
            code_grant.note_session_client(signed.session, client)
        row.status = status
        row.save()
        name = "device_code.approved" if decision.is_given else "device_code.denied"
        emit(name, actor=actor, object=describe(row, client.client_id, member=member.subject))
    return True


def _allow(row: DeviceGrant, signed: Any, client: Client, decision: Decision) -> None:
    """Write the sign-in and what it allows into the row; access for one session is no access while away."""
    allowed = Allowed(frozenset(decision.scopes))
    if not client.is_first_party:
        stored = consents.grant(
            actor=Actor("user", signed.member.subject, via=client.client_id),
            member_id=signed.member.id,
            application_id=client.id,
            session_id=signed.session.id,
            scopes=decision.scopes,
            declined=decision.declined,
            life=decision.life,
        )
        allowed = consents.allowed_by(stored)
    gone = {OFFLINE} if allowed.within_session else set()
    row.scope = " ".join(word for word in decision.scopes if word in allowed.scopes and word not in gone)
    row.within_session, row.grant_until = allowed.within_session, allowed.until
    row.session, row.organization_id = signed.session, signed.organization_id
    row.acr, row.amr, row.auth_time = signed.acr, list(signed.amr), signed.auth_time
