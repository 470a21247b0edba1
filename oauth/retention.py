"""What is past its time gives its space back; none of it decides anything (promise R20)."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.db import connection, connections
from django.utils import timezone

from core import scope
from core.housekeeping import delete_batch, sweep

SESSIONS_KEPT = timedelta(days=30)
BATCH = 1000


@sweep("authorization_codes")
def _codes() -> int:
    """Codes stay a day after they ran out, so that a replay is still known as one."""
    return delete_batch("oauth_grant", "expires < now() - interval '1 day'")


@sweep("refresh_tokens")
def _refresh_tokens() -> int:
    """Used links stay until the family's absolute end: they are how a replay is seen."""
    return delete_batch("oauth_refreshtoken", "expires < now()")


@sweep("device_codes")
def _device_codes() -> int:
    """What was allowed stays a month more: its person sees it and may end it (oauth.device_sign_ins)."""
    old = "expires < now() - interval '31 days'"
    return delete_batch(
        "oauth_devicegrant", f"{old} OR expires < now() - interval '1 day' AND status <> 'approved'"
    )


_SESSIONS_OVER = "SELECT DISTINCT tenant_id FROM tenants_tenantsession WHERE ended_at < %s"
# What still descends from a session needs it: it tells which connection vouched (threat F6).
_FORGET = """
DELETE FROM tenants_tenantsession WHERE id IN (
  SELECT s.id FROM tenants_tenantsession s
   WHERE s.tenant_id = %(tenant)s AND s.ended_at < %(before)s
     AND NOT EXISTS (SELECT FROM oauth_refreshtoken r WHERE r.tenant_id = s.tenant_id AND r.session_id = s.id)
     AND NOT EXISTS (SELECT FROM oauth_devicegrant d WHERE d.tenant_id = s.tenant_id AND d.session_id = s.id)
   LIMIT %(limit)s)
"""


@sweep("ended_sessions")
def forget_sessions() -> int:
    """Forget a batch of sessions of each tenant, with their addresses and browsers, a month after they ended."""
    before = timezone.now() - SESSIONS_KEPT
    with scope.relay(), connections["relay"].cursor() as cursor:
        cursor.execute(_SESSIONS_OVER, [before])
        tenants = [row[0] for row in cursor.fetchall()]
    return sum(_forget_in(tenant_id, before) for tenant_id in tenants)


def _forget_in(tenant_id: uuid.UUID, before: datetime) -> int:
    with scope.tenant(tenant_id), connection.cursor() as cursor:
        cursor.execute(_FORGET, {"tenant": tenant_id, "before": before, "limit": BATCH})
        return int(cursor.rowcount)


@sweep("revoked_tokens")
def _revoked_tokens() -> int:
    """A token that ran out is refused for that."""
    return delete_batch("tenants_revokedtoken", "expires_at < now()")


@sweep("client_assertions")
def _assertions() -> int:
    return delete_batch("oauth_clientassertion", "expires_at < now()")


@sweep("dpop_proofs")
def _proofs() -> int:
    return delete_batch("oauth_dpopproof", "expires_at < now()")


@sweep("pushed_requests")
def _pushed_requests() -> int:
    """A request that was started in time may come to its answer for an hour more."""
    return delete_batch("oauth_pushedrequest", "expires_at < now() - interval '2 hours'")
