"""What a member's sign-in must have proved: tenant, organization and roles weighed together (AUT-15)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from organizations.models import Organization
from organizations.policy import level_demanded
from roles import selectors
from roles.models import RoleAssignment
from tenants import selectors as tenants
from tenants.policy import TenantPolicy


def demanded(member_id: uuid.UUID, organization_id: uuid.UUID | None = None) -> str:
    """Return the acr that a member of the open tenant scope needs in an organization, empty for any.

    Roles count wherever they are assigned: with them the person administers something.
    """
    rows = selectors.live(RoleAssignment.objects.filter(member_id=member_id)).select_related("role")
    roles = [(bool(selectors.granted(row.role)), row.role.required_factor) for row in rows]
    stored = None
    if organization_id is not None:
        stored = Organization.objects.filter(id=organization_id).values_list("policy", flat=True).first()
    return weigh(tenants.policy(), stored, roles)


def weigh(
    policy: TenantPolicy, organization: Mapping[str, Any] | None, roles: Iterable[tuple[bool, str]]
) -> str:
    """The same from what was read already; `roles` are (grants anything, the factor it demands)."""
    known = list(roles)
    return level_demanded(
        policy,
        organization,
        administers=any(grants for grants, _ in known),
        role_factors=[factor for _, factor in known],
    )
