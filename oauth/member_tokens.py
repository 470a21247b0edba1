"""What the code and the refresh grant have in common: narrowing, families, the answer."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from django.utils import timezone

from core import secrets
from core.postgres import rows
from core.principal import Actor
from oauth import binding, catalogue, issuing
from oauth.catalogue import OFFLINE, Target
from oauth.clients import Client
from oauth.errors import InvalidScope, InvalidTarget
from oauth.grants import Answer, TokenRequest
from oauth.issuing import NO_CLAIMS, Standing
from oauth.models import RefreshToken
from oauth.service_grant import stamp
from tenants import selectors
from tenants.selectors import TenantRef
from tenants.tokens import MintedToken

REFRESH_PURPOSE = "refresh_token"
REFRESH_PREFIX = "rt_"


def narrowed(
    tenant: TenantRef,
    client: Client,
    granted: Sequence[str],
    audience: str,
    *,
    scope: str = "",
    resource: str = "",
) -> Target:
    """Return what is issued now out of what was granted: never more (threat O5, RFC 6749 §6).

    Scopes that the client has lost since are left out. Raises InvalidScope and InvalidTarget.
    """
    known = catalogue.resources_of(tenant).get(audience)
    if known is None or resource not in ("", audience):
        raise InvalidTarget
    asked = catalogue.native([known], catalogue.parse_scope(scope)) or tuple(granted)
    if beyond := [word for word in asked if word not in granted]:
        raise InvalidScope(f"{beyond[0]} was not granted.")
    still = tuple(word for word in asked if word in client.scopes)
    return known.target(still)


def start_family(
    client: Client,
    standing: Standing,
    granted: Target,
    family: uuid.UUID,
    minted: MintedToken,
    *,
    claims: Mapping[str, Sequence[str]] = NO_CLAIMS,
    within_session: bool = False,
    until: datetime | None = None,
) -> str:
    """Return the first refresh token of a family; it outlives neither `until` nor, if so allowed, the session."""
    lifetime = client.refresh_lifetime or selectors.policy().refresh_lifetime
    expires = timezone.now() + timedelta(seconds=lifetime)
    ends = client.refresh_ends_with_session and OFFLINE not in granted.scopes
    return add_link(
        rows.new(
            RefreshToken,
            application_id=client.id,
            member_id=standing.member_id,
            session_id=standing.session_id,
            organization_id=standing.organization_id,
            token_family=family,
            scope=granted.scope,
            audience=granted.audience,
            ends_with_session=within_session or ends,
            acr=standing.acr,
            amr=list(standing.amr),
            auth_time=standing.auth_time,
            requested_claims=dict(claims),
            expires=min(expires, until) if until else expires,
            confirmation=bound_to(client, minted),
        ),
        minted,
    )


def bound_to(client: Client, minted: MintedToken) -> str:
    """Return what a refresh token is bound to: a public client's to the key of its access token (RFC 9449 §5).

    A confidential client proves itself anyway, and may change its key (RFC 8705 §4, FAPI 2.0 §5.3.2.1).
    """
    return binding.text(minted.claims.get("cnf")) if client.is_public else ""


def add_link(row: RefreshToken, minted: MintedToken) -> str:
    """Store a refresh token that goes with `minted` and return it; only its digest stays."""
    token = secrets.new_token(REFRESH_PREFIX)
    row.digest = secrets.fingerprint(token, REFRESH_PURPOSE)
    row.access_jti, row.access_expires_at = minted.jti, datetime.fromtimestamp(minted.claims["exp"], UTC)
    rows.insert(row)
    return token


def answer(
    request: TokenRequest,
    standing: Standing,
    target: Target,
    minted: MintedToken,
    refresh: str,
    *,
    event: str,
    nonce: str = "",
    claims: Mapping[str, Sequence[str]] = NO_CLAIMS,
) -> Answer:
    """Record the issue and return the body; an ID token goes with it when `openid` was granted."""
    client = request.caller
    issuing.record(
        event,
        minted,
        client=client,
        grant_type=request.grant_type,
        actor=Actor("user", standing.subject, via=client.client_id),
        more={"member": standing.subject},
    )
    stamp(client)
    identity = ""
    if issuing.wants_id_token(target):
        identity = issuing.id_token(
            request.tenant, client, standing, target.scopes, minted.token, nonce, claims.get("id_token", ())
        ).token
    return issuing.answer(minted, target, refresh_token=refresh, id_token=identity)
