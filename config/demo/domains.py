"""A customer's domain, proved by a record of which development's own file of answers tells."""

from __future__ import annotations

import json
from pathlib import Path

from django.conf import settings

from core import scope
from core.principal import Principal
from organizations import domain_checks, domain_proofs, domain_services
from organizations.models import DomainState, Organization, OrganizationDomain
from roles import selectors as roles
from tenants.selectors import TenantRef


def prove(tenant: TenantRef, actor: Principal, organization: str, domain: str) -> None:
    """Let the organization prove a domain by which its people join; without such a file there is none."""
    answers = settings.DOMAIN_ANSWERS_FILE
    if answers is None:
        return
    with scope.tenant(tenant.id):
        owner = Organization.objects.get(name=organization, status="active")
        claim = OrganizationDomain.objects.filter(organization=owner, domain=domain).first()
        claim = claim or domain_services.add_domain(
            actor=actor,
            organization=owner,
            domain=domain,
            auto_join=True,
            auto_join_role_id=roles.built_in("viewer").id,
        )
    tell(answers, domain_proofs.record_name(domain), domain_proofs.value(claim))
    if claim.state != DomainState.VERIFIED:
        found = domain_proofs.look(claim.domain, domain_proofs.value(claim))
        with scope.tenant(tenant.id):
            domain_checks.record(claim.id, found)


def tell(path: Path, name: str, text: str) -> None:
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    path.write_text(json.dumps({**known, name: [text]}, indent=2) + "\n", encoding="utf-8")
    path.chmod(0o600)
