"""The OpenID Connect side: discovery, code flow with PKCE, ID token validation, refresh, sign-out."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.jwk import KeySet

SCOPE = "openid profile email offline_access members:read"
TIMEOUT = 10  # seconds


class SignInFailed(Exception):
    """The provider refused, or its answer is not for us; the message may be shown."""


@dataclass(frozen=True)
class Settings:
    """One application at one issuer; `origin` is where this application itself is served."""

    issuer: str
    client_id: str
    client_secret: str
    origin: str
    scope: str = SCOPE

    @property
    def redirect_uri(self) -> str:
        return f"{self.origin}/callback"


@dataclass
class Pending:
    """What this browser must bring back: made at the start of a sign-in, used once."""

    state: str
    nonce: str
    verifier: str


@dataclass
class Tokens:
    access_token: str
    id_token: str
    refresh_token: str
    claims: dict[str, Any] = field(default_factory=dict)


class Provider:
    """The identity provider, configured from its discovery document alone."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._metadata: dict[str, Any] = {}
        self._http = requests.Session()
        self._http.trust_env = False

    @property
    def metadata(self) -> dict[str, Any]:
        """Return the discovery document; raises SignInFailed when it names another issuer."""
        if not self._metadata:
            found = self._get(f"{self.settings.issuer}/.well-known/openid-configuration")
            if found.get("issuer") != self.settings.issuer:
                raise SignInFailed("The discovery document names another issuer.")
            self._metadata = found
        return self._metadata

    def _get(self, address: str, **headers: str) -> dict[str, Any]:
        answer = self._http.get(address, headers=headers, timeout=TIMEOUT)
        answer.raise_for_status()
        return dict(answer.json())

    def _session(self) -> OAuth2Session:
        session = OAuth2Session(
            self.settings.client_id,
            self.settings.client_secret,
            token_endpoint_auth_method="client_secret_basic",
            scope=self.settings.scope,
            redirect_uri=self.settings.redirect_uri,
            code_challenge_method="S256",
        )
        session.trust_env = False
        return session

    def begin(self, **options: str) -> tuple[str, Pending]:
        """Return where to send the browser, and what to remember until it comes back."""
        pending = Pending(*(secrets.token_urlsafe(32) for _ in range(3)))
        address, _ = self._session().create_authorization_url(
            self.metadata["authorization_endpoint"],
            state=pending.state,
            nonce=pending.nonce,
            code_verifier=pending.verifier,
            **options,
        )
        return address, pending

    def finish(self, callback: str, pending: Pending) -> Tokens:
        """Return validated tokens for a callback address. Raises SignInFailed."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(callback).query).items()}
        if query.get("iss") != self.settings.issuer:  # RFC 9207 §2.4
            raise SignInFailed("The answer is from another issuer.")
        if "error" in query:
            raise SignInFailed(f"{query['error']}: {query.get('error_description', '')}")
        token = self._session().fetch_token(
            self.metadata["token_endpoint"],
            authorization_response=callback,
            state=pending.state,
            code_verifier=pending.verifier,
            timeout=TIMEOUT,
        )
        return self._accept(token, nonce=pending.nonce)

    def refresh(self, tokens: Tokens) -> Tokens:
        """Return fresh tokens; the refresh token rotates."""
        token = self._session().refresh_token(
            self.metadata["token_endpoint"], refresh_token=tokens.refresh_token, timeout=TIMEOUT
        )
        renewed = self._accept(token)
        if renewed.claims["sub"] != tokens.claims["sub"]:
            raise SignInFailed("The refreshed tokens are somebody else's.")
        return renewed

    def _accept(self, token: dict[str, Any], nonce: str = "") -> Tokens:
        claims = self.validate(token["id_token"], token["access_token"], nonce)
        return Tokens(token["access_token"], token["id_token"], token.get("refresh_token", ""), claims)

    def validate(self, id_token: str, access_token: str, nonce: str = "") -> dict[str, Any]:
        """Return the claims of an ID token after every check of OpenID Connect Core §3.1.3.7."""
        keys = KeySet.import_key_set(self._get(self.metadata["jwks_uri"]))  # type: ignore[arg-type]
        allowed = self.metadata["id_token_signing_alg_values_supported"]
        decoded = jwt.decode(id_token, keys, algorithms=allowed)
        claims = CodeIDToken(
            decoded.claims,
            decoded.header,
            options={
                "iss": {"essential": True, "value": self.settings.issuer},
                "aud": {"essential": True, "value": self.settings.client_id},
                "exp": {"essential": True},
            },
            params={"nonce": nonce, "client_id": self.settings.client_id, "access_token": access_token},
        )
        claims.validate(now=int(time.time()), leeway=10)
        return dict(claims)

    def call(self, path: str, tokens: Tokens) -> dict[str, Any]:
        """Call the provider's own API as the person."""
        return self._get(f"{self.settings.issuer}{path}", Authorization=f"Bearer {tokens.access_token}")

    def end_session(self, tokens: Tokens, state: str) -> str:
        """Return where to send the browser to sign out there too (RP-Initiated Logout)."""
        parameters = {
            "id_token_hint": tokens.id_token,
            "post_logout_redirect_uri": f"{self.settings.origin}/",
            "state": state,
        }
        return f"{self.metadata['end_session_endpoint']}?{urlencode(parameters)}"
