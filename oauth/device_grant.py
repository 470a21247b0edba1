"""The device grant at the token endpoint (RFC 8628 §3.4, §3.5): a device asks until a person has decided."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from core import secrets
from core.principal import Actor
from events.services import emit
from oauth import grants, issuing, member_tokens, standing
from oauth.clients import in_tenant
from oauth.device_authorization import DEVICE_PURPOSE, describe
from oauth.errors import (
    AccessDenied,
    AuthorizationPending,
    ExpiredToken,
    InvalidGrant,
    InvalidRequest,
    OAuthError,
    SlowDown,
)
from oauth.grants import Answer, TokenRequest
from oauth.models import DeviceGrant
from oauth.models.devices import DeviceStatus
from oauth.standing import SignIn

SLOWER = 5  # seconds added by each slow_down, for this poll and all after it (§3.5)

# The lock makes parallel polls take turns: whoever comes second sees that the code was used (threat O11).
# A code of another client is no code.
_LOCK = """
SELECT id, status, used_at IS NOT NULL, expires <= now(),
       coalesce(polled_at > clock_timestamp() - "interval" * interval '1 second', false),
       member_id, session_id, organization_id, token_family, scope, audience, acr, amr, auth_time,
       within_session, grant_until
  FROM oauth_devicegrant
 WHERE tenant_id = %(tenant)s AND device_code = ANY(%(digests)s) AND application_id = %(application)s
   FOR NO KEY UPDATE
"""
_POLLED = """
UPDATE oauth_devicegrant
   SET polled_at = clock_timestamp(), "interval" = "interval" + %(slower)s, updated_at = now()
 WHERE id = %(id)s
"""
_USE = """
UPDATE oauth_devicegrant
   SET used_at = now(), access_jti = %(jti)s, access_expires_at = %(expires)s, updated_at = now()
 WHERE id = %(id)s
"""


@dataclass(frozen=True)
class Waiting:
    """A device's row, in the order of _LOCK."""

    id: uuid.UUID
    status: str
    is_used: bool
    has_expired: bool
    is_hasty: bool
    member_id: uuid.UUID
    session_id: uuid.UUID
    organization_id: uuid.UUID | None
    token_family: uuid.UUID
    scope: str
    audience: str
    acr: str
    amr: Any
    auth_time: datetime
    within_session: bool
    grant_until: datetime | None

    @property
    def sign_in(self) -> SignIn:
        return SignIn(self.acr, tuple(standing.from_json(self.amr)), self.auth_time)


@grants.register(grants.DEVICE_CODE)
def answer(request: TokenRequest) -> Answer:
    code = request.get("device_code")
    if not code:
        raise InvalidRequest("device_code is missing.")
    if len(code) > 200:
        raise InvalidGrant
    with in_tenant(request.tenant.id):
        outcome = _poll(request, secrets.fingerprints(code, DEVICE_PURPOSE))
    if isinstance(outcome, OAuthError):
        raise outcome  # after the commit: that it polled is remembered
    return outcome


def _poll(request: TokenRequest, digests: list[str]) -> Answer | OAuthError:
    parameters: dict[str, Any] = {
        "tenant": request.tenant.id,
        "digests": digests,
        "application": request.caller.id,
    }
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, parameters)
        row = cursor.fetchone()
    if row is None:
        return InvalidGrant()
    waiting = Waiting(*row)
    if waiting.is_used:
        return InvalidGrant()
    if waiting.has_expired:
        return _expired(request, waiting)
    if waiting.status == DeviceStatus.DENIED:
        return AccessDenied("The person refused.")
    return _redeem(request, waiting) if waiting.status == DeviceStatus.APPROVED else _wait(waiting)


def _wait(waiting: Waiting) -> OAuthError:
    """Tell a device to go on asking, slower if it asked too soon."""
    with connection.cursor() as cursor:
        cursor.execute(_POLLED, {"id": waiting.id, "slower": SLOWER if waiting.is_hasty else 0})
    return SlowDown() if waiting.is_hasty else AuthorizationPending()


def _expired(request: TokenRequest, waiting: Waiting) -> OAuthError:
    """§3.5. Expiry is decided now, whatever had been decided before; the first to notice records it."""
    if waiting.status == DeviceStatus.PENDING:
        row = DeviceGrant.objects.get(id=waiting.id)
        row.status = DeviceStatus.EXPIRED
        row.save(update_fields=["status", "updated_at"])
        client_id = request.caller.client_id
        actor = Actor("service", client_id, via=client_id)
        emit("device_code.expired", actor=actor, object=describe(row, client_id))
    return ExpiredToken()


def _redeem(request: TokenRequest, code: Waiting) -> Answer | OAuthError:
    """Issue what the person allowed, as an authorization code would; the row is locked."""
    client = request.caller
    now = standing.load(code.member_id, code.session_id, code.organization_id, code.sign_in)
    if now is None:
        _use(code, "", None)
        return InvalidGrant()
    target = member_tokens.narrowed(request.tenant, client, code.scope.split(), code.audience)
    minted = issuing.access_token_of_member(request.tenant, client, now, target, request.confirmation)
    _use(code, minted.jti, datetime.fromtimestamp(minted.claims["exp"], UTC))
    refresh = ""
    if client.allows_grant(grants.REFRESH_TOKEN):
        refresh = member_tokens.start_family(
            client,
            now,
            target,
            code.token_family,
            minted,
            within_session=code.within_session,
            until=code.grant_until,
        )
    return member_tokens.answer(request, now, target, minted, refresh, event="token.issued")


def _use(code: Waiting, jti: str, expires: datetime | None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_USE, {"id": code.id, "jti": jti, "expires": expires})
