"""What came of attempts, written in the tenant's own scope: attempt, delivery, endpoint and events together.

A result counts only while its lease is ours; a later one belongs to whoever took the delivery over.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import structlog
from django.db import connection
from django.db.models import F
from django.utils import timezone

from core import ids, scope
from core.principal import SYSTEM
from events.services import emit
from webhooks import described, health, schedule, signing
from webhooks.models import Attempt, Delivery, DeliveryStatus, Endpoint
from webhooks.queue import Leased
from webhooks.sending import Result

log = structlog.get_logger(__name__)
_SAVED = {
    "id": "uuid", "status": "text", "due_at": "timestamptz", "tries": "int", "attempts": "int",
    "is_retry": "boolean", "last_status": "int", "last_error": "text", "finished_at": "timestamptz",
}  # fmt: skip
_SAVE = f"""
UPDATE webhooks_delivery d SET {", ".join(f"{name} = v.{name}" for name in _SAVED if name != "id")},
    lease = NULL, leases = 0, updated_at = now()
FROM unnest({", ".join(f"%s::{kind}[]" for kind in _SAVED.values())}) AS v ({", ".join(_SAVED)})
WHERE d.id = v.id
"""  # noqa: S608 — names and types of our own code
PUT_BACK = timedelta(minutes=1)
_COUNT = """
INSERT INTO webhooks_endpointday AS d (id, tenant_id, organization_id, endpoint_id, day, succeeded, failed,
    duration_ms, created_at, updated_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, now(), now())
ON CONFLICT (tenant_id, endpoint_id, day) DO UPDATE SET succeeded = d.succeeded + excluded.succeeded,
    failed = d.failed + excluded.failed, duration_ms = d.duration_ms + excluded.duration_ms,
    updated_at = now()
"""


def put_back(tenant_id: uuid.UUID, leased: Sequence[Leased]) -> None:
    """Give deliveries back untried: their endpoint takes nothing now."""
    if not leased:
        return
    with scope.tenant(tenant_id):
        rows = Delivery.objects.filter(
            id__in=[one.id for one in leased], lease__in={one.lease for one in leased}
        )
        rows.update(lease=None, leases=F("leases") - 1, due_at=timezone.now() + PUT_BACK)


def record(tenant_id: uuid.UUID, results: Sequence[Result]) -> None:
    """Write the results of one tenant in one transaction."""
    with scope.tenant(tenant_id):
        endpoints, deliveries = _locked(results)
        done: dict[Delivery, Attempt] = {}
        for result in results:
            delivery = deliveries.get(result.message.leased.id)
            if delivery is None or delivery.lease != result.message.leased.lease:
                log.info("a delivery was taken over", delivery=str(result.message.leased.id))
                continue
            _judge(result, delivery, endpoints[delivery.endpoint_id])
            done[delivery] = _attempt(result, delivery)
        Attempt.objects.bulk_create(done.values())
        _save(list(done))
        for endpoint in endpoints.values():
            endpoint.save(update_fields=health.SAVED)
        _count(endpoints, results)


def _locked(results: Sequence[Result]) -> tuple[dict[uuid.UUID, Endpoint], dict[uuid.UUID, Delivery]]:
    """Lock the rows in the order of their keys: two workers must not wait crosswise."""
    leased = [result.message.leased for result in results]
    endpoints = Endpoint.objects.select_for_update().filter(id__in={one.endpoint_id for one in leased})
    locked = {row.id: row for row in endpoints.order_by("id")}
    deliveries = Delivery.objects.select_for_update().filter(id__in=[one.id for one in leased])
    return locked, {row.id: row for row in deliveries.order_by("id")}


def _judge(result: Result, delivery: Delivery, endpoint: Endpoint) -> None:
    now = timezone.now()
    delivery.attempts += 1
    delivery.tries += 1
    delivery.last_status, delivery.last_error = result.status, result.error
    if delivery.status == DeliveryStatus.PENDING:  # skipped meanwhile: the attempt is all there is to say
        if result.succeeded:
            _finish(delivery, DeliveryStatus.DELIVERED, now)
        else:
            _try_again(result, delivery, now)
    if result.succeeded:
        health.succeeded(endpoint, now)
    else:
        health.failed(endpoint, now, status=result.status, new_message=delivery.tries == 1)


def _save(deliveries: Sequence[Delivery]) -> None:
    """Write all of them in one statement; the leases end with it."""
    with connection.cursor() as cursor:
        cursor.execute(_SAVE, [[getattr(row, name) for row in deliveries] for name in _SAVED])


def _attempt(result: Result, delivery: Delivery) -> Attempt:
    return Attempt(
        organization_id=delivery.organization_id,
        delivery_id=delivery.id,
        number=delivery.attempts,
        sent_at=result.sent_at,
        duration_ms=result.duration_ms,
        status=result.status,
        error=result.error,
        request_headers=signing.redacted(result.message.headers or {}),
        answer_headers=result.answer_headers,
        answer=result.answer,
    )


def _finish(delivery: Delivery, status: DeliveryStatus, now: datetime) -> None:
    delivery.status, delivery.finished_at = status, now


def _try_again(result: Result, delivery: Delivery, now: datetime) -> None:
    due_at = schedule.next_attempt(now, delivery.tries, result.retry_after)
    if due_at is None or result.status == health.GONE:
        _finish(delivery, DeliveryStatus.EXHAUSTED, now)
        _tell(delivery)
    else:
        delivery.due_at, delivery.is_retry = due_at, True


def _tell(delivery: Delivery) -> None:
    """Report a dead letter, but not one about webhooks: two failing endpoints would report each other on."""
    if not delivery.event_type.startswith("webhook."):
        shown = described.delivery(delivery)
        emit(
            "webhook.message.exhausted", actor=SYSTEM, object=shown, organization_id=delivery.organization_id
        )


def _count(endpoints: dict[uuid.UUID, Endpoint], results: Sequence[Result]) -> None:
    """Add the attempts to the endpoints' days."""
    days: dict[tuple[uuid.UUID, date], list[int]] = {}
    for result in results:
        key = (result.message.leased.endpoint_id, result.sent_at.astimezone(UTC).date())
        row = days.setdefault(key, [0, 0, 0])
        row[0 if result.succeeded else 1] += 1
        row[2] += result.duration_ms
    with connection.cursor() as cursor:
        for (endpoint_id, day), numbers in sorted(days.items(), key=str):
            endpoint = endpoints[endpoint_id]
            place = (ids.uuid7(), endpoint.tenant_id, endpoint.organization_id, endpoint_id, day)
            cursor.execute(_COUNT, (*place, *numbers))
