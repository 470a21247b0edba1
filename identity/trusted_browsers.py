"""Browsers that stand for the second factor, as their person sees and ends them. Called in the account scope."""

from __future__ import annotations

import uuid

from django.db import transaction
from django.db.models import QuerySet

from core.errors import NotFound
from events.services import emit
from identity.models import TrustedBrowser
from identity.services import person


def trusted(account_id: uuid.UUID) -> QuerySet[TrustedBrowser]:
    """Return the person's trusted browsers, the one proved last in front."""
    return TrustedBrowser.objects.filter(account_id=account_id).order_by("-proved_at", "id")


def forget(*, account_id: uuid.UUID, browser_id: uuid.UUID) -> None:
    """End the trust in one browser; raises NotFound for anybody else's."""
    if not _forget(account_id, trusted(account_id).filter(id=browser_id)):
        raise NotFound


def forget_all(*, account_id: uuid.UUID) -> None:
    _forget(account_id, trusted(account_id))


def _forget(account_id: uuid.UUID, rows: QuerySet[TrustedBrowser]) -> int:
    with transaction.atomic():
        found = list(rows.select_for_update())
        for row in found:
            gone = {"id": row.public_id, "object": "device"}
            row.delete()
            emit("device.forgotten", actor=person(account_id), object=gone)
    return len(found)
