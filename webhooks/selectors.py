"""Reading endpoints and deliveries, in the open scope: an organization's scope shows its own only."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet, Sum
from django.utils import timezone

from core import scope
from core.errors import NotFound
from events import selectors as events
from events.envelope import floor_of
from webhooks.models import Attempt, Delivery, Endpoint, EndpointDay, EndpointSecret, EndpointStatus

KEPT = {"live": timedelta(days=30), "test": timedelta(days=7)}


def endpoints() -> QuerySet[Endpoint]:
    return Endpoint.objects.filter(tenant_id=scope.require_tenant()).exclude(status=EndpointStatus.DELETED)


def endpoint(endpoint_id: uuid.UUID) -> Endpoint:
    """Return an endpoint that was not deleted; raises NotFound."""
    found = endpoints().filter(id=endpoint_id).first()
    if found is None:
        raise NotFound
    return found


def kept_since(mode: str) -> datetime:
    """Return the age limit of deliveries in a mode; older ones are not shown even while a row is left."""
    return timezone.now() - KEPT.get(mode, KEPT["live"])


def deliveries(row: Endpoint) -> QuerySet[Delivery]:
    """Return an endpoint's deliveries within retention."""
    kept = floor_of(kept_since(row.mode))
    return Delivery.objects.filter(tenant_id=row.tenant_id, endpoint_id=row.id, id__gte=kept)


def delivery(delivery_id: uuid.UUID) -> Delivery:
    """Return a delivery within retention whose endpoint was not deleted; raises NotFound."""
    rows = Delivery.objects.filter(tenant_id=scope.require_tenant(), id=delivery_id)
    found = rows.select_related("endpoint").first()
    if found is None or found.endpoint.status == EndpointStatus.DELETED:
        raise NotFound
    if found.id < floor_of(kept_since(found.mode)):
        raise NotFound
    return found


def attempts(row: Delivery) -> QuerySet[Attempt]:
    """Return a delivery's attempts, first to last."""
    return Attempt.objects.filter(tenant_id=row.tenant_id, delivery_id=row.id).order_by("number")


def envelope(row: Delivery) -> dict[str, Any] | None:
    """Return the event of a delivery as it is sent; None when the event is no longer kept."""
    found = events.stream().filter(id=row.event_id).first()
    if found is None:
        return None
    return events.render_sealed({found.id: (bytes(found.canonical), row.sequence)})[found.id]


def live_secrets(row: Endpoint) -> QuerySet[EndpointSecret]:
    """Return the secrets that sign now, newest first; their values are never read back."""
    rows = EndpointSecret.objects.filter(tenant_id=row.tenant_id, endpoint_id=row.id).order_by("-id")
    return rows.filter(Q(expires_at=None) | Q(expires_at__gt=timezone.now()))


@dataclass(frozen=True)
class Share:
    """Attempts over some days."""

    succeeded: int = 0
    failed: int = 0
    duration_ms: int = 0

    @property
    def total(self) -> int:
        return self.succeeded + self.failed

    @property
    def percent(self) -> float | None:
        return round(100 * self.succeeded / self.total, 1) if self.total else None

    @property
    def average_ms(self) -> int | None:
        return self.duration_ms // self.total if self.total else None


def shares(rows: Iterable[Endpoint], days: int = 7) -> dict[uuid.UUID, Share]:
    """Return the attempts of each endpoint over the last `days` days."""
    since = timezone.now().date() - timedelta(days=days - 1)
    wanted = EndpointDay.objects.filter(endpoint_id__in=[row.id for row in rows], day__gte=since)
    sums = wanted.filter(tenant_id=scope.require_tenant()).values("endpoint_id")
    return {
        found["endpoint_id"]: Share(found["good"], found["bad"], found["time"])
        for found in sums.annotate(good=Sum("succeeded"), bad=Sum("failed"), time=Sum("duration_ms"))
    }


def by_day(row: Endpoint, days: int = 14) -> list[tuple[date, Share]]:
    """Return the attempts of each of the last `days` days, oldest first, empty days too."""
    today = timezone.now().date()
    first = today - timedelta(days=days - 1)
    rows = EndpointDay.objects.filter(tenant_id=row.tenant_id, endpoint_id=row.id, day__gte=first)
    known = {found.day: Share(found.succeeded, found.failed, found.duration_ms) for found in rows}
    every = (first + timedelta(days=offset) for offset in range(days))
    return [(day, known.get(day, Share())) for day in every]
