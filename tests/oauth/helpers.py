"""What tests of the authorization server share: clients, requests, proofs."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from typing import Any
from urllib.parse import parse_qs, quote_plus, urlencode, urlsplit

from core import jose, scope
from oauth import applications
from oauth.applications import Registered
from tenants.selectors import TenantRef
from tests.factories import Browser, make_principal

REDIRECT = "https://app.example/callback"
USER_SCOPES = ["openid", "profile", "email", "offline_access", "members:read", "members:write"]


def register(tenant: TenantRef, type: str = "web", **settings: Any) -> Registered:
    """Register an application as an administrator with every permission."""
    if type != "machine":
        settings.setdefault("redirect_uris", [REDIRECT])
        settings.setdefault("scopes", USER_SCOPES)
    else:
        settings.setdefault("scopes", ["members:read", "audit:read"])
    with scope.tenant(tenant.id):
        return applications.create_application(
            actor=make_principal(tenant), name=settings.pop("name", "An App"), type=type, **settings
        )


def basic(client_id: str, secret: str) -> str:
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def form(
    tenant: TenantRef, path: str, parameters: dict[str, Any], *, app: Registered | None = None, **headers: str
) -> Any:
    """POST a form under the tenant's issuer, proving `app` in the way it is registered."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    parameters = dict(parameters)
    if app is not None and app.secret and app.application.auth_method == "client_secret_basic":
        named.setdefault("Authorization", basic(app.application.client_id, app.secret))
    elif app is not None:
        parameters.setdefault("client_id", app.application.client_id)
        if app.secret:
            parameters.setdefault("client_secret", app.secret)
    return Browser().post(
        f"/t/{tenant.slug}{path}",
        urlencode(parameters, doseq=True),
        content_type="application/x-www-form-urlencoded",
        headers=named,
    )


def token(tenant: TenantRef, parameters: dict[str, Any], *, app: Registered | None = None, **headers: str) -> Any:
    return form(tenant, "/oauth/token", parameters, app=app, **headers)


def service_token(tenant: TenantRef, app: Registered, **parameters: str) -> str:
    answer = token(tenant, {"grant_type": "client_credentials", **parameters}, app=app)
    assert answer.status_code == 200, answer.content
    return answer.json()["access_token"]


def claims(token: str) -> dict[str, Any]:
    return jose.unverified_claims(token)


def pkce() -> tuple[str, str]:
    """Return (verifier, challenge)."""
    verifier = secrets.token_urlsafe(48)
    digest = hashlib.sha256(verifier.encode()).digest()
    return verifier, base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def query_of(location: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


def assertion(key: jose.SigningKey, client_id: str, audience: Any, **changes: Any) -> str:
    now = int(time.time())
    claims = {
        "iss": client_id, "sub": client_id, "aud": audience, "iat": now, "exp": now + 60,
        "jti": secrets.token_urlsafe(8), **changes,
    }  # fmt: skip
    return jose.sign({name: value for name, value in claims.items() if value is not None}, key, "JWT")
