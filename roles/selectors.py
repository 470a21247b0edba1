"""Reading roles, who has them, API resources and scopes; all in the open tenant scope."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from core import ids, scope
from core.errors import NotFound
from roles.models import ApiResource, Role, RoleAssignment, Scope
from roles.permissions import BUILT_IN, ORGANIZATION
from tenants.inclusions import included_in_members
from tenants.models import Member, MemberStatus
from tenants.selectors import narrows_members

OWNER = "owner"


def roles() -> QuerySet[Role]:
    """Return the roles that the open scope may see: the tenant's, and those of its organizations."""
    return Role.objects.filter(tenant_id=scope.require_tenant())


def role(role_id: uuid.UUID, organization_id: uuid.UUID | None = None) -> Role:
    """Return a role, one organization's own where that is given; raises NotFound."""
    rows = roles().filter(id=role_id)
    found = (rows.filter(organization_id=organization_id) if organization_id else rows).first()
    if found is None:
        raise NotFound
    return found


def built_in(name: str) -> Role:
    """Return a built-in role of the tenant by name; raises NotFound."""
    found = roles().filter(name=name, is_built_in=True).first()
    if found is None:
        raise NotFound
    return found


def granted(role: Role, organization_id: uuid.UUID | None = None) -> frozenset[str]:
    """Return what a role grants where it is assigned.

    A built-in role is what this release says, whatever its row holds. Within one organization nothing is
    granted that reaches beyond it.
    """
    listed: Iterable[str] = BUILT_IN.get(role.name, frozenset()) if role.is_built_in else role.permissions
    words = frozenset(str(word) for word in listed)
    confined = organization_id is not None or role.organization_id is not None
    return words & ORGANIZATION if confined else words


def live(rows: QuerySet[RoleAssignment]) -> QuerySet[RoleAssignment]:
    """Narrow assignments to those that have not expired (decided now, never by a clean-up)."""
    return rows.filter(Q(expires_at=None) | Q(expires_at__gt=timezone.now()))


@included_in_members("roles", "roles:read")
def roles_by_subject(subjects: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    rows = RoleAssignment.objects.filter(tenant_id=scope.require_tenant(), member__subject__in=subjects)
    seen = set()  # a role may be held twice, directly and by a group
    for row in live(rows).select_related("member", "role", "organization").order_by("id"):
        held = row.member_id, row.role_id, row.organization_id
        if held in seen:
            continue
        seen.add(held)
        where = row.organization.public_id if row.organization else None
        named = {"id": row.role.public_id, "object": "role", "name": row.role.name}
        yield row.member.subject, {**named, "organization": where}


def assignments(member_id: uuid.UUID) -> QuerySet[RoleAssignment]:
    """Return a member's assignments that have not expired, with their roles."""
    rows = RoleAssignment.objects.filter(tenant_id=scope.require_tenant(), member_id=member_id)
    return live(rows).select_related("role").order_by("id")


def assignment(
    assignment_id: uuid.UUID, member_id: uuid.UUID, organization_id: uuid.UUID | None = None
) -> RoleAssignment:
    """Return one assignment of a member, in one organization where that is given; raises NotFound."""
    rows = assignments(member_id).filter(id=assignment_id)
    found = (rows.filter(organization_id=organization_id) if organization_id else rows).first()
    if found is None:
        raise NotFound
    return found


def owners(organization_id: uuid.UUID | None = None) -> QuerySet[RoleAssignment]:
    """Return who owns the tenant, or one organization, for good: active people, nothing that expires."""
    return RoleAssignment.objects.filter(
        tenant_id=scope.require_tenant(),
        organization_id=organization_id,  # type: ignore[misc]  # null is a lawful lookup
        role__name=OWNER,
        role__is_built_in=True,
        expires_at=None,
        member__status=MemberStatus.ACTIVE,
    )


def holders(role: Role) -> QuerySet[RoleAssignment]:
    return RoleAssignment.objects.filter(tenant_id=role.tenant_id, role=role).select_related("member", "role")


def who_may(permission: str, organization_id: uuid.UUID | None = None) -> list[Member]:
    """Return the active members whose roles give `permission` in the tenant, or in one organization."""
    here = (
        Q(organization_id=None) | Q(organization_id=organization_id)
        if organization_id
        else Q(organization_id=None)
    )
    rows = live(RoleAssignment.objects.filter(here, tenant_id=scope.require_tenant()))
    rows = rows.filter(member__status=MemberStatus.ACTIVE).select_related("role", "member").order_by("id")
    found = {
        row.member_id: row.member for row in rows if permission in granted(row.role, row.organization_id)
    }
    return list(found.values())


def api_resources() -> QuerySet[ApiResource]:
    return ApiResource.objects.filter(tenant_id=scope.require_tenant())


def api_resource(resource_id: uuid.UUID) -> ApiResource:
    """Return an API resource; raises NotFound."""
    found = api_resources().filter(id=resource_id).first()
    if found is None:
        raise NotFound
    return found


def scopes_of(resource: ApiResource) -> QuerySet[Scope]:
    return Scope.objects.filter(tenant_id=resource.tenant_id, resource=resource)


def declared_in(resource: ApiResource) -> dict[str, list[str]]:
    """Return the resource's scopes with what each bundles, nothing for a native one."""
    return dict(scopes_of(resource).order_by("value").values_list("value", "bundles"))


def scope_of(resource: ApiResource, scope_id: uuid.UUID) -> Scope:
    """Return one scope of a resource; raises NotFound."""
    found = scopes_of(resource).filter(id=scope_id).first()
    if found is None:
        raise NotFound
    return found


def choices(limit: int = 200) -> list[tuple[str, str]]:
    """Return roles for a select box, the built-in ones first."""
    rows = roles().order_by("-is_built_in", "name")[:limit]
    return [(row.public_id, row.name) for row in rows]


@narrows_members("role", choices)
def with_role(rows: QuerySet[Member], value: str) -> QuerySet[Member]:
    """Narrow members to those who have a role now, anywhere; `value` is its name or id."""
    held = RoleAssignment.objects.filter(tenant_id=scope.require_tenant())
    try:
        held = held.filter(role_id=Role.read_id(value))
    except ids.MalformedId:
        held = held.filter(role__name=value)
    return rows.filter(id__in=live(held).values("member_id"))
