"""Authorization requests: read and checked, then what has to happen next. No cookies, no pages, no rows.

An error found before client and redirect URI are certain is a page; after that it goes to the client,
always with `iss` and `state` (RFC 6749 §4.1.2.1, RFC 9207 §2).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from oauthlib.common import Request
from oauthlib.oauth2.rfc6749.errors import FatalClientError, OAuth2Error

from core.errors import Problem
from oauth import validator
from oauth.catalogue import Target
from oauth.clients import Client
from oauth.errors import (
    ConsentRequired,
    InvalidRequest,
    InvalidScope,
    InvalidTarget,
    LoginRequired,
    OAuthError,
    UnauthorizedClient,
    UnsupportedResponseType,
)
from tenants.selectors import TenantRef

PROMPTS = {"none", "login", "consent", "select_account"}
CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}\Z")  # RFC 7636 §4.2: base64url of a SHA-256
CHECKED = {
    "client_id", "response_type", "redirect_uri", "scope", "state", "resource", "code_challenge",
    "code_challenge_method",
}  # fmt: skip
LIMITS = {"state": 2000, "nonce": 255, "login_hint": 254, "id_token_hint": 8000, "acr_values": 500}
_known = {
    kind.error: kind
    for kind in (InvalidRequest, InvalidScope, InvalidTarget, UnauthorizedClient, UnsupportedResponseType)
}


class BadAuthorizationRequest(Problem):
    code, status, simple = "authorization_request_invalid", 400, "invalid_request"
    title = "This sign-in request is not right"
    fix = "Go back to the application and start again. Its developer should check client_id and redirect_uri."


class Refused(Exception):
    """The client is told, by a redirect that was checked."""

    def __init__(self, error: OAuthError, redirect_uri: str, state: str) -> None:
        super().__init__(error.error)
        self.error, self.redirect_uri, self.state = error, redirect_uri, state


@dataclass(frozen=True)
class AuthorizationRequest:
    client: Client
    target: Target
    redirect_uri: str
    redirect_sent: bool
    code_challenge: str
    state: str = ""
    nonce: str = ""
    prompt: frozenset[str] = frozenset()
    max_age: int | None = None
    login_hint: str = ""
    id_token_hint: str = ""
    dpop_jkt: str = ""  # the key that must redeem the code (RFC 9449 §10)
    parameters: Mapping[str, str] = field(default_factory=dict)

    def refuse(self, error: OAuthError) -> Refused:
        return Refused(error, self.redirect_uri, self.state)


def read(tenant: TenantRef, query: Any) -> AuthorizationRequest:
    """Return the checked request in a QueryDict. Raises BadAuthorizationRequest or Refused."""
    pairs = [(name, value) for name, values in query.lists() for value in values]
    if any("\x00" in value for _, value in pairs):
        raise BadAuthorizationRequest
    request = _request(tenant, pairs)
    try:
        validator.grant.validate_authorization_request(request)
    except FatalClientError:
        raise BadAuthorizationRequest from None
    except OAuth2Error as error:
        raise Refused(_translate(error), request.redirect_uri, _one(query, "state")) from None
    sent = "redirect_uri" in query
    try:
        return _rest(request, query, sent)
    except OAuthError as error:
        raise Refused(error, request.redirect_uri, _one(query, "state")) from None


def _request(tenant: TenantRef, pairs: list[tuple[str, str]]) -> Any:
    """oauthlib's request of the parameters it checks; an empty value counts as absent (RFC 6749 §3.1)."""
    given = [(name, value) for name, value in pairs if value and name in CHECKED]
    request = Request(f"{tenant.issuer}/oauth/authorize?{urlencode(given)}", "GET")
    request.tenant = tenant
    return request


def _translate(error: OAuth2Error) -> OAuthError:
    return _known.get(error.error, InvalidRequest)(error.description or "")


def _one(query: Any, name: str) -> str:
    return str(query.get(name, ""))


def _rest(request: Any, query: Any, sent: bool) -> AuthorizationRequest:
    """Check what oauthlib does not."""
    if repeated := [name for name, values in query.lists() if len(values) > 1]:
        raise InvalidRequest(f"{repeated[0][:40]} is given twice.")
    values = {name: value for name, value in query.items() if value}
    for name, longest in LIMITS.items():
        if len(values.get(name, "")) > longest:
            raise InvalidRequest(f"{name} is longer than {longest} characters.")
    for name in ("request", "request_uri", "registration"):
        if name in values:
            raise InvalidRequest(f"{name} is not supported.")
    if values.get("response_mode", "query") != "query":
        raise InvalidRequest("Only response_mode=query is offered.")
    if not CHALLENGE.match(values.get("code_challenge", "")):
        raise InvalidRequest("code_challenge must be the base64url of a SHA-256 (43 characters).")
    if "dpop_jkt" in values and not CHALLENGE.match(values["dpop_jkt"]):
        raise InvalidRequest("dpop_jkt must be the thumbprint of a key (43 characters).")
    return AuthorizationRequest(
        client=request.client,
        target=request.target,
        redirect_uri=request.redirect_uri,
        redirect_sent=sent,
        code_challenge=values["code_challenge"],
        state=values.get("state", ""),
        nonce=values.get("nonce", ""),
        prompt=_prompt(values.get("prompt", "")),
        max_age=_max_age(values.get("max_age")),
        login_hint=values.get("login_hint", ""),
        id_token_hint=values.get("id_token_hint", ""),
        dpop_jkt=values.get("dpop_jkt", ""),
        parameters=values,
    )


def _prompt(text: str) -> frozenset[str]:
    """OIDC Core §3.1.2.1: `none` stands alone."""
    words = frozenset(text.split())
    if not words <= PROMPTS or ("none" in words and len(words) > 1):
        raise InvalidRequest("prompt holds an unknown word, or none beside another.")
    return words


def _max_age(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise InvalidRequest("max_age must be a number of seconds.")
    return int(text)


@dataclass(frozen=True)
class Step:
    """What comes next: "sign-in" (with `prompt`), "consent" (of `scopes`) or "issue"."""

    name: str
    scopes: tuple[str, ...] = ()
    prompt: str = ""


def next_step(
    wanted: AuthorizationRequest,
    *,
    auth_time: datetime | None,
    subject: str,
    hinted_subject: str,
    consented: Collection[str],
    asked_at: datetime | None,
    now: datetime,
) -> Step:
    """Decide the next step of a request.

    `auth_time` and `subject` are of whoever is signed in, None and empty for nobody. `asked_at` is when this
    request last sent the person to sign in: an authentication since then satisfies prompt and max_age.
    Raises LoginRequired or ConsentRequired under prompt=none.
    """
    silent = "none" in wanted.prompt
    prompt = _prompt_needed(wanted, auth_time, subject, hinted_subject, asked_at, now)
    if prompt is not None:
        if silent:
            raise LoginRequired
        return Step("sign-in", prompt=prompt)
    asking = _to_consent(wanted, consented)
    if asking and silent:
        raise ConsentRequired
    return Step("consent", asking) if asking else Step("issue")


def _prompt_needed(
    wanted: AuthorizationRequest,
    auth_time: datetime | None,
    subject: str,
    hinted_subject: str,
    asked_at: datetime | None,
    now: datetime,
) -> str | None:
    """Return the prompt to sign in with, None where the sign-in at hand will do."""
    fresh = auth_time is not None and asked_at is not None and auth_time >= asked_at
    if "login" in wanted.prompt and not fresh:
        return "login"
    if "select_account" in wanted.prompt and asked_at is None:
        return "select_account"
    if auth_time is None:
        return ""
    if hinted_subject and hinted_subject != subject:
        return "login"
    too_old = wanted.max_age is not None and (now - auth_time).total_seconds() > wanted.max_age
    return "login" if too_old and not fresh else None


def _to_consent(wanted: AuthorizationRequest, consented: Collection[str]) -> tuple[str, ...]:
    """Return the scopes to ask for: the new part, or all under prompt=consent (OAU-06)."""
    if wanted.client.is_first_party:
        return ()
    if "consent" in wanted.prompt:
        return wanted.target.scopes
    return tuple(scope for scope in wanted.target.scopes if scope not in consented)
