"""Public keys that other parties publish as a JWK Set (RFC 7517 §5): fetched by the guarded door, remembered.

What was fetched is remembered per process. An unknown `kid` fetches anew, at most once a minute, so that
others rotate their keys by publishing them and nobody can make us hammer their servers (threats T1, W1).
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog

from core import jose, outbound

log = structlog.get_logger(__name__)
LIMITS = outbound.Limits(connect=3, total=5, max_bytes=64 * 1024)
MOST_KEYS = 20
PAUSE = 60  # seconds between two fetches of one address, and between two for an unknown key
FRESH_LEAST, FRESH_DEFAULT, FRESH_MOST = 60, 600, 3600  # seconds that an answer is believed (RFC 9111 §5.2)
GRACE = 3600  # seconds that old keys go on while their address does not answer
MOST_ADDRESSES = 5000
# A key that names no algorithm may be used with those of its type.
IMPLIED = {"EC": ("ES256",), "RSA": ("PS256", "RS256"), "OKP": ("EdDSA",)}
Keys = tuple[jose.VerifyingKey, ...]


@dataclass
class _Fetched:
    """What one address gave, as moments of the monotonic clock."""

    keys: Keys = ()
    fresh_until: float = 0.0
    good_until: float = 0.0
    tried_at: float = -PAUSE
    sought_at: float = -PAUSE  # when it was last asked for a key that was not among them
    lock: threading.Lock = field(default_factory=threading.Lock)


_fetched: dict[str, _Fetched] = {}
_adding = threading.Lock()


def at(address: str, kid: object = None) -> Keys:
    """Return the keys that an address publishes, none while it gives none; with no scope open: it may call out."""
    known = _entry(address)
    # While the very first fetch is under way there is nothing to go on with: wait for it.
    if _is_due(known, kid) or (not known.keys and known.lock.locked()):
        _refresh(address, known, kid)
    return known.keys if time.monotonic() < known.good_until else ()


def _entry(address: str) -> _Fetched:
    with _adding:
        if len(_fetched) >= MOST_ADDRESSES and address not in _fetched:
            _fetched.clear()
        return _fetched.setdefault(address, _Fetched())


def _is_due(known: _Fetched, kid: object) -> bool:
    """An unknown `kid` has a pause of its own: keys may be rotated right after they were fetched as usual."""
    now = time.monotonic()
    if _is_sought(known, kid):
        return now >= known.sought_at + PAUSE
    return now >= known.tried_at + PAUSE and (
        (kid is not None and not known.keys) or now >= known.fresh_until
    )


def _is_sought(known: _Fetched, kid: object) -> bool:
    return bool(known.keys) and kid is not None and all(key.kid != kid for key in known.keys)


def _refresh(address: str, known: _Fetched, kid: object) -> None:
    """Fetch once however many ask at once; those who have old keys do not wait for it."""
    if not known.lock.acquire(blocking=not known.keys):
        return
    try:
        if _is_due(known, kid):
            sought = _is_sought(known, kid)
            _fetch(address, known)
            known.sought_at = known.tried_at if sought else known.sought_at
    finally:
        known.lock.release()


def _fetch(address: str, known: _Fetched) -> None:
    try:
        answer = outbound.request("GET", address, headers={"Accept": "application/json"}, limits=LIMITS)
        if answer.status != 200:
            raise outbound.OutboundFailed("protocol")
        keys = tuple(usable(answer.json()))
    except outbound.OutboundError as error:
        log.info("published keys could not be fetched", address=address, reason=error.reason)
        return
    finally:
        known.tried_at = time.monotonic()  # afterwards: who comes meanwhile without keys waits for the lock
    fresh = _freshness(answer.headers.get("cache-control", ""))
    now = time.monotonic()
    known.keys, known.fresh_until, known.good_until = keys, now + fresh, now + fresh + GRACE


def _freshness(header: str) -> int:
    found = re.search(r"max-age=(\d{1,9})", header)
    return min(FRESH_MOST, max(FRESH_LEAST, int(found[1]))) if found else FRESH_DEFAULT


def usable(jwks: Any) -> list[jose.VerifyingKey]:
    """Return the usable keys of a JWK Set, each bound to one algorithm (RFC 8725 §3.1); unfit ones are left out."""
    listed = jwks.get("keys") if isinstance(jwks, dict) else None
    if not isinstance(listed, list):
        return []
    return [key for jwk in listed[:MOST_KEYS] if isinstance(jwk, dict) for key in read(jwk)]


def read(jwk: dict[str, Any]) -> Sequence[jose.VerifyingKey]:
    """Return one JWK as a key for the algorithm that it names, or for each that its type implies."""
    named = jwk.get("alg")
    algorithms = (str(named),) if named else IMPLIED.get(str(jwk.get("kty")), ())
    keys = []
    for algorithm in algorithms:
        try:
            keys.append(jose.verifying_key(jwk, algorithm))
        except jose.TokenError:
            continue
    return keys
