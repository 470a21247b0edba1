"""From the text of a key to who may act by it: proved, found alive, and remembered for a second.

What is remembered follows from other caches only and is forgotten with any of them, so that revocation,
suspension and lost rights show as soon as without it (decision C17).
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass

from apikeys import live, usage
from apikeys.live import LiveKey
from core.errors import Problem
from core.livecache import Conclusions
from core.principal import Principal, SubjectType
from tenants.selectors import TenantRef


@dataclass(frozen=True)
class Admitted:
    """A living key, its tenant, and the caller that it makes at our own `/v1`."""

    key: LiveKey
    tenant: TenantRef
    caller: Principal


_admitted: Conclusions[Admitted] = Conclusions(
    "api_key", "tenant", "organization", "member", "member_subject", "api_resource"
)


def admit(text: str, address: TenantRef | None = None) -> Admitted:
    """Return what a key may do now; `address` is the tenant that the address names.

    Raises TokenInvalid, TokenRevoked, TokenExpired, TenantMismatch, SubjectSuspended.
    """
    name = f"{hashlib.sha256(text.encode()).hexdigest()}{address.slug if address else ''}"
    known = _admitted.peek(name)
    if known is not None and known.key.ends_at > time.time():
        return known
    return _admitted.renew(name, lambda: _judge(text, address))


def _judge(text: str, address: TenantRef | None) -> Admitted:
    key = live.authenticate(text)
    try:
        tenant = live.check(key, address)
        return Admitted(key, tenant, principal_of(tenant, key))
    except Problem as problem:
        usage.denied(key, problem.code)
        raise


def principal_of(tenant: TenantRef, key: LiveKey, scopes: frozenset[str] | None = None) -> Principal:
    """Return the caller of a living key; `scopes` are those of its token, where one was exchanged.

    `scopes` of the principal are what the credential names, `permissions` what its maker can still give.
    """
    words = frozenset(key.scopes) if scopes is None else scopes.intersection(key.scopes)
    return Principal(
        subject_type=SubjectType.SERVICE,
        subject=key.subject,
        tenant_id=tenant.id,
        tenant_slug=tenant.slug,
        mode=tenant.mode,
        scopes=words,
        permissions=words & live.permissions(key),
        organization_id=key.organization_id,
        key_id=key.id,
        client_id=key.public_id,
    )
