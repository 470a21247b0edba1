"""Token exchange of an outside issuer's ID token for one of ours (RFC 8693, ORG-13)."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from core import ids, jose
from core.errors import TokenRevoked
from oauth import catalogue, consents, exchange_grant, external_identities, issuing, standing, trusted_issuers
from oauth.catalogue import IDENTITY_SCOPES, OFFLINE, Target
from oauth.clients import Client, in_tenant
from oauth.errors import InvalidRequest, InvalidScope
from oauth.exchange_grant import ACCESS_TOKEN
from oauth.external_identities import Arrival, Unknown
from oauth.grants import Answer, TokenRequest
from oauth.lineage import Claims
from oauth.models import ExternalIdentity
from oauth.outside_tokens import Issuer, Untrusted, verify
from oauth.standing import SignIn
from tenants.selectors import TenantRef
from tenants.tokens import MintedToken

ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"
JWT = "urn:ietf:params:oauth:token-type:jwt"
ACR = "urn:claviger:acr:external"  # somebody else has asked for the proof


@exchange_grant.accepts(ID_TOKEN, JWT)
def exchange_outside(request: TokenRequest) -> Answer:
    """The answer has no refresh token: a new ID token brings a new access token."""
    if "actor_token" in request.parameters or "actor_token_type" in request.parameters:
        raise InvalidRequest("Nobody acts with an outside token: exchange it first.")
    target = _target(request)
    issuer, claims = verified(request.tenant, request.get("subject_token"))
    with in_tenant(request.tenant.id):
        try:
            arrival = external_identities.arrive(issuer, claims)
        except Unknown as unknown:
            raise InvalidRequest(str(unknown)) from None
        target = _consented(request, target, arrival)
        minted = _mint(request, claims, arrival, target)
        exchange_grant.record(request, minted)
    return issuing.answer(minted, target, issued_token_type=ACCESS_TOKEN)


def verified(tenant: TenantRef, token: str) -> tuple[Issuer, Claims]:
    """Return the trusted issuer and the claims of its token. Raises InvalidRequest; call it with no scope open.

    What is wrong is not told apart: whoever set the issuer up can test a token.
    """
    try:
        issuer = trusted_issuers.live(tenant, str(jose.unverified_claims(token).get("iss", "")))
        if issuer is not None:
            return issuer, verify(issuer, token)
    except (jose.TokenError, Untrusted):
        pass
    raise InvalidRequest("The subject_token is not a valid token of an issuer that this tenant trusts.")


def _target(request: TokenRequest) -> Target:
    """What the client asks, or without `scope` all that it may ask of the resource."""
    client, tenant = request.caller, request.tenant
    default = next(iter(catalogue.allowed_resources(tenant, client)))
    resource = exchange_grant.target_resource(request, default)
    asked = catalogue.parse_scope(request.get("scope"))
    if OFFLINE in asked:
        raise InvalidScope("offline_access is not given for an outside token.")
    scopes = asked or tuple(
        word
        for word in client.scopes
        if word != OFFLINE and (word in IDENTITY_SCOPES or word in resource.scopes)
    )
    return catalogue.target(tenant, client, scopes, resource.audience)


def _consented(request: TokenRequest, target: Target, arrival: Arrival) -> Target:
    """An application that is not the tenant's own gets what the person has allowed it (threat O5).

    A machine that an administrator registered asks nobody, as with its own credentials.
    """
    client: Client = request.caller
    if client.is_first_party or (client.is_machine and client.is_vetted):
        return target
    given = consents.given(arrival.member_id, client.id)
    missing = [word for word in target.scopes if word not in given]
    if request.get("scope") and missing:
        raise InvalidScope(f"The person has not allowed this application {missing[0]}.")
    scopes = tuple(word for word in target.scopes if word in given)
    if not scopes:
        raise InvalidScope("The person has not allowed this application anything.")
    return replace(target, scopes=scopes)


def _mint(request: TokenRequest, claims: Claims, arrival: Arrival, target: Target) -> MintedToken:
    methods = [word for word in claims.get("amr", ()) if isinstance(word, str)][:10]
    moment = claims.get("auth_time", claims["iat"])
    seen = SignIn(ACR, tuple(methods) or ("fed",), datetime.fromtimestamp(_past(moment, claims), UTC))
    now = standing.load(arrival.member_id, None, arrival.organization_id, seen, ends_with_session=False)
    if now is None:
        raise InvalidRequest("This member may not use the tenant now, or must sign in again.")
    return issuing.access_token_of_member(
        request.tenant,
        request.caller,
        now,
        target,
        request.confirmation,
        most=max(1, int(claims["exp"] - time.time())),
        extra={"identity": arrival.identity.public_id},
    )


def _past(moment: Any, claims: Claims) -> float:
    """When the person signed in, as the issuer says; never later than the token itself."""
    known = isinstance(moment, int | float) and not isinstance(moment, bool) and 0 < moment <= claims["iat"]
    return float(moment if known else claims["iat"])


def is_live(tenant: TenantRef, claims: Claims) -> None:
    """Raise TokenRevoked for a token whose identity was unlinked or whose issuer is disabled (threat F6)."""
    if "identity" not in claims:
        return
    identity_id = ids.decode(ExternalIdentity.PREFIX, str(claims["identity"]))
    name = external_identities.issuer_of(tenant, identity_id)
    if not name or trusted_issuers.live(tenant, name) is None:
        raise TokenRevoked
