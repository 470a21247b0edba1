"""The caller behind an API key, whichever of two headers carries it: the same checks for both (K2)."""

from __future__ import annotations

from django.http import HttpRequest

from apikeys import live, usage
from apikeys.live import LiveKey
from core.errors import AmbiguousCredentials, Problem, TokenInvalid
from core.principal import Principal, SubjectType
from core.urls import tenant_slug
from tenants import selectors as tenants
from tenants.selectors import TenantRef

BEARER, PREFIX = "bearer ", "sk_"


def resolve(request: HttpRequest) -> Principal | None:
    """Return the caller that the request's API key stands for; None for a request without one.

    Raises AmbiguousCredentials for more than one credential, TokenInvalid, TokenRevoked, TokenExpired,
    TenantMismatch, PolicyDenied (exchange only) and SubjectSuspended.
    """
    text = sent_key(request)
    if text is None:
        return None
    key = live.authenticate(text)
    try:
        principal = _direct(key, tenant_slug(request))
    except Problem as problem:
        usage.denied(key, problem.code)
        raise
    usage.used(key)
    return principal


def sent_key(request: HttpRequest) -> str | None:
    """Return the API key of the request's headers, None where there is none."""
    header: str | None = request.META.get("HTTP_X_API_KEY")
    authorization: str = request.META.get("HTTP_AUTHORIZATION", "")
    if header is not None:
        if authorization or "," in header:
            raise AmbiguousCredentials
        return header.strip()
    if authorization[:7].lower() != BEARER:
        return None
    token = authorization[7:].strip()
    if not token.startswith(PREFIX):
        return None
    if "," in token:  # the header was sent twice
        raise AmbiguousCredentials
    return token


def _direct(key: LiveKey, slug: str | None) -> Principal:
    """Return the principal of a key sent to our own `/v1`."""
    address = tenants.by_slug(slug) if slug is not None else None
    if slug is not None and address is None:
        raise TokenInvalid
    tenant = live.check(key, address)
    live.require_direct(key)
    return principal_of(tenant, key)


def principal_of(tenant: TenantRef, key: LiveKey, scopes: frozenset[str] | None = None) -> Principal:
    """Return the caller of a living key; `scopes` are those of its token, where one was exchanged.

    `scopes` of the principal are what the credential names, `permissions` what its maker can still give.
    """
    words = frozenset(key.scopes) if scopes is None else scopes.intersection(key.scopes)
    return Principal(
        subject_type=SubjectType.SERVICE,
        subject=key.subject,
        tenant_id=tenant.id,
        tenant_slug=tenant.slug,
        mode=tenant.mode,
        scopes=words,
        permissions=words & live.permissions(key),
        organization_id=key.organization_id,
        key_id=key.id,
        client_id=key.public_id,
    )


def of_token(tenant: TenantRef, key_public_id: str, scopes: frozenset[str]) -> Principal:
    """Return the caller of a token that came out of an exchange: the key as it lives now.

    Raises TokenRevoked, TokenExpired, SubjectSuspended.
    """
    key = live.by_id(tenant, key_public_id)
    live.check(key, tenant)
    return principal_of(tenant, key, scopes)
