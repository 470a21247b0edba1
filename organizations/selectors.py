"""Reading organizations and memberships; the open scope decides which are seen."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from typing import Any

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from core import ids, scope
from core.errors import NotFound
from core.postgres.prepared import Prepared
from organizations.models import Departure, Membership, Organization, OrganizationStatus
from tenants.inclusions import included_in_members
from tenants.models import Member, MemberStatus
from tenants.selectors import begins, narrows_members

_NAME = Prepared("SELECT name FROM organizations_organization WHERE tenant_id = %(tenant)s AND id = %(id)s")


def organizations() -> QuerySet[Organization]:
    """Return the organizations that have not been deleted."""
    rows = Organization.objects.filter(tenant_id=scope.require_tenant())
    return rows.exclude(status=OrganizationStatus.DELETED)


def organization(organization_id: uuid.UUID) -> Organization:
    """Return an organization that was not deleted; raises NotFound."""
    found = organizations().filter(id=organization_id).first()
    if found is None:
        raise NotFound
    return found


def name_of(organization_id: uuid.UUID) -> str:
    """Return an organization's name, empty for one that the open scope does not see."""
    found = _NAME.first({"tenant": scope.require_tenant(), "id": organization_id})
    return str(found[0]) if found else ""


def search(rows: QuerySet[Organization], text: str) -> QuerySet[Organization]:
    """Narrow to names or slugs that begin with `text`."""
    return rows.filter(begins("name_search", text) | begins("slug", text))


def with_counts(rows: QuerySet[Organization]) -> QuerySet[Organization]:
    """Add `member_count`: people who were not removed from the tenant."""
    present = Membership.objects.filter(organization_id=OuterRef("id")).exclude(
        member__status=MemberStatus.REMOVED
    )
    counted = present.order_by().values("organization_id").annotate(count=Count("id")).values("count")
    return rows.annotate(member_count=Coalesce(Subquery(counted), 0))


def memberships(organization: Organization) -> QuerySet[Membership]:
    """Return who belongs to an organization, with the members."""
    rows = Membership.objects.filter(tenant_id=organization.tenant_id, organization=organization)
    return rows.exclude(member__status=MemberStatus.REMOVED).select_related("member")


@included_in_members("organizations", "organizations:read")
def organizations_by_subject(subjects: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    rows = Membership.objects.filter(tenant_id=scope.require_tenant(), member__subject__in=subjects)
    rows = rows.exclude(organization__status=OrganizationStatus.DELETED)
    for row in rows.select_related("member", "organization").order_by("id"):
        named = {"id": row.organization.public_id, "object": "organization"}
        yield row.member.subject, {**named, "name": row.organization.name, "slug": row.organization.slug}


def search_memberships(rows: QuerySet[Membership], text: str) -> QuerySet[Membership]:
    """Narrow to members whose name or e-mail begins with `text`."""
    return rows.filter(begins("member__email_search", text) | begins("member__name_search", text))


def membership(organization: Organization, subject: str) -> Membership:
    """Return one membership by the member's subject; raises NotFound."""
    found = (
        memberships(organization).filter(member__subject=subject).first() if subject.isprintable() else None
    )
    if found is None:
        raise NotFound
    return found


def belongs(member_id: uuid.UUID, organization_id: uuid.UUID) -> bool:
    """Whether a member belongs to an organization that is active."""
    return Membership.objects.filter(
        tenant_id=scope.require_tenant(),
        member_id=member_id,
        organization_id=organization_id,
        organization__status=OrganizationStatus.ACTIVE,
    ).exists()


def has_left(member_id: uuid.UUID, organization_id: uuid.UUID) -> bool:
    """Whether a member left an organization or was removed from it: no rule brings them back, only somebody who may."""
    here = {"tenant_id": scope.require_tenant(), "member_id": member_id, "organization_id": organization_id}
    return Departure.objects.filter(**here).exists()


def organizations_of(member: Member) -> QuerySet[Organization]:
    """Return the active organizations of a member, by name."""
    mine = Membership.objects.filter(tenant_id=member.tenant_id, member=member).values("organization_id")
    return organizations().filter(id__in=mine, status=OrganizationStatus.ACTIVE).order_by("name_search", "id")


def organization_ids_of(member_id: uuid.UUID) -> list[uuid.UUID]:
    """Return the ids of a member's active organizations, the one joined first in front."""
    mine = Membership.objects.filter(
        tenant_id=scope.require_tenant(),
        member_id=member_id,
        organization__status=OrganizationStatus.ACTIVE,
    )
    return list(mine.order_by("id").values_list("organization_id", flat=True))


def choices(limit: int = 200) -> list[tuple[str, str]]:
    """Return organizations by name for a select box."""
    return [(row.public_id, row.name) for row in organizations().order_by("name_search")[:limit]]


@narrows_members("organization", choices)
def in_organization(rows: QuerySet[Member], value: str) -> QuerySet[Member]:
    """Narrow members to those of an organization, by its id; one that is not seen has nobody."""
    try:
        organization_id = Organization.read_id(value)
    except ids.MalformedId:
        return rows.none()
    inside = Membership.objects.filter(tenant_id=scope.require_tenant(), organization_id=organization_id)
    return rows.filter(id__in=inside.values("member_id"))
