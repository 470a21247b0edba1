"""Changing what a tenant, an organization or a role demands, as an administrator would have."""

from __future__ import annotations

from typing import Any

from core import scope
from organizations.models import Organization
from roles.models import Role
from tenants import selectors, services
from tenants.selectors import TenantRef
from tests.factories.people import make_principal


def change_policy(tenant: TenantRef, **changes: Any) -> None:
    with scope.tenant(tenant.id):
        services.update_policy(actor=make_principal(tenant), tenant=selectors.tenant(), changes=changes)


def change_organization_policy(tenant: TenantRef, organization: Organization, **changes: Any) -> None:
    with scope.tenant(tenant.id):
        Organization.objects.filter(id=organization.id).update(policy={**organization.policy, **changes})


def demand_by_role(tenant: TenantRef, name: str, factor: str) -> None:
    with scope.tenant(tenant.id):
        Role.objects.filter(name=name, organization=None).update(required_factor=factor)
