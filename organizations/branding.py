"""An organization's own looks over the tenant's: colours, words, logos, sender, help desk (TEN-10, 11).

They are worn by hosted pages and mails of sign-ins that are for this organization. The rules are those of
the tenant's branding.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from core import ports, scope
from core.livecache import LiveCache
from core.principal import Principal
from organizations import services
from organizations.models import Organization, OrganizationStatus
from tenants import branding, face, logos
from tenants.models import Tenant

CONTACT = branding.CONTACT
FIELDS = (*branding.FIELDS, *CONTACT)
_own: LiveCache[face.Own | None] = LiveCache("organization")


def publish(*, actor: Principal, organization: Organization, values: Mapping[str, str]) -> Organization:
    """Put colours, words and contact in force; logos stay as they are. Raises ValidationFailed."""
    shown = branding.checked(values, FIELDS) | branding.logos_of(organization.branding)
    return _change(actor, organization, shown)


def set_logo(
    *, actor: Principal, organization: Organization, slug: str, variant: str, content: bytes
) -> Organization:
    """Publish a logo for the light or the dark appearance; `slug` is the tenant's. Raises ValidationFailed."""
    ports.authority.require(actor, "organizations:write", organization)
    with transaction.atomic():
        address = logos.keep(slug=slug, variant=variant, content=content, organization_id=organization.id)
        return _change(actor, organization, branding.pointed(organization.branding, variant, address))


def remove_logo(*, actor: Principal, organization: Organization, variant: str) -> Organization:
    """Take a logo away. Raises NotFound where there is none."""
    ports.authority.require(actor, "organizations:write", organization)
    with transaction.atomic():
        logos.drop(variant=variant, organization_id=organization.id)
        return _change(actor, organization, branding.pointed(organization.branding, variant, ""))


def _change(actor: Principal, organization: Organization, shown: dict[str, str]) -> Organization:
    return services.update_organization(actor=actor, organization=organization, changes={"branding": shown})


def worn(tenant: Tenant, organization: Organization, own: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return what pages show of an organization, or would with other branding of its own."""
    mine = organization.branding if own is None else own
    return branding.worn(tenant.branding, mine, organization.name)


@face.dresses_organizations
def look(tenant_id: uuid.UUID, organization_id: uuid.UUID) -> face.Own | None:
    """Return an active organization's published looks, remembered until they change."""
    return _own.get(f"{tenant_id}:{organization_id}", lambda: _load(tenant_id, organization_id))


def _load(tenant_id: uuid.UUID, organization_id: uuid.UUID) -> face.Own | None:
    with scope.tenant(tenant_id):
        rows = Organization.objects.filter(tenant_id=tenant_id, status=OrganizationStatus.ACTIVE)
        row = rows.filter(id=organization_id).values_list("name", "branding").first()
    return face.Own(*row) if row else None
