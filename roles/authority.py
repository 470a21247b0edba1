"""The authority engine: whether a principal may do something, and what a member's roles allow.

`require` is the implementation of the port `core.ports.authority`. It only ever says no by raising and
yes by returning; whatever goes wrong inside it is a no (threat A6).
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from django.utils import timezone

from core import scope
from core.errors import InsufficientRole, InsufficientScope, NotFound, OrgMismatch, PolicyDenied, Problem
from core.livecache import LiveCache
from core.principal import Principal
from organizations.models import Membership, Organization, OrganizationStatus
from roles import selectors
from roles.permissions import ORGANIZATION
from tenants.models import Tenant

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Grant:
    """One assignment, free of database objects."""

    role: str
    permissions: frozenset[str]
    organization_id: uuid.UUID | None
    expires_at: datetime | None
    role_id: uuid.UUID | None = None

    def applies(self, organization_id: uuid.UUID | None, now: datetime) -> bool:
        here = self.organization_id in (None, organization_id)
        return here and (self.expires_at is None or self.expires_at > now)


@dataclass(frozen=True)
class Standing:
    """Where a member stands: every assignment, and the active organizations they belong to."""

    tenant_id: uuid.UUID
    grants: tuple[Grant, ...] = ()
    organizations: frozenset[uuid.UUID] = frozenset()


_standings: LiveCache[Standing] = LiveCache("member")


def require(actor: Principal, permission: str, resource: Any = None) -> None:
    """Return if `actor` may do `permission` on `resource` (a row, or None for the tenant at large).

    Raises NotFound for a row that the caller may not know of, OrgMismatch for one it may know but not
    touch, then InsufficientScope, then InsufficientRole (the order of checks, AZ-07).
    """
    try:
        _decide(actor, str(permission), resource)
    except Problem:
        raise
    except Exception as error:
        log.error("authority could not decide", permission=str(permission), exc_info=error)
        raise PolicyDenied("Whether this is allowed could not be decided, so it is refused.") from error


def _decide(actor: Principal, permission: str, resource: Any) -> None:
    _same_tenant(actor, resource)
    _same_organization(actor, permission, resource)
    if actor.may(permission):
        return
    if permission in actor.scopes or actor.is_admin_page:
        raise InsufficientRole(f"{permission} is needed.", required={"permissions": [permission]})
    raise InsufficientScope(f"{permission} is needed.", required={"scopes": [permission]})


def _same_tenant(actor: Principal, resource: Any) -> None:
    opened = scope.current()
    if opened is not None and opened.tenant_id is not None and opened.tenant_id != actor.tenant_id:
        raise NotFound
    owner = resource.id if isinstance(resource, Tenant) else getattr(resource, "tenant_id", actor.tenant_id)
    if owner != actor.tenant_id:
        raise NotFound


def _same_organization(actor: Principal, permission: str, resource: Any) -> None:
    """A caller bound to an organization touches that one only; rows of the tenant it may at most read."""
    if actor.organization_id is None:
        return
    if isinstance(resource, Organization):
        if resource.id != actor.organization_id:
            raise OrgMismatch
        return
    if not hasattr(resource, "organization_id") or resource.organization_id == actor.organization_id:
        return
    if resource.organization_id is not None:
        raise NotFound
    if not permission.endswith(":read"):
        raise OrgMismatch


def permissions_of(member_id: uuid.UUID, organization_id: uuid.UUID | None = None) -> frozenset[str]:
    """Return what a member's roles allow now, in the open tenant scope.

    With an active organization: roles in the tenant and in that organization, and of those only what
    stays within it; nothing at all for somebody who does not belong to it. Expired assignments grant
    nothing.
    """
    words = frozenset[str]().union(*(grant.permissions for grant in _live(member_id, organization_id)))
    return words & ORGANIZATION if organization_id is not None else words


def roles_of(member_id: uuid.UUID, organization_id: uuid.UUID | None = None) -> tuple[str, ...]:
    """Return the names of those roles, sorted, each once."""
    return tuple(sorted({grant.role for grant in _live(member_id, organization_id)}))


def role_ids_of(member_id: uuid.UUID, organization_id: uuid.UUID | None = None) -> frozenset[uuid.UUID]:
    """Return the ids of those roles: names may be given again within an organization."""
    return frozenset(grant.role_id for grant in _live(member_id, organization_id) if grant.role_id)


def _live(member_id: uuid.UUID, organization_id: uuid.UUID | None) -> list[Grant]:
    standing = standing_of(member_id)
    if organization_id is not None and organization_id not in standing.organizations:
        return []
    now = timezone.now()
    return [grant for grant in standing.grants if grant.applies(organization_id, now)]


def standing_of(member_id: uuid.UUID) -> Standing:
    """Return a member's standing in the open tenant; remembered until the member is invalidated.

    From within one organization's scope the database shows only part of it, which must not be
    remembered as the whole. What another tenant's scope remembered is not believed (threat A4).
    """
    tenant_id = scope.require_tenant()
    if scope.require().organization != scope.ALL_ORGANIZATIONS:
        return _load(tenant_id, member_id)
    remembered = _standings.get(str(member_id), lambda: _load(tenant_id, member_id))
    return remembered if remembered.tenant_id == tenant_id else _load(tenant_id, member_id)


def _load(tenant_id: uuid.UUID, member_id: uuid.UUID) -> Standing:
    grants = tuple(
        Grant(
            row.role.name,
            selectors.granted(row.role, row.organization_id),
            row.organization_id,
            row.expires_at,
            row.role_id,
        )
        for row in selectors.assignments(member_id)
    )
    mine = Membership.objects.filter(
        tenant_id=tenant_id, member_id=member_id, organization__status=OrganizationStatus.ACTIVE
    )
    return Standing(tenant_id, grants, frozenset(mine.values_list("organization_id", flat=True)))
