"""What roles add to the apps below: a new tenant's roles, and who may not leave."""

from __future__ import annotations

from core.lookups import id_or_missing
from core.principal import SYSTEM, Actor, Principal
from events.services import emit_many
from organizations.models import Membership, Organization
from organizations.services import before_ending, before_leaving
from roles import group_selectors, guards, resources, selectors, services, standing
from roles.models import Group, GroupMember, GroupRole, Role, RoleAssignment
from roles.permissions import Permission
from tenants import bulk
from tenants.members import after_removal, guard_removal
from tenants.models import Member, Tenant
from tenants.services import on_created


@on_created
def found(tenant: Tenant, owner: Member | None) -> None:
    """Give a new tenant its built-in roles, its own API as a resource, and its owner."""
    built_in = services.create_built_in_roles()
    resources.create_control_plane(tenant)
    if owner is not None:
        services.assign_role_as_system(actor=SYSTEM, member=owner, role=built_in[selectors.OWNER])


@guard_removal
def keep_owners(actor: Principal, member: Member) -> None:
    """Before a member is suspended or removed: owners only by owners, and never the last one."""
    owned = guards.owned_by(member.id)
    if None in owned:
        guards.decides_about_owners(actor, None)
    for organization_id in sorted(owned, key=str):
        guards.keep_an_owner(member.id, organization_id)


@before_leaving
def leave(actor: Principal, membership: Membership) -> None:
    """Take the roles that a member has in the organization; its last owner stays."""
    confined = membership.organization_id
    if confined in guards.owned_by(membership.member_id):
        guards.decides_about_owners(actor, confined)
        guards.keep_an_owner(membership.member_id, confined)
    services.bump([membership.member_id])
    held = RoleAssignment.objects.filter(organization_id=confined, member_id=membership.member_id)
    for assignment in held.select_related("role", "member"):
        services.remove(actor=actor.actor, assignment=assignment, is_leaving=True)
    services.leave_groups(actor=actor.actor, member=membership.member, organization_id=confined)


@after_removal
def tell_of_administrators(actor: Actor, member: Member) -> None:
    """Say that the tenant has an administrator less, when one of them is removed."""
    emit_many(standing.ended(actor, member))


@after_removal
def leave_groups(actor: Actor, member: Member) -> None:
    """Take somebody who is removed out of every group, with what the groups gave."""
    services.leave_groups(actor=actor, member=member)


@before_ending
def end(actor: Principal, organization: Organization) -> None:
    """Take every role held in an organization that ends, and delete its own roles and groups."""
    groups = Group.objects.filter(organization=organization).order_by("id")
    list(groups.select_for_update(no_key=True).values_list("id"))
    RoleAssignment.objects.filter(organization=organization).delete()
    for model in (GroupMember, GroupRole, Group):
        model.objects.filter(organization=organization).delete()
    Role.objects.filter(organization=organization).delete()


def _give(actor: Principal, member: Member, value: str, reason: str) -> None:
    """Give a role of the tenant that the page offered; anything else is not found."""
    role = selectors.role(id_or_missing(Role.PREFIX, value))
    services.assign_role(actor=actor, member=member, role=role)


def _join(actor: Principal, member: Member, value: str, reason: str) -> None:
    """Put a member into the group that the page offered; anything else is not found."""
    group = group_selectors.group(id_or_missing(Group.PREFIX, value))
    services.add_to_group(actor=actor, group=group, member=member)


def _tenant_roles() -> list[tuple[str, str]]:
    rows = selectors.roles().filter(organization=None).order_by("-is_built_in", "name")[:200]
    return [(row.public_id, row.name) for row in rows]


bulk.acts["group"] = bulk.BulkAct(Permission.GROUPS_WRITE, _join, group_selectors.choices)
bulk.acts["role"] = bulk.BulkAct(Permission.ROLES_WRITE, _give, _tenant_roles)
