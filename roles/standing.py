"""What is told when somebody's roles change: the roles before and after, in an organization or of an administrator.

Every change of a member's roles bumps the member's authority first, and with it holds the member's row until it
commits. So what the others read here is exact: the changes of one member are told one after the other.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils import timezone

from core.principal import Actor
from events.services import Draft
from organizations.models import Membership
from organizations.services import describe_membership
from roles import selectors
from roles.models import Role, RoleAssignment
from tenants.models import Member, MemberStatus

ADMINISTRATORS = (selectors.OWNER, "admin")
Place = tuple[uuid.UUID, uuid.UUID | None]  # member, organization


@dataclass(frozen=True)
class Change:
    """Whether an assignment counted before the change, and whether it does after it."""

    row: RoleAssignment
    had: bool
    has: bool

    @property
    def place(self) -> Place:
        return self.row.member_id, self.row.organization_id


def counts(row: RoleAssignment) -> bool:
    """Whether an assignment has not expired."""
    return row.expires_at is None or row.expires_at > timezone.now()


def won(rows: Iterable[RoleAssignment]) -> list[Change]:
    """Return the changes of assignments that are new."""
    return [Change(row, False, counts(row)) for row in rows]


def lost(rows: Iterable[RoleAssignment]) -> list[Change]:
    """Return the changes of assignments that are being taken away."""
    return [Change(row, counts(row), False) for row in rows]


def told(actor: Actor, changes: Iterable[Change]) -> list[Draft]:
    """Return the events of changes that have been made: one for each member and place whose roles differ now.

    A role held twice, directly and by a group, is lost with the last of the two. Nothing is told of what changed
    no role, nor of somebody who was removed: that has been told already.
    """
    real = [one for one in changes if one.had != one.has and one.row.member.status != MemberStatus.REMOVED]
    real = [one for one in real if one.row.organization_id is not None or _administers(one.row.role)]
    if not real:
        return []
    rows = [one.row for one in real]
    others, belonging = _others(rows), _memberships(rows)
    by_place = defaultdict(list)
    for one in real:
        by_place[one.place].append(one)
    drafts = []
    for place, ones in by_place.items():
        before, after = _around(ones, others[place])
        if before == after:
            continue
        if place[1] is None:
            drafts.append(_administrator(actor, ones[0].row.member, before, after))
        elif place in belonging:
            drafts.append(_in_organization(actor, belonging[place], before, after))
    return drafts


def _around(changes: Iterable[Change], others: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the names of all roles before and after; `others` are those that stayed."""
    before, after = set(others), set(others)
    for one in changes:
        before |= {one.row.role.name} if one.had else set()
        after |= {one.row.role.name} if one.has else set()
    return sorted(before), sorted(after)


def ended(actor: Actor, member: Member) -> list[Draft]:
    """Return the event of an administrator who is removed from the tenant; none for anybody else."""
    held = selectors.assignments(member.id).filter(organization=None)
    before = sorted({row.role.name for row in held if _administers(row.role)})
    return [_administrator(actor, member, before, [])] if before else []


def _administers(role: Role) -> bool:
    return role.is_built_in and role.name in ADMINISTRATORS


def _others(rows: Sequence[RoleAssignment]) -> dict[Place, list[str]]:
    """Return the names of the other roles held; of those in the tenant only an administrator's."""
    held = RoleAssignment.objects.filter(
        tenant_id=rows[0].tenant_id, member_id__in={row.member_id for row in rows}
    ).exclude(id__in=[row.id for row in rows])
    names = defaultdict(list)
    for row in selectors.live(held).select_related("role"):
        if row.organization_id is not None or _administers(row.role):
            names[row.member_id, row.organization_id].append(row.role.name)
    return names


def _memberships(rows: Sequence[RoleAssignment]) -> dict[Place, Membership]:
    inside = [row for row in rows if row.organization_id is not None]
    if not inside:
        return {}
    found = Membership.objects.filter(
        tenant_id=rows[0].tenant_id,
        member_id__in={row.member_id for row in inside},
        organization_id__in={row.organization_id for row in inside},
    )
    return {
        (one.member_id, one.organization_id): one for one in found.select_related("member", "organization")
    }


def _in_organization(actor: Actor, membership: Membership, before: list[str], after: list[str]) -> Draft:
    return Draft(
        "organization.member.role_changed",
        actor,
        {**describe_membership(membership), "roles": after},
        {"roles": before},
        membership.organization_id,
    )


def _administrator(actor: Actor, member: Member, before: list[str], after: list[str]) -> Draft:
    what = "added" if not before else "role_changed" if after else "removed"
    shown = {"id": member.subject, "object": "member", "roles": after}
    return Draft(f"tenant.admin.{what}", actor, shown, {"roles": before})
