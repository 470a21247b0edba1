"""What a member's sign-in must have proved: tenant, organization and roles weighed together (AUT-15)."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from django.utils import timezone

from core import scope
from core.postgres.prepared import Prepared
from organizations.policy import level_demanded
from tenants import selectors as tenants
from tenants.policy import TenantPolicy

_DEMANDING = Prepared("""
SELECT (SELECT policy FROM organizations_organization WHERE tenant_id = %(tenant)s AND id = %(organization)s),
       ARRAY(
         SELECT jsonb_build_array(r.is_built_in OR jsonb_array_length(r.permissions) > 0, r.required_factor)
           FROM roles_roleassignment a JOIN roles_role r ON r.tenant_id = a.tenant_id AND r.id = a.role_id
          WHERE a.tenant_id = %(tenant)s AND a.member_id = %(member)s
            AND (a.expires_at IS NULL OR a.expires_at > %(now)s))
""")


def demanded(member_id: uuid.UUID, organization_id: uuid.UUID | None = None) -> str:
    """Return the acr that a member of the open tenant scope needs in an organization, empty for any.

    Roles count wherever they are assigned: with them the person administers something.
    """
    of = {"tenant": scope.require_tenant(), "member": member_id, "organization": organization_id}
    ((stored, roles),) = _DEMANDING.all({**of, "now": timezone.now()})
    found = [(bool(grants), str(factor)) for grants, factor in map(json.loads, roles)]
    return weigh(tenants.policy(), json.loads(stored) if stored else None, found)


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
