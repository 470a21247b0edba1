"""What a new tenant and a new organization start with."""

from __future__ import annotations

from core.principal import SYSTEM
from roles import resources, selectors, services
from tenants.models import Member, Tenant
from tenants.services import on_created


@on_created
def found(tenant: Tenant, owner: Member | None) -> None:
    """Give a new tenant its built-in roles, its own API as a resource, and its owner."""
    services.create_built_in_roles()
    resources.create_control_plane(tenant)
    if owner is not None:
        services.assign_role_as_system(actor=SYSTEM, member=owner, role=selectors.built_in(selectors.OWNER))
