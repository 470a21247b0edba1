"""What tests of the authorization server share: clients, requests, proofs."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote_plus, urlencode, urlsplit

from core import jose, scope
from oauth import applications
from oauth.applications import Registered
from tenants.selectors import TenantRef
from tests.factories import Browser, make_principal
from tests.oauth import fake_bridge

REDIRECT = "https://app.example/callback"
USER_SCOPES = [
    "openid",
    "profile",
    "email",
    "address",
    "phone",
    "offline_access",
    "members:read",
    "members:write",
]


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


def token(
    tenant: TenantRef, parameters: dict[str, Any], *, app: Registered | None = None, **headers: str
) -> Any:
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


@dataclass
class Flow:
    """One authorization in one browser, step by step."""

    tenant: TenantRef
    app: Registered
    browser: Browser
    verifier: str = ""

    def address(self, **changes: Any) -> str:
        self.verifier, challenge = pkce()
        parameters = {
            "response_type": "code",
            "client_id": self.app.application.client_id,
            "redirect_uri": self.app.application.redirect_uris.split()[0],
            "scope": "openid profile email members:read",
            "state": "st-1",
            "nonce": "no-1",
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            **changes,
        }
        given = {name: value for name, value in parameters.items() if value is not None}
        return f"/t/{self.tenant.slug}/oauth/authorize?{urlencode(given, doseq=True)}"

    def start(self, **changes: Any) -> Any:
        return self.browser.get(self.address(**changes))

    def allow(self, page: Any, decision: str = "allow") -> Any:
        return self.browser.submit(page, {"decision": decision})

    def code(self, **changes: Any) -> str:
        """Go through consent where it is asked and return the code."""
        answer = self.start(**changes)
        if answer.status_code == 200:
            answer = self.allow(answer)
        assert answer.status_code in (302, 303), answer.content
        found = query_of(answer.headers["Location"])
        assert "code" in found, found
        return found["code"]

    def redeem(self, code: str, **changes: Any) -> Any:
        parameters = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.app.application.redirect_uris.split()[0],
            "code_verifier": self.verifier,
            **changes,
        }
        given = {name: value for name, value in parameters.items() if value is not None}
        return token(self.tenant, given, app=self.app)

    def tokens(self, **changes: Any) -> dict[str, Any]:
        answer = self.redeem(self.code(**changes))
        assert answer.status_code == 200, answer.content
        return answer.json()

    def refresh(self, refresh_token: str, **more: str) -> Any:
        parameters = {"grant_type": "refresh_token", "refresh_token": refresh_token, **more}
        return token(self.tenant, parameters, app=self.app)


def flow(person: Any, type: str = "web", *, app: Registered | None = None, **settings: Any) -> Flow:
    """A browser in which the person is signed in to their tenant, and an application to authorize."""
    browser = Browser()
    fake_bridge.enter(browser, person)
    return Flow(person.tenant, app or register(person.tenant, type, **settings), browser)


def bearer_get(tenant: TenantRef, path: str, access_token: str) -> Any:
    return Browser().get(f"/t/{tenant.slug}{path}", headers={"Authorization": f"Bearer {access_token}"})
