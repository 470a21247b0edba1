"""Idempotency-Key of writes by a person's own token: what a key is to make is decided once, and kept.

The thing itself is made in another scope, so its id is settled here first: a retry finds it, or makes it
under that same id (api-conventions §5).
"""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.utils import timezone

from core import ids, scope
from core.errors import IdempotencyKeyReused
from identity.models import AccountRequest

KEPT = timedelta(hours=24)


def settle(*, account_id: uuid.UUID, place: bytes, fingerprint: bytes) -> uuid.UUID:
    """Return the id of what this request makes; opens the account scope itself. Raises IdempotencyKeyReused."""
    now = timezone.now()
    with scope.account(account_id):
        AccountRequest.objects.filter(account_id=account_id, place=place, expires_at__lte=now).delete()
        wanted = {"fingerprint": fingerprint, "made_id": ids.uuid7(), "expires_at": now + KEPT}
        row, _ = AccountRequest.objects.get_or_create(account_id=account_id, place=place, defaults=wanted)
    if bytes(row.fingerprint) != fingerprint:
        raise IdempotencyKeyReused
    return row.made_id


def forget(*, account_id: uuid.UUID, place: bytes) -> None:
    """Let the key be used anew after a refusal that made nothing; opens the account scope itself."""
    with scope.account(account_id):
        AccountRequest.objects.filter(account_id=account_id, place=place).delete()
