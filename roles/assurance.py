"""What a member's sign-in must have proved: tenant, organization and roles weighed together (AUT-15)."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable

from django.utils import timezone

from core import scope
from core.postgres.prepared import Prepared
from organizations.policy import level_demanded
from tenants import selectors as tenants


def policy_column(tenant: str, organization: str) -> str:
    """Return SQL for an organization's policy; the arguments are SQL of our own code."""
    return (
        f"(SELECT policy FROM organizations_organization WHERE tenant_id = {tenant} AND id = {organization})"  # noqa: S608
    )


def roles_column(tenant: str, member: str) -> str:
    """Return SQL for what a member's roles demand, in which %(now)s is the time."""
    return f"""ARRAY(
  SELECT jsonb_build_array(r.is_built_in OR jsonb_array_length(r.permissions) > 0, r.required_factor)
    FROM roles_roleassignment a JOIN roles_role r ON r.tenant_id = a.tenant_id AND r.id = a.role_id
   WHERE a.tenant_id = {tenant} AND a.member_id = {member}
     AND (a.expires_at IS NULL OR a.expires_at > %(now)s))"""  # noqa: S608 — constants


_DEMANDING = Prepared(
    f"SELECT {policy_column('%(tenant)s', '%(organization)s')}, {roles_column('%(tenant)s', '%(member)s')}"
)


def demanded(member_id: uuid.UUID, organization_id: uuid.UUID | None = None) -> str:
    """Return the acr that a member of the open tenant scope needs in an organization, empty for any.

    Roles count wherever they are assigned: with them the person administers something.
    """
    of = {"tenant": scope.require_tenant(), "member": member_id, "organization": organization_id}
    ((policy, roles),) = _DEMANDING.all({**of, "now": timezone.now()})
    return weigh(policy, roles)


def weigh(policy: str | None, roles: Iterable[str]) -> str:
    """The same from what `policy_column` and `roles_column` gave, in the open tenant scope."""
    found = [(bool(grants), str(factor)) for grants, factor in map(json.loads, roles)]
    return level_demanded(
        tenants.policy(),
        json.loads(policy) if policy else None,
        administers=any(grants for grants, _ in found),
        role_factors=[factor for _, factor in found],
    )
