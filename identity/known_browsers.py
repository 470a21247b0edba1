"""The browsers in which somebody signed in before, as they see and forget them. Called in the account scope."""

from __future__ import annotations

import uuid

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from core.errors import NotFound
from events.services import emit
from identity.models import KnownDevice
from identity.services import person


def known(account_id: uuid.UUID) -> QuerySet[KnownDevice]:
    """Return the browsers that count as known, the latest first."""
    return KnownDevice.objects.filter(account_id=account_id, forgotten_at=None).order_by("-seen_at", "id")


def forget(*, account_id: uuid.UUID, browser_id: uuid.UUID) -> None:
    """Let the next sign-in there count as one from a new device; raises NotFound for anybody else's.

    Sign-ins that are open there go on: ending those is another list.
    """
    if not _forget(account_id, known(account_id).filter(id=browser_id)):
        raise NotFound


def forget_all(*, account_id: uuid.UUID) -> None:
    _forget(account_id, known(account_id))


def _forget(account_id: uuid.UUID, rows: QuerySet[KnownDevice]) -> int:
    """The rows stay, so that the account never looks as if it had no device to compare with."""
    with transaction.atomic():
        found = list(rows.select_for_update())
        KnownDevice.objects.filter(id__in=[row.id for row in found]).update(
            forgotten_at=timezone.now(), checked_at=None
        )
        for row in found:
            emit(
                "device.forgotten", actor=person(account_id), object={"id": row.public_id, "object": "device"}
            )
    return len(found)
