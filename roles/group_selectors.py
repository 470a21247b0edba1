"""Reading groups, who is in them and what they give; all in the open tenant scope."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from typing import Any

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from core import ids, scope
from core.errors import NotFound
from organizations.models import OrganizationStatus
from roles.models import Group, GroupMember, GroupRole, Role
from tenants.inclusions import included_in_members
from tenants.models import Member
from tenants.selectors import begins, narrows_members

BY_HAND = (
    "manual"  # among the sources of a GroupMember; the others are ids of what an outside directory speaks by
)


def groups() -> QuerySet[Group]:
    """Return the groups that the open scope may see."""
    return Group.objects.filter(tenant_id=scope.require_tenant())


def group(group_id: uuid.UUID) -> Group:
    """Return a group; raises NotFound."""
    found = groups().filter(id=group_id).first()
    if found is None:
        raise NotFound
    return found


def search(rows: QuerySet[Group], text: str) -> QuerySet[Group]:
    """Narrow to names that begin with `text`."""
    return rows.filter(begins("name_search", text))


def with_member(rows: QuerySet[Group], member_id: uuid.UUID) -> QuerySet[Group]:
    """Narrow to the groups that a member is in."""
    return rows.filter(id__in=groups_of(member_id).order_by().values("group_id"))


def giving(rows: QuerySet[Group], role_id: uuid.UUID) -> QuerySet[Group]:
    """Narrow to the groups that give a role."""
    given = GroupRole.objects.filter(tenant_id=scope.require_tenant(), role_id=role_id)
    return rows.filter(id__in=given.values("group_id"))


def with_counts(rows: QuerySet[Group]) -> QuerySet[Group]:
    """Add `member_count` and `role_count`."""
    return rows.annotate(member_count=_count(GroupMember), role_count=_count(GroupRole))


def _count(model: type[GroupMember | GroupRole]) -> Coalesce:
    inside = model.objects.filter(group_id=OuterRef("id")).order_by().values("group_id")
    return Coalesce(Subquery(inside.annotate(count=Count("id")).values("count")), 0)


def people(group: Group) -> QuerySet[GroupMember]:
    """Return who is in a group, with the members."""
    return GroupMember.objects.filter(tenant_id=group.tenant_id, group=group).select_related("member")


def search_people(rows: QuerySet[GroupMember], text: str) -> QuerySet[GroupMember]:
    """Narrow to members whose name or e-mail begins with `text`."""
    return rows.filter(begins("member__email_search", text) | begins("member__name_search", text))


def given(group: Group) -> QuerySet[GroupRole]:
    """Return which roles a group gives."""
    return GroupRole.objects.filter(tenant_id=group.tenant_id, group=group).select_related("role")


def roles_of(group: Group) -> list[Role]:
    return [row.role for row in given(group).order_by("id")]


def groups_of(member_id: uuid.UUID) -> QuerySet[GroupMember]:
    """Return the groups that a member is in, by name."""
    rows = GroupMember.objects.filter(tenant_id=scope.require_tenant(), member_id=member_id)
    return rows.select_related("group", "organization").order_by("group__name_search", "id")


def names_of(member_id: uuid.UUID, organization_id: uuid.UUID | None = None) -> list[str]:
    """Return the names of a member's groups in the tenant and in an active organization, sorted, each once."""
    here = Q(organization=None)
    if organization_id is not None:
        here |= Q(organization_id=organization_id, organization__status=OrganizationStatus.ACTIVE)
    rows = GroupMember.objects.filter(here, tenant_id=scope.require_tenant(), member_id=member_id)
    return sorted(set(rows.values_list("group__name", flat=True)))


@included_in_members("groups", "groups:read")
def groups_by_subject(subjects: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    rows = GroupMember.objects.filter(tenant_id=scope.require_tenant(), member__subject__in=subjects)
    for row in rows.select_related("member", "group", "organization").order_by("id"):
        where = row.organization.public_id if row.organization else None
        named = {"id": row.group.public_id, "object": "group", "name": row.group.name}
        yield row.member.subject, {**named, "organization": where}


def choices(limit: int = 200) -> list[tuple[str, str]]:
    """Return groups by name for a select box."""
    rows = groups().select_related("organization").order_by("name_search", "id")[:limit]
    return [(row.public_id, label(row)) for row in rows]


def label(group: Group) -> str:
    return f"{group.name} ({group.organization.name})" if group.organization else group.name


@narrows_members("group", choices)
def in_group(rows: QuerySet[Member], value: str) -> QuerySet[Member]:
    """Narrow members to those of a group, by its id; one that is not seen has nobody."""
    try:
        group_id = Group.read_id(value)
    except ids.MalformedId:
        return rows.none()
    inside = GroupMember.objects.filter(tenant_id=scope.require_tenant(), group_id=group_id)
    return rows.filter(id__in=inside.values("member_id"))
