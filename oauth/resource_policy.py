"""What an API resource asks of a token beyond being alive: its type, and the sign-in behind it.

The answer of introspection carries the refusal ready made, so that a resource server sends on what it got
(api-conventions §4, RFC 9470 §3). RFC 7662 §2.2 keeps reasons from those who may not know: only a server of
that audience is told.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from core import jose
from core.api.dialects import refusal
from core.errors import Problem, StepUpRequired, TokenInvalid, WrongTokenType
from core.principal import SubjectType
from core.urls import issuer
from identity import assurance
from oauth import catalogue, clients
from oauth.catalogue import Resource
from oauth.clients import Client
from roles.addresses import WELL_KNOWN
from roles.resource_settings import ACCESS_TOKEN, ID_TOKEN
from tenants import bearer, keys
from tenants.selectors import TenantRef

PEOPLE = (SubjectType.USER, SubjectType.GUEST, SubjectType.DELEGATED)


def takes(resource: Resource, kind: str, subject_type: str) -> bool:
    """Whether the resource accepts this kind of token of this kind of subject (OAU-23)."""
    return kind in resource.accepted_token_types.get(subject_type, (ACCESS_TOKEN,))


def owed(resource: Resource, claims: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the sign-in that a person still owes the resource (RFC 9470 §3), None for a good one."""
    if claims.get("subject_type") not in PEOPLE or not (resource.acr_values or resource.max_age is not None):
        return None
    acr = str(claims.get("acr", ""))
    strong = not resource.acr_values or any(
        acr == wanted or assurance.satisfies(acr, wanted) for wanted in resource.acr_values
    )
    since = claims.get("auth_time")
    fresh = resource.max_age is None or (since is not None and time.time() - since <= resource.max_age)
    if strong and fresh:
        return None
    demand: dict[str, Any] = {"acr_values": " ".join(resource.acr_values)} if resource.acr_values else {}
    return demand | ({"max_age": resource.max_age} if resource.max_age is not None else {})


def judge(tenant: TenantRef, claims: Mapping[str, Any]) -> dict[str, Any]:
    """Return what introspection answers a server of the audience about a living access token."""
    resource = catalogue.resources_of(tenant).get(str(claims.get("aud")))
    if resource is None or not resource.has_policy:
        return {"active": True}
    if not takes(resource, ACCESS_TOKEN, str(claims.get("subject_type"))):
        return wrong_type(tenant, resource)
    if not resource.token_binding.is_met_by(claims.get("cnf")):
        unbound = TokenInvalid("This API takes tokens only that are bound to their client's key.")
        return {"active": False, "refusal": told(tenant, resource, unbound)}
    demand = owed(resource, claims)
    if demand is None:
        return {"active": True}
    return {"active": True, "refusal": told(tenant, resource, StepUpRequired(**demand))}


def wrong_type(tenant: TenantRef, resource: Resource) -> dict[str, Any]:
    return {"active": False, "refusal": told(tenant, resource, WrongTokenType())}


def told(tenant: TenantRef, resource: Resource, problem: Problem) -> dict[str, Any]:
    problem.extra["resource_metadata"] = metadata_of(tenant, resource)
    return refusal(problem, resource.error_dialect)


def metadata_of(tenant: TenantRef, resource: Resource) -> str:
    return f"{issuer(tenant.slug)}/resources/{resource.public_id}/{WELL_KNOWN}"


def id_token(tenant: TenantRef, asking: Client, token: str) -> dict[str, Any]:
    """Return what introspection answers a resource server about an ID token.

    It is good where the resource takes the ID tokens of people and of that client; else it is of the wrong
    type, which only a server of some resource is told.
    """
    every = catalogue.resources_of(tenant)
    mine = [every[audience] for audience in sorted(asking.introspection_audiences) if audience in every]
    claims = _living(tenant, token) if mine else None
    if claims is None:
        return {"active": False}
    subject_type = SubjectType.USER.value
    for resource in mine:
        if takes(resource, ID_TOKEN, subject_type) and claims["aud"] in resource.id_token_clients:
            return _good(tenant, resource, {**claims, "subject_type": subject_type})
    return wrong_type(tenant, mine[0])


def _good(tenant: TenantRef, resource: Resource, claims: Mapping[str, Any]) -> dict[str, Any]:
    demand = owed(resource, claims)
    more = {"refusal": told(tenant, resource, StepUpRequired(**demand))} if demand else {}
    return {"active": True, "token_type": ID_TOKEN, **claims, **more}


def _living(tenant: TenantRef, token: str) -> dict[str, Any] | None:
    """Return the claims of a genuine ID token of this tenant whose person, session and client live."""
    try:
        claims = jose.verify(token, keys.verification_keys(tenant.id), typ=None)
        jose.check_times(claims)
        if claims.get("iss") != tenant.issuer or clients.live(tenant, str(claims.get("aud"))) is None:
            return None
        if "sid" in claims and not bearer.session_is_live(tenant, str(claims["sid"])):
            return None
        bearer.check_member(bearer.live_member(tenant, str(claims.get("sub"))))
    except (jose.TokenError, Problem):
        return None
    return claims
