"""Verifying our own access tokens, and asking whether what they stand for is still alive.

Claims are for speed, the live check is for truth (decision C17): a suspended member, an ended session,
a revoked key or token is refused on the next call.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.utils import timezone

from core import ids, jose, scope
from core.errors import (
    SubjectSuspended,
    TenantMismatch,
    TokenExpired,
    TokenInvalid,
    TokenRevoked,
    WrongTokenType,
)
from core.livecache import LiveCache
from core.postgres.prepared import Prepared
from core.principal import Actor
from tenants import denials, keys, selectors
from tenants.models import Member, MemberStatus, TenantSession
from tenants.selectors import TenantRef
from tenants.tokens import ACCESS

Liveness = Callable[[TenantRef, Mapping[str, Any]], None]
_liveness: list[Liveness] = []


@dataclass(frozen=True)
class BearerToken:
    tenant: TenantRef
    claims: Mapping[str, Any]


@dataclass(frozen=True)
class LiveMember:
    """The cached truth about a member: who, whether active, which authority version is current."""

    id: uuid.UUID
    subject: str
    account_id: uuid.UUID | None
    status: str
    authority_version: int


_DENIED = Prepared(
    "SELECT jti FROM tenants_revokedtoken WHERE tenant_id = %s AND expires_at > now() LIMIT %s"
)
SHORT = 1000  # tokens on a deny-list that a process remembers whole
_IS_REVOKED = Prepared("SELECT EXISTS (SELECT FROM tenants_revokedtoken WHERE jti = %s)")
_members: LiveCache[LiveMember | None] = LiveCache("member")
_subjects: LiveCache[uuid.UUID | None] = LiveCache("member_subject")
_sessions: LiveCache[float] = LiveCache("session", ttl=30)
_revoked: LiveCache[bool] = LiveCache("revoked_token", ttl=30)
_denied: LiveCache[frozenset[str] | None] = LiveCache("revoked_token", ttl=30)


def register_liveness(check: Liveness) -> None:
    """Add a check that raises TokenRevoked for a token whose key, client or grant is dead."""
    _liveness.append(check)


def verify(token: str, tenant: TenantRef | None) -> BearerToken:
    """Return the verified, living token.

    Raises TokenInvalid, TokenExpired, WrongTokenType, TenantMismatch, TokenRevoked or SubjectSuspended,
    in the order of api-conventions §2. `tenant` None takes the tenant from the token's issuer.
    """
    claims, named = read(token)
    check_live(named, claims)
    if tenant is not None and named.id != tenant.id:
        denials.record(named.id, actor_of(claims), TenantMismatch.code)
        raise TenantMismatch
    return BearerToken(named, claims)


def actor_of(claims: Mapping[str, Any]) -> Actor:
    """Return who a verified token speaks for, in the words of an event."""
    return Actor(
        str(claims.get("subject_type", "user")), str(claims["sub"]), str(claims.get("client_id", ""))
    )


def read(token: str) -> tuple[dict[str, Any], TenantRef]:
    """Return the claims of a genuine, unexpired access token and its tenant, without the live checks."""
    try:
        given = jose.parse(token)
        tenant = _issuer_of(given)
        is_id_token = str(given.header.get("typ", "JWT")).upper() == "JWT"
        claims = jose.verify(given, keys.verification_keys(tenant.id), typ=None if is_id_token else ACCESS)
        jose.check_times(claims)
    except jose.TokenError as error:
        raise _refusal(error) from None
    if claims.get("iss") != tenant.issuer:
        raise TokenInvalid
    if is_id_token or not isinstance(claims.get("jti"), str):
        raise WrongTokenType
    return claims, tenant


def _issuer_of(token: jose.Unverified) -> TenantRef:
    """Return the tenant whose issuer a token claims; raises TokenInvalid and TokenError."""
    issuer = token.claims.get("iss")
    prefix = f"{settings.ORIGIN}/t/"
    if not isinstance(issuer, str) or not issuer.startswith(prefix) or urlsplit(issuer).query:
        raise TokenInvalid
    tenant = selectors.by_slug(issuer.removeprefix(prefix))
    if tenant is None:
        raise TokenInvalid
    return tenant


def _refusal(error: jose.TokenError) -> Exception:
    if error.code == "expired":
        return TokenExpired()
    return WrongTokenType() if error.code == "wrong_type" else TokenInvalid()


def check_live(tenant: TenantRef, claims: Mapping[str, Any]) -> None:
    """Raise unless tenant, token, session, member and whatever else the token stands for are alive."""
    if not tenant.is_active:
        raise TokenRevoked
    if is_revoked(tenant, str(claims["jti"])):
        raise TokenRevoked
    if "sid" in claims and not session_is_live(tenant, str(claims["sid"])):
        raise TokenRevoked
    kind = claims.get("subject_type")
    # A delegate of a machine has no authority version: who stands behind it is asked by oauth's check.
    if kind in ("user", "guest") or (kind == "delegated" and "av" in claims):
        check_member(live_member(tenant, str(claims["sub"])))
    for check in _liveness:
        check(tenant, claims)


def check_member(member: LiveMember | None) -> None:
    if member is None or member.status == MemberStatus.REMOVED:
        raise TokenRevoked
    if member.status != MemberStatus.ACTIVE:
        raise SubjectSuspended


def live_member(tenant: TenantRef, subject: str) -> LiveMember | None:
    """Return the present state of the member with this subject; None when there never was one."""
    key = f"{tenant.id}:{subject}"
    member_id = _subjects.get(key, lambda: _in_tenant(tenant, lambda: _member_id(subject)))
    return live_member_by_id(tenant, member_id) if member_id else None


def live_member_by_id(tenant: TenantRef, member_id: uuid.UUID) -> LiveMember | None:
    return _members.get(str(member_id), lambda: _in_tenant(tenant, lambda: _load_member(member_id)))


def _member_id(subject: str) -> uuid.UUID | None:
    return Member.objects.filter(subject=subject).values_list("id", flat=True).first()


def _load_member(member_id: uuid.UUID) -> LiveMember | None:
    names = ("id", "subject", "account_id", "status", "authority_version")
    row = Member.objects.filter(id=member_id).values_list(*names).first()
    return LiveMember(*row) if row else None


def session_is_live(tenant: TenantRef, sid: str) -> bool:
    """Whether the tenant session is neither ended nor past its absolute limit."""
    deadline = _sessions.get(sid, lambda: _in_tenant(tenant, lambda: _session_deadline(sid)))
    return deadline > timezone.now().timestamp()


def _session_deadline(sid: str) -> float:
    """Return when the session ends, as a timestamp; 0 for an ended or unknown one."""
    try:
        session_id = ids.decode(TenantSession.PREFIX, sid)
    except ids.MalformedId:
        return 0.0
    expires = (
        TenantSession.objects.filter(id=session_id, ended_at=None)
        .values_list("expires_at", flat=True)
        .first()
    )
    return expires.timestamp() if expires else 0.0


def is_revoked(tenant: TenantRef, jti: str) -> bool:
    """Whether the token stands on the tenant's deny-list, which is remembered whole while it is short."""
    listed = _denied.get(str(tenant.id), lambda: _in_tenant(tenant, _deny_list))
    if listed is not None:
        return jti in listed
    return _revoked.get(f"{tenant.id}:{jti}", lambda: _in_tenant(tenant, lambda: _is_listed(jti)))


def _deny_list() -> frozenset[str] | None:
    """Return the tokens that were revoked before their end, None where they are too many to remember."""
    listed = frozenset(row[0] for row in _DENIED.all([scope.require_tenant(), SHORT + 1]))
    return listed if len(listed) <= SHORT else None


def _is_listed(jti: str) -> bool:
    return _IS_REVOKED.first([jti]) == (True,)


def _in_tenant(tenant: TenantRef, read: Callable[[], Any]) -> Any:
    """Read by one statement, in the open scope when it is that tenant's whole scope."""
    opened = scope.current()
    if opened is not None and opened == scope.Scope(scope.Kind.TENANT, tenant.id, scope.ALL_ORGANIZATIONS):
        return read()
    if opened is None:
        with scope.one_statement(tenant.id):
            return read()
    with scope.tenant(tenant.id):
        return read()
