"""What an organization asks of the sign-ins of people who work in it (ORG-16), beside the tenant's policy.

This is the one place where a demand is weighed: of security demands the stricter counts, of time limits the
organization's value within the tenant's cap.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.utils import timezone

from organizations.models import Organization
from tenants import selectors
from tenants.policy import TenantPolicy


def idle_limit(policy: TenantPolicy, organization_id: uuid.UUID | None) -> int:
    """Return the seconds a session may idle: the active organization's value within the tenant's cap (SES-01)."""
    if organization_id is None:
        return policy.session_idle
    stored = Organization.objects.filter(id=organization_id).values_list("policy", flat=True).first()
    return policy.idle_for(stored)


def accepts_sign_in(organization_id: uuid.UUID | None, *, last_active_at: datetime) -> bool:
    """Whether a sign-in that was last active then may go on in an organization, or a new one is due."""
    limit = idle_limit(selectors.policy(), organization_id)
    return last_active_at + timedelta(seconds=limit) > timezone.now()
