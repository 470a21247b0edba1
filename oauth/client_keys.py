"""Public keys of clients: a JWK Set that was registered, or one that is fetched from `jwks_uri` (RFC 7591 §2)."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from core import jose
from core.remote_keys import Keys, at, read, usable

if TYPE_CHECKING:
    from oauth.clients import Client

__all__ = ["Keys", "at", "of", "read", "usable", "verify"]


def verify(
    client: Client, token: str, *, typ: str | None, algs: Collection[str], max_bytes: int = 8192
) -> dict[str, Any]:
    """Return the claims of a token that the client signed. Raises jose.TokenError.

    Needs no open scope and must be called with none: it may call out.
    """
    header = jose.unverified_header(token, max_bytes)
    keys = of(client, header.get("kid"))
    return jose.verify(token, keys, typ=typ, algs=algs, max_bytes=max_bytes)


def of(client: Client, kid: object = None) -> Keys:
    """Return the client's keys; fetches them when they are old, or when none of them has this `kid`."""
    return at(client.jwks_uri, kid) if client.jwks_uri else client.keys
