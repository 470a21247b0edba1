"""Sessions that ran out by themselves are ended, so that applications which asked for it are told.

Whether a session is good is decided whenever it is used (promise R20); this only notices, within minutes,
and only for tenants that have somebody to tell.
"""

from __future__ import annotations

import uuid

from django.db import connections
from django.utils import timezone

from core import scope
from core.housekeeping import sweep
from oauth.clients import in_tenant
from organizations.policy import idle_limit
from tenants import selectors, sessions
from tenants.models import TenantSession

BATCH = 1000
_TENANTS = """
SELECT DISTINCT s.tenant_id FROM tenants_tenantsession s
 WHERE s.ended_at IS NULL AND s.clients <> '[]'::jsonb AND EXISTS (
    SELECT FROM oauth_application a WHERE a.tenant_id = s.tenant_id AND a.backchannel_logout_uri <> '')
"""


@sweep("expired_sessions")
def end_what_ran_out() -> int:
    """End sessions past their absolute or idle limit; returns how many."""
    with scope.relay(), connections["relay"].cursor() as cursor:
        cursor.execute(_TENANTS)
        tenants = [row[0] for row in cursor.fetchall()]
    return sum(_end_in(tenant_id) for tenant_id in tenants)


def _end_in(tenant_id: uuid.UUID) -> int:
    with in_tenant(tenant_id):
        live = TenantSession.objects.filter(ended_at=None).exclude(clients=[]).select_related("member")
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
