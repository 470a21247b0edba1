"""Which connections are open in a tenant, and whom they are for: remembered, since every sign-in page asks.

A tenant without connections pays nothing for them: what is remembered says so.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from core import livecache, scope
from core.livecache import LiveCache
from federation.models import Connection, ConnectionStatus, Exemption
from organizations.domains import organization_of
from organizations.models import OrganizationStatus

TOPIC = "sso_doors"


@dataclass(frozen=True)
class Door:
    """An active connection. `enforced`: those it is for may use nothing else."""

    id: uuid.UUID
    name: str
    organization_id: uuid.UUID | None
    enforced: bool


_doors: LiveCache[tuple[Door, ...]] = LiveCache(TOPIC)


def of(tenant_id: uuid.UUID) -> tuple[Door, ...]:
    """Return the tenant's active connections, those of suspended organizations left out."""
    return _doors.get(str(tenant_id), lambda: _load(tenant_id))


def _load(tenant_id: uuid.UUID) -> tuple[Door, ...]:
    with scope.tenant(tenant_id):
        rows = Connection.objects.filter(tenant_id=tenant_id, status=ConnectionStatus.ACTIVE).order_by("id")
        found = rows.select_related("organization")
        return tuple(
            Door(row.id, row.name, row.organization_id, row.enforced)
            for row in found
            if row.organization is None or row.organization.status == OrganizationStatus.ACTIVE
        )


def forget(tenant_id: uuid.UUID) -> None:
    """Let every process read the tenant's connections anew, from this transaction's commit on."""
    livecache.invalidate(TOPIC, str(tenant_id))


def tenant_wide(tenant_id: uuid.UUID) -> list[Door]:
    return [door for door in of(tenant_id) if door.organization_id is None]


def of_organization(tenant_id: uuid.UUID, organization_id: uuid.UUID | None) -> list[Door]:
    """Return the connections of one organization; without one, none."""
    if organization_id is None:
        return []
    return [door for door in of(tenant_id) if door.organization_id == organization_id]


def for_domain(tenant_id: uuid.UUID, domain: str, *, enforced: bool = False) -> Door | None:
    """Return the connection that people of this domain are sent to, in the open tenant scope (AUT-13).

    The domain alone decides, never whether somebody has the address (threat L2). `enforced`: only one that is.
    """
    own = [door for door in of(tenant_id) if door.organization_id and (door.enforced or not enforced)]
    if not own or not domain:
        return None
    organization_id = organization_of(domain)
    return next((door for door in own if door.organization_id == organization_id), None)


def demanded(tenant_id: uuid.UUID, domains: Iterable[str]) -> Door | None:
    """Return the connection that people of these domains must use, in the open tenant scope; None leaves them free."""
    enforced = [door for door in of(tenant_id) if door.enforced]
    if not enforced:
        return None
    for domain in sorted(set(domains)):
        found = for_domain(tenant_id, domain, enforced=True)
        if found is not None:
            return found
    return next((door for door in enforced if door.organization_id is None), None)


def exemption_of(door: Door, member_id: uuid.UUID) -> Exemption | None:
    """Return what lets a member use methods of their own all the same."""
    return Exemption.objects.filter(connection_id=door.id, member_id=member_id).first()
