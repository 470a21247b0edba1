"""Invitations as their person sees them, over all tenants: those to addresses that the account has proved (POR-05).

The proved address stands for the mailed link. Anything else is not found, as if there were none. Each function
opens its scopes itself.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from core import ids, scope
from core.errors import NotFound
from identity import emails
from invitations import selectors, services
from invitations.models import Invitation
from invitations.services.records import locked
from tenants import selectors as tenants


@dataclass(frozen=True)
class Offer:
    """An invitation that waits, in words."""

    id: uuid.UUID
    tenant: str
    organization: str
    inviter: str
    email: str
    roles: tuple[str, ...]
    expires_at: datetime

    @property
    def public_id(self) -> str:
        return ids.encode(Invitation.PREFIX, self.id)


def waiting(addresses: Iterable[str]) -> list[Offer]:
    """Return what waits for any of these addresses, which the caller knows to be proved."""
    return [
        offer for invitation_id, tenant_id in _found(addresses) if (offer := _read(invitation_id, tenant_id))
    ]


def _found(addresses: Iterable[str]) -> list[tuple[uuid.UUID, uuid.UUID]]:
    """Return (invitation, tenant); asks the lookup function, which needs no scope."""
    found: list[tuple[uuid.UUID, uuid.UUID]] = []
    with connection.cursor() as cursor:
        for canonical in sorted({emails.parse(address).canonical for address in addresses}):
            cursor.execute("SELECT invitation_id, tenant_id FROM invitations_to(%s)", [canonical])
            found += cursor.fetchall()
    return found


def _read(invitation_id: uuid.UUID, tenant_id: uuid.UUID) -> Offer | None:
    tenant = tenants.by_id(tenant_id)
    if tenant is None or not tenant.is_active:
        return None
    with scope.tenant(tenant_id):
        row = selectors.invitation(invitation_id)
        return Offer(
            row.id,
            tenants.tenant().name,
            row.organization.name if row.organization else "",
            row.inviter.name if row.inviter else "",
            row.email,
            tuple(role.name for role in selectors.roles_of(row)),
            row.expires_at,
        )


def accept(*, account_id: uuid.UUID, addresses: list[str], invitation_id: uuid.UUID, name: str = "") -> None:
    """Join by an invitation to one of these proved addresses.

    Raises NotFound, InvitationGone where the inviter may no longer invite, and SubjectSuspended.
    """
    with _held(addresses, invitation_id) as invitation:
        services.take(invitation, account_id=account_id, emails_verified=addresses, name=name)


def decline(*, addresses: list[str], invitation_id: uuid.UUID) -> None:
    """Turn one of these invitations down; raises NotFound."""
    with _held(addresses, invitation_id) as invitation:
        services.turn_down(invitation)


@contextmanager
def _held(addresses: list[str], invitation_id: uuid.UUID) -> Iterator[Invitation]:
    tenant_id = dict(_found(addresses)).get(invitation_id)
    tenant = tenants.by_id(tenant_id) if tenant_id else None
    if tenant is None or not tenant.is_active:
        raise NotFound
    with scope.tenant(tenant.id), transaction.atomic():
        yield locked(selectors.invitations().filter(id=invitation_id))
