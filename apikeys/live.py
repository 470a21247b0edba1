"""Keys as the hot paths see them: found by their clear part, compared, and asked whether they still live.

A key borrows the authority of the person who made it, and is measured against it on every use (threat
K2). What is remembered is forgotten at once when key, account or maker change (decision C17), and read
anew every few seconds in any case. A warm check touches neither the database nor the cache server.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from apikeys.models import AccountStatus, ApiKey
from apikeys.services.keys import DIGEST
from core import ids, scope, secrets
from core.errors import (
    PolicyDenied,
    Problem,
    SubjectSuspended,
    TenantMismatch,
    TokenExpired,
    TokenInvalid,
    TokenRevoked,
)
from core.livecache import LiveCache
from core.postgres.prepared import Prepared
from core.token_binding import TokenBinding
from organizations.models import Organization, OrganizationStatus
from roles import authority, claim_mapping
from roles.permissions import ORGANIZATION, Permission
from tenants import bearer
from tenants import selectors as tenants
from tenants.models import MemberStatus
from tenants.selectors import TenantRef
from tenants.tokens import control_plane_audience

FRESH = 5.0  # seconds until what no invalidation announces shows, such as a role that expires
FOREVER = float("inf")
LOOKUP = Prepared("SELECT tenant_id, id FROM api_key_by_public_id(%s) LIMIT 1")
# Compared where there is no key, so that an unknown key costs what a wrong one costs.
NOTHING = "none$" + "0" * 64


@dataclass(frozen=True)
class LiveKey:
    """A key free of database objects; times are seconds since the epoch."""

    id: uuid.UUID
    public_id: str
    tenant_id: uuid.UUID
    organization_id: uuid.UUID | None
    subject: str
    hint: str
    mode: str | None
    scopes: tuple[str, ...]
    audience: str
    is_control_plane: bool
    signing_alg: str
    maker_id: uuid.UUID
    ends_at: float
    is_revoked: bool
    is_disabled: bool
    exchange_only: bool
    token_lifetime: int
    token_binding: TokenBinding
    mapping: claim_mapping.Mapped = ()
    metadata: Mapping[str, str] = field(default_factory=dict, repr=False)
    digest: str = field(default="", repr=False)


class UnknownKey(Exception):
    """There is no such key; never shown, and never remembered as a key."""


_keys: LiveCache[LiveKey] = LiveCache("api_key", ttl=FRESH)
_refused: LiveCache[bool] = LiveCache("api_key_refused")  # a wrong secret never becomes right
_open: LiveCache[bool] = LiveCache("organization", ttl=FRESH)
_granted: LiveCache[dict[uuid.UUID | None, frozenset[str]]] = LiveCache("member", ttl=FRESH)


def authenticate(text: str) -> LiveKey:
    """Return the key that `text` proves, dead or alive; raises TokenInvalid, alike for unknown and wrong."""
    try:
        parsed = secrets.parse_key(text)
    except ValueError:
        raise TokenInvalid from None
    try:
        key = _keys.get(parsed.public_id, lambda: _load(text, parsed.public_id))
    except UnknownKey:
        key = None
    if secrets.matches(text, key.digest if key else NOTHING, DIGEST) and key is not None:
        return key
    if key is not None:
        _remember_wrong(text, parsed.public_id)
    raise TokenInvalid


def by_id(tenant: TenantRef, public_id: str) -> LiveKey:
    """Return the key that a token names (`ak_…`); raises TokenRevoked where there is none."""
    try:
        key = _keys.get(public_id, lambda: _load_by_id(tenant, public_id))
    except UnknownKey:
        raise TokenRevoked from None
    if key.tenant_id != tenant.id:
        raise TokenRevoked
    return key


def check(key: LiveKey, address: TenantRef | None = None) -> TenantRef:
    """Return the key's tenant if the key may act now; `address` is the tenant that the address names.

    Raises TokenRevoked, TokenExpired, TenantMismatch, SubjectSuspended, in the order of AZ-07.
    """
    if key.is_revoked:
        raise TokenRevoked
    if key.ends_at <= time.time():
        raise TokenExpired
    tenant = tenants.by_id(key.tenant_id)
    if tenant is None or not tenant.is_active:
        raise TokenRevoked("The tenant is suspended, so its keys are refused.")
    if key.mode not in (None, tenant.mode) or (address is not None and address.id != tenant.id):
        raise TenantMismatch
    if key.is_disabled or not _is_open(key):
        raise SubjectSuspended("The key's service account or organization is disabled. Ask an administrator.")
    _check_maker(tenant, key)
    return tenant


def _is_open(key: LiveKey) -> bool:
    """Whether the key's organization is active; a key of the tenant itself has none that could close."""
    organization_id = key.organization_id
    if organization_id is None:
        return True

    def load() -> bool:
        with scope.tenant(key.tenant_id):
            rows = Organization.objects.filter(tenant_id=key.tenant_id, id=organization_id)
            return rows.filter(status=OrganizationStatus.ACTIVE).exists()

    return _open.get(str(organization_id), load)


def _check_maker(tenant: TenantRef, key: LiveKey) -> None:
    maker = bearer.live_member_by_id(tenant, key.maker_id)
    if maker is None or maker.status != MemberStatus.ACTIVE:
        raise SubjectSuspended(
            "The person who made this key is suspended or gone. An administrator can rotate the key."
        )


def permissions(key: LiveKey) -> frozenset[str]:
    """Return which of the key's scopes its maker could still give it (AZ-08).

    Scopes of our own `/v1` are measured one by one; those of another API stand as long as the maker
    may make keys at all.
    """
    held = _granted.get(str(key.maker_id), dict)
    allowed = held.get(key.organization_id)
    if allowed is None:
        allowed = held[key.organization_id] = _allowed(key)
    if key.is_control_plane:
        return allowed.intersection(key.scopes)
    return frozenset(key.scopes) if Permission.API_KEYS_WRITE in allowed else frozenset()


def _allowed(key: LiveKey) -> frozenset[str]:
    """Return what the maker may give now; an administrator of the tenant may also give to an organization."""
    with scope.tenant(key.tenant_id):
        whole = authority.permissions_of(key.maker_id)
        if key.organization_id is None:
            return whole
        return (whole | authority.permissions_of(key.maker_id, key.organization_id)) & ORGANIZATION


def permissions_now(public_id: str) -> frozenset[str]:
    """Return what a key of the open tenant may do now; nothing for one that is dead or unknown."""
    tenant = tenants.by_id(scope.require_tenant())
    if tenant is None:
        return frozenset()
    try:
        key = by_id(tenant, public_id)
        check(key, tenant)
    except Problem:
        return frozenset()
    return permissions(key)


def require_direct(key: LiveKey) -> None:
    """Raise unless the key itself may be sent to our `/v1`: the right audience, and no exchange demanded."""
    if not key.is_control_plane:
        raise TokenInvalid(f"This key is for {key.audience}: exchange it at /v1/auth/token for that API.")
    if key.exchange_only:
        raise PolicyDenied(
            "This tenant takes API keys only in exchange for a token: POST the key to /v1/auth/token and send"
            " the access_token instead."
        )


def check_token(tenant: TenantRef, claims: Mapping[str, Any]) -> None:
    """The liveness check of tokens that came out of a key: they die with it (KEY-07)."""
    named = claims.get("key_id")
    if named is None:
        return
    try:
        check(by_id(tenant, str(named)))
    except TokenExpired:
        raise TokenRevoked from None


def _load(text: str, public_part: str) -> LiveKey:
    try:
        _refused.get(_hash(text), lambda: _none_such(public_part))
    except _Found as found:
        return _read(found.tenant_id, found.key_id)
    raise UnknownKey


class _Found(Exception):
    """Carries a find past the memory of refusals, which keeps nothing that raises."""

    def __init__(self, tenant_id: uuid.UUID, key_id: uuid.UUID) -> None:
        self.tenant_id, self.key_id = tenant_id, key_id


def _none_such(public_part: str) -> bool:
    found = _find(public_part)
    if found is not None:
        raise _Found(*found)
    return True


def _remember_wrong(text: str, public_part: str) -> None:
    """Keep a wrong secret as refused, after the query that an unknown key costs: both cost the same (K1)."""
    _refused.get(_hash(text), lambda: _find(public_part) is not None)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _find(public_part: str) -> tuple[uuid.UUID, uuid.UUID] | None:
    found = LOOKUP.first([public_part])
    return (found[0], found[1]) if found else None


def _load_by_id(tenant: TenantRef, public_id: str) -> LiveKey:
    try:
        key_id = ids.decode(ApiKey.PREFIX, public_id)
    except ids.MalformedId:
        raise UnknownKey from None
    return _read(tenant.id, key_id)


def _read(tenant_id: uuid.UUID, key_id: uuid.UUID) -> LiveKey:
    with scope.tenant(tenant_id):
        rows = ApiKey.objects.select_related("service_account", "resource")
        row = rows.filter(tenant_id=tenant_id, id=key_id).first()
        if row is None:
            raise UnknownKey
        return snapshot(row)


def _audience(row: ApiKey) -> str:
    """Return the audience of the key's API; that of our own follows the tenant's issuer."""
    tenant = tenants.by_id(row.tenant_id) if row.resource.is_control_plane else None
    return row.resource.audience if tenant is None else control_plane_audience(tenant)


def snapshot(row: ApiKey) -> LiveKey:
    """Return what a process remembers of a key: with its account's cap and the tenant's rules applied."""
    account, policy = row.service_account, tenants.policy()
    cap = frozenset(account.scopes) if account else frozenset()
    lifetimes = filter(None, (policy.key_token_lifetime, row.resource.token_lifetime))
    return LiveKey(
        id=row.id,
        public_id=row.public_id,
        tenant_id=row.tenant_id,
        organization_id=row.organization_id,
        subject=row.subject,
        hint=row.hint,
        mode=secrets.MODES.get(row.prefix),
        scopes=tuple(word for word in row.scopes if not cap or word in cap),
        audience=_audience(row),
        is_control_plane=row.resource.is_control_plane,
        signing_alg=row.resource.signing_alg,
        maker_id=row.maker_id,
        ends_at=row.ends_at.timestamp() if row.ends_at else FOREVER,
        is_revoked=row.revoked_at is not None,
        is_disabled=account is not None and account.status is not AccountStatus.ACTIVE,
        exchange_only=policy.key_exchange_only,
        token_lifetime=min(lifetimes),
        token_binding=TokenBinding(row.resource.token_binding),
        mapping=claim_mapping.compiled(row.resource.claim_mapping),
        metadata=row.metadata,
        digest=row.digest,
    )
