"""Minting: RFC 9068 access tokens and OIDC ID tokens under a tenant's own keys.

simplejwt's Token and TokenBackend carry the shape; keys, `kid` and `typ` are the tenant's.
"""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.tokens import Token

from core import ids, jose
from core.principal import SubjectType
from tenants import keys
from tenants.models import Member, TenantSession
from tenants.selectors import TenantRef

ACCESS, ID, LOGOUT = "at+jwt", "JWT", "logout+jwt"
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
ORGANIZATION, API_KEY = "org", "ak"  # id prefixes of apps above this one


class TenantTokenBackend(TokenBackend):
    """Signs and verifies with one tenant's keys; `typ` tells kinds of token apart (RFC 8725 §3.11)."""

    def __init__(self, tenant: TenantRef, typ: str, alg: str = keys.DEFAULT_ALGORITHM) -> None:
        self.tenant, self.typ, self.algorithm = tenant, typ, alg

    def encode(self, payload: dict[str, Any]) -> str:
        return jose.sign(payload, keys.active_key(self.tenant.id, self.algorithm), self.typ)

    def decode(self, token: Any, verify: bool = True) -> dict[str, Any]:
        """Return the claims of a token of this tenant and type; raises jose.TokenError."""
        return jose.verify(str(token), keys.verification_keys(self.tenant.id), typ=self.typ)


class TenantToken(Token):
    """A token being minted: claims as items, `str()` signs."""

    token_type = ACCESS
    lifetime = timedelta(seconds=600)

    def __init__(self, tenant: TenantRef, claims: dict[str, Any], alg: str = keys.DEFAULT_ALGORITHM) -> None:
        self.payload = claims
        self.token = None
        self._token_backend = TenantTokenBackend(tenant, self.token_type, alg)

    def get_token_backend(self) -> TenantTokenBackend:
        return self._token_backend  # type: ignore[return-value]


class AccessToken(TenantToken):
    token_type = ACCESS


class IdToken(TenantToken):
    token_type = ID


class LogoutToken(TenantToken):
    token_type = LOGOUT


@dataclass(frozen=True)
class MintedToken:
    token: str
    jti: str
    expires_in: int
    claims: Mapping[str, Any]


def control_plane_audience(tenant: TenantRef) -> str:
    """Return the audience of the tenant's own `/v1`."""
    return f"{tenant.issuer}/v1"


def mint_access_token(
    tenant: TenantRef,
    *,
    subject: str,
    subject_type: SubjectType,
    audience: str,
    client_id: str,
    scopes: Iterable[str],
    lifetime: int,
    session_id: uuid.UUID | None = None,
    member: Member | None = None,
    organization_id: uuid.UUID | None = None,
    key_id: uuid.UUID | None = None,
    roles: Iterable[str] = (),
    acr: str = "",
    amr: Iterable[str] = (),
    auth_time: datetime | None = None,
    alg: str = keys.DEFAULT_ALGORITHM,
    extra: Mapping[str, Any] | None = None,
) -> MintedToken:
    """Sign an access token (RFC 9068 §2.2); `lifetime` is in seconds.

    `extra` adds claims and never overrides one that is set here. Raises ValueError for `act` on a user's token.
    """
    if "act" in (extra or {}) and subject_type is SubjectType.USER:
        raise ValueError("a token with act speaks for nobody alone: it is delegated (decision C27)")
    now = int(time.time())
    jti = secrets.token_urlsafe(16)
    optional = {
        "sid": ids.encode(TenantSession.PREFIX, session_id) if session_id else None,
        "org_id": ids.encode(ORGANIZATION, organization_id) if organization_id else None,
        "key_id": ids.encode(API_KEY, key_id) if key_id else None,
        "roles": list(roles) or None,
        "acr": acr or None,
        "amr": list(amr) or None,
        "auth_time": int(auth_time.timestamp()) if auth_time else None,
        "av": member.authority_version if member else None,
    }
    claims = {
        **(extra or {}),
        "iss": tenant.issuer,
        "sub": subject,
        "aud": audience,
        "exp": now + lifetime,
        "nbf": now,
        "iat": now,
        "jti": jti,
        "client_id": client_id,
        "scope": " ".join(scopes),
        "tenant_id": tenant.public_id,
        "subject_type": subject_type.value,
        "mode": tenant.mode,
        **{name: value for name, value in optional.items() if value is not None},
    }
    return MintedToken(str(AccessToken(tenant, claims, alg)), jti, lifetime, claims)


def mint_id_token(
    tenant: TenantRef,
    *,
    subject: str,
    client_id: str,
    lifetime: int,
    auth_time: datetime,
    nonce: str = "",
    session_id: uuid.UUID | None = None,
    acr: str = "",
    amr: Iterable[str] = (),
    alg: str = keys.DEFAULT_ALGORITHM,
    extra: Mapping[str, Any] | None = None,
) -> MintedToken:
    """Sign an ID token (OpenID Connect Core 1.0 §2); `lifetime` is in seconds."""
    now = int(time.time())
    optional = {
        "nonce": nonce or None,
        "sid": ids.encode(TenantSession.PREFIX, session_id) if session_id else None,
        "acr": acr or None,
        "amr": list(amr) or None,
    }
    claims = {
        **(extra or {}),
        "iss": tenant.issuer,
        "sub": subject,
        "aud": client_id,
        "exp": now + lifetime,
        "iat": now,
        "auth_time": int(auth_time.timestamp()),
        **{name: value for name, value in optional.items() if value is not None},
    }
    return MintedToken(str(IdToken(tenant, claims, alg)), "", lifetime, claims)


def mint_logout_token(
    tenant: TenantRef,
    *,
    subject: str,
    client_id: str,
    session_id: uuid.UUID,
    lifetime: int = 120,
    alg: str = keys.DEFAULT_ALGORITHM,
) -> MintedToken:
    """Sign a logout token (OpenID Connect Back-Channel Logout 1.0 §2.4): `sub` and `sid`, never a nonce."""
    now, jti = int(time.time()), secrets.token_urlsafe(16)
    claims = {
        "iss": tenant.issuer,
        "sub": subject,
        "aud": client_id,
        "iat": now,
        "exp": now + lifetime,
        "jti": jti,
        "sid": ids.encode(TenantSession.PREFIX, session_id),
        "events": {LOGOUT_EVENT: {}},
    }
    return MintedToken(str(LogoutToken(tenant, claims, alg)), jti, lifetime, claims)
