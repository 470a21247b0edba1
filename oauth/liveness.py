"""Which tokens are dead although they verify (threat O16); tenants.bearer asks on every call."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from core.errors import TokenRevoked
from core.livecache import LiveCache
from oauth import clients, lineage, outside_grant
from oauth.clients import in_tenant
from tenants import bearer
from tenants.models import Member
from tenants.selectors import TenantRef

_demands: LiveCache[float] = LiveCache("member")


def client_is_live(tenant: TenantRef, claims: Mapping[str, Any]) -> None:
    """Raise TokenRevoked when the token's client is not there any more, or disabled.

    Tokens of API keys name no application: their key answers for them.
    """
    if "key_id" in claims:
        return
    if clients.live(tenant, str(claims.get("client_id", ""))) is None:
        raise TokenRevoked


def sign_in_is_accepted(tenant: TenantRef, claims: Mapping[str, Any]) -> None:
    """Raise TokenRevoked for offline access whose sign-in the tenant no longer accepts (SES-05).

    A token with a session needs no such question: a forced sign-out ends its session.
    """
    if "sid" in claims or "auth_time" not in claims:
        return
    member = bearer.live_member(tenant, str(claims["sub"]))
    if member is not None and claims["auth_time"] <= demanded_after(tenant, member.id):
        raise TokenRevoked


def demanded_after(tenant: TenantRef, member_id: uuid.UUID) -> float:
    """Return since when the tenant demands a fresh sign-in of the member, as a timestamp; 0 for never."""
    return _demands.get(str(member_id), lambda: _load(tenant, member_id))


def _load(tenant: TenantRef, member_id: uuid.UUID) -> float:
    with in_tenant(tenant.id):
        since = Member.objects.filter(id=member_id).values_list("reauthenticate_after", flat=True).first()
    return since.timestamp() if since else 0.0


def install() -> None:
    bearer.register_liveness(client_is_live)
    bearer.register_liveness(sign_in_is_accepted)
    bearer.register_liveness(lineage.is_live)
    bearer.register_liveness(outside_grant.is_live)
