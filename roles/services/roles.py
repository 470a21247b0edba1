"""Custom roles, and the built-in ones that every tenant begins with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction

from core import ports
from core.errors import Conflict
from core.principal import Principal
from core.uniqueness import unique_or
from events.services import Draft, emit, emit_many
from organizations.models import Organization
from roles import guards, selectors, standing
from roles.errors import RoleImmutable
from roles.models import Role, RoleAssignment
from roles.permissions import BUILT_IN
from roles.services.assignments import bump
from roles.services.described import describe
from roles.services.group_roles import forget_role
from roles.services.rights import checked, needed_for

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


def create_built_in_roles() -> dict[str, Role]:
    """Give the open tenant its built-in roles (C16); returns them by name."""
    made = Role.objects.bulk_create(
        Role(
            name=name,
            description=SUMMARIES[name],
            permissions=sorted(str(word) for word in words),
            is_built_in=True,
        )
        for name, words in BUILT_IN.items()
    )
    return {role.name: role for role in made}


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
        with unique_or(taken(role)):
            role.save(force_insert=True)
        emit("role.created", actor=actor.actor, organization_id=confined, object=describe(role, whole=True))
    return role


def taken(role: Role) -> Conflict:
    return Conflict(f"There is a role named {role.name} already. Choose another name.")


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
        with unique_or(taken(role)):
            role.save(update_fields=[*before, "updated_at"])
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


def delete_role(*, actor: Principal, role: Role) -> None:
    """Delete a custom role and take it from everybody who has it, and from every group that gives it."""
    changeable(actor, role)
    with transaction.atomic():
        drafts = forget_role(actor.actor, role)
        held = list(selectors.holders(role))
        bump(row.member_id for row in held)
        RoleAssignment.objects.filter(id__in=[row.id for row in held]).delete()
        gone = describe(role, whole=True)
        Role.objects.filter(id=role.id).delete()
        deleted = Draft("role.deleted", actor.actor, gone, organization_id=role.organization_id)
        emit_many([deleted, *drafts, *standing.told(actor.actor, standing.lost(held))])


def changeable(actor: Principal, role: Role) -> None:
    ports.authority.require(actor, needed_for(role.organization_id), role)
    if role.is_built_in:
        raise RoleImmutable
    guards.may_grant(actor, selectors.granted(role))
