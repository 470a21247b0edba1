"""Token exchange (RFC 8693): one of our own access tokens for one that may less, or that names who acts.

Nothing widens (threat D3): scopes are those of the subject's token, of the actor's, of the client's
registration and of the resource, all at once; the life is at most what is left of either.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from core import ids
from core.errors import Problem
from core.principal import Actor, SubjectType
from events.services import emit
from oauth import bearers, catalogue, grants, issuing, lineage, standing
from oauth.catalogue import IDENTITY_SCOPES, OFFLINE, Target
from oauth.clients import Client, in_tenant
from oauth.errors import InvalidRequest, InvalidScope, InvalidTarget, UnauthorizedClient
from oauth.grants import Answer, TokenRequest
from oauth.lineage import Claims
from oauth.service_grant import stamp
from oauth.standing import SignIn
from tenants import bearer
from tenants.models import TenantSession
from tenants.selectors import TenantRef
from tenants.tokens import ORGANIZATION, MintedToken

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
ACTORS = (SubjectType.SERVICE, SubjectType.AGENT)

Exchange = Callable[[TokenRequest], Answer]
_by_type: dict[str, Exchange] = {}


def accepts(*token_types: str) -> Callable[[Exchange], Exchange]:
    """Register how subject tokens of these types are exchanged."""

    def decorate(function: Exchange) -> Exchange:
        _by_type.update(dict.fromkeys(token_types, function))
        return function

    return decorate


@grants.register(grants.TOKEN_EXCHANGE)
def answer(request: TokenRequest) -> Answer:
    """§2.1. What is wrong with a subject or actor token is `invalid_request` (§2.2.2)."""
    if request.get("requested_token_type") not in ("", ACCESS_TOKEN):
        raise InvalidRequest(f"Only {ACCESS_TOKEN} is issued here.")
    if not request.get("subject_token"):
        raise InvalidRequest("subject_token is missing.")
    exchange = _by_type.get(request.get("subject_token_type"))
    if exchange is None:
        raise InvalidRequest(f"subject_token_type must be one of {', '.join(_by_type)}.")
    return exchange(request)


@dataclass(frozen=True)
class Pair:
    """Whose authority is exchanged and, where an actor token came too, who will act with it."""

    subject: Claims
    actor: Claims | None = None

    @property
    def parents(self) -> tuple[Claims, ...]:
        return (self.subject,) if self.actor is None else (self.subject, self.actor)

    @property
    def scopes(self) -> tuple[str, ...]:
        """What both may, without the promise to go on while the person is away."""
        held = [set(str(parent["scope"]).split()) for parent in self.parents]
        words = str(self.subject["scope"]).split()
        return tuple(word for word in words if word != OFFLINE and all(word in one for one in held))

    @property
    def left(self) -> int:
        """Seconds that both are still good for."""
        return int(min(parent["exp"] for parent in self.parents) - time.time())


@accepts(ACCESS_TOKEN)
def exchange_ours(request: TokenRequest) -> Answer:
    """Exchange an access token of this tenant for a narrower one (RFC 8693 §2), with who acts for whom in `act`."""
    if request.caller.is_public:
        raise UnauthorizedClient("Only a client that proves itself may exchange access tokens.")
    pair = Pair(_subject(request), _actor(request))
    if pair.left < 1:
        raise InvalidRequest("The subject_token is about to expire.")
    target = narrowed(request, pair)
    act = lineage.act_of(request.caller, pair.subject, pair.actor)
    extra = {
        "act": act,
        "may_act": pair.subject.get("may_act"),
        "identity": pair.subject.get("identity"),
        "lineage": lineage.lineage_of(*pair.parents),
    }
    with in_tenant(request.tenant.id):
        minted = _mint(request, pair, target, {name: value for name, value in extra.items() if value})
        record(request, minted)
    return issuing.answer(minted, target, issued_token_type=ACCESS_TOKEN)


def _subject(request: TokenRequest) -> Claims:
    claims = _living(request, "subject_token")
    if not _may_exchange(request.caller, claims):
        raise InvalidRequest("This client may not exchange tokens of that client.")
    return claims


def _may_exchange(client: Client, claims: Claims) -> bool:
    """Its own tokens, those meant for a resource that it serves, and those of clients it is named for."""
    issued_to = claims["client_id"]
    return (
        issued_to == client.client_id
        or claims["aud"] in client.introspection_audiences
        or issued_to in client.exchange_clients
    )


def _actor(request: TokenRequest) -> Claims | None:
    """Return the claims of an actor that acts for itself: a token of this very client, nobody's delegate."""
    given = "actor_token" in request.parameters
    if given != ("actor_token_type" in request.parameters):
        raise InvalidRequest("actor_token and actor_token_type go together.")
    if not given:
        return None
    if request.get("actor_token_type") != ACCESS_TOKEN:
        raise InvalidRequest(f"actor_token_type must be {ACCESS_TOKEN}.")
    claims = _living(request, "actor_token")
    if claims["client_id"] != request.caller.client_id or claims.get("subject_type") not in ACTORS:
        raise InvalidRequest("The actor_token must be this client's own, for itself.")
    return claims


def _living(request: TokenRequest, name: str) -> Claims:
    """Return the claims of one of our tokens, checked live. Raises InvalidRequest."""
    try:
        claims = bearers.verify(request.get(name), request.tenant).claims
    except Problem:
        raise InvalidRequest(f"The {name} is not a living access token of this issuer.") from None
    if "key_id" in claims:
        raise InvalidRequest(f"The {name} belongs to an API key: exchange the key itself for fewer scopes.")
    if "cnf" in claims and dict(claims["cnf"]) != dict(request.confirmation):
        raise InvalidRequest(f"The {name} is bound to a key whose proof is missing.")
    return claims


def narrowed(request: TokenRequest, pair: Pair) -> Target:
    """Return what is issued: without `scope` all that fits, with it exactly that (threats D3, O5)."""
    resource = target_resource(request, str(pair.subject["aud"]))
    asked = catalogue.parse_scope(request.get("scope"))
    held = pair.scopes
    fitting = [
        word
        for word in held
        if word in request.caller.scopes and (word in IDENTITY_SCOPES or word in resource.scopes)
    ]
    if beyond := [word for word in asked if word not in fitting]:
        raise InvalidScope(f"{beyond[0]} is more than subject, actor, client and resource have in common.")
    scopes = asked or tuple(fitting)
    if not scopes:
        raise InvalidScope(f"The subject_token has no scope of {resource.audience} that this client may use.")
    return resource.target(scopes)


def target_resource(request: TokenRequest, default: str) -> catalogue.Resource:
    """Return the API resource that `resource` or `audience` names, which mean the same here (§2.1)."""
    named = {request.get(name) for name in ("resource", "audience")} - {""}
    if len(named) > 1:
        raise InvalidTarget("resource and audience name different targets.")
    known = catalogue.allowed_resources(request.tenant, request.caller)
    found = known.get(named.pop() if named else default)
    if found is None:
        raise InvalidTarget
    return found


def _mint(request: TokenRequest, pair: Pair, target: Target, extra: dict[str, Any]) -> MintedToken:
    kind = SubjectType.DELEGATED if "act" in extra else SubjectType(pair.subject["subject_type"])
    if not lineage.is_person(pair.subject):
        return issuing.access_token_of_service(
            request.tenant,
            request.caller,
            target,
            request.confirmation,
            subject=str(pair.subject["sub"]),
            subject_type=kind,
            most=pair.left,
            extra=extra,
        )
    now = _standing(request.tenant, pair.subject)
    if now is None:
        raise InvalidRequest("The subject_token's sign-in is over.")
    return issuing.access_token_of_member(
        request.tenant,
        request.caller,
        now,
        target,
        request.confirmation,
        subject_type=kind,
        most=pair.left,
        extra=extra,
    )


def _standing(tenant: TenantRef, claims: Claims) -> issuing.Standing | None:
    member = bearer.live_member(tenant, str(claims["sub"]))
    if member is None:
        return None
    return standing.load(
        member.id,
        ids.decode(TenantSession.PREFIX, claims["sid"]) if "sid" in claims else None,
        ids.decode(ORGANIZATION, claims["org_id"]) if "org_id" in claims else None,
        SignIn(
            claims.get("acr", ""),
            tuple(claims.get("amr", ())),
            datetime.fromtimestamp(claims.get("auth_time", claims["iat"]), UTC),
        ),
        ends_with_session="sid" in claims,
    )


def record(request: TokenRequest, minted: MintedToken) -> None:
    """Write the audit row: who acts, for whom."""
    client, claims = request.caller, minted.claims
    person = lineage.is_person(claims)
    acting = next(lineage.actors(claims), client.client_id)
    emit(
        "token.exchanged",
        actor=Actor("service", acting, via=client.client_id),
        on_behalf_of=Actor("user" if person else "service", claims["sub"]),
        object={
            "id": minted.jti,
            "object": "token",
            "client_id": client.client_id,
            "grant_type": request.grant_type,
            "scope": claims["scope"],
            "audience": claims["aud"],
            "expires_in": minted.expires_in,
            **({"member": claims["sub"]} if person else {}),
        },
    )
    stamp(client)
