"""Which roles a group gives (ORG-10)."""

from __future__ import annotations

import uuid

from django.db import transaction

from core import turns
from core.errors import NotFound
from core.principal import Actor, Principal
from events.services import Draft, emit_many
from roles import group_selectors, guards
from roles.errors import OwnersAreNamed
from roles.models import Group, GroupRole, Role
from roles.services import group_grants
from roles.services.assignments import belongs_there, bump
from roles.services.described import describe_group
from roles.services.groups import lock, may_change


def add_group_role(*, actor: Principal, group: Group, role: Role) -> GroupRole:
    """Give a role to everybody in a group, now and later; giving it again changes nothing.

    Raises OwnersAreNamed for the role of owners, GrantExceedsOwn for a role that the actor cannot give, NotFound
    for one of another organization.
    """
    with transaction.atomic():
        _keep(role)
        group = lock(group)
        may_change(actor, group, [role])
        belongs_there(role, group.organization_id)
        if guards.is_owner_role(role):
            raise OwnersAreNamed
        row, created = GroupRole.objects.get_or_create(
            group=group, role=role, defaults={"organization_id": group.organization_id}
        )
        if created:
            members = _held(group)
            drafts = group_grants.give(actor.actor, group, members, [role])
            emit_many([_told("group.role_added", actor.actor, group, role), *drafts])
    return row


def remove_group_role(*, actor: Principal, group: Group, role: Role) -> None:
    """Have a group give a role no more. Raises NotFound where it does not."""
    with transaction.atomic():
        group = lock(group)
        may_change(actor, group, [role])
        rows = group_selectors.given(group).filter(role=role)
        if not rows.exists():
            raise NotFound
        _held(group)
        drafts = group_grants.take(actor.actor, group_grants.of_group(group).filter(role=role))
        rows.delete()
        emit_many([_told("group.role_removed", actor.actor, group, role), *drafts])


def forget_role(actor: Actor, role: Role) -> list[Draft]:
    """Take a role that ends from every group, whose members lose it; returns the events to write.

    The caller deletes the assignments and tells of them.
    """
    _keep(role)
    rows = list(GroupRole.objects.filter(tenant_id=role.tenant_id, role=role).select_related("group"))
    groups = [lock(group) for group in sorted((row.group for row in rows), key=lambda group: group.id)]
    GroupRole.objects.filter(id__in=[row.id for row in rows]).delete()
    return [_told("group.role_removed", actor, group, role) for group in groups]


def _keep(role: Role) -> None:
    """Keep others from deleting the role, or giving it to a group, until the transaction ends.

    Not by its row, which an organization may not lock when the role is the tenant's. Raises NotFound where the
    role is gone.
    """
    turns.take(role.tenant_id, f"groups of {role.id}")
    if not Role.objects.filter(id=role.id).exists():
        raise NotFound


def _held(group: Group) -> list[uuid.UUID]:
    """Hold the rows of everybody in the group, and return who that is."""
    members = list(group_selectors.people(group).values_list("member_id", flat=True))
    bump(members)
    return members


def _told(what: str, actor: Actor, group: Group, role: Role) -> Draft:
    shown = describe_group(group, role=role.name, role_id=role.public_id)
    return Draft(what, actor, shown, organization_id=group.organization_id)
