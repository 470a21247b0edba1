"""The access token of a request (RFC 6750 §2.1, §2.2) and its challenge (§3)."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse

from core import jose
from core.api.problems import challenge_for
from core.errors import AmbiguousCredentials, Problem, TenantMismatch, TokenMissing
from oauth import binding
from oauth.http import answer_json
from tenants import bearer, denials, keys, selectors
from tenants.bearer import BearerToken
from tenants.keys import KeySet
from tenants.selectors import TenantRef

FORM = "application/x-www-form-urlencoded"
MOST = 20_000
# Signatures proved before, by the token's digest; good while the tenant's set of keys is the same object.
_proved: dict[bytes, tuple[KeySet, uuid.UUID, Mapping[str, Any]]] = {}


def sent(request: HttpRequest) -> tuple[str, str]:
    """Return scheme and access token of the Authorization header, the token empty where there is none.

    Tokens in an address are never read (RFC 9700 §4.3.2).
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    known = scheme.lower()
    return known, token.strip() if known in (binding.BEARER, binding.DPOP) else ""


def posted(request: HttpRequest) -> tuple[str, str]:
    """As `sent`, but a token in a form body counts too (RFC 6750 §2.2). Raises AmbiguousCredentials for both."""
    presented = sent(request)
    if request.method != "POST" or request.content_type != FORM:
        return presented
    tokens = request.POST.getlist("access_token")
    if len(tokens) + bool(presented[1]) > 1:
        raise AmbiguousCredentials
    return (binding.BEARER, tokens[0]) if tokens else presented


def verified(
    request: HttpRequest, tenant: TenantRef | None, presented: tuple[str, str] | None = None
) -> BearerToken:
    """Return the living token of a request, with the proof that it asks for.

    `presented` is its scheme and text where it was not only looked for in the header. Raises TokenMissing, what
    `verify` raises, and what binding.at_resource raises.
    """
    scheme, token = presented or sent(request)
    if not token:
        raise TokenMissing
    found = verify(token, tenant)
    try:
        binding.at_resource(request, found.tenant, scheme, token, found.claims)
    except Problem as problem:
        denials.record(found.tenant.id, bearer.actor_of(found.claims), problem.code)
        raise
    return found


def verify(token: str, tenant: TenantRef | None) -> BearerToken:
    """As tenants.bearer.verify, but a signature that was proved before is not proved again.

    Times and everything that lives (tenant, client, session, member, deny-list) are asked on every call.
    """
    claims, named = _read(token)
    bearer.check_live(named, claims)
    if tenant is not None and named.id != tenant.id:
        raise TenantMismatch
    return BearerToken(named, claims)


def _read(token: str) -> tuple[Mapping[str, Any], TenantRef]:
    digest = hashlib.sha256(token.encode("utf-8", "replace")).digest()
    known = _recall(digest)
    if known is not None:
        return known
    claims, tenant = bearer.read(token)
    if len(_proved) >= MOST:
        _proved.clear()
    _proved[digest] = keys.key_set(tenant.id), tenant.id, claims
    return claims, tenant


def _recall(digest: bytes) -> tuple[Mapping[str, Any], TenantRef] | None:
    """Return a proved token that has not expired and whose keys have not changed since."""
    known = _proved.get(digest)
    if known is None:
        return None
    signing, tenant_id, claims = known
    tenant = selectors.by_id(tenant_id)
    if tenant is None or keys.key_set(tenant_id) is not signing:
        return None
    try:
        jose.check_times(claims)
    except jose.TokenError:
        return None
    return claims, tenant


def refusal(problem: Problem) -> HttpResponse:
    """RFC 6750 §3: the error in the challenge, and the same in a short body."""
    usual = {401: "invalid_token", 403: "insufficient_scope"}.get(problem.status, "invalid_request")
    error = getattr(problem, "oauth_error", usual)
    response = answer_json({"error": error, "error_description": problem.detail}, problem.status)
    response.headers["WWW-Authenticate"] = (
        challenge_for(problem) or f'Bearer realm="claviger", error="{error}"'
    )
    for name, value in problem.headers.items():
        response.headers[name] = value
    return response
