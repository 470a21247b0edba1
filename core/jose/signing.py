"""Making tokens: compact JWS, the header encoded once for each key and type."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from . import encoding
from .keys import SigningKey

RESERVED = frozenset({"alg", "typ", "kid", "crit", "b64", "zip"})


def sign(
    claims: Mapping[str, Any],
    key: SigningKey,
    typ: str,
    extra_headers: Mapping[str, Any] | None = None,
) -> str:
    """A compact JWS of `claims` with the header alg, typ, kid and `extra_headers`.

    Raises ValueError for claims that are no JSON or for an extra header that is ours to set.
    """
    head = _plain_header(key.alg, key.kid, typ) if not extra_headers else _header(key, typ, extra_headers)
    signed = head + b"." + encoding.encode(encoding.dump(claims))
    return (signed + b"." + encoding.encode(key.sign(signed))).decode("ascii")


@lru_cache(maxsize=4096)
def _plain_header(alg: str, kid: str, typ: str) -> bytes:
    return encoding.encode(encoding.dump({"alg": alg, "typ": typ, "kid": kid}))


def _header(key: SigningKey, typ: str, extra: Mapping[str, Any]) -> bytes:
    if RESERVED & extra.keys():
        raise ValueError("alg, typ, kid, crit, b64 and zip are not extra headers")
    return encoding.encode(encoding.dump({"alg": key.alg, "typ": typ, "kid": key.kid, **extra}))
