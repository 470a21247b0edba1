"""A tenant's signing keys: sealed at rest, parsed once per process, the next one published before use."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from core import crypto, jose, livecache, scope
from core.errors import Conflict
from core.livecache import LiveCache
from core.principal import Actor
from events.services import emit
from tenants import data_keys, selectors
from tenants.models import SigningKey, SigningKeyState, Tenant

PUBLISHED = (SigningKeyState.NEXT, SigningKeyState.ACTIVE, SigningKeyState.RETIRED)
DEFAULT_ALGORITHM = "ES256"
DAY = 86_400
GRACE = 3600  # seconds that a retired key stays beyond the longest life of what it signed
JWKS_MAX_AGE = 300  # seconds that anybody may keep a JWK Set: a key signs only after it was shown that long


@dataclass(frozen=True)
class KeySet:
    """A tenant's keys, parsed: `active` by algorithm to sign, `published` to verify, `jwks` to show."""

    active: dict[str, jose.SigningKey]
    published: tuple[jose.VerifyingKey, ...]
    jwks: dict[str, Any]


_sets: LiveCache[KeySet] = LiveCache("signing_key", max_items=2000, ttl=600)


def key_set(tenant_id: uuid.UUID) -> KeySet:
    """Return the tenant's parsed keys; opens a scope of its own only when they are not cached."""
    return _sets.get(str(tenant_id), lambda: _load(tenant_id))


def active_key(tenant_id: uuid.UUID, alg: str = DEFAULT_ALGORITHM) -> jose.SigningKey:
    """Return the key that signs with `alg`, made on first use; the default algorithm has one from the start."""
    key = key_set(tenant_id).active.get(alg)
    return key if key is not None else _make_active(tenant_id, alg)


def verification_keys(tenant_id: uuid.UUID) -> tuple[jose.VerifyingKey, ...]:
    return key_set(tenant_id).published


def jwks(tenant_id: uuid.UUID) -> dict[str, Any]:
    return key_set(tenant_id).jwks


def _load(tenant_id: uuid.UUID) -> KeySet:
    opened = scope.current()
    if opened is not None and opened.tenant_id == tenant_id:
        return _read(tenant_id)
    with scope.tenant(tenant_id):
        return _read(tenant_id)


def _read(tenant_id: uuid.UUID) -> KeySet:
    rows = list(SigningKey.objects.filter(tenant_id=tenant_id, state__in=PUBLISHED).order_by("id"))
    sealer = data_keys.sealer(tenant_id)
    active = {row.alg: _open(sealer, row) for row in rows if row.state == SigningKeyState.ACTIVE}
    published = tuple(jose.verifying_key(row.public_jwk, row.alg) for row in rows)
    return KeySet(active, published, {"keys": [row.public_jwk for row in rows]})


def _open(sealer: crypto.TenantSealer, row: SigningKey) -> jose.SigningKey:
    der = sealer.open(row.sealed_private, ("tenants_signingkey", "sealed_private", str(row.id)))
    return jose.load_signing_key(der, row.alg)


def add_keys(alg: str, *states: SigningKeyState) -> None:
    """Make and store a key for each state in the open tenant scope."""
    tenant_id, now = scope.require_tenant(), timezone.now()
    sealer = data_keys.sealer(tenant_id)
    rows = []
    for state in states:
        key = jose.generate_key(alg)
        row = SigningKey(kid=key.kid, alg=alg, public_jwk=jose.public_jwk(key), state=state)
        row.activated_at = now if state == SigningKeyState.ACTIVE else None
        row.due_at = due_after(state, now)
        row.sealed_private = sealer.seal(
            key.private_bytes(), ("tenants_signingkey", "sealed_private", str(row.id))
        )
        rows.append(row)
    SigningKey.objects.bulk_create(rows)
    livecache.invalidate("signing_key", str(tenant_id))


def create_first_keys() -> None:
    """Give a new tenant its active key and the next one, already published (promise R11)."""
    add_keys(DEFAULT_ALGORITHM, SigningKeyState.ACTIVE, SigningKeyState.NEXT)


def enable(alg: str) -> None:
    """Make sure that the open tenant publishes keys for `alg`, before anything is signed with them."""
    tenant_id = scope.require_tenant()
    if alg not in key_set(tenant_id).active:
        _make_active(tenant_id, alg)


def _make_active(tenant_id: uuid.UUID, alg: str) -> jose.SigningKey:
    """Make the first key of another algorithm; of two racing callers one makes it and both use it."""
    with _own_scope(tenant_id):
        Tenant.objects.select_for_update().get(id=tenant_id)
        if not SigningKey.objects.filter(alg=alg, state=SigningKeyState.ACTIVE).exists():
            add_keys(alg, SigningKeyState.ACTIVE, SigningKeyState.NEXT)
        return _read(tenant_id).active[alg]


def _own_scope(tenant_id: uuid.UUID) -> Any:
    opened = scope.current()
    return transaction.atomic() if opened is not None else scope.tenant(tenant_id)


def rotate_as(actor: Actor, alg: str = DEFAULT_ALGORITHM) -> SigningKey:
    """Sign with the next key, retire the active one, publish a new next one; who may is asked above.

    Raises Conflict with no next key.
    """
    with transaction.atomic():
        keys = {
            row.state: row
            for row in SigningKey.objects.select_for_update().filter(alg=alg, state__in=("active", "next"))
        }
        if SigningKeyState.NEXT not in keys:
            raise Conflict(f"There is no published next key for {alg}.")
        if SigningKeyState.ACTIVE in keys:
            move(keys[SigningKeyState.ACTIVE], SigningKeyState.RETIRED)
        fresh = keys[SigningKeyState.NEXT]
        move(fresh, SigningKeyState.ACTIVE)
        add_keys(alg, SigningKeyState.NEXT)
        emit(
            "tenant.signing_key.rotated",
            actor=actor,
            object={"id": fresh.public_id, "object": "signing_key", "kid": fresh.kid, "alg": alg},
        )
    return fresh


def move(row: SigningKey, state: SigningKeyState) -> None:
    now = timezone.now()
    row.state = state
    if state == SigningKeyState.RETIRED:
        row.retired_at = now
    else:
        row.activated_at = now
    row.due_at = due_after(state, now)
    row.save(update_fields=["state", "retired_at", "activated_at", "due_at", "updated_at"])
    livecache.invalidate("signing_key", str(row.tenant_id))


def due_after(state: str, moment: datetime) -> datetime | None:
    """Return when a key that came into `state` is due for the next step, by the open tenant's policy."""
    policy = selectors.policy()
    if state == SigningKeyState.ACTIVE:
        days = policy.signing_key_days
        return moment + timedelta(days=days) if days else None
    if state == SigningKeyState.RETIRED:
        longest = max(
            policy.access_token_lifetime_max,
            policy.access_token_lifetime,
            policy.id_token_lifetime_max,
            policy.id_token_lifetime,
            policy.key_token_lifetime,
            DAY,
        )
        return moment + timedelta(seconds=longest + GRACE)
    return None
