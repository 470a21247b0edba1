"""Where a provider's endpoints are: its discovery document (OpenID Connect Discovery 1.0 §4), remembered for an hour.

Nothing here opens a scope: it may call out, by the guarded door (threat W1).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog

from core import jose, outbound, remote_keys
from federation.provider import Provider, Rejected

log = structlog.get_logger(__name__)
WELL_KNOWN = "/.well-known/openid-configuration"
FRESH = 3600  # seconds that a document is believed
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint")
NEEDED = ENDPOINTS[:3]


@dataclass(frozen=True)
class Metadata:
    """`announces_iss`: its authorization responses name it (RFC 9207)."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    algorithms: tuple[str, ...] = ("RS256",)
    announces_iss: bool = False


@dataclass
class _Known:
    document: Mapping[str, Any] = field(default_factory=dict)
    fresh_until: float = 0.0
    tried_at: float = -remote_keys.PAUSE
    lock: threading.Lock = field(default_factory=threading.Lock)


_known: dict[str, _Known] = {}
_adding = threading.Lock()


def of(provider: Provider) -> Metadata:
    """Return the provider's metadata: what the connection says itself comes before its document. Raises Rejected."""
    own = {name: provider.endpoints[name] for name in ENDPOINTS if provider.endpoints.get(name)}
    document = {} if all(name in own for name in NEEDED) else _document(provider.issuer)
    found = {**{name: address(document.get(name)) for name in ENDPOINTS}, **own}
    if not all(found[name] for name in NEEDED):
        raise Rejected("discovery", "The discovery document of the issuer could not be used.")
    listed = document.get("id_token_signing_alg_values_supported")
    offered = listed if isinstance(listed, list) else ["RS256"]
    return Metadata(
        **found,
        algorithms=provider.algorithms or tuple(name for name in jose.ALGORITHMS if name in offered),
        announces_iss=document.get("authorization_response_iss_parameter_supported") is True,
    )


def look(issuer: str) -> Mapping[str, Any]:
    """Fetch an issuer's document anew and return it, empty where it cannot be used."""
    known = _entry(issuer)
    with known.lock:
        _renew(issuer, known)
        return known.document if known.fresh_until else {}


def _document(issuer: str) -> Mapping[str, Any]:
    """Return what is remembered; fetches what is too old, at most once a minute."""
    known = _entry(issuer)
    with known.lock:
        now = time.monotonic()
        if now >= known.fresh_until and now >= known.tried_at + remote_keys.PAUSE:
            _renew(issuer, known)
        return known.document


def _entry(issuer: str) -> _Known:
    with _adding:
        if len(_known) >= remote_keys.MOST_ADDRESSES:
            _known.clear()
        return _known.setdefault(issuer, _Known())


def _renew(issuer: str, known: _Known) -> None:
    known.tried_at = time.monotonic()
    found = _fetch(issuer)
    known.document = found or known.document
    known.fresh_until = known.tried_at + FRESH if found else 0.0


def _fetch(issuer: str) -> Mapping[str, Any]:
    """The document must name the very issuer that was asked (§4.3)."""
    address = issuer.rstrip("/") + WELL_KNOWN
    asked = {"Accept": "application/json"}
    try:
        answer = outbound.request("GET", address, headers=asked, limits=remote_keys.LIMITS)
        document = answer.json() if answer.status == 200 else None
    except outbound.OutboundError as error:
        log.info("an issuer could not be discovered", issuer=issuer, reason=error.reason)
        return {}
    return document if isinstance(document, dict) and document.get("issuer") == issuer else {}


def address(value: object) -> str:
    """Return an address that may be called, empty for anything else."""
    try:
        return outbound.validate_url(value) if isinstance(value, str) else ""
    except outbound.OutboundRefused:
        return ""
