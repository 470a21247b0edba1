"""Looking for proofs: at once at the button, by a sweep in pauses that grow until a proof is there (threat S1).

What was found is written in a scope of its own after the look, which may take seconds.
"""

from __future__ import annotations

import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import IntegrityError, connections, transaction
from django.utils import timezone

from core import jobs, ports, scope
from core.housekeeping import sweep
from core.principal import SYSTEM
from core.urls import absolute
from events.services import emit
from organizations import domain_proofs, domain_roles
from organizations.domain_proofs import Findings
from organizations.domain_services import JOB, WAITING, describe, forget, promise_look
from organizations.models import DomainState, Finding, OrganizationDomain
from tenants import selectors as tenants

log = structlog.get_logger(__name__)
SHORTEST, LONGEST = timedelta(minutes=1), timedelta(hours=6)
DAILY = timedelta(days=1)
# A proof that is gone once may be a mistake or a fault in the network; gone for days it is no proof any more.
LOST_AFTER, LOST_LOOKS = timedelta(days=3), 3
HELD = timedelta(minutes=10)  # a look that a worker never made is due again then
TOGETHER, SECONDS = 8, 12.0  # looks at once, and for how long new ones are begun
TENANTS, MOST_MAILS = 500, 50
_DUE = """
SELECT tenant_id FROM organizations_organizationdomain WHERE next_check_at <= now()
 GROUP BY tenant_id ORDER BY min(next_check_at) LIMIT %s
"""
KEPT = (
    "state", "method", "dns_finding", "http_finding", "verified_at", "checked_at", "next_check_at", "failures",
    "failing_since", "updated_at",
)  # fmt: skip


@sweep("domains_to_check")
def promise_looks() -> int:
    """Promise each tenant's looks that are due, those that wait longest first; one round each time it is asked."""
    with scope.relay(), connections["relay"].cursor() as cursor:
        cursor.execute(_DUE, [TENANTS])
        found = [row[0] for row in cursor.fetchall()]
    for tenant_id in found:
        with scope.tenant(tenant_id):
            promise_look()
    return 0


@jobs.handler(JOB, opens_scope=False)
def check_due(payload: dict[str, Any]) -> None:
    """Look for the proofs of a tenant's domains that are due, and write down what was found.

    Several at once, and for a bounded time: name servers that keep us waiting delay their own tenant's looks, and
    hold one worker's thread for less than a job's lease (promise R18). What is left is promised by the next sweep.
    """
    tenant_id, until = payload["_tenant_id"], time.monotonic() + SECONDS
    with ThreadPoolExecutor(TOGETHER) as threads:
        while time.monotonic() < until and (claims := _take_due(tenant_id)):
            for claim, found in zip(claims, threads.map(_look, claims), strict=True):
                with scope.tenant(tenant_id):
                    record(claim.id, found)


def _take_due(tenant_id: uuid.UUID) -> list[OrganizationDomain]:
    """Return the domains that wait longest; to others they are not due until a lost worker has had its time."""
    with scope.tenant(tenant_id):
        now = timezone.now()
        due = OrganizationDomain.objects.select_for_update(skip_locked=True).filter(
            tenant_id=tenant_id, next_check_at__lte=now
        )
        claims = list(due.order_by("next_check_at")[:TOGETHER])
        rows = OrganizationDomain.objects.filter(tenant_id=tenant_id, id__in=[one.id for one in claims])
        rows.update(next_check_at=now + HELD)
    return claims


def _look(claim: OrganizationDomain) -> Findings:
    """Look; what nobody thought of is no proof, and stops no other organization's look."""
    try:
        return domain_proofs.look(claim.domain, domain_proofs.value(claim))
    except Exception as error:
        log.error("a domain could not be looked at", domain=claim.domain, exc_info=error)
        return Findings(Finding.UNREACHABLE, Finding.UNREACHABLE)


def record(domain_id: uuid.UUID, found: Findings) -> None:
    """Decide what the look means, holding the row, in the open tenant scope."""
    rows = OrganizationDomain.objects.select_for_update(of=("self",)).select_related("organization")
    claim = rows.filter(id=domain_id).first()
    if claim is None:
        return
    now, before = timezone.now(), claim.state
    claim.checked_at = now
    claim.dns_finding, claim.http_finding = found.dns, found.http or ""
    if found.method is None or not _prove(claim, found, now):
        _miss(claim, now)
        claim.save(update_fields=KEPT)
    if claim.state != before:
        _tell(claim, before)


def _prove(claim: OrganizationDomain, found: Findings, now: datetime) -> bool:
    """Write the proof down; False where another organization of the tenant was first (threat S1: one owner)."""
    before = claim.state, claim.method, claim.verified_at, claim.failures, claim.failing_since
    if claim.state != DomainState.VERIFIED:
        claim.verified_at = now
    claim.state, claim.method = DomainState.VERIFIED, found.method or ""
    claim.failures, claim.failing_since, claim.next_check_at = 0, None, now + DAILY
    try:
        with transaction.atomic():
            claim.save(update_fields=KEPT)
    except IntegrityError:
        claim.state, claim.method, claim.verified_at, claim.failures, claim.failing_since = before
        which = "dns_finding" if found.dns == Finding.FOUND else "http_finding"
        setattr(claim, which, Finding.TAKEN)
        return False
    return True


def _miss(claim: OrganizationDomain, now: datetime) -> None:
    claim.failures += 1
    claim.failing_since = claim.failing_since or now
    if claim.state == DomainState.PENDING:
        pause = min(max((now - claim.expires_at + WAITING) / 4, SHORTEST), LONGEST)
        claim.state = claim.effective_state
        claim.next_check_at = min(now + pause, claim.expires_at)
    elif claim.state == DomainState.VERIFIED:
        lost = claim.failures >= LOST_LOOKS and now - claim.failing_since >= LOST_AFTER
        claim.state = DomainState.FAILED if lost else claim.state
        claim.next_check_at = now + DAILY
    if claim.state in (DomainState.FAILED, DomainState.EXPIRED):
        claim.next_check_at = None


def _tell(claim: OrganizationDomain, before: str) -> None:
    forget(claim.tenant_id)
    verified = claim.state == DomainState.VERIFIED
    emit(
        f"organization.domain.{'verified' if verified else 'failed'}",
        actor=SYSTEM,
        organization_id=claim.organization_id,
        object=describe(claim),
        previous={"state": before},
    )
    if claim.state == DomainState.FAILED:
        _mail(claim)


def _mail(claim: OrganizationDomain) -> None:
    """Tell those who can put the record back."""
    organization = claim.organization
    link = absolute("origin", "dashboard", slug=tenants.tenant().slug)
    link += f"organizations/{organization.public_id}/domains/{claim.public_id}"
    context = {"domain": claim.domain, "organization": organization.name, "link": link}
    for member in domain_roles.roles().administrators(organization)[:MOST_MAILS]:
        if member.email:
            ports.mail.send(
                "domain_failed",
                member.email,
                tenant_id=claim.tenant_id,
                organization_id=organization.id,
                context=context,
                locale=member.locale,
            )
