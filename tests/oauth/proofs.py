"""DPoP keys and proofs as a client makes them (RFC 9449 §4.2), right unless a test says otherwise."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from typing import Any

from core import jose
from tests.factories import Browser

KEY = jose.generate_key("ES256")
OTHER = jose.generate_key("ES256")


def jwk(key: jose.SigningKey) -> dict[str, Any]:
    """The bare public key, as clients put it into the header."""
    return {name: value for name, value in jose.public_jwk(key).items() if name not in ("kid", "use", "alg")}


def ath(token: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()


def proof(
    address: str,
    method: str = "POST",
    *,
    key: jose.SigningKey = KEY,
    token: str = "",
    typ: str = "dpop+jwt",
    header: dict[str, Any] | None = None,
    **changes: Any,
) -> str:
    """Return a proof; a claim changed to None is left out."""
    claims = {
        "jti": secrets.token_urlsafe(12), "htm": method, "htu": address, "iat": int(time.time()),
        "ath": ath(token) if token else None, **changes,
    }  # fmt: skip
    given = {name: value for name, value in claims.items() if value is not None}
    return jose.sign(given, key, typ, {"jwk": jwk(key)} if header is None else header)


def call(
    tenant: Any,
    path: str,
    token: str,
    proof: str = "",
    *,
    scheme: str = "DPoP",
    method: str = "GET",
    **headers: str,
) -> Any:
    """Call a resource under the tenant's issuer with a token and a proof."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    named["Authorization"] = f"{scheme} {token}"
    if proof:
        named["DPoP"] = proof
    return Browser().generic(method, f"/t/{tenant.slug}{path}", headers=named)
