"""We as relying party of a provider: authorization code with PKCE (OpenID Connect Core §3.1; threats F2, F3).

Nothing here opens a scope: redeeming a code calls the provider, by the guarded door (threat W1).
"""

from __future__ import annotations

import base64
import hashlib
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, urlencode

from core import jose, outbound, remote_keys
from federation import discovery
from federation.discovery import Metadata
from federation.models import ClientAuth
from federation.provider import Provider, Rejected
from tenants import keys

OLDEST = 600  # seconds since iat: an ID token that comes with a code was made a moment ago
AHEAD = 60  # seconds that a provider's clock may be ahead of ours
EXPIRED = frozenset({"expired", "not_yet_valid", "too_old", "missing_claim"})
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LIMITS = outbound.Limits(connect=3, total=10, max_bytes=256 * 1024)


@dataclass(frozen=True)
class Asking:
    """What one sign-in is bound to: the secrets that come back, and how fresh a proof is wanted."""

    redirect_uri: str
    state: str
    nonce: str
    verifier: str
    login_hint: str = ""
    prompt: str = ""
    max_age: int | None = None


def authorization_url(provider: Provider, asking: Asking) -> str:
    """Return where to send the browser. Raises Rejected; it may call out for the discovery document."""
    digest = hashlib.sha256(asking.verifier.encode()).digest()
    parameters = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": asking.redirect_uri,
        "scope": " ".join(provider.scopes),
        "state": asking.state,
        "nonce": asking.nonce,
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
        "login_hint": asking.login_hint,
        "prompt": asking.prompt,
        "max_age": "" if asking.max_age is None else str(asking.max_age),
    }
    endpoint = discovery.of(provider).authorization_endpoint
    query = urlencode({name: value for name, value in parameters.items() if value})
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{query}"


def claims_of(provider: Provider, answer: Mapping[str, str], asking: Asking) -> dict[str, Any]:
    """Return the verified claims behind an authorization response. Raises Rejected with the check that failed."""
    metadata = discovery.of(provider)
    _check_answer(provider, metadata, answer)
    tokens = _redeem(provider, metadata, answer["code"], asking)
    claims = verify(provider, metadata, str(tokens.get("id_token", "")), asking)
    return {**_userinfo(provider, metadata, claims, str(tokens.get("access_token", ""))), **claims}


def _check_answer(provider: Provider, metadata: Metadata, answer: Mapping[str, str]) -> None:
    """RFC 9207 §2.4 (threat O6): a response that names an issuer names this one; if it should, it must."""
    if (answer.get("iss") or metadata.announces_iss) and answer.get("iss") != provider.issuer:
        raise Rejected("issuer", "The answer of the provider names another issuer, or none.")
    if "error" in answer:
        said = f"{answer['error'][:60]} {answer.get('error_description', '')[:200]}"
        raise Rejected("provider", "".join(one for one in said if one.isprintable()).strip())
    if not answer.get("code"):
        raise Rejected("provider", "The answer has neither code nor error.")


def _redeem(provider: Provider, metadata: Metadata, code: str, asking: Asking) -> dict[str, Any]:
    """RFC 6749 §4.1.3 with the client's authentication."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": asking.redirect_uri,
        "code_verifier": asking.verifier,
    }
    headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
    form, headers = _authenticated(provider, form, headers)
    found: dict[str, Any] = _call("POST", metadata.token_endpoint, headers, urlencode(form).encode(), "token")
    return found


def _authenticated(
    provider: Provider, form: dict[str, str], headers: dict[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """RFC 6749 §2.3.1, RFC 7523 §2.2, or the client's name alone."""
    if provider.client_auth == ClientAuth.BASIC:
        pair = f"{quote_plus(provider.client_id)}:{quote_plus(provider.secret)}"
        return form, {**headers, "Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
    form = {**form, "client_id": provider.client_id}
    if provider.client_auth == ClientAuth.POST:
        form["client_secret"] = provider.secret
    if provider.client_auth == ClientAuth.KEY:
        form |= {"client_assertion_type": ASSERTION, "client_assertion": _assertion(provider)}
    return form, headers


def _assertion(provider: Provider) -> str:
    """The tenant's own key proves the client; its provider reads our published keys."""
    now = int(time.time())
    claims = {
        "iss": provider.client_id,
        "sub": provider.client_id,
        "aud": provider.issuer,
        "jti": uuid.uuid4().hex,
        "iat": now,
        "exp": now + 60,
    }
    return jose.sign(claims, keys.active_key(provider.tenant_id), "JWT")


def verify(provider: Provider, metadata: Metadata, token: str, asking: Asking) -> dict[str, Any]:
    """Return the claims of an ID token that was made for this very sign-in. Raises Rejected.

    OpenID Connect Core §3.1.3.7. The key decides the algorithm, out of those pinned for the provider; keys come
    from its own address only, whatever the token's header points to (threat F3).
    """
    try:
        kid = jose.unverified_header(token).get("kid")
        published = [key for key in remote_keys.at(metadata.jwks_uri, kid) if key.alg in metadata.algorithms]
        claims = jose.verify(token, published, typ=None, algs=metadata.algorithms)
        jose.check_times(claims, ahead=AHEAD, max_age=OLDEST)
    except jose.TokenError as error:
        check = "clock" if error.code in EXPIRED else "signature"
        raise Rejected(check, f"The ID token is not taken: {error.code}.") from None
    if claims.get("iss") != provider.issuer:
        raise Rejected("issuer", "The ID token was made by another issuer.")
    _check_audience(provider, claims)
    if claims.get("nonce") != asking.nonce:
        raise Rejected("nonce", "The ID token was made for another sign-in.")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= 255 or not subject.isprintable():
        raise Rejected("attributes", "The ID token has no usable sub.")
    _check_freshness(claims, asking)
    return claims


def _check_audience(provider: Provider, claims: Mapping[str, Any]) -> None:
    """We are the one audience, or `azp` says that the token was asked for by us; never for others besides."""
    audience = claims.get("aud")
    named = audience if isinstance(audience, list) else [audience]
    if not named or any(one != provider.client_id for one in named):
        raise Rejected("audience", "The ID token is not for this client, or for others besides.")
    if claims.get("azp", provider.client_id) != provider.client_id:
        raise Rejected("audience", "Another client asked for the ID token.")


def _check_freshness(claims: Mapping[str, Any], asking: Asking) -> None:
    """What was asked of the provider by `max_age` it must say to have done (threat O15)."""
    if asking.max_age is None:
        return
    moment = claims.get("auth_time")
    seconds = 0.0 if isinstance(moment, bool) or not isinstance(moment, int | float) else float(moment)
    if seconds + asking.max_age + AHEAD < time.time():
        raise Rejected("freshness", "A fresh sign-in was asked for, and the ID token shows none.")


def _userinfo(
    provider: Provider, metadata: Metadata, claims: Mapping[str, Any], access_token: str
) -> dict[str, Any]:
    """Return what the UserInfo endpoint adds where the ID token leaves something out (§5.3.2: same `sub`)."""
    wanted = [name for name in provider.attributes.values() if name and name not in claims]
    if not wanted or not metadata.userinfo_endpoint or not access_token.isascii() or not access_token:
        return {}
    headers = {"Accept": "application/json", "Authorization": f"Bearer {access_token}"}
    found = _call("GET", metadata.userinfo_endpoint, headers, None, "userinfo")
    if found.get("sub") != claims["sub"]:
        raise Rejected("userinfo", "The UserInfo endpoint speaks of somebody else.")
    # Whether an address is verified is said about the address that stands beside it.
    taken = [*wanted, *(["email_verified"] if provider.attributes.get("email") in wanted else [])]
    return {name: found[name] for name in taken if name in found}


def _call(method: str, address: str, headers: dict[str, str], body: bytes | None, check: str) -> Any:
    try:
        answer = outbound.request(method, address, headers=headers, content=body, limits=LIMITS)
        found = answer.json()
    except outbound.OutboundError:
        raise Rejected(check, "The provider did not answer as it should.") from None
    if answer.status != 200 or not isinstance(found, dict):
        word = str(found.get("error", ""))[:60] if isinstance(found, dict) else ""
        check = "redirect" if check == "token" and "redirect" in str(found).lower() else check
        raise Rejected(check, f"The provider refused with status {answer.status} {word}".strip())
    return found
