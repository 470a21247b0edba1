"""The caller behind an access token at `/v1` (RFC 9068 §4): claims for speed, live rows for truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest

from apikeys import principals as key_principals
from core import ids, scope
from core.errors import TokenInvalid, TokenRevoked
from core.principal import Actor, Principal, SubjectType
from oauth import catalogue, clients, lineage, outside_callers, resource_policy
from oauth.bearers import sent, verified
from oauth.binding import BEARER
from organizations import selectors as organizations
from roles import authority
from tenants import bearer
from tenants.bearer import LiveMember
from tenants.models import TenantSession
from tenants.selectors import TenantRef
from tenants.tokens import control_plane_audience

PEOPLE = (SubjectType.USER, SubjectType.GUEST)


def resolve(request: HttpRequest) -> Principal | None:
    """Return the caller that the request's access token stands for; None without one.

    Raises TokenInvalid, TokenExpired, TokenRevoked, WrongTokenType, SubjectSuspended, DPoPProofInvalid and
    DPoPNonceRequired. Whether the address names the same tenant is the endpoint's question.
    """
    scheme, token = sent(request)
    if not token:
        return None
    try:
        found = verified(request, None)
    except TokenInvalid:
        outside = outside_callers.resolve(request, token) if scheme == BEARER else None
        if outside is None:
            raise
        return outside
    if found.claims.get("aud") != control_plane_audience(found.tenant):
        raise TokenInvalid("The token is for another audience.")
    return principal_of(found.tenant, found.claims)


def principal_of(tenant: TenantRef, claims: Mapping[str, Any]) -> Principal:
    """Return the caller of a verified, living token."""
    scopes = frozenset(str(claims.get("scope", "")).split())
    if "key_id" in claims:
        return key_principals.of_token(tenant, str(claims["client_id"]), scopes)
    kind = str(claims.get("subject_type", ""))
    if kind == SubjectType.SERVICE:
        return _service(tenant, claims, scopes)
    if kind in PEOPLE:
        return _person(tenant, claims, scopes, SubjectType(kind))
    if kind == SubjectType.DELEGATED and "act" in claims:
        return _delegate(tenant, claims, scopes)
    raise TokenInvalid("The token's subject type is not taken here.")


def _delegate(tenant: TenantRef, claims: Mapping[str, Any], scopes: frozenset[str]) -> Principal:
    """Somebody acting for another: what the subject and everybody who acts may now (threats D3, A7)."""
    chain = tuple(lineage.actors(claims))
    parties = chain if "av" in claims else (*chain, str(claims["sub"]))
    for party in parties:
        client = clients.live(tenant, party)
        scopes &= frozenset(client.scopes if client else ())
    if "av" in claims:
        principal = _person(tenant, claims, scopes, SubjectType.DELEGATED)
    else:
        principal = replace(_service(tenant, claims, scopes), subject_type=SubjectType.DELEGATED)
    return replace(principal, actors=tuple(Actor("service", subject) for subject in chain))


def _service(tenant: TenantRef, claims: Mapping[str, Any], scopes: frozenset[str]) -> Principal:
    """A client that acts for itself; what it has lost since the token was made is gone (threat A7)."""
    client = clients.live(tenant, str(claims["client_id"]))
    if client is None:
        raise TokenRevoked
    held = scopes.intersection(client.scopes)
    return Principal(
        subject_type=SubjectType.SERVICE,
        subject=str(claims["sub"]),
        tenant_id=tenant.id,
        tenant_slug=tenant.slug,
        mode=tenant.mode,
        permissions=held,
        scopes=held,
        client_id=client.client_id,
    )


def _person(
    tenant: TenantRef, claims: Mapping[str, Any], scopes: frozenset[str], kind: SubjectType
) -> Principal:
    """A person: what the token's scopes and the roles of this moment both allow."""
    member = bearer.live_member(tenant, str(claims["sub"]))
    if member is None:
        raise TokenRevoked
    organization_id = ids.decode("org", str(claims["org_id"])) if "org_id" in claims else None
    with scope.tenant(tenant.id):
        permissions, roles = _authority(member, organization_id)
    return Principal(
        subject_type=kind,
        subject=member.subject,
        tenant_id=tenant.id,
        tenant_slug=tenant.slug,
        mode=tenant.mode,
        permissions=scopes & permissions,
        scopes=scopes,
        roles=roles,
        organization_id=organization_id,
        member_id=member.id,
        account_id=member.account_id,
        session_id=ids.decode(TenantSession.PREFIX, str(claims["sid"])) if "sid" in claims else None,
        client_id=str(claims["client_id"]),
        acr=str(claims.get("acr", "")),
        amr=tuple(claims.get("amr", ())),
        auth_time=datetime.fromtimestamp(claims["auth_time"], UTC) if "auth_time" in claims else None,
        owes=_owed(tenant, claims),
    )


def _owed(tenant: TenantRef, claims: Mapping[str, Any]) -> Mapping[str, Any] | None:
    resource = catalogue.resources_of(tenant).get(str(claims.get("aud")))
    return resource_policy.owed(resource, claims) if resource is not None and resource.has_policy else None


def _authority(member: LiveMember, organization_id: Any) -> tuple[frozenset[str], tuple[str, ...]]:
    """Return permissions and roles now. Raises TokenRevoked for one who left the token's organization."""
    if organization_id is not None and not organizations.belongs(member.id, organization_id):
        raise TokenRevoked
    permissions = authority.permissions_of(member.id, organization_id)
    return permissions, authority.roles_of(member.id, organization_id)
