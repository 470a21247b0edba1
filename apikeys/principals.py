"""The caller behind an API key, whichever of two headers carries it: the same checks for both (K2)."""

from __future__ import annotations

from django.http import HttpRequest

from apikeys import admission, live, usage
from core import secrets
from core.errors import AmbiguousCredentials, Problem, TokenInvalid
from core.principal import Principal
from core.urls import tenant_slug
from tenants import selectors as tenants
from tenants.selectors import TenantRef

BEARER = "bearer "


def resolve(request: HttpRequest) -> Principal | None:
    """Return the caller that the request's API key stands for; None for a request without one.

    Raises AmbiguousCredentials for more than one credential, TokenInvalid, TokenRevoked, TokenExpired,
    TenantMismatch, PolicyDenied (exchange only) and SubjectSuspended.
    """
    text = sent_key(request)
    if text is None:
        return None
    admitted = admission.admit(text, _addressed(request))
    try:
        live.require_direct(admitted.key)
    except Problem as problem:
        usage.denied(admitted.key, problem.code)
        raise
    usage.used(admitted.key)
    return admitted.caller


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
    if not secrets.is_key(token):
        return None
    if "," in token:  # the header was sent twice
        raise AmbiguousCredentials
    return token


def _addressed(request: HttpRequest) -> TenantRef | None:
    """Return the tenant that the address names, None at the bare origin. Raises TokenInvalid."""
    slug = tenant_slug(request)
    address = tenants.by_slug(slug) if slug is not None else None
    if slug is not None and address is None:
        raise TokenInvalid
    return address


def of_token(tenant: TenantRef, key_public_id: str, scopes: frozenset[str]) -> Principal:
    """Return the caller of a token that came out of an exchange: the key as it lives now.

    Raises TokenRevoked, TokenExpired, SubjectSuspended.
    """
    key = live.by_id(tenant, key_public_id)
    live.check(key, tenant)
    return admission.principal_of(tenant, key, scopes)
