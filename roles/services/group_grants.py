"""What groups give: assignments that name the group, written when somebody or a role comes, deleted when one goes.

So whoever asks what a member may do reads assignments, and knows no groups. The caller holds the group's lock and
the members' rows (`bump`).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence

from django.db.models import QuerySet

from core.principal import Actor
from events.services import Draft
from roles import standing
from roles.models import Group, Role, RoleAssignment
from roles.services.described import describe_assignment
from tenants.models import Member, MemberStatus


def give(actor: Actor, group: Group, members: Iterable[uuid.UUID], roles: Sequence[Role]) -> list[Draft]:
    """Give each of the members each of the roles; returns the events that tell it.

    One who was removed before their row was held gets nothing.
    """
    if not roles:
        return []
    present = Member.objects.filter(id__in=list(members)).exclude(status=MemberStatus.REMOVED).order_by("id")
    rows = RoleAssignment.objects.bulk_create(
        RoleAssignment(member=member, role=role, organization_id=group.organization_id, group=group)
        for member in present
        for role in roles
    )
    return _told("role.assigned", actor, rows, standing.won(rows))


def take(actor: Actor, held: QuerySet[RoleAssignment]) -> list[Draft]:
    """Take assignments that a group gave; returns the events that tell it."""
    rows = list(held.select_related("role", "member").order_by("id"))
    RoleAssignment.objects.filter(id__in=[row.id for row in rows]).delete()
    return _told("role.unassigned", actor, rows, standing.lost(rows))


def of_group(group: Group) -> QuerySet[RoleAssignment]:
    return RoleAssignment.objects.filter(tenant_id=group.tenant_id, group=group)


def _told(
    what: str, actor: Actor, rows: Iterable[RoleAssignment], changes: Iterable[standing.Change]
) -> list[Draft]:
    drafts = [
        Draft(
            what,
            actor,
            describe_assignment(row, row.member, row.role),
            organization_id=row.organization_id,
        )
        for row in rows
    ]
    return [*drafts, *standing.told(actor, changes)]
