"""Roles and who has them.

Nobody grants what they lack (threat A6), nobody but an owner decides about owners, and a tenant or
organization never loses its last one (threat S6). Every change takes effect with the commit (threat A7).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from core import ids, ports
from core.api.fields import timestamp
from core.errors import Conflict, FieldError, NotFound, ValidationFailed
from core.principal import SYSTEM, Actor, Principal
from events.services import Draft, emit, emit_many
from organizations.models import Membership, Organization
from roles import guards, selectors, standing
from roles.errors import RoleImmutable
from roles.models import Role, RoleAssignment
from roles.permissions import BUILT_IN, ORGANIZATION, Permission
from tenants import members
from tenants.models import Member

SUMMARIES = {
    "owner": "Everything, and decides who owns the tenant",
    "admin": "Everything but deciding about owners",
    "security_admin": "Policies, keys, webhooks, roles and members; reads everything",
    "developer": "Applications, API keys and webhooks",
    "billing_manager": "Plans and invoices",
    "support": "Helps members and sends invitations",
    "auditor": "Reads everything, the audit log too",
    "viewer": "Reads settings and people, but neither audit log nor keys",
}


def create_built_in_roles() -> None:
    """Give the open tenant its built-in roles (C16)."""
    Role.objects.bulk_create(
        Role(
            name=name,
            description=SUMMARIES[name],
            permissions=sorted(str(word) for word in words),
            is_built_in=True,
        )
        for name, words in BUILT_IN.items()
    )


def needed_for(organization_id: uuid.UUID | None) -> Permission:
    """Roles inside an organization are its own business; those of the tenant are not."""
    return Permission.ORGANIZATIONS_WRITE if organization_id else Permission.ROLES_WRITE


# --- custom roles --------------------------------------------------------------------------------------


def create_role(
    *,
    actor: Principal,
    name: str,
    permissions: Iterable[str],
    description: str = "",
    required_factor: str = "any",
    organization: Organization | None = None,
    metadata: Mapping[str, str] | None = None,
) -> Role:
    """Create a custom role of the tenant, or of one organization. `required_factor` is what whoever has it
    must have proved at least (identity.assurance.DEMANDS).

    Raises ValidationFailed for an unknown permission, GrantExceedsOwn for one that the actor lacks, and
    Conflict for a name that is taken.
    """
    confined = organization.id if organization else None
    ports.authority.require(actor, needed_for(confined), organization)
    words = checked(permissions, confined)
    guards.may_grant(actor, words)
    refuse_reserved(name)
    role = Role(
        name=name,
        description=description,
        permissions=words,
        required_factor=required_factor,
        organization_id=confined,
        metadata=dict(metadata or {}),
    )
    with transaction.atomic():
        insert(role)
        emit("role.created", actor=actor.actor, organization_id=confined, object=describe(role, whole=True))
    return role


def insert(role: Role) -> None:
    try:
        with transaction.atomic():
            role.save(force_insert=True)
    except IntegrityError:
        raise Conflict(f"There is a role named {role.name} already. Choose another name.") from None


def refuse_reserved(name: str) -> None:
    """Tokens carry roles by name, so no custom role may pass for a built-in one."""
    if name.casefold() in BUILT_IN:
        raise Conflict(f"{name} is the name of a built-in role. Choose another name.")


def update_role(*, actor: Principal, role: Role, changes: Mapping[str, Any]) -> Role:
    """Change a custom role, also the factor that it requires; everybody who has it feels it at once."""
    changeable(actor, role)
    changes = dict(changes)
    if "permissions" in changes:
        changes["permissions"] = checked(changes["permissions"], role.organization_id)
        guards.may_grant(actor, changes["permissions"])
    if "name" in changes:
        refuse_reserved(changes["name"])
    before = {name: getattr(role, name) for name in changes if getattr(role, name) != changes[name]}
    if not before:
        return role
    for name in before:
        setattr(role, name, changes[name])
    with transaction.atomic():
        save(role, *before)
        bump(holder.member_id for holder in selectors.holders(role))
        after = describe(role, **{name: changes[name] for name in before})
        emit(
            "role.updated",
            actor=actor.actor,
            organization_id=role.organization_id,
            object=after,
            previous=before,
        )
    return role


def save(role: Role, *names: str) -> None:
    try:
        with transaction.atomic():
            role.save(update_fields=[*names, "updated_at"])
    except IntegrityError:
        raise Conflict(f"There is a role named {role.name} already. Choose another name.") from None


def delete_role(*, actor: Principal, role: Role) -> None:
    """Delete a custom role and take it from everybody who has it."""
    changeable(actor, role)
    with transaction.atomic():
        held = list(selectors.holders(role))
        RoleAssignment.objects.filter(id__in=[row.id for row in held]).delete()
        bump(row.member_id for row in held)
        gone = describe(role, whole=True)
        Role.objects.filter(id=role.id).delete()
        deleted = Draft("role.deleted", actor.actor, gone, organization_id=role.organization_id)
        emit_many([deleted, *standing.told(actor.actor, standing.lost(held))])


def changeable(actor: Principal, role: Role) -> None:
    ports.authority.require(actor, needed_for(role.organization_id), role)
    if role.is_built_in:
        raise RoleImmutable
    guards.may_grant(actor, selectors.granted(role))


def checked(permissions: Iterable[str], organization_id: uuid.UUID | None) -> list[str]:
    """Return the permissions, sorted, each once; raises ValidationFailed for one that is not on offer."""
    offered = ORGANIZATION if organization_id else frozenset(Permission)
    words = sorted({str(word) for word in permissions})
    unknown = [word for word in words if word not in offered]
    if unknown:
        where = "a role of one organization" if organization_id else "a role"
        detail = f"{', '.join(unknown)} is not a permission that {where} can have."
        raise ValidationFailed(errors=[FieldError("/permissions", "unknown_permission", detail)])
    return words


# --- assignments ---------------------------------------------------------------------------------------


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
    """Take a role from a member. Raises LastOwner, OwnerRequired, GrantExceedsOwn."""
    role, confined = assignment.role, assignment.organization_id
    ports.authority.require(actor, needed_for(confined), assignment)
    guards.may_grant(actor, selectors.granted(role, confined))
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
        gone = describe_assignment(assignment, assignment.member, assignment.role)
        deleted, _by_model = RoleAssignment.objects.filter(id=assignment.id).delete()
        if deleted:
            bump([assignment.member_id])
            unassigned = Draft("role.unassigned", actor, gone, organization_id=assignment.organization_id)
            changes = [] if is_leaving else standing.lost([assignment])
            emit_many([unassigned, *standing.told(actor, changes)])


def bump(member_ids: Iterable[uuid.UUID]) -> None:
    for member_id in sorted(set(member_ids)):  # one order, so that two changes cannot deadlock
        members.bump_authority(member_id)


# --- what events say -----------------------------------------------------------------------------------


def describe(role: Role, *, whole: bool = False, **more: Any) -> dict[str, Any]:
    shown = {"name": role.name}
    if whole:
        shown |= {
            "description": role.description,
            "permissions": role.permissions,
            "required_factor": role.required_factor,
        }
    organization = ids.encode("org", role.organization_id) if role.organization_id else None
    return {"id": role.public_id, "object": "role", "organization": organization, **shown, **more}


def describe_assignment(row: RoleAssignment, member: Member, role: Role) -> dict[str, Any]:
    return {
        "id": row.public_id,
        "object": "role_assignment",
        "member": member.subject,
        "role": role.name,
        "role_id": role.public_id,
        "organization": ids.encode("org", row.organization_id) if row.organization_id else None,
        "expires_at": timestamp(row.expires_at),
    }
