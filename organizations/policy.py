"""What an organization asks of the sign-ins of people who work in it (ORG-16), beside the tenant's policy.

This is the one place where a demand is weighed: of security demands the stricter counts, of time limits the
organization's value within the tenant's cap.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from identity import assurance, methods
from organizations.models import Organization
from tenants import selectors
from tenants.policy import TenantPolicy


def idle_limit(policy: TenantPolicy, organization_id: uuid.UUID | None) -> int:
    """Return the seconds a session may idle: the active organization's value within the tenant's cap (SES-01)."""
    if organization_id is None:
        return policy.session_idle
    return policy.idle_for(_stored(organization_id))


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
