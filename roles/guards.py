"""What keeps authority from growing and from vanishing."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from core.principal import Principal
from organizations.models import Organization
from roles import authority, selectors
from roles.errors import GrantExceedsOwn, LastOwner, OwnerRequired
from roles.models import Role, RoleAssignment


def is_owner_role(role: Role) -> bool:
    return role.is_built_in and role.name == selectors.OWNER


def may_grant(actor: Principal, permissions: Iterable[str]) -> None:
    """Raise GrantExceedsOwn unless the actor holds every one of `permissions` (threat A6)."""
    missing = sorted(str(word) for word in permissions if not actor.may(word))
    if missing:
        raise GrantExceedsOwn(f"You lack {', '.join(missing)}.", required={"permissions": missing})


def decides_about_owners(actor: Principal, organization_id: uuid.UUID | None) -> None:
    """Raise OwnerRequired unless the actor owns the tenant, or the organization in question.

    Decided from the database, not from the token: a key or an application never owns anything, and
    somebody who ceased to be owner decides nothing more. Who owns an organization is also decided by
    the tenant above it, which may change organizations at large.
    """
    if organization_id is not None and actor.organization_id is None:
        return
    if actor.member_id is None or not owns(actor.member_id, organization_id):
        raise OwnerRequired


def owns(member_id: uuid.UUID, organization_id: uuid.UUID | None) -> bool:
    """Whether a member owns the tenant, or this organization of it."""
    return selectors.OWNER in authority.roles_of(member_id, organization_id)


def keep_an_owner(member_id: uuid.UUID, organization_id: uuid.UUID | None = None) -> None:
    """Raise LastOwner if nobody but this member owns the tenant (or organization) for good.

    The lock makes parallel demotions take turns, so the second sees what the first did (threat S6).
    """
    lock_owners(organization_id)
    others = selectors.owners(organization_id).exclude(member_id=member_id)
    if selectors.owners(organization_id).filter(member_id=member_id).exists() and not others.exists():
        raise LastOwner


def lock_owners(organization_id: uuid.UUID | None) -> None:
    """Hold the right to change who owns the tenant, or one organization, until the transaction ends."""
    if organization_id is None:
        rows = Role.objects.filter(id=selectors.built_in(selectors.OWNER).id)
        list(rows.select_for_update(no_key=True).values_list("id"))
    else:
        list(Organization.objects.filter(id=organization_id).select_for_update(no_key=True).values_list("id"))


def owned_by(member_id: uuid.UUID) -> set[uuid.UUID | None]:
    """Return what a member owns: None for the tenant itself, else ids of organizations."""
    rows = RoleAssignment.objects.filter(
        member_id=member_id, role__name=selectors.OWNER, role__is_built_in=True
    )
    return set(selectors.live(rows).values_list("organization_id", flat=True))
