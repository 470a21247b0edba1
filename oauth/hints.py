"""ID tokens that come back to us as hints (OIDC Core §3.1.2.1, RP-Initiated Logout §2)."""

from __future__ import annotations

from typing import Any

from core import jose
from oauth.errors import InvalidRequest
from tenants import keys
from tenants.selectors import TenantRef


class NotOurs(InvalidRequest):
    def __init__(self) -> None:
        super().__init__("id_token_hint is not an ID token of this issuer for this client.")


def read(tenant: TenantRef, token: str) -> dict[str, Any]:
    """Return the claims of an ID token of this tenant; one that has expired still is a hint.

    A key that has signed and was replaced since still verifies, as long as it is published. Raises NotOurs
    for anything that this issuer did not sign as an ID token: access tokens and logout tokens are none.
    """
    try:
        claims = jose.verify(token, keys.verification_keys(tenant.id), typ=None)
    except jose.TokenError:
        raise NotOurs from None
    if claims.get("iss") != tenant.issuer or not isinstance(claims.get("sub"), str):
        raise NotOurs
    return claims
