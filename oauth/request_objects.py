"""Authorization requests as signed JWTs, by value (RFC 9101, OIDC Core §6.1)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from core import jose
from oauth import client_keys, fapi
from oauth.clients import Client
from oauth.errors import InvalidRequestObject, InvalidTarget
from tenants.selectors import TenantRef

TYPE = "oauth-authz-req+jwt"  # RFC 9101 §10.8
REGISTERED = frozenset({"iss", "aud", "exp", "nbf", "iat", "jti"})  # about the JWT, not of the request


def read(tenant: TenantRef, client: Client, token: str) -> dict[str, str]:
    """Return the parameters of a request object that the client signed; nothing else of the request counts.

    No scope may be open: the client's keys may have to be fetched.
    Raises InvalidRequestObject, and InvalidTarget for several resources.
    """
    claims = _verified(client, token)
    _check(tenant, client, claims)
    return {
        name: text
        for name, value in claims.items()
        if name not in REGISTERED and (text := _text(name, value))
    }


def _verified(client: Client, token: str) -> dict[str, Any]:
    try:
        # Clients of OpenID Connect know no type (§6.1): an untyped one, or a plain JWT, is taken too.
        kind = str(jose.unverified_header(token).get("typ", "JWT")).lower().removeprefix("application/")
        expected = TYPE if kind == TYPE else None
        claims = client_keys.verify(client, token, typ=expected, algs=fapi.algorithms(client))
        jose.check_times(claims, required=())
    except jose.TokenError:
        raise InvalidRequestObject from None
    return claims


def _check(tenant: TenantRef, client: Client, claims: Mapping[str, Any]) -> None:
    """RFC 9101 §4, §5.2 and §10.8: ours, the client's own, and no other kind of JWT that it signed."""
    audience = claims.get("aud", tenant.issuer)
    if tenant.issuer not in (audience if isinstance(audience, list) else [audience]):
        raise InvalidRequestObject("The request object is meant for another server.")
    if claims.get("iss", client.client_id) != client.client_id:
        raise InvalidRequestObject("The request object has another issuer than its client.")
    if claims.get("client_id") != client.client_id:
        raise InvalidRequestObject("The request object must name this client_id.")
    if "sub" in claims:
        raise InvalidRequestObject("A request object has no sub: this is a client assertion.")
    if not claims.keys().isdisjoint({"request", "request_uri"}):
        raise InvalidRequestObject("A request object cannot hold another.")


def _text(name: str, value: Any) -> str:
    """Return a claim as the parameter that it stands for (RFC 9101 §4)."""
    if name == "claims" and isinstance(value, dict):
        return json.dumps(value)
    if name == "resource" and isinstance(value, list):
        if len({str(one) for one in value}) != 1:
            raise InvalidTarget("A token is for one resource: ask for each in a request of its own.")
        value = value[0]
    if isinstance(value, bool) or not isinstance(value, str | int) or not _is_clean(str(value)):
        raise InvalidRequestObject("A parameter in the request object is not a text.")
    return str(value)


def _is_clean(text: str) -> bool:
    """No NUL, and no half of a surrogate pair, which JSON can carry and no address can."""
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)
