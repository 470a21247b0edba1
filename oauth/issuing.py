"""What leaves the token endpoint: access tokens (RFC 9068), ID tokens (OIDC Core §2), and the answer."""

from __future__ import annotations

import base64
import hashlib
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core.principal import Actor, SubjectType
from events.services import Draft, emit_many
from identity import assurance
from oauth import assignment, binding, claim_sources
from oauth.catalogue import OPENID, Target
from oauth.clients import Client
from oauth.errors import InvalidGrant
from oauth.standard_claims import claims_of
from roles import authority
from tenants import selectors, tokens
from tenants.selectors import TenantRef
from tenants.tokens import MintedToken

USERINFO_CLAIMS = "userinfo_claims"  # in an access token: what the claims parameter asked of userinfo
NO_CLAIMS: Mapping[str, Sequence[str]] = {}


@dataclass(frozen=True)
class Standing:
    """A member and the sign-in that tokens speak of. No `session_id`: it is over, offline access goes on."""

    member_id: uuid.UUID
    subject: str
    name: str
    email: str
    email_verified: bool
    locale: str
    authority_version: int
    acr: str
    amr: tuple[str, ...]
    auth_time: datetime
    updated_at: datetime
    profile: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    session_id: uuid.UUID | None = None
    organization_id: uuid.UUID | None = None


def access_token_of_service(
    tenant: TenantRef,
    client: Client,
    target: Target,
    confirmation: Mapping[str, str] | None = None,
    *,
    subject: str = "",
    subject_type: SubjectType = SubjectType.SERVICE,
    most: int | None = None,
    extra: Mapping[str, Any] | None = None,
) -> MintedToken:
    """Mint for a client that acts for itself; its subject is the client (RFC 9068 §2.2).

    The rest is for exchanges: another client's subject, at most `most` seconds, further claims.
    """
    binding.require(target.token_binding, confirmation)
    lifetime = life_of(client, target) or selectors.policy_of(tenant.id).key_token_lifetime
    return tokens.mint_access_token(
        tenant,
        subject=subject or client.client_id,
        subject_type=subject_type,
        audience=target.audience,
        client_id=client.client_id,
        scopes=target.scopes,
        lifetime=lifetime if most is None else min(lifetime, most),
        alg=target.signing_alg,
        extra={
            **claim_sources.of_service(tenant, client, target, subject, subject_type),
            **bound(confirmation),
            **(extra or {}),
        },
    )


def requested(claims: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return what an access token carries, so that userinfo answers the claims parameter (OIDC Core §5.5)."""
    return {USERINFO_CLAIMS: list(claims["userinfo"])} if claims.get("userinfo") else {}


def access_token_of_member(
    tenant: TenantRef,
    client: Client,
    standing: Standing,
    target: Target,
    confirmation: Mapping[str, str] | None = None,
    *,
    subject_type: SubjectType = SubjectType.USER,
    most: int | None = None,
    extra: Mapping[str, Any] | None = None,
) -> MintedToken:
    """Mint for a person, in the open tenant scope; for exchanges at most `most` seconds.

    `confirmation` binds the token (RFC 7800 `cnf`).
    """
    if not assignment.allows(client, standing.member_id, standing.organization_id):
        raise InvalidGrant("This application is not assigned to the person.")
    binding.require(target.token_binding, confirmation)
    lifetime = life_of(client, target) or selectors.policy().access_token_lifetime
    if subject_type is SubjectType.USER and standing.acr == assurance.GUEST:
        subject_type = SubjectType.GUEST
    return tokens.mint_access_token(
        tenant,
        subject=standing.subject,
        subject_type=subject_type,
        audience=target.audience,
        client_id=client.client_id,
        scopes=target.scopes,
        lifetime=lifetime if most is None else min(lifetime, most),
        alg=target.signing_alg,
        session_id=standing.session_id,
        organization_id=standing.organization_id,
        roles=authority.roles_of(standing.member_id, standing.organization_id),
        acr=standing.acr,
        amr=standing.amr,
        auth_time=standing.auth_time,
        extra={
            **claim_sources.of_member(tenant, client, standing, target, subject_type),
            "av": standing.authority_version,
            **bound(confirmation),
            **(extra or {}),
        },
    )


def life_of(client: Client, target: Target) -> int | None:
    """Return the life in seconds that application or API chose, within the tenant's policy of this moment."""
    chosen = client.access_token_lifetime or target.token_lifetime
    return min(chosen, selectors.policy_of(client.tenant_id).access_token_lifetime_max) if chosen else None


def bound(confirmation: Mapping[str, str] | None) -> dict[str, Any]:
    """Return the claim that binds a token to its client's key, if it is bound (RFC 7800 §3.1)."""
    return {"cnf": dict(confirmation)} if confirmation else {}


def id_token(
    tenant: TenantRef,
    client: Client,
    standing: Standing,
    scopes: Iterable[str],
    access_token: str,
    nonce: str = "",
    claims: Sequence[str] = (),
) -> MintedToken:
    alg = client.id_token_alg
    return tokens.mint_id_token(
        tenant,
        subject=standing.subject,
        client_id=client.client_id,
        lifetime=min(
            client.id_token_lifetime or selectors.policy().id_token_lifetime,
            selectors.policy().id_token_lifetime_max,
        ),
        auth_time=standing.auth_time,
        nonce=nonce,
        session_id=standing.session_id,
        acr=standing.acr,
        amr=standing.amr,
        alg=alg,
        extra={
            **claim_sources.of_id_token(tenant, client, standing, scopes),
            **claims_of(standing, scopes, claims),
            "at_hash": half_hash(access_token, alg),
        },
    )


def half_hash(text: str, alg: str) -> str:
    """The left half of the hash that goes with `alg`, as at_hash wants it (OIDC Core §3.1.3.6).

    Ed25519 hashes with SHA-512 (RFC 8032 §5.1); all others of ours with SHA-256.
    """
    digest = (hashlib.sha512 if alg == "EdDSA" else hashlib.sha256)(text.encode()).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()


def answer(minted: MintedToken, target: Target, **more: str) -> dict[str, Any]:
    """Return the body of RFC 6749 §5.1; empty members are left out."""
    body: dict[str, Any] = {
        "access_token": minted.token,
        "token_type": token_type(minted.claims),
        "expires_in": minted.expires_in,
        "scope": target.scope,
    }
    return body | {name: value for name, value in more.items() if value}


def token_type(claims: Mapping[str, Any]) -> str:
    """A token that is bound to a DPoP key is of that type (RFC 9449 §5), every other one a bearer token."""
    return "DPoP" if "jkt" in (claims.get("cnf") or {}) else "Bearer"


def record(event: str, minted: MintedToken, **described: Any) -> None:
    """Write the audit row of an issued token; where it cannot be written no token leaves (promise R19)."""
    emit_many([issue_of(event, minted, **described)])


def issue_of(
    event: str,
    minted: MintedToken,
    *,
    client: Client,
    grant_type: str,
    actor: Actor,
    more: Mapping[str, str] | None = None,
) -> Draft:
    """Return the event that says that a token was issued."""
    token = {
        "id": minted.jti,
        "object": "token",
        "client_id": client.client_id,
        "grant_type": grant_type,
        "scope": minted.claims["scope"],
        "audience": minted.claims["aud"],
        "expires_in": minted.expires_in,
        **(more or {}),
    }
    return Draft(event, actor, token)


def wants_id_token(target: Target) -> bool:
    return OPENID in target.scopes
