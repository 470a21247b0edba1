"""Joining an organization by a proved address in a domain that it has verified (ORG-05).

Both are proofs: of the domain by the organization, of the address by the person. The door shows the second one.
"""

from __future__ import annotations

import uuid

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from core import scope
from core.errors import Conflict
from core.livecache import LiveCache
from core.principal import Actor
from identity.emails import Address, InvalidAddress, parse
from organizations import domain_roles
from organizations.models import (
    Departure,
    DomainState,
    Membership,
    OrganizationDomain,
    OrganizationStatus,
)
from organizations.services import add_member_as_system
from tenants.models import Member

_used: LiveCache[bool] = LiveCache("auto_join")
REASON = "verified_domain"


def is_used(tenant_id: uuid.UUID) -> bool:
    """Whether any organization of the tenant lets people in this way; remembered until that changes."""
    return _used.get(str(tenant_id), lambda: _load(tenant_id))


def _load(tenant_id: uuid.UUID) -> bool:
    with scope.tenant(tenant_id):
        return OrganizationDomain.objects.filter(
            tenant_id=tenant_id, auto_join=True, state=DomainState.VERIFIED
        ).exists()


def admits(domain: str) -> bool:
    """Whether an organization of the open tenant lets in whoever has an address in the domain."""
    return is_used(scope.require_tenant()) and _rules(domain).exists()


def awaits(member: Member) -> Address | None:
    """Return the address by which a member would join an organization they have neither joined nor left yet.

    It is the address that the tenant has of them: another one of theirs is none of its business.
    """
    address = _address(member)
    return address if address is not None and _rules_for(member, address).exists() else None


def join(member: Member) -> bool:
    """Let a member in, whose address the caller has seen proved; False where nothing lets them in any more."""
    address = _address(member)
    if address is None:
        return False
    with transaction.atomic():
        rules = _rules_for(member, address).select_for_update(of=("self",)).select_related("organization")
        rule = rules.first()
        if rule is None:
            return False
        actor = Actor("user", member.subject)
        try:
            add_member_as_system(organization=rule.organization, member=member, actor=actor, reason=REASON)
        except Conflict:  # another tab was first
            return False
        if rule.auto_join_role_id is not None:
            domain_roles.roles().give(member, rule.organization, rule.auto_join_role_id)
    return True


def _address(member: Member) -> Address | None:
    try:
        return parse(member.email) if member.is_active and member.email_verified else None
    except InvalidAddress:
        return None


def _rules(domain: str) -> QuerySet[OrganizationDomain]:
    return OrganizationDomain.objects.filter(
        tenant_id=scope.require_tenant(),
        domain=domain,
        state=DomainState.VERIFIED,
        auto_join=True,
        organization__status=OrganizationStatus.ACTIVE,
    )


def _rules_for(member: Member, address: Address) -> QuerySet[OrganizationDomain]:
    here = {
        "tenant_id": member.tenant_id,
        "member": member,
        "organization_id": OuterRef("organization_id"),
    }
    inside, gone = Membership.objects.filter(**here), Departure.objects.filter(**here)
    return _rules(address.domain).exclude(Exists(inside)).exclude(Exists(gone))
