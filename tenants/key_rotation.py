"""The life of a tenant's signing keys: next, active, retired, gone (OAU-01, promise R11).

A next key signs only after it has been published for as long as anybody may keep an older JWK Set. A retired
key stays published until everything it signed has expired. What is revoked is gone at once, with all tokens.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import connections, transaction
from django.db.models import QuerySet
from django.utils import timezone

from core import jose, livecache, ports, scope
from core.errors import Conflict, FieldError, NotFound, ValidationFailed
from core.housekeeping import sweep
from core.principal import SYSTEM, Actor, Principal
from events.services import emit
from tenants import keys
from tenants.models import SigningKey, SigningKeyState, Tenant

WRITE = "tenant:write"


class KeyNotSettled(Conflict):
    code = "key_not_settled"
    title = "The next key is not known everywhere yet"
    fix = "Wait until the time in `detail`; after a leak, revoke the active key instead."


def signing_keys() -> QuerySet[SigningKey]:
    """Return the open tenant's keys that have not been withdrawn."""
    rows = SigningKey.objects.filter(tenant_id=scope.require_tenant())
    return rows.exclude(state=SigningKeyState.EXPIRED)


def signing_key(key_id: uuid.UUID) -> SigningKey:
    """Return a key of the open tenant; raises NotFound."""
    found = signing_keys().filter(id=key_id).first()
    if found is None:
        raise NotFound
    return found


def settles_at(key: SigningKey) -> datetime:
    """Return when a published key may sign: nobody keeps a JWK Set from before it any longer."""
    return key.created_at + timedelta(seconds=keys.JWKS_MAX_AGE)


def rotate(*, actor: Principal, alg: str = keys.DEFAULT_ALGORITHM) -> SigningKey:
    """Sign with the published next key from now on, retire the old one, publish a new next one.

    Raises KeyNotSettled while the next key may be unknown somewhere, ValidationFailed for an algorithm that
    the tenant has no keys for.
    """
    ports.authority.require(actor, WRITE)
    with transaction.atomic():
        fresh = _next_key(alg)
        if settles_at(fresh) > timezone.now():
            raise KeyNotSettled(f"It may sign from {settles_at(fresh):%Y-%m-%dT%H:%M:%SZ} on.")
        return keys.rotate_as(actor.actor, alg)


def _next_key(alg: str) -> SigningKey:
    fresh = signing_keys().select_for_update().filter(alg=alg, state=SigningKeyState.NEXT).first()
    if fresh is None:
        detail = f"This tenant has no keys for it. In use: {', '.join(algorithms())}."
        raise ValidationFailed(errors=[FieldError("/alg", "unknown", detail)])
    return fresh


def algorithms() -> list[str]:
    """Return the algorithms that the open tenant has keys for."""
    rows = signing_keys().filter(state=SigningKeyState.ACTIVE)
    return sorted(set(rows.values_list("alg", flat=True)), key=jose.ALGORITHMS.index)


def revoke(*, actor: Principal, key: SigningKey, reason: str) -> SigningKey:
    """Stop a key at once, and with it every token that it signed. The next key takes an active one's place.

    Revoking twice is no error.
    """
    ports.authority.require(actor, WRITE, key)
    with transaction.atomic():
        Tenant.objects.select_for_update().get(id=key.tenant_id)
        row = SigningKey.objects.select_for_update().get(id=key.id)
        if row.state in (SigningKeyState.REVOKED, SigningKeyState.EXPIRED):
            return row
        before = row.state
        _withdraw(row, SigningKeyState.REVOKED)
        _replace(row.alg, before)
        emit(
            "tenant.signing_key.revoked",
            actor=actor.actor,
            object={**describe(row), "state": row.state, "reason": reason[:300]},
            previous={"state": before},
        )
    return row


def _replace(alg: str, lost: str) -> None:
    """Fill the place of a key that was revoked; its successor may be new to those who verify."""
    if lost == SigningKeyState.ACTIVE:
        fresh = signing_keys().filter(alg=alg, state=SigningKeyState.NEXT).first()
        if fresh is not None:
            keys.move(fresh, SigningKeyState.ACTIVE)
        else:
            keys.add_keys(alg, SigningKeyState.ACTIVE)
    if lost in (SigningKeyState.ACTIVE, SigningKeyState.NEXT):
        keys.add_keys(alg, SigningKeyState.NEXT)


def _withdraw(row: SigningKey, state: SigningKeyState) -> None:
    """Take a key out of the JWK Set and forget its private half."""
    row.state, row.sealed_private, row.due_at = state, b"", None
    row.retired_at = row.retired_at or timezone.now()
    row.save(update_fields=["state", "sealed_private", "due_at", "retired_at", "updated_at"])
    livecache.invalidate("signing_key", str(row.tenant_id))


def describe(row: SigningKey) -> dict[str, str]:
    return {"id": row.public_id, "object": "signing_key", "kid": row.kid, "alg": row.alg}


# --- on schedule -----------------------------------------------------------------------------------------


def reschedule() -> None:
    """Set anew when the open tenant's active keys are due, after its policy changed."""
    for row in signing_keys().filter(state=SigningKeyState.ACTIVE):
        row.due_at = keys.due_after(row.state, row.activated_at or row.created_at)
        row.save(update_fields=["due_at", "updated_at"])


@sweep("signing_keys")
def advance_due() -> int:
    """Rotate or withdraw the keys whose time has come, tenant by tenant, as the system."""
    return sum(_advance(tenant_id) for tenant_id in _tenants_due())


def _tenants_due(limit: int = 100) -> list[uuid.UUID]:
    statement = "SELECT DISTINCT tenant_id FROM tenants_signingkey WHERE due_at <= now() LIMIT %s"
    with scope.relay(), connections["relay"].cursor() as cursor:
        cursor.execute(statement, [limit])
        return [row[0] for row in cursor.fetchall()]


def _advance(tenant_id: uuid.UUID) -> int:
    with scope.tenant(tenant_id):
        due = SigningKey.objects.select_for_update(skip_locked=True).filter(due_at__lte=timezone.now())
        return _advance_keys(SYSTEM, list(due))


def _advance_keys(actor: Actor, due: Iterable[SigningKey]) -> int:
    done = 0
    for row in due:
        if row.state == SigningKeyState.RETIRED:
            _withdraw(row, SigningKeyState.EXPIRED)
        elif settles_at(_next_key(row.alg)) > timezone.now():
            continue
        else:
            keys.rotate_as(actor, row.alg)
        done += 1
    return done
