"""Which tokens are dead although they verify: those of a disabled or deleted client (threat O16)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.errors import TokenRevoked
from oauth import clients
from tenants.bearer import register_liveness
from tenants.selectors import TenantRef


def client_is_live(tenant: TenantRef, claims: Mapping[str, Any]) -> None:
    """Raise TokenRevoked when the token's client is not there any more, or disabled.

    Tokens of API keys name no application: their key answers for them.
    """
    if "key_id" in claims:
        return
    if clients.live(tenant, str(claims.get("client_id", ""))) is None:
        raise TokenRevoked


def install() -> None:
    register_liveness(client_is_live)
