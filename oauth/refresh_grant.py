"""Refresh tokens: families that rotate, and end when one link comes twice (RFC 6749 §6, RFC 9700 §4.14)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any

from core import secrets
from core.postgres import rows
from core.postgres.prepared import Prepared
from oauth import binding, families, grants, issuing, member_tokens, organization_switch, standing
from oauth.clients import Client, in_tenant
from oauth.errors import InvalidGrant, InvalidRequest, OAuthError
from oauth.grants import Answer, TokenRequest
from oauth.issuing import Standing
from oauth.member_tokens import REFRESH_PURPOSE
from oauth.models import RefreshToken
from oauth.standing import SignIn
from tenants.tokens import MintedToken

_COLUMNS = (
    "id, member_id, session_id, organization_id, token_family, scope, audience, ends_with_session, acr, amr,"
    " auth_time, expires, confirmation, requested_claims"
)
# ruff: noqa: S608 — the statements are put together from constants of this module
_MINE = "tenant_id = %(tenant)s AND digest = ANY(%(digests)s) AND application_id = %(application)s"
# A bound token without the proof of its key is not found (RFC 9449 §5): it is not spent, nor its family ended.
_BOUND = "confirmation IN ('', %(confirmation)s)"
_LIVE = f"{_MINE} AND used_at IS NULL AND revoked IS NULL AND expires > now() AND {_BOUND}"
# One statement decides which of two parallel requests has the token (threat O4).
_BESIDE = f"SELECT w.*, {standing.COLUMNS} FROM w {standing.JOINED}"
_USE = Prepared(
    f"WITH w AS (UPDATE oauth_refreshtoken SET used_at = now(), updated_at = now() WHERE {_LIVE}"
    f" RETURNING {_COLUMNS}) {_BESIDE}"
)
_KEEP = Prepared(
    f"WITH w AS (SELECT {_COLUMNS} FROM oauth_refreshtoken WHERE {_LIVE} FOR NO KEY UPDATE) {_BESIDE}"
)
_REUSED = Prepared(
    f"SELECT token_family, member_id FROM oauth_refreshtoken WHERE {_MINE}"
    " AND used_at IS NOT NULL AND revoked IS NULL AND expires > now()"
)
_NOTE_ACCESS = Prepared("UPDATE oauth_refreshtoken SET access_jti = %s, access_expires_at = %s WHERE id = %s")


@dataclass(frozen=True)
class Link:
    """A refresh token's row, in the order of _COLUMNS."""

    id: uuid.UUID
    member_id: uuid.UUID
    session_id: uuid.UUID | None
    organization_id: uuid.UUID | None
    token_family: uuid.UUID
    scope: str
    audience: str
    ends_with_session: bool
    acr: str
    amr: Any
    auth_time: datetime
    expires: datetime
    confirmation: str
    requested_claims: Any

    @property
    def claims(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = standing.from_json(self.requested_claims)
        return found

    @property
    def sign_in(self) -> SignIn:
        return SignIn(self.acr, tuple(standing.from_json(self.amr)), self.auth_time)


WIDTH = len(fields(Link))


@grants.register(grants.REFRESH_TOKEN)
def answer(request: TokenRequest) -> Answer:
    token = request.get("refresh_token")
    if not token:
        raise InvalidRequest("refresh_token is missing.")
    if len(token) > 200:
        raise InvalidGrant
    digests = secrets.fingerprints(token, REFRESH_PURPOSE)
    with in_tenant(request.tenant.id):
        outcome = _refresh(request, digests)
    if outcome is None:
        # In a transaction of its own: who lost the token to another request still holds the row they waited for.
        with in_tenant(request.tenant.id):
            outcome = _refused(request, digests)
    if isinstance(outcome, OAuthError):
        raise outcome  # after the commit: a family that was ended stays ended
    return outcome


def _refresh(request: TokenRequest, digests: list[str]) -> Answer | OAuthError | None:
    """Return None for a token that is not live, or not this client's."""
    row = (_USE if request.caller.rotates else _KEEP).first(_parameters(request, digests))
    return _answer(request, Link(*row[:WIDTH]), row[WIDTH:]) if row is not None else None


def _refused(request: TokenRequest, digests: list[str]) -> OAuthError:
    reused = _REUSED.first(_parameters(request, digests))
    if reused is not None:
        family, member_id = reused
        families.reuse_detected(request.caller, family, member_id, "refresh_token")
    return InvalidGrant()


def _parameters(request: TokenRequest, digests: list[str]) -> dict[str, Any]:
    return {
        **standing.parameters(),
        "digests": digests,
        "application": request.caller.id,
        "confirmation": binding.text(request.confirmation),
    }


def _answer(request: TokenRequest, link: Link, beside: Sequence[Any]) -> Answer | OAuthError:
    client = request.caller
    now = standing.judge(
        beside, link.member_id, link.organization_id, link.sign_in, ends_with_session=link.ends_with_session
    )
    if now is None:
        families.revoke([link.token_family])
        return InvalidGrant()
    if organization := request.get(organization_switch.PARAMETER):
        now = organization_switch.at_refresh(
            now, organization=organization, session_id=link.session_id, last_sign_in=link.auth_time
        )
        link = _moved(link, now)
    granted = link.scope.split()
    target = member_tokens.narrowed(
        request.tenant,
        client,
        granted,
        link.audience,
        scope=request.get("scope"),
        resource=request.get("resource"),
    )
    minted = issuing.access_token_of_member(
        request.tenant, client, now, target, request.confirmation, extra=issuing.requested(link.claims)
    )
    refresh = _next(link, minted, client) if client.rotates else request.get("refresh_token")
    if not client.rotates:
        _note(link, minted)
    return member_tokens.answer(
        request, now, target, minted, refresh, claims=link.claims, event="token.refreshed"
    )


def _moved(link: Link, now: Standing) -> Link:
    """The family stays in the organization it was switched to, also where its token does not rotate."""
    if link.organization_id == now.organization_id:
        return link
    RefreshToken.objects.filter(id=link.id).update(organization_id=now.organization_id)
    return replace(link, organization_id=now.organization_id)


def _next(link: Link, minted: MintedToken, client: Client) -> str:
    """Add the next link; scope and end are the family's, however little was asked this time."""
    row = rows.new(
        RefreshToken,
        application_id=client.id,
        member_id=link.member_id,
        session_id=link.session_id,
        organization_id=link.organization_id,
        token_family=link.token_family,
        scope=link.scope,
        audience=link.audience,
        ends_with_session=link.ends_with_session,
        acr=link.acr,
        amr=standing.from_json(link.amr),
        auth_time=link.auth_time,
        requested_claims=link.claims,
        expires=link.expires,
        confirmation=link.confirmation or member_tokens.bound_to(client, minted),
    )
    return member_tokens.add_link(row, minted)


def _note(link: Link, minted: MintedToken) -> None:
    expires = datetime.fromtimestamp(minted.claims["exp"], UTC)
    _NOTE_ACCESS.post([minted.jti, expires, link.id])
