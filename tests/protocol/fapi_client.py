"""A client of the FAPI 2.0 security profile: it pushes its requests, signs assertions, and proves its key."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx

from core import jose
from oauth.client_auth import ASSERTION_TYPE
from oauth.models import AuthMethod
from tenants.selectors import TenantRef
from tests.oauth.helpers import REDIRECT, assertion, register
from tests.oauth.proofs import proof
from tests.protocol.hosted_pages import HostedPages
from tests.protocol.relying_party import RelyingParty

SCOPES = ["openid", "profile", "email", "offline_access", "members:read"]


@dataclass
class FapiClient(RelyingParty):
    """`key` signs its assertions, `dpop` is the key that its tokens are bound to."""

    key: jose.SigningKey = field(default_factory=jose.generate_key)
    dpop: jose.SigningKey = field(default_factory=jose.generate_key)

    @classmethod
    def at(cls, issuer: str, tenant: TenantRef, *, alg: str = "ES256", **settings: Any) -> FapiClient:
        key = jose.generate_key(alg)
        settings.setdefault("redirect_uris", [REDIRECT])
        app = register(
            tenant,
            profile="fapi2",
            auth_method=AuthMethod.PRIVATE_KEY_JWT,
            jwks={"keys": [jose.public_jwk(key)]},
            scopes=SCOPES,
            **settings,
        )
        return cls(issuer, app, key=key)

    def asserted(self, **changes: Any) -> dict[str, str]:
        """Return the two parameters that prove the client; `changes` are claims, None leaves one out."""
        audience = changes.pop("aud", self.issuer)
        signing = changes.pop("key", self.key)
        text = assertion(signing, self.client_id, audience, **changes)
        return {"client_assertion": text, "client_assertion_type": ASSERTION_TYPE}

    def push(
        self, *, proven: dict[str, str] | None = None, dpop: str = "", method: str = "POST", **changes: Any
    ) -> httpx.Response:
        """Push an authorization request; `changes` as in `request`."""
        self.request(**changes)
        body = {**self.sent, **(self.asserted() if proven is None else proven)}
        headers = {"DPoP": dpop} if dpop else {}
        return httpx.request(method, self.par, data=body, headers=headers, timeout=30)

    @property
    def par(self) -> str:
        return str(self.configuration["pushed_authorization_request_endpoint"])

    @property
    def token_endpoint(self) -> str:
        return str(self.configuration["token_endpoint"])

    def address(self, pushed: httpx.Response, **more: str) -> str:
        """Return where the browser goes with what was pushed."""
        assert pushed.status_code == 201, pushed.text
        body = pushed.json()
        assert 5 <= body["expires_in"] < 600
        named = {"client_id": self.client_id, "request_uri": body["request_uri"], **more}
        return f"{self.configuration['authorization_endpoint']}?{urlencode(named)}"

    def code(self, browser: HostedPages, **changes: Any) -> str:
        return self.code_of(browser.go(self.address(self.push(**changes))))

    def call(
        self,
        fields: dict[str, Any],
        *,
        proven: dict[str, str] | None = None,
        dpop: str | None = None,
    ) -> httpx.Response:
        """POST to the token endpoint, with an assertion and a proof unless told otherwise."""
        text = self.proof() if dpop is None else dpop
        given = {name: value for name, value in fields.items() if value is not None}
        body = {**given, **(self.asserted() if proven is None else proven)}
        return httpx.post(self.token_endpoint, data=body, headers={"DPoP": text} if text else {}, timeout=30)

    def proof(self, **changes: Any) -> str:
        return proof(self.token_endpoint, **{"key": self.dpop, **changes})

    def exchange(self, code: str, **changes: Any) -> httpx.Response:
        """Redeem a code; `proven` and `dpop` as in `call`, the rest are parameters."""
        options = {name: changes.pop(name) for name in ("proven", "dpop") if name in changes}
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": self.verifier,
            **changes,
        }
        return self.call(fields, **options)

    def bound(self, answer: httpx.Response) -> dict[str, Any]:
        """RFC 6749 §5.1 and RFC 9449 §5."""
        assert answer.status_code == 200, answer.text
        assert "no-store" in answer.headers["Cache-Control"]
        body: dict[str, Any] = answer.json()
        assert body["token_type"] == "DPoP"
        assert body["expires_in"] > 0
        return body

    def tokens(self, browser: HostedPages, **changes: Any) -> dict[str, Any]:
        return self.bound(self.exchange(self.code(browser, **changes)))

    def resource(
        self, access_token: str, *, scheme: str = "DPoP", dpop: str | None = None, query: str = ""
    ) -> httpx.Response:
        """GET the userinfo endpoint, which is the profile's protected resource here."""
        text = self.resource_proof(access_token) if dpop is None else dpop
        headers = {"Authorization": f"{scheme} {access_token}", **({"DPoP": text} if text else {})}
        return httpx.get(self.configuration["userinfo_endpoint"] + query, headers=headers, timeout=30)

    def resource_proof(self, access_token: str, **changes: Any) -> str:
        wanted = {"method": "GET", "key": self.dpop, "token": access_token, **changes}
        return proof(wanted.pop("address", self.configuration["userinfo_endpoint"]), **wanted)
