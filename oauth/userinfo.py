"""GET and POST /oauth/userinfo (OIDC Core §5.3): claims about the person, by scope, from the live rows."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse

from core.errors import InsufficientScope, MethodNotAllowed, Problem, TokenInvalid
from core.livecache import LiveCache
from oauth import bearers, clients, issuing
from oauth.catalogue import OPENID
from oauth.clients import in_tenant
from oauth.http import answer_json, cross_origin, note_client, tenant_of
from tenants import bearer
from tenants.models import Member
from tenants.selectors import TenantRef


@dataclass(frozen=True)
class Profile:
    subject: str
    name: str
    email: str
    email_verified: bool
    locale: str


_profiles: LiveCache[Profile | None] = LiveCache("member")


@cross_origin
def userinfo(request: HttpRequest) -> HttpResponse:
    try:
        return answer_json(_claims(request))
    except Problem as problem:
        return bearers.refusal(problem)


def _claims(request: HttpRequest) -> dict[str, object]:
    if request.method not in {"GET", "POST"}:
        raise MethodNotAllowed
    tenant = tenant_of(request)
    token = bearers.verified(request, tenant)
    note_client(request, clients.find(tenant, str(token.claims["client_id"])))
    scopes = str(token.claims["scope"]).split()
    if OPENID not in scopes:
        raise InsufficientScope("openid is needed.", required={"scopes": [OPENID]})
    member = bearer.live_member(tenant, str(token.claims["sub"]))
    profile = profile_of(tenant, member.id) if member else None
    if profile is None:
        raise TokenInvalid
    return {"sub": profile.subject, **issuing.claims_of(profile, scopes)}


def profile_of(tenant: TenantRef, member_id: uuid.UUID) -> Profile | None:
    """Return the tenant's own copy of a person's data, remembered until the member changes."""
    return _profiles.get(str(member_id), lambda: _load(tenant, member_id))


def _load(tenant: TenantRef, member_id: uuid.UUID) -> Profile | None:
    with in_tenant(tenant.id):
        names = ("subject", "name", "email", "email_verified", "locale")
        row = Member.objects.filter(id=member_id).values_list(*names).first()
    return Profile(*row) if row else None
