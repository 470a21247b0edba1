"""Domains of an organization: naming one, having it looked at, who joins by it, giving it up (ORG-04, ORG-05)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from core import ids, jobs, livecache, ports, ratelimit
from core.api.fields import timestamp
from core.errors import NotFound, RateLimitExceeded
from core.principal import Principal
from core.uniqueness import unique_or
from events.services import Draft, emit, emit_many
from organizations import domain_proofs, domain_roles, domain_rules, domains
from organizations.errors import DomainListed, TooManyDomains
from organizations.models import Departure, DomainState, Organization, OrganizationDomain
from organizations.services import before_ending

JOB = "organizations.check_domains"
WAITING = timedelta(days=7)
FIRST_LOOK = timedelta(minutes=1)
MOST = 50
CHECKS = ratelimit.Limit("domain_checks", quota=6)  # a minute, of one domain
CHECKS_OF_TENANT = ratelimit.Limit("domain_checks_of_tenant", quota=120)
EDITABLE = ("auto_join", "auto_join_role_id", "metadata")


def add_domain(
    *,
    actor: Principal,
    organization: Organization,
    domain: str,
    auto_join: bool = False,
    auto_join_role_id: uuid.UUID | None = None,
    metadata: Mapping[str, str] | None = None,
) -> OrganizationDomain:
    """Name a domain that the organization will prove to be its own within seven days.

    Whether others have named or proved it is not said: only a proof decides. Raises ValidationFailed, DomainListed,
    TooManyDomains and, for the role, what domain_roles raises.
    """
    ports.authority.require(actor, "organizations:write", organization)
    now = timezone.now()
    claim = OrganizationDomain(
        organization=organization,
        domain=domain_rules.read(domain),
        challenge=domain_proofs.new_challenge(),
        expires_at=now + WAITING,
        next_check_at=now + FIRST_LOOK,
        auto_join=auto_join,
        auto_join_role_id=auto_join_role_id,
        metadata=dict(metadata or {}),
    )
    if auto_join_role_id is not None:
        domain_roles.roles().check(actor, organization, auto_join_role_id)
    with transaction.atomic():
        list(Organization.objects.filter(id=organization.id).select_for_update(no_key=True).values_list("id"))
        if domains.domains(organization).count() >= MOST:
            raise TooManyDomains
        with unique_or(DomainListed):
            claim.save(force_insert=True)
        shown = describe(claim, auto_join=auto_join, auto_join_role=role_word(claim))
        emit("organization.domain.added", actor=actor.actor, organization_id=organization.id, object=shown)
    return claim


def request_check(*, actor: Principal, claim: OrganizationDomain) -> OrganizationDomain:
    """Have the proof looked for now; one that was lost or not given in time gets seven days again.

    Raises RateLimitExceeded.
    """
    ports.authority.require(actor, "organizations:write", claim)
    take_turn(claim)
    with transaction.atomic():
        held = locked(claim.id)
        before = held.effective_state
        if before in (DomainState.FAILED, DomainState.EXPIRED):
            begin_again(held, timezone.now())
            emit(
                "organization.domain.updated",
                actor=actor.actor,
                organization_id=held.organization_id,
                object=describe(held),
                previous={"state": before},
            )
        held.next_check_at = timezone.now()
        held.save(update_fields=["next_check_at"])
        promise_look()
    return held


def take_turn(claim: OrganizationDomain) -> None:
    for subject, limit in ((str(claim.id), CHECKS), ("", CHECKS_OF_TENANT)):
        decision = ratelimit.hit(tenant=str(claim.tenant_id), subjects=[subject], limits=[limit])
        if not decision.allowed:
            raise RateLimitExceeded(headers={"Retry-After": str(decision.retry_after)})


def begin_again(claim: OrganizationDomain, now: datetime) -> None:
    claim.state, claim.expires_at, claim.next_check_at = DomainState.PENDING, now + WAITING, now + FIRST_LOOK
    claim.failures, claim.failing_since = 0, None
    claim.save(
        update_fields=["state", "expires_at", "next_check_at", "failures", "failing_since", "updated_at"]
    )


def promise_look() -> None:
    """Promise to look at what is due in the open tenant: once, but what is stuck holds up no later minute."""
    jobs.enqueue(JOB, unique_key=f"{timezone.now():%Y-%m-%dT%H:%M}")


def update_domain(
    *, actor: Principal, claim: OrganizationDomain, changes: Mapping[str, Any]
) -> OrganizationDomain:
    """Change who joins by it: `auto_join`, `auto_join_role_id`; and metadata.

    Who opens this way must be able to give the role themselves. Raises what domain_roles raises.
    """
    ports.authority.require(actor, "organizations:write", claim)
    before = {name: getattr(claim, name) for name in changes if getattr(claim, name) != changes[name]}
    if not before:
        return claim
    previous = described_changes(claim, before)
    for name in before:
        assert name in EDITABLE, name
        setattr(claim, name, changes[name])
    widens = "auto_join_role_id" in before or (claim.auto_join and "auto_join" in before)
    if widens and claim.auto_join_role_id is not None:
        domain_roles.roles().check(actor, claim.organization, claim.auto_join_role_id)
    with transaction.atomic():
        claim.save(update_fields=[*before, "updated_at"])
        forget(claim.tenant_id)
        emit(
            "organization.domain.updated",
            actor=actor.actor,
            organization_id=claim.organization_id,
            object=describe(claim, **described_changes(claim, before)),
            previous=previous,
        )
    return claim


def described_changes(claim: OrganizationDomain, names: Mapping[str, Any]) -> dict[str, Any]:
    shown = {
        "auto_join": claim.auto_join,
        "auto_join_role_id": role_word(claim),
        "metadata": claim.metadata,
    }
    return {name.removesuffix("_id"): value for name, value in shown.items() if name in names}


def remove_domain(*, actor: Principal, claim: OrganizationDomain) -> None:
    """Give a domain up: nothing is routed, nobody joins by it any more; who joined stays. Raises NotFound."""
    ports.authority.require(actor, "organizations:write", claim)
    with transaction.atomic():
        held = locked(claim.id)
        OrganizationDomain.objects.filter(id=held.id).delete()
        forget(held.tenant_id)
        emit(
            "organization.domain.removed",
            actor=actor.actor,
            organization_id=held.organization_id,
            object=describe(held),
        )


@before_ending
def end(actor: Principal, organization: Organization) -> None:
    """Free the domains of an organization that ends."""
    rows = list(domains.domains(organization).select_for_update())
    if rows:
        domains.domains(organization).delete()
        forget(organization.tenant_id)
    removed = "organization.domain.removed"
    emit_many([Draft(removed, actor.actor, describe(row), organization_id=organization.id) for row in rows])
    Departure.objects.filter(organization=organization).delete()


def locked(domain_id: uuid.UUID) -> OrganizationDomain:
    """Return the row, held until the transaction ends; raises NotFound."""
    found = OrganizationDomain.objects.select_for_update().filter(id=domain_id).first()
    if found is None:
        raise NotFound
    return found


def forget(tenant_id: uuid.UUID) -> None:
    """Let every process forget whether anybody joins the tenant's organizations by a domain."""
    livecache.invalidate("auto_join", str(tenant_id))


def role_word(claim: OrganizationDomain) -> str | None:
    return ids.encode("role", claim.auto_join_role_id) if claim.auto_join_role_id else None


def describe(claim: OrganizationDomain, **more: Any) -> dict[str, Any]:
    return {
        "id": claim.public_id,
        "object": "organization_domain",
        "organization": ids.encode(Organization.PREFIX, claim.organization_id),
        "domain": claim.domain,
        "state": str(claim.effective_state),
        "method": claim.method or None,
        "verified_at": timestamp(claim.verified_at),
        **more,
    }
