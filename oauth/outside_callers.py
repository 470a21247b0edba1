"""People who come to `/v1/me` with the ID token of an outside issuer (ORG-18).

Only under the tenant's own address, only where the tenant switched it on for that issuer, and only at
endpoints that say `takes_outside_tokens`; every other one answers 403 wrong_token_type. There is no scope in
such a token and none is given: it reads who one is, and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from core import jose
from core.errors import TokenExpired, TokenInvalid, TokenRevoked, WrongTokenType
from core.principal import Principal, SubjectType
from core.urls import tenant_slug
from oauth import external_identities, outside_tokens, standing, trusted_issuers
from oauth.clients import in_tenant
from oauth.external_identities import Arrival, Unknown
from oauth.issuing import Standing
from oauth.outside_grant import ACR
from oauth.outside_tokens import Issuer, Untrusted
from oauth.standing import SignIn
from roles import authority
from tenants import bearer, selectors
from tenants.models import Member
from tenants.selectors import TenantRef


def resolve(request: HttpRequest, token: str) -> Principal | None:
    """Return the person behind an outside ID token; None for a token that no trusted issuer can have made.

    Raises WrongTokenType, TokenExpired, TokenInvalid, TokenRevoked and SubjectSuspended. It may call out for
    the issuer's keys, so call it with no scope open.
    """
    tenant, issuer = _trusted(request, token)
    if tenant is None or issuer is None:
        return None
    try:
        claims = outside_tokens.verify(issuer, token)
    except Untrusted as refused:
        raise (TokenExpired if refused.reason == "expired" else TokenInvalid) from None
    if not _is_taken(request):
        raise WrongTokenType("Exchange an outside ID token at the token endpoint, and send what you get.")
    return _principal(tenant, issuer, claims)


def _trusted(request: HttpRequest, token: str) -> tuple[TenantRef | None, Issuer | None]:
    slug = tenant_slug(request)
    try:
        name = jose.unverified_claims(token).get("iss") if slug else None
    except jose.TokenError:
        return None, None
    if slug is None or not isinstance(name, str) or name.startswith(f"{settings.ORIGIN}/t/"):
        return None, None
    tenant = selectors.by_slug(slug)
    if tenant is None or not tenant.is_active:
        return None, None
    issuer = trusted_issuers.live(tenant, name)
    return tenant, issuer if issuer is not None and issuer.takes_id_tokens else None


def _is_taken(request: HttpRequest) -> bool:
    view = getattr(getattr(request.resolver_match, "func", None), "cls", None)
    return bool(getattr(view, "takes_outside_tokens", False))


def _principal(tenant: TenantRef, issuer: Issuer, claims: Mapping[str, Any]) -> Principal:
    with in_tenant(tenant.id):
        try:
            arrival = external_identities.arrive(issuer, claims)
        except Unknown as unknown:
            raise TokenInvalid(str(unknown)) from None
        member = Member.objects.get(id=arrival.member_id)
        bearer.check_member(bearer.live_member_by_id(tenant, member.id))
        now = _standing(arrival, claims)
        roles = authority.roles_of(now.member_id, now.organization_id)
    return Principal(
        subject_type=SubjectType.USER,
        subject=now.subject,
        tenant_id=tenant.id,
        tenant_slug=tenant.slug,
        mode=tenant.mode,
        roles=roles,
        organization_id=now.organization_id,
        member_id=now.member_id,
        account_id=member.account_id,
        client_id=issuer.public_id,
        acr=now.acr,
        amr=now.amr,
        auth_time=now.auth_time,
    )


def _standing(arrival: Arrival, claims: Mapping[str, Any]) -> Standing:
    """A sign-in is as old as its token. Raises TokenRevoked where the tenant demands a newer one."""
    seen = SignIn(ACR, ("fed",), datetime.fromtimestamp(claims["iat"], UTC))
    now = standing.load(arrival.member_id, None, arrival.organization_id, seen, ends_with_session=False)
    if now is None:
        raise TokenRevoked
    return now
