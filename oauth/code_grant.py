"""Authorization codes: issued to a browser, redeemed once at the token endpoint (RFC 6749 §4.1, RFC 7636)."""

from __future__ import annotations

import base64
import hashlib
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone

from core import secrets
from core.postgres import rows
from core.postgres.prepared import Prepared
from core.principal import Actor
from events.services import emit
from oauth import (
    consent_details,
    consents,
    decisions,
    families,
    grants,
    issuing,
    member_tokens,
    organization_switch,
    pushed_requests,
    standing,
)
from oauth.authorization import AuthorizationRequest
from oauth.catalogue import OFFLINE
from oauth.clients import Client, in_tenant
from oauth.consents import Allowed
from oauth.decisions import Decision
from oauth.errors import AccessDenied, InvalidGrant, InvalidRequest, OAuthError
from oauth.grants import Answer, TokenRequest
from oauth.models import Grant
from oauth.standing import SignIn
from tenants import members
from tenants.models import TenantSession
from tenants.selectors import TenantRef
from tenants.tokens import MintedToken

PURPOSE = "authorization_code"
LIFETIME = 60  # seconds (C18)
VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}\Z")  # RFC 7636 §4.1

# One statement decides (threat O2): whoever gets the row back is the one who redeems. Everything that the
# code is bound to stands in the condition (threat O3).
_REDEEM = Prepared(f"""
WITH w AS (
UPDATE oauth_grant SET used_at = now(), updated_at = now()
 WHERE tenant_id = %(tenant)s AND digest = ANY(%(digests)s) AND used_at IS NULL AND expires > now()
   AND application_id = %(application)s AND code_challenge = %(challenge)s
   AND (redirect_uri = %(redirect)s OR (%(redirect)s = '' AND NOT redirect_sent))
   AND dpop_jkt IN ('', %(jkt)s)
RETURNING id, member_id, session_id, organization_id, token_family, scope, audience, nonce, acr, amr,
          auth_time, requested_claims, within_session, grant_until)
SELECT w.*, {standing.COLUMNS} FROM w {standing.JOINED}
""")  # noqa: S608 — constants
_USED = Prepared("""
SELECT token_family, member_id FROM oauth_grant
 WHERE tenant_id = %(tenant)s AND digest = ANY(%(digests)s) AND used_at IS NOT NULL
   AND application_id = %(application)s
""")
_NOTE_ACCESS = Prepared("UPDATE oauth_grant SET access_jti = %s, access_expires_at = %s WHERE id = %s")
_NOTE_CLIENT = Prepared("""
UPDATE tenants_tenantsession SET clients = clients || to_jsonb(%(client)s::text)
 WHERE id = %(session)s AND NOT clients @> to_jsonb(%(client)s::text)
""")


def issue(
    tenant: TenantRef,
    wanted: AuthorizationRequest,
    signed: Any,
    *,
    allowed: Allowed,
    decision: Decision | None = None,
) -> str:
    """Return a new code for the person who is signed in, good for what they allow: `allowed` before, or now.

    Raises AccessDenied where that is nothing, InvalidRequestUri for a pushed request that was answered.
    """
    code = secrets.new_token()
    with in_tenant(tenant.id):
        if wanted.pushed_id is not None:
            pushed_requests.spend(wanted.pushed_id)
        if decision is not None:
            allowed = _consent(wanted, signed, decision)
        scopes = _granted(wanted, allowed)
        row = rows.new(
            Grant,
            digest=secrets.fingerprint(code, PURPOSE),
            application_id=wanted.client.id,
            member_id=signed.member.id,
            session_id=signed.session.id,
            organization_id=signed.organization_id,
            redirect_uri=wanted.redirect_uri,
            redirect_sent=wanted.redirect_sent,
            scope=" ".join(scopes),
            audience=wanted.target.audience,
            code_challenge=wanted.code_challenge,
            code_challenge_method=Grant.CODE_CHALLENGE_S256,
            nonce=wanted.nonce,
            dpop_jkt=wanted.dpop_jkt,
            acr=signed.acr,
            amr=list(signed.amr),
            auth_time=signed.auth_time,
            requested_claims=wanted.claims.granted(scopes, allowed.claims),
            within_session=allowed.within_session,
            grant_until=allowed.until,
            expires=timezone.now() + timedelta(seconds=LIFETIME),
        )
        rows.insert(row)
        note_session_client(signed.session, wanted.client)
        organization_switch.keep(signed)
    return code


def _granted(wanted: AuthorizationRequest, allowed: Allowed) -> list[str]:
    """Asked and consented (threat O5); access for one session is no access while away."""
    gone = {OFFLINE} if allowed.within_session else set()
    scopes = [word for word in wanted.target.scopes if word in allowed.scopes and word not in gone]
    if not scopes:
        raise AccessDenied("The person allowed none of it.")
    return scopes


def _consent(wanted: AuthorizationRequest, signed: Any, decision: Decision) -> Allowed:
    actor = Actor("user", signed.member.subject, via=wanted.client.client_id)
    if decision.email:
        address = "" if decision.email == decisions.NO_EMAIL else decision.email
        members.choose_email(actor=actor, member=signed.member, email=address)
    consent_details.write(actor, signed.member, decision.given)
    row = consents.grant(
        actor=actor,
        member_id=signed.member.id,
        application_id=wanted.client.id,
        session_id=signed.session.id,
        scopes=decision.scopes,
        claims=decision.claims,
        declined=decision.declined,
        life=decision.life,
    )
    return consents.allowed_by(row)


def deny(tenant: TenantRef, wanted: AuthorizationRequest, signed: Any) -> None:
    """Record that the person refused; raises InvalidRequestUri for a pushed request that was answered."""
    with in_tenant(tenant.id):
        if wanted.pushed_id is not None:
            pushed_requests.spend(wanted.pushed_id)
        record_denied(wanted, signed, "person")


def record_denied(wanted: AuthorizationRequest, signed: Any, reason: str) -> None:
    """Tell in the open tenant scope who or what stood against it: "person" or "assignment"."""
    emit(
        "authorization.denied",
        actor=Actor("user", signed.member.subject, via=wanted.client.client_id),
        object={
            "id": wanted.client.client_id,
            "object": "authorization",
            "client_id": wanted.client.client_id,
            "scope": wanted.target.scope,
            "member": signed.member.subject,
            "reason": reason,
        },
    )


def note_session_client(session: TenantSession, client: Client) -> None:
    if client.client_id in session.clients:
        return
    _NOTE_CLIENT.post({"session": session.id, "client": client.client_id})


def challenge_of(verifier: str) -> str:
    """BASE64URL(SHA256(verifier)) (RFC 7636 §4.6)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def check(request: TokenRequest) -> tuple[str, str]:
    """Return code and challenge of a well-formed request. Raises InvalidRequest or InvalidGrant."""
    code, verifier = request.get("code"), request.get("code_verifier")
    if not code:
        raise InvalidRequest("code is missing.")
    if not verifier:
        raise InvalidGrant("code_verifier is missing.")
    if len(code) > 200 or not VERIFIER.match(verifier):
        raise InvalidGrant
    return code, challenge_of(verifier)


@grants.register(grants.AUTHORIZATION_CODE)
def answer(request: TokenRequest) -> Answer:
    code, challenge = check(request)
    digests = secrets.fingerprints(code, PURPOSE)
    with in_tenant(request.tenant.id):
        outcome = _redeem(request, digests, challenge)
    if isinstance(outcome, OAuthError):
        raise outcome  # after the commit: what a replay ended stays ended
    return outcome


def _redeem(request: TokenRequest, digests: list[str], challenge: str) -> Answer | OAuthError:
    client = request.caller
    parameters: dict[str, Any] = {
        **standing.parameters(),
        "digests": digests,
        "application": client.id,
        "challenge": challenge,
        "redirect": request.get("redirect_uri"),
        "jkt": request.confirmation.get("jkt", ""),
    }
    row = _REDEEM.first(parameters)
    if row is None:
        used = _USED.first(parameters)
        return _replayed(client, *used) if used else InvalidGrant()
    return _answer(request, Redeemed(*row[:WIDTH]), row[WIDTH:])


def _replayed(client: Client, family: uuid.UUID, member_id: uuid.UUID) -> OAuthError:
    """A code came twice: what it issued may be in the wrong hands (RFC 9700 §4.5, threat O2)."""
    families.reuse_detected(client, family, member_id, "authorization_code")
    return InvalidGrant()


@dataclass(frozen=True)
class Redeemed:
    """A code's row, in the order of _REDEEM."""

    id: uuid.UUID
    member_id: uuid.UUID
    session_id: uuid.UUID
    organization_id: uuid.UUID | None
    token_family: uuid.UUID
    scope: str
    audience: str
    nonce: str
    acr: str
    amr: Any
    auth_time: datetime
    requested_claims: Any
    within_session: bool
    grant_until: datetime | None

    @property
    def claims(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = standing.from_json(self.requested_claims)
        return found

    @property
    def sign_in(self) -> SignIn:
        return SignIn(self.acr, tuple(standing.from_json(self.amr)), self.auth_time)


WIDTH = len(fields(Redeemed))


def _answer(request: TokenRequest, code: Redeemed, beside: Sequence[Any]) -> Answer | OAuthError:
    client = request.caller
    now = standing.judge(beside, code.member_id, code.organization_id, code.sign_in)
    if now is None:
        families.revoke([code.token_family])
        return InvalidGrant()
    granted, resource = code.scope.split(), request.get("resource")
    target = member_tokens.narrowed(request.tenant, client, granted, code.audience, resource=resource)
    minted = issuing.access_token_of_member(
        request.tenant, client, now, target, request.confirmation, extra=issuing.requested(code.claims)
    )
    refresh = ""
    if client.allows_grant(grants.REFRESH_TOKEN):  # the first link of the family notes the access token too
        refresh = member_tokens.start_family(
            client,
            now,
            target,
            code.token_family,
            minted,
            claims=code.claims,
            within_session=code.within_session,
            until=code.grant_until,
        )
    else:
        _note_access(code, minted)
    return member_tokens.answer(
        request, now, target, minted, refresh, nonce=code.nonce, claims=code.claims, event="token.issued"
    )


def _note_access(code: Redeemed, minted: MintedToken) -> None:
    """Keep with the code what it issued, for the day on which it comes twice."""
    _NOTE_ACCESS.post([minted.jti, datetime.fromtimestamp(minted.claims["exp"], UTC), code.id])
