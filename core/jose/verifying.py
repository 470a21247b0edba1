"""Accepting tokens (threats T1, T3; RFC 8725 §3): cheap refusals first, claims parsed only once proven.

The key decides the algorithm, never the token. Header parameters that carry or point to keys (jku, x5u, jwk,
x5c) are not read.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from . import encoding
from .errors import TokenError
from .keys import SigningKey, VerifyingKey

MAX_BYTES = 16 * 1024
# RFC 9864 §2.2: what this name leaves open the new one says; with our keys they are the same.
RENAMED = {"Ed25519": "EdDSA"}
AHEAD = 10  # seconds that another clock may be ahead of ours (threat R10)


@dataclass(frozen=True)
class Unverified:
    """A well-formed token, taken apart once. Nothing of it is proved."""

    header: dict[str, Any]
    signed: bytes
    payload: bytes
    signature: bytes

    @cached_property
    def claims(self) -> dict[str, Any]:
        """For finding the issuer to check it with. Raises TokenError."""
        return encoding.load_object(encoding.decode(self.payload))


def verify(
    token: str | Unverified,
    keys: Iterable[SigningKey | VerifyingKey],
    *,
    typ: str | Collection[str] | None,
    algs: Collection[str] | None = None,
    max_bytes: int = MAX_BYTES,
) -> dict[str, Any]:
    """The claims of a token signed by one of `keys`. Times, issuer and audience are the caller's next checks.

    `typ` is the accepted type or types, so that one kind of token never passes for another; None accepts only
    an absent type or `JWT`, as client assertions and ID tokens have. `algs` narrows what the keys allow.
    Raises TokenError.
    """
    given = token if isinstance(token, Unverified) else parse(token, max_bytes)
    _check_header(given.header, typ)
    key = _choose(given.header, keys)
    if _algorithm(given.header) != key.alg or (algs is not None and key.alg not in algs):
        raise TokenError("wrong_algorithm")
    if not key.verify(encoding.decode(given.signature), given.signed):
        raise TokenError("bad_signature")
    return given.claims


def unverified_header(token: str, max_bytes: int = MAX_BYTES) -> dict[str, Any]:
    """The header of a well-formed token, for finding whose keys to check it with. Proves nothing."""
    header = parse(token, max_bytes).header
    _check_critical(header)
    return header


def unverified_claims(token: str, max_bytes: int = MAX_BYTES) -> dict[str, Any]:
    """The claims of a well-formed token, for finding the issuer to check it with. Proves nothing."""
    return parse(token, max_bytes).claims


def parse(token: str, max_bytes: int = MAX_BYTES) -> Unverified:
    """Take a token apart; its size is looked at before anything else. Raises TokenError."""
    if not isinstance(token, str) or len(token) > max_bytes:
        raise TokenError("too_large" if isinstance(token, str) else "malformed")
    if token.count(".") != 2 or not token.isascii():
        raise TokenError("malformed")
    signed, _, signature = token.encode().rpartition(b".")
    head, _, payload = signed.partition(b".")
    if not head or not payload or not signature:
        raise TokenError("malformed")
    return Unverified(encoding.load_object(encoding.decode(head)), signed, payload, signature)


def _check_header(header: Mapping[str, Any], typ: str | Collection[str] | None) -> None:
    _check_critical(header)
    if not isinstance(header.get("alg"), str):
        raise TokenError("wrong_algorithm")
    accepted = {"jwt"} if typ is None else {_media(typ)} if isinstance(typ, str) else set(map(_media, typ))
    given = header.get("typ", "JWT" if typ is None else None)
    if not isinstance(given, str) or _media(given) not in accepted:
        raise TokenError("wrong_type")


def _check_critical(header: Mapping[str, Any]) -> None:
    """No extension is understood here (RFC 7515 §4.1.11, RFC 7797), and nothing is decompressed."""
    if not header.keys().isdisjoint({"crit", "b64", "zip"}):
        raise TokenError("critical_header")


def _media(typ: str) -> str:
    """Media types are compared without case and without `application/` (RFC 7515 §4.1.9)."""
    return typ.lower().removeprefix("application/")


def _algorithm(header: Mapping[str, Any]) -> str:
    alg = str(header["alg"])
    return RENAMED.get(alg, alg)


def _choose(header: Mapping[str, Any], keys: Iterable[SigningKey | VerifyingKey]) -> VerifyingKey:
    """The key that `kid` names; without one, the only key there is for that algorithm."""
    kid = header.get("kid")
    fitting = [key for key in keys if kid is None or key.kid == kid]
    if len(fitting) > 1:  # one JWK may be listed for several algorithms
        fitting = [key for key in fitting if key.alg == _algorithm(header)]
    if len(fitting) != 1:
        raise TokenError("unknown_key")
    return fitting[0].verifying if isinstance(fitting[0], SigningKey) else fitting[0]


def check_times(
    claims: Mapping[str, Any],
    *,
    now: float | None = None,
    ahead: int = AHEAD,
    max_age: int | None = None,
    required: Collection[str] = ("exp",),
) -> None:
    """Check exp, nbf and iat (RFC 7519 §4.1.4 to 4.1.6) at the moment of use. Raises TokenError.

    Clocks may be `ahead` seconds ahead for nbf and iat; exp gets no grace. `max_age` bounds the time since
    iat and makes it required.
    """
    moment = time.time() if now is None else now
    needed = {*required, "iat"} if max_age is not None else set(required)
    if any(name not in claims for name in needed):
        raise TokenError("missing_claim")
    times = {name: _numeric_date(claims[name]) for name in ("exp", "nbf", "iat") if name in claims}
    if times.get("exp", moment + 1) <= moment:
        raise TokenError("expired")
    if max(times.get("nbf", 0), times.get("iat", 0)) > moment + ahead:
        raise TokenError("not_yet_valid")
    if max_age is not None and times["iat"] + max_age + ahead <= moment:
        raise TokenError("too_old")


def _numeric_date(value: Any) -> float:
    """Seconds as a JSON number in a plausible range; true is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1 << 53:
        raise TokenError("malformed")
    return value
