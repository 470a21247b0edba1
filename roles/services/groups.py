"""Groups: making, changing and deleting them, and who may.

A group that gives roles is as hard to change as the roles themselves (threat A6): whoever puts somebody in, takes
somebody out, or gives the group another name, to which an outside directory may answer, must be able to give each
of its roles.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction

from core import ports
from core.errors import Conflict, NotFound
from core.principal import Principal
from core.uniqueness import unique_or
from events.services import Draft, emit, emit_many
from organizations.models import Organization
from roles import group_selectors, guards, selectors
from roles.models import Group, GroupMember, GroupRole, Role
from roles.permissions import Permission
from roles.services import group_grants
from roles.services.assignments import bump
from roles.services.described import describe_group
from roles.services.rights import needed_for

EDITABLE = ("name", "description", "external_id", "metadata")
NAMING = {"name", "external_id"}


def create_group(
    *,
    actor: Principal,
    name: str,
    description: str = "",
    external_id: str | None = None,
    organization: Organization | None = None,
    metadata: Mapping[str, str] | None = None,
) -> Group:
    """Create a group of the tenant or of one organization, which for a caller inside one is its own.

    Raises Conflict for a name or an external id that is taken there.
    """
    group = Group(
        name=name,
        name_search=name.casefold(),
        description=description,
        external_id=external_id or None,
        organization_id=organization.id if organization else actor.organization_id,
        metadata=dict(metadata or {}),
    )
    ports.authority.require(actor, Permission.GROUPS_WRITE, group)
    with transaction.atomic():
        store(group)
        emit(
            "group.created",
            actor=actor.actor,
            organization_id=group.organization_id,
            object=describe_group(group, whole=True),
        )
    return group


def store(group: Group, *fields: str) -> None:
    with unique_or(Conflict("A group here has this name or external id already. Choose another one.")):
        if fields:
            group.save(update_fields=[*fields, "updated_at"])
        else:
            group.save(force_insert=True)


def update_group(*, actor: Principal, group: Group, changes: Mapping[str, Any]) -> Group:
    """Change name, description, external id or metadata; where a group is stays what it is.

    Raises Conflict for a name or an external id that is taken; GrantExceedsOwn where the actor cannot give what
    the group gives.
    """
    with transaction.atomic():
        group = lock(group)
        before = {name: getattr(group, name) for name in changes if getattr(group, name) != changes[name]}
        may_change(actor, group, group_selectors.roles_of(group) if before.keys() & NAMING else ())
        if not before:
            return group
        for name in before:
            assert name in EDITABLE, name
            setattr(group, name, changes[name])
        group.name_search = group.name.casefold()
        store(group, *before, "name_search")
        emit(
            "group.updated",
            actor=actor.actor,
            organization_id=group.organization_id,
            object=describe_group(group, **{name: changes[name] for name in before}),
            previous=before,
        )
    return group


def delete_group(*, actor: Principal, group: Group) -> None:
    """Delete a group; whoever is in it loses the roles that it gives."""
    with transaction.atomic():
        group = lock(group)
        may_change(actor, group, group_selectors.roles_of(group))
        bump(group_selectors.people(group).values_list("member_id", flat=True))
        drafts = group_grants.take(actor.actor, group_grants.of_group(group))
        GroupMember.objects.filter(group=group).delete()
        GroupRole.objects.filter(group=group).delete()
        Group.objects.filter(id=group.id).delete()
        gone = describe_group(group, whole=True)
        deleted = Draft("group.deleted", actor.actor, gone, organization_id=group.organization_id)
        emit_many([deleted, *drafts])


def lock(group: Group) -> Group:
    """Return the group as it is now and keep others from changing who is in it or what it gives.

    Locks are taken in one order: role, group, membership, member. Raises NotFound where it is gone.
    """
    found = Group.objects.filter(id=group.id).select_for_update(no_key=True).first()
    if found is None:
        raise NotFound
    return found


def may_change(actor: Principal, group: Group, roles: Iterable[Role]) -> None:
    """Raise unless the actor may change groups, and may give each of `roles` where the group is."""
    ports.authority.require(actor, Permission.GROUPS_WRITE, group)
    granted = [selectors.granted(role, group.organization_id) for role in roles]
    if granted:
        ports.authority.require(actor, needed_for(group.organization_id), group)
        guards.may_grant(actor, frozenset[str]().union(*granted))
