"""GET and POST /oauth/userinfo (OIDC Core §5.3): claims about the person, by scope, from the live rows."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse

from core import jose
from core.errors import InsufficientScope, MethodNotAllowed, Problem, TokenInvalid
from core.livecache import LiveCache
from oauth import bearers, clients, issuing, standard_claims
from oauth.catalogue import OPENID
from oauth.clients import Client, in_tenant
from oauth.http import NO_STORE, answer_json, cross_origin, note_client, tenant_of
from oauth.standard_claims import LINKED
from tenants import bearer, keys, links
from tenants.models import Member
from tenants.selectors import TenantRef

TYPE = "userinfo+jwt"
METHODS = ("GET", "POST")  # OIDC Core §5.3.1


@dataclass(frozen=True)
class Profile:
    subject: str
    name: str
    email: str
    email_verified: bool
    locale: str
    profile: Mapping[str, Any]
    updated_at: datetime


_profiles: LiveCache[Profile | None] = LiveCache("member")


@cross_origin
def userinfo(request: HttpRequest) -> HttpResponse:
    try:
        return _answer(request)
    except Problem as problem:
        return bearers.refusal(problem)


def _answer(request: HttpRequest) -> HttpResponse:
    if request.method not in METHODS:
        raise MethodNotAllowed(headers={"Allow": ", ".join(METHODS)})
    tenant = tenant_of(request)
    token = bearers.verified(request, tenant, bearers.posted(request))
    client = clients.find(tenant, str(token.claims["client_id"]))
    note_client(request, client)
    scopes = str(token.claims["scope"]).split()
    if OPENID not in scopes:
        raise InsufficientScope("openid is needed.", required={"scopes": [OPENID]})
    member = bearer.live_member(tenant, str(token.claims["sub"]))
    profile = profile_of(tenant, member.id) if member else None
    if member is None or profile is None:
        raise TokenInvalid
    singly = token.claims.get(issuing.USERINFO_CLAIMS, ())
    claims = {"sub": profile.subject, **standard_claims.claims_of(profile, scopes, singly)}
    if LINKED in scopes or LINKED in singly:
        claims |= _linked(tenant, member.id)
    if client is not None and client.userinfo_alg:
        return _signed(tenant, client, claims)
    return answer_json(claims)


def _signed(tenant: TenantRef, client: Client, claims: Mapping[str, Any]) -> HttpResponse:
    """As a JWT for the client that registered so (OIDC Core §5.3.2), typed so that it is no other token."""
    whole = {**claims, "iss": tenant.issuer, "aud": client.client_id}
    token = jose.sign(whole, keys.active_key(tenant.id, client.userinfo_alg), TYPE)
    return HttpResponse(token, content_type="application/jwt", headers=NO_STORE)


def _linked(tenant: TenantRef, member_id: uuid.UUID) -> dict[str, Any]:
    with in_tenant(tenant.id):
        found = links.told(member_id)
    return {LINKED: found} if found else {}


def profile_of(tenant: TenantRef, member_id: uuid.UUID) -> Profile | None:
    """Return the tenant's own copy of a person's data, remembered until the member changes."""
    return _profiles.get(str(member_id), lambda: _load(tenant, member_id))


def _load(tenant: TenantRef, member_id: uuid.UUID) -> Profile | None:
    with in_tenant(tenant.id):
        names = ("subject", "name", "email", "email_verified", "locale", "profile", "updated_at")
        row = Member.objects.filter(id=member_id).values_list(*names).first()
    return Profile(*row) if row else None
