"""ID tokens of trusted outside issuers: which keys, and every claim that is checked (threats F3, T1, T3).

Nothing here opens a scope: finding the keys may call out, by the guarded door (threat W1).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog

from core import jose, outbound, remote_keys

log = structlog.get_logger(__name__)
ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")
OLDEST = 86_400  # seconds since iat; no provider's ID tokens live longer
FRESH = 3600  # seconds that a discovery document is believed
WELL_KNOWN = "/.well-known/openid-configuration"


@dataclass(frozen=True)
class Issuer:
    """A trusted issuer free of database objects."""

    id: Any
    public_id: str
    issuer: str
    audiences: frozenset[str]
    jwks_uri: str
    algorithms: tuple[str, ...]
    claims: Mapping[str, str]
    required: Mapping[str, str]
    takes_id_tokens: bool = False


class Untrusted(Exception):
    """The token is not taken; `reason` is a short word for whoever set the issuer up."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass
class _Discovered:
    jwks_uri: str = ""
    fresh_until: float = 0.0
    tried_at: float = -remote_keys.PAUSE
    lock: threading.Lock = field(default_factory=threading.Lock)


_discovered: dict[str, _Discovered] = {}
_adding = threading.Lock()


def verify(issuer: Issuer, token: str) -> dict[str, Any]:
    """Return the claims of an ID token that this issuer made for one of our audiences. Raises Untrusted.

    OpenID Connect Core §3.1.3.7. The key decides the algorithm, out of those pinned for the issuer; keys come
    from the issuer's own address only, whatever the token's header points to.
    """
    try:
        kid = jose.unverified_header(token).get("kid")
        keys = [key for key in keys_of(issuer, kid) if key.alg in issuer.algorithms]
        claims = jose.verify(token, keys, typ=None, algs=issuer.algorithms)
        jose.check_times(claims, required=("exp", "iat"), max_age=OLDEST)
    except jose.TokenError as error:
        raise Untrusted(error.code) from None
    if claims.get("iss") != issuer.issuer:
        raise Untrusted("wrong_issuer")
    _check_audience(issuer, claims)
    for name, value in issuer.required.items():
        if claims.get(name) != value:
            raise Untrusted(f"wrong_{name}")
    subject_of(issuer, claims)
    return claims


def _check_audience(issuer: Issuer, claims: Mapping[str, Any]) -> None:
    """Every audience must be ours; where there are several, `azp` says who asked for the token."""
    audience = claims.get("aud")
    named = audience if isinstance(audience, list) else [audience]
    if not named or any(not isinstance(one, str) or one not in issuer.audiences for one in named):
        raise Untrusted("wrong_audience")
    if "azp" in claims:
        if not isinstance(claims["azp"], str) or claims["azp"] not in issuer.audiences:
            raise Untrusted("wrong_azp")
    elif len(named) > 1:
        raise Untrusted("wrong_azp")


def subject_of(issuer: Issuer, claims: Mapping[str, Any]) -> str:
    """Return who the token is about at its issuer. Raises Untrusted."""
    subject = claims.get(issuer.claims.get("subject") or "sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= 255 or not subject.isprintable():
        raise Untrusted("no_subject")
    return subject


def text_of(issuer: Issuer, claims: Mapping[str, Any], meaning: str, longest: int) -> str:
    """Return what the token says under the name that is mapped to `meaning`; empty for anything odd."""
    value = claims.get(issuer.claims.get(meaning) or "")
    return value if isinstance(value, str) and len(value) <= longest and value.isprintable() else ""


def words_of(issuer: Issuer, claims: Mapping[str, Any], meaning: str) -> list[str]:
    """Return a list of words, also of one word or of words between spaces."""
    value = claims.get(issuer.claims.get(meaning) or "")
    words = value.split() if isinstance(value, str) else value if isinstance(value, list) else []
    return [word for word in words[:100] if isinstance(word, str)]


def keys_of(issuer: Issuer, kid: object = None) -> remote_keys.Keys:
    """Return the issuer's keys. Raises Untrusted when its discovery document cannot be used."""
    address = issuer.jwks_uri or _discover(issuer.issuer)
    if not address:
        raise Untrusted("discovery_failed")
    return remote_keys.at(address, kid)


def _discover(issuer: str) -> str:
    """Return where the issuer says its keys are, remembered for an hour; asks at most once a minute."""
    with _adding:
        if len(_discovered) >= remote_keys.MOST_ADDRESSES:
            _discovered.clear()
        known = _discovered.setdefault(issuer, _Discovered())
    with known.lock:
        now = time.monotonic()
        if now >= known.fresh_until and now >= known.tried_at + remote_keys.PAUSE:
            known.tried_at = now
            known.jwks_uri = _fetch(issuer) or known.jwks_uri
            known.fresh_until = now + FRESH if known.jwks_uri else 0.0
        return known.jwks_uri


def _fetch(issuer: str) -> str:
    """Discovery 1.0 §4: the document must name the very issuer that was asked."""
    address = issuer.rstrip("/") + WELL_KNOWN
    try:
        answer = outbound.request(
            "GET", address, headers={"Accept": "application/json"}, limits=remote_keys.LIMITS
        )
        document = answer.json() if answer.status == 200 else None
        if not isinstance(document, dict) or document.get("issuer") != issuer:
            return ""
        return outbound.validate_url(document.get("jwks_uri", ""))
    except outbound.OutboundError as error:
        log.info("a trusted issuer could not be discovered", issuer=issuer, reason=error.reason)
        return ""
