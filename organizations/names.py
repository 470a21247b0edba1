"""Name and slug of an organization for hot paths: remembered until it changes."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from core import scope
from core.livecache import LiveCache
from organizations.models import Organization


@dataclass(frozen=True)
class Named:
    slug: str
    name: str


_named: LiveCache[Named | None] = LiveCache("organization")


def of(tenant_id: uuid.UUID, organization_id: uuid.UUID) -> Named | None:
    """Return how an organization of the tenant is called; None where there is none."""
    return _named.get(str(organization_id), lambda: _load(tenant_id, organization_id))


def _load(tenant_id: uuid.UUID, organization_id: uuid.UUID) -> Named | None:
    with scope.tenant(tenant_id):
        row = Organization.objects.filter(tenant_id=tenant_id, id=organization_id).first()
        return Named(row.slug, row.name) if row else None
