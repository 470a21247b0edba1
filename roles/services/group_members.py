"""Who is in a group, by hand or by what an outside directory says."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.db import transaction

from core.errors import NotFound
from core.principal import Actor, Principal
from events.services import Draft, emit_many
from organizations.models import Membership
from roles import group_selectors
from roles.group_selectors import BY_HAND
from roles.models import Group, GroupMember
from roles.services import group_grants
from roles.services.assignments import bump
from roles.services.described import describe_group
from roles.services.groups import lock, may_change
from tenants.models import Member, MemberStatus


def add_to_group(*, actor: Principal, group: Group, member: Member) -> GroupMember:
    """Put a member into a group; of one who is in it already only the source changes.

    Raises NotFound where the member does not belong to the group's organization, GrantExceedsOwn where the actor
    cannot give what the group gives.
    """
    with transaction.atomic():
        group = lock(group)
        may_change(actor, group, group_selectors.roles_of(group))
        row, drafts = join(actor.actor, group, member, BY_HAND)
        emit_many(drafts)
    return row


def remove_from_group(*, actor: Principal, group: Group, member: Member) -> None:
    """Take a member out of a group, whoever put them in. Raises NotFound for one who is not in it.

    An outside directory that still names the group puts them in again when it speaks next.
    """
    with transaction.atomic():
        group = lock(group)
        may_change(actor, group, group_selectors.roles_of(group))
        rows = list(group_selectors.people(group).filter(member=member))
        if not rows:
            raise NotFound
        emit_many(part(actor.actor, group, rows))


def join(actor: Actor, group: Group, member: Member, source: str) -> tuple[GroupMember, list[Draft]]:
    """Put a member in without asking, the group being locked; returns the row and the events to write."""
    row = GroupMember.objects.filter(group=group, member=member).first()
    if row is not None:
        if source not in row.sources:
            row.sources = [*row.sources, source]
            row.save(update_fields=["sources", "updated_at"])
        return row, []
    hold(member, group.organization_id)
    row = GroupMember.objects.create(
        group=group, member=member, organization_id=group.organization_id, sources=[source]
    )
    shown = describe_group(group, member=member.subject, source=source)
    added = Draft("group.member_added", actor, shown, organization_id=group.organization_id)
    return row, [added, *group_grants.give(actor, group, [member.id], group_selectors.roles_of(group))]


def hold(member: Member, organization_id: uuid.UUID | None) -> None:
    """Keep the member from leaving the organization, or the tenant, until the transaction ends.

    Raises NotFound for one who has left already.
    """
    if organization_id is not None:
        mine = Membership.objects.filter(organization_id=organization_id, member=member)
        if not list(mine.select_for_update(no_key=True).values_list("id")):
            raise NotFound("This member does not belong to the organization. Add them to it first.")
    bump([member.id])
    if not Member.objects.filter(id=member.id).exclude(status=MemberStatus.REMOVED).exists():
        raise NotFound


def part(actor: Actor, group: Group, rows: Sequence[GroupMember]) -> list[Draft]:
    """Take members out without asking, the group being locked; returns the events to write."""
    members = [row.member_id for row in rows]
    held = group_grants.of_group(group).filter(member_id__in=members)
    bump(members)
    GroupMember.objects.filter(id__in=[row.id for row in rows]).delete()
    return [*(_parted(actor, group, row) for row in rows), *group_grants.take(actor, held)]


def leave_groups(*, actor: Actor, member: Member, organization_id: uuid.UUID | None = None) -> None:
    """Take somebody who leaves an organization, or the tenant, out of its groups, with what they gave.

    For callers that hold the member's row, and have told of the leaving: of the roles only that they ended.
    """
    rows = group_selectors.groups_of(member.id).select_related("group", "member")
    if organization_id is not None:
        rows = rows.filter(organization_id=organization_id)
    drafts = [_parted(actor, row.group, row) for row in rows]
    for row in rows:
        drafts += group_grants.take(actor, group_grants.of_group(row.group).filter(member=member))
    GroupMember.objects.filter(id__in=[row.id for row in rows]).delete()
    emit_many(drafts)


def _parted(actor: Actor, group: Group, row: GroupMember) -> Draft:
    shown = describe_group(group, member=row.member.subject)
    return Draft("group.member_removed", actor, shown, organization_id=group.organization_id)
