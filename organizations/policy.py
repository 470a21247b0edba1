"""What an organization asks of the sign-ins of people who work in it (ORG-16), beside the tenant's policy.

This is the one place where a demand is weighed: of security demands the stricter counts, of time limits the
organization's value within the tenant's cap.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from core.errors import FieldError, ValidationFailed
from identity import assurance, methods
from organizations.models import Organization
from tenants import selectors
from tenants.policy import TenantPolicy, said


@dataclass(frozen=True)
class InForce:
    """What counts for people of an organization, and whether its own word or the tenant's made it so.

    `level` is the acr that a member needs at least, empty for any; administrators and roles may need more.
    """

    level: str
    level_is_own: bool
    methods: frozenset[str]
    methods_are_own: bool
    session_idle: int
    idle_is_own: bool
    idle_is_capped: bool


def in_force(tenant: TenantPolicy, own: Mapping[str, Any]) -> InForce:
    """Weigh an organization's policy against its tenant's."""
    level, theirs = level_demanded(tenant, own), level_demanded(tenant)
    allowed = tenant.methods_for(own)
    asked = int(own.get("session_idle") or 0)
    return InForce(
        level=level,
        level_is_own=level != theirs,
        methods=allowed,
        methods_are_own=allowed != frozenset(tenant.sign_in_methods),
        session_idle=tenant.idle_for(own),
        idle_is_own=bool(asked),
        idle_is_capped=asked > tenant.session_idle_cap,
    )


def merged(before: Mapping[str, Any], changes: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return an organization's policy after a merge patch: null takes a word, or all, away (RFC 7396)."""
    after = {**before, **changes} if changes is not None else {}
    return {name: value for name, value in after.items() if value is not None}


def check(tenant: TenantPolicy, own: Mapping[str, Any]) -> None:
    """Raise ValidationFailed for what the tenant does not leave to an organization (SES-01, AUT-12)."""
    faults = []
    if own.get("session_idle", 0) > tenant.session_idle_cap:
        detail = f"The tenant allows {said(tenant.session_idle_cap)} at most."
        faults.append(FieldError("/policy/session_idle", "above_cap", detail))
    if "sign_in_methods" in own and not tenant.methods_for(own):
        detail = "The tenant allows none of these, so nobody could sign in."
        faults.append(FieldError("/policy/sign_in_methods", "none_allowed", detail))
    if faults:
        raise ValidationFailed(errors=faults)


def idle_limit(policy: TenantPolicy, organization_id: uuid.UUID | None) -> int:
    """Return the seconds a session may idle: the active organization's value within the tenant's cap (SES-01)."""
    if organization_id is None:
        return policy.session_idle
    return policy.idle_for(_stored(organization_id))


def idle_limits(policy: TenantPolicy) -> dict[int, list[uuid.UUID]]:
    """Return the limits that organizations of the open tenant have by a word of their own, and those who have each."""
    found: dict[int, list[uuid.UUID]] = {}
    own = Organization.objects.filter(policy__has_key="session_idle")
    for organization_id, stored in own.values_list("id", "policy"):
        found.setdefault(policy.idle_for(stored), []).append(organization_id)
    return found


def sign_in_methods(organization_id: uuid.UUID | None) -> frozenset[str]:
    """Return the ways to sign in to the open tenant, in an organization only those that both allow (AUT-12)."""
    policy = selectors.policy()
    return policy.methods_for(_stored(organization_id) if organization_id else None)


def accepts_methods(organization_id: uuid.UUID | None, amr: Iterable[str]) -> bool:
    """Whether one of the proofs that opened a session is a method allowed there."""
    return bool(methods.proved(amr) & sign_in_methods(organization_id))


def _stored(organization_id: uuid.UUID) -> dict[str, Any] | None:
    return Organization.objects.filter(id=organization_id).values_list("policy", flat=True).first()


def level_demanded(
    policy: TenantPolicy,
    organization: Mapping[str, Any] | None = None,
    *,
    administers: bool = False,
    role_factors: Iterable[str] = (),
) -> str:
    """Return the acr that a sign-in must have at least, empty where any will do: the strictest demand of
    tenant, organization, roles, and of those who administer (AUT-15).
    """
    words = [policy.member_factor, (organization or {}).get("member_factor", "any"), *role_factors]
    if administers and policy.admin_mfa_required:
        words.append("second_factor")
    if administers and policy.admin_passkey_required:
        words.append("passkey")
    # A word that this release does not know demands the most: it may come from a newer one.
    return assurance.strictest(
        assurance.DEMANDS.get(word, assurance.PHISHING_RESISTANT) for word in words if word
    )


def accepts_sign_in(organization_id: uuid.UUID | None, *, last_active_at: datetime) -> bool:
    """Whether a sign-in that was last active then may go on in an organization, or a new one is due."""
    limit = idle_limit(selectors.policy(), organization_id)
    return last_active_at + timedelta(seconds=limit) > timezone.now()
