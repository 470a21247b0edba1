"""Reading the domains of organizations, and whose a domain is."""

from __future__ import annotations

import uuid

from django.db.models import OuterRef, QuerySet, Subquery

from core import scope
from core.errors import NotFound
from core.postgres.prepared import Prepared
from organizations.models import DomainState, Organization, OrganizationDomain
from tenants.selectors import begins

_OWNER = Prepared("""
SELECT claim.organization_id FROM organizations_organizationdomain claim
  JOIN organizations_organization owner
    ON owner.tenant_id = claim.tenant_id AND owner.id = claim.organization_id
 WHERE claim.tenant_id = %(tenant)s AND claim.domain = %(domain)s AND claim.state = 'verified'
   AND owner.status = 'active'
""")


def organization_of(domain: str) -> uuid.UUID | None:
    """Return the id of the active organization that has proved this domain to be its own.

    `domain` is canonical, as `identity.emails.Address.domain` is; one beneath it is another domain. One statement in
    the open tenant scope, which may be that of somebody who has not signed in.
    """
    found = _OWNER.first({"tenant": scope.require_tenant(), "domain": domain})
    return found[0] if found else None


def domains(organization: Organization) -> QuerySet[OrganizationDomain]:
    """Return an organization's domains, whatever their state."""
    return OrganizationDomain.objects.filter(tenant_id=organization.tenant_id, organization=organization)


def domain(organization: Organization, domain_id: uuid.UUID) -> OrganizationDomain:
    """Return one of an organization's domains; raises NotFound."""
    found = domains(organization).filter(id=domain_id).select_related("organization").first()
    if found is None:
        raise NotFound
    return found


def search(rows: QuerySet[OrganizationDomain], text: str) -> QuerySet[OrganizationDomain]:
    """Narrow to domains that begin with `text`."""
    return rows.filter(begins("domain", text))


def with_domains(rows: QuerySet[Organization]) -> QuerySet[Organization]:
    """Add `domain`: the verified one that an organization named first, None for none."""
    proved = OrganizationDomain.objects.filter(
        tenant_id=OuterRef("tenant_id"), organization_id=OuterRef("id"), state=DomainState.VERIFIED
    )
    return rows.annotate(domain=Subquery(proved.order_by("id").values("domain")[:1]))
