"""Who has which role.

Nobody grants what they lack (threat A6), nobody but an owner decides about owners, and a tenant or
organization never loses its last one (threat S6). Every change takes effect with the commit (threat A7).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from core import ports
from core.errors import NotFound
from core.principal import SYSTEM, Actor, Principal
from events.services import Draft, emit_many
from organizations.models import Membership, Organization
from roles import guards, selectors, standing
from roles.errors import GivenByGroup
from roles.models import Role, RoleAssignment
from roles.services.described import describe_assignment
from roles.services.rights import needed_for
from tenants import members
from tenants.models import Member


def assign_role(
    *,
    actor: Principal,
    member: Member,
    role: Role,
    organization: Organization | None = None,
    expires_at: datetime | None = None,
) -> RoleAssignment:
    """Give a member a role in the tenant, or in one organization; giving it again changes its expiry only.

    Raises GrantExceedsOwn, OwnerRequired, LastOwner; NotFound where the member is not in the organization.
    """
    confined = organization.id if organization else None
    ports.authority.require(actor, needed_for(confined), organization)
    if guards.is_owner_role(role):
        guards.decides_about_owners(actor, confined)
    guards.may_grant(actor, selectors.granted(role, confined))
    return assign_role_as_system(
        actor=actor.actor, member=member, role=role, organization=organization, expires_at=expires_at
    )


def assign_role_as_system(
    *,
    member: Member,
    role: Role,
    organization: Organization | None = None,
    expires_at: datetime | None = None,
    actor: Actor = SYSTEM,
) -> RoleAssignment:
    """Assign without asking whether the actor may: for callers that have asked themselves."""
    confined = organization.id if organization else None
    fits(member, role, confined)
    with transaction.atomic():
        row, created = RoleAssignment.objects.get_or_create(
            member=member,
            role=role,
            organization_id=confined,  # type: ignore[misc]  # null is a lawful lookup
            group=None,
            defaults={"expires_at": expires_at},
        )
        if not created and row.expires_at == expires_at:
            return row
        had = not created and standing.counts(row)
        if not created:
            prolong(row, expires_at)
        bump([member.id])
        shown = describe_assignment(row, member, role)
        assigned = Draft("role.assigned", actor, shown, organization_id=confined)
        change = standing.Change(row, had, standing.counts(row))
        emit_many([assigned, *standing.told(actor, [change])])
    return row


def prolong(row: RoleAssignment, expires_at: datetime | None) -> None:
    """Change when an assignment expires; the last owner's never does (threat S6)."""
    if expires_at is not None and guards.is_owner_role(row.role):
        guards.keep_an_owner(row.member_id, row.organization_id)
    row.expires_at = expires_at
    row.save(update_fields=["expires_at", "updated_at"])


def fits(member: Member, role: Role, organization_id: uuid.UUID | None) -> None:
    """Raise NotFound unless the role can be held there by this member."""
    belongs_there(role, organization_id)
    belongs = (
        organization_id is None
        or Membership.objects.filter(organization_id=organization_id, member=member).exists()
    )
    if not belongs:
        raise NotFound("This member does not belong to the organization. Add them to it first.")


def belongs_there(role: Role, organization_id: uuid.UUID | None) -> None:
    """Raise NotFound for a role of one organization anywhere but in it."""
    if role.organization_id not in (None, organization_id):
        raise NotFound("This role belongs to an organization and is held there only.")


def unassign_role(*, actor: Principal, assignment: RoleAssignment) -> None:
    """Take a role from a member. Raises LastOwner, OwnerRequired, GrantExceedsOwn; GivenByGroup for one
    that a group gives.
    """
    role, confined = assignment.role, assignment.organization_id
    ports.authority.require(actor, needed_for(confined), assignment)
    guards.may_grant(actor, selectors.granted(role, confined))
    if assignment.group is not None:
        detail = f"The group {assignment.group.name} ({assignment.group.public_id}) gives this role."
        raise GivenByGroup(detail, group=assignment.group.public_id)
    with transaction.atomic():
        if guards.is_owner_role(role):
            guards.decides_about_owners(actor, confined)
            guards.keep_an_owner(assignment.member_id, confined)
        remove(actor=actor.actor, assignment=assignment)


def remove(*, actor: Actor, assignment: RoleAssignment, is_leaving: bool = False) -> None:
    """Delete an assignment without asking: for callers that have asked themselves.

    Of somebody who `is_leaving` the organization only that is told, not that their roles there changed.
    """
    with transaction.atomic():
        bump([assignment.member_id])
        gone = describe_assignment(assignment, assignment.member, assignment.role)
        deleted, _by_model = RoleAssignment.objects.filter(id=assignment.id).delete()
        if deleted:
            unassigned = Draft("role.unassigned", actor, gone, organization_id=assignment.organization_id)
            changes = [] if is_leaving else standing.lost([assignment])
            emit_many([unassigned, *standing.told(actor, changes)])


def bump(member_ids: Iterable[uuid.UUID]) -> None:
    members.bump_authority(*member_ids)
