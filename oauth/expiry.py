"""Sessions that ran out by themselves are ended, so that applications and webhooks that asked for it are told.

Whether a session is good is decided whenever it is used (promise R20); this only notices, within minutes.
"""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.db import connections
from django.utils import timezone

from core import scope
from core.housekeeping import sweep
from oauth.clients import in_tenant
from organizations.policy import idle_limit
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
    with in_tenant(tenant_id):
        live = TenantSession.objects.filter(ended_at=None).select_related("member")
        oldest = live.order_by("last_active_at")[:BATCH]
        over = [(row, reason) for row in oldest if (reason := _reason(row))]
        for row, reason in over:
            sessions.end_session(row, reason)
    return len(over)


def _reason(session: TenantSession) -> str:
    """Return why a session is over, empty for one that is not."""
    if session.expires_at <= timezone.now():
        return "expired"
    limit = idle_limit(selectors.policy(), session.organization_id)
    return "idle" if sessions.is_idle(session, limit) else ""
