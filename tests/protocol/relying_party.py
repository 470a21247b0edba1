"""A strict relying party of our own: it configures itself from the issuer and believes nothing."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus, urlencode

import httpx
from joserfc import jwt
from joserfc.jwk import KeySet

from oauth.applications import Registered
from tests.oauth.helpers import pkce
from tests.protocol.hosted_pages import Callback, HostedPages

SKEW = 5


@dataclass
class RelyingParty:
    """One client at one issuer. A step that breaks a rule of the standards fails the test that took it."""

    issuer: str
    app: Registered
    verifier: str = ""
    sent: dict[str, str] = field(default_factory=dict)
    _configuration: dict[str, Any] = field(default_factory=dict)

    @property
    def client_id(self) -> str:
        return str(self.app.application.client_id)

    @property
    def redirect_uri(self) -> str:
        return str(self.app.application.redirect_uris.split()[0])

    @property
    def configuration(self) -> dict[str, Any]:
        """OIDC Discovery §4."""
        if not self._configuration:
            answer = httpx.get(f"{self.issuer}/.well-known/openid-configuration").raise_for_status()
            self._configuration = answer.json()
            assert self._configuration["issuer"] == self.issuer
        return self._configuration

    def request(self, **changes: Any) -> str:
        """Return the address of an authorization request; a change to None leaves the parameter out."""
        self.verifier, challenge = pkce()
        parameters = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": "openid",
            "state": secrets.token_urlsafe(12),
            "nonce": secrets.token_urlsafe(12),
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            **changes,
        }
        self.sent = {name: str(value) for name, value in parameters.items() if value is not None}
        return f"{self.configuration['authorization_endpoint']}?{urlencode(self.sent)}"

    def code_of(self, callback: Callback) -> str:
        """Check a successful answer (RFC 6749 §4.1.2, RFC 9207 §2.4) and return its code."""
        found = callback.parameters
        assert found.get("error") is None, found
        assert found["state"] == self.sent["state"]
        assert found["iss"] == self.issuer
        assert len(found["code"]) >= 22, "a code carries at least 128 bits"
        return found["code"]

    def error_of(self, callback: Callback) -> str:
        """Check an error answer (RFC 6749 §4.1.2.1) and return its word."""
        found = callback.parameters
        assert found["state"] == self.sent["state"]
        assert found["iss"] == self.issuer
        assert "code" not in found
        assert found.keys() <= {"error", "error_description", "error_uri", "state", "iss"}
        assert not set('\r\n\t"\\') & set(found.get("error_description", ""))
        return found["error"]

    def post(self, endpoint: str, fields: dict[str, str], *, prove: bool = True) -> httpx.Response:
        """POST a form, proving the client as it is registered."""
        headers, body = {}, dict(fields)
        if prove and self.app.application.auth_method == "client_secret_basic":
            pair = f"{quote_plus(self.client_id)}:{quote_plus(self.app.secret)}"
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        elif prove:
            body["client_id"] = self.client_id
            if self.app.secret:
                body["client_secret"] = self.app.secret
        return httpx.post(self.configuration[endpoint], data=body, headers=headers, timeout=30)

    def redeem(self, code: str, **changes: str | None) -> httpx.Response:
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": self.verifier,
            **changes,
        }
        return self.post(
            "token_endpoint", {name: value for name, value in fields.items() if value is not None}
        )

    def tokens(self, browser: HostedPages, **changes: Any) -> dict[str, Any]:
        """Go the whole way, with every check, and return the token answer."""
        code = self.code_of(browser.go(self.request(**changes)))
        return self.checked(self.redeem(code))

    def checked(self, answer: httpx.Response) -> dict[str, Any]:
        """RFC 6749 §5.1 and OIDC Core §3.1.3.3."""
        assert answer.status_code == 200, answer.text
        assert answer.headers["Content-Type"].startswith("application/json")
        assert "no-store" in answer.headers["Cache-Control"]
        body: dict[str, Any] = answer.json()
        assert body["token_type"].lower() == "bearer"
        assert body["access_token"]
        assert body["expires_in"] > 0
        return body

    def refresh(self, refresh_token: str) -> httpx.Response:
        return self.post("token_endpoint", {"grant_type": "refresh_token", "refresh_token": refresh_token})

    def id_token(self, tokens: dict[str, Any], *, nonce: bool = True) -> dict[str, Any]:
        """OIDC Core §3.1.3.7, on a JOSE library of others; returns the claims."""
        keys = httpx.get(self.configuration["jwks_uri"]).raise_for_status().json()
        assert all("d" not in key and key["kid"] for key in keys["keys"])
        algorithms = self.configuration["id_token_signing_alg_values_supported"]
        parsed = jwt.decode(tokens["id_token"], KeySet.import_key_set(keys), algorithms=algorithms)
        claims, now = parsed.claims, time.time()
        assert parsed.header["kid"] in {key["kid"] for key in keys["keys"]}
        assert claims["iss"] == self.issuer
        assert claims["aud"] in (self.client_id, [self.client_id])
        assert claims.get("azp", self.client_id) == self.client_id
        assert claims["exp"] > now - SKEW
        assert abs(claims["iat"] - now) < 60
        assert 0 < len(claims["sub"]) <= 255
        assert claims.get("nonce") == (self.sent.get("nonce") if nonce else None)
        if "at_hash" in claims:
            assert claims["at_hash"] == half_hash(tokens["access_token"])
        return dict(claims)

    def userinfo(self, access_token: str, *, method: str = "GET", body: bool = False) -> httpx.Response:
        headers = {} if body else {"Authorization": f"Bearer {access_token}"}
        data = {"access_token": access_token} if body else None
        return httpx.request(method, self.configuration["userinfo_endpoint"], headers=headers, data=data)


def half_hash(token: str) -> str:
    """OIDC Core §3.1.3.6 for algorithms on SHA-256."""
    digest = hashlib.sha256(token.encode()).digest()[:16]
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
