"""Sessions that ran out by themselves are ended, so that applications and webhooks that asked for it are told.

Whether a session is good is decided whenever it is used (promise R20); this only notices, within minutes.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from itertools import chain

from django.db import connections
from django.db.models import Q
from django.utils import timezone

from core import scope
from core.housekeeping import sweep
from oauth.clients import in_tenant
from organizations.policy import idle_limits
from tenants import selectors, sessions
from tenants.models import TenantSession

BATCH = 1000
SHORTEST_IDLE = timedelta(minutes=1)
_TENANTS = """
SELECT DISTINCT tenant_id FROM tenants_tenantsession
 WHERE ended_at IS NULL AND (expires_at <= %(now)s OR last_active_at <= %(seen)s)
"""


@sweep("expired_sessions")
def end_what_ran_out() -> int:
    """End sessions past their absolute or idle limit; returns how many."""
    with scope.relay(), connections["relay"].cursor() as cursor:
        now = timezone.now()
        cursor.execute(_TENANTS, {"now": now, "seen": now - SHORTEST_IDLE})
        tenants = [row[0] for row in cursor.fetchall()]
    return sum(_end_in(tenant_id) for tenant_id in tenants)


def _end_in(tenant_id: uuid.UUID) -> int:
    """End a batch; one that its person uses at this moment is locked, or no longer over once it is ours."""
    with in_tenant(tenant_id):
        now = timezone.now()
        over = TenantSession.objects.filter(Q(expires_at__lte=now) | _idle(now), ended_at=None)
        batch = over.select_related("member").select_for_update(of=("self",), skip_locked=True)[:BATCH]
        for session in batch:
            sessions.end_session(session, "expired" if session.expires_at <= now else "idle")
    return len(batch)


def _idle(now: datetime) -> Q:
    """Match sessions of the open tenant that nobody used for longer than `organizations.policy.idle_limit`."""
    policy = selectors.policy()
    limits = idle_limits(policy)
    default = Q(last_active_at__lt=now - timedelta(seconds=policy.session_idle))
    found = default & ~Q(organization_id__in=list(chain(*limits.values())))
    for seconds, organizations in limits.items():
        before = now - timedelta(seconds=seconds)
        found |= Q(organization_id__in=organizations, last_active_at__lt=before)
    return found
