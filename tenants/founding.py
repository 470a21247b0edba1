"""A person founds a tenant: the same service behind the dashboard's form and the API (TEN-01)."""

from __future__ import annotations

import uuid
from typing import Any

from core import scope
from core.errors import Conflict
from core.principal import Actor
from tenants import services
from tenants.models import Tenant


def found_tenant(
    *,
    account_id: uuid.UUID,
    email: str,
    person_name: str,
    name: str,
    slug: str,
    mode: str,
    support_email: str = "",
    tenant_id: uuid.UUID | None = None,
) -> Tenant:
    """Create a tenant whose first owner is the person. Raises ValidationFailed, Conflict."""
    return services.create_tenant(
        # The person has no subject before the tenant exists.
        actor=Actor("admin", "founder"),
        owner_account_id=account_id,
        owner_email=email,
        owner_name=person_name,
        name=name,
        slug=slug,
        mode=mode,
        support_email=support_email,
        tenant_id=tenant_id,
    )


def found_once(*, tenant_id: uuid.UUID, **wanted: Any) -> tuple[Tenant, bool]:
    """Create the tenant under a settled id, or return the one made before; the flag says which was the case."""
    known = _made(tenant_id)
    if known is not None:
        return known, True
    try:
        return found_tenant(tenant_id=tenant_id, **wanted), False
    except Conflict:
        known = _made(tenant_id)  # the same request ran beside this one
        if known is None:
            raise
        return known, True


def _made(tenant_id: uuid.UUID) -> Tenant | None:
    with scope.tenant(tenant_id):
        return Tenant.objects.filter(id=tenant_id).first()
