"""Sending a test, and sending again: one delivery, what failed, or everything since a moment."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from core import ports
from core.api.fields import timestamp
from core.errors import FieldError, NotFound, ValidationFailed
from core.principal import Principal
from events.envelope import reaching
from events.models import Event
from events.services import emit
from roles.permissions import Permission
from webhooks import described, nudge, selectors
from webhooks.errors import DeliveryInFlight, EndpointNotActive
from webhooks.models import Delivery, DeliveryStatus, Endpoint, EndpointStatus

REPLAY = "webhooks.replay"
FINISHED = (DeliveryStatus.DELIVERED, DeliveryStatus.EXHAUSTED, DeliveryStatus.SKIPPED)


@transaction.atomic
def send_test(*, actor: Principal, endpoint: Endpoint) -> Event:
    """Send `webhook.test` to this endpoint alone, on the way that every event takes."""
    ports.authority.require(actor, Permission.WEBHOOKS_WRITE, endpoint)
    _require_active(endpoint)
    shown = {**described.endpoint(endpoint), "test": True}
    return emit("webhook.test", actor=actor.actor, object=shown, organization_id=endpoint.organization_id)


@transaction.atomic
def resend(*, actor: Principal, delivery: Delivery) -> Delivery:
    """Start a delivery's schedule anew, under the same webhook-id.

    Raises EndpointNotActive, DeliveryInFlight.
    """
    row = _locked(actor, delivery)
    _require_active(row.endpoint)
    row.status, row.finished_at, row.due_at = DeliveryStatus.PENDING, None, timezone.now()
    row.tries, row.is_retry, row.lease, row.leases = 0, False, None, 0
    row.save()
    transaction.on_commit(nudge.send)
    return row


@transaction.atomic
def skip(*, actor: Principal, delivery: Delivery) -> Delivery:
    """Give a waiting delivery up, so that a strict endpoint goes on with the next."""
    row = _locked(actor, delivery)
    if row.status == DeliveryStatus.PENDING:
        row.status, row.finished_at = DeliveryStatus.SKIPPED, timezone.now()
        row.save()
        transaction.on_commit(nudge.send)
    return row


def _locked(actor: Principal, delivery: Delivery) -> Delivery:
    ports.authority.require(actor, Permission.WEBHOOKS_WRITE, delivery)
    rows = Delivery.objects.select_for_update(of=("self",)).select_related("endpoint")
    found = rows.filter(tenant_id=delivery.tenant_id, id=delivery.id).first()
    if found is None:
        raise NotFound
    if found.lease is not None and found.due_at > timezone.now():
        raise DeliveryInFlight
    return found


@transaction.atomic
def recover_failed(*, actor: Principal, endpoint: Endpoint, since: datetime) -> int:
    """Queue the dead letters since a moment again; returns how many."""
    ports.authority.require(actor, Permission.WEBHOOKS_WRITE, endpoint)
    _require_active(endpoint)
    _check_since(endpoint, since)
    rows = selectors.deliveries(endpoint).filter(id__gte=reaching(since), status=DeliveryStatus.EXHAUSTED)
    count = queue_again(rows)
    report(actor.actor, endpoint, since, "recovery", count)
    return count


@transaction.atomic
def replay(*, actor: Principal, endpoint: Endpoint, since: datetime) -> None:
    """Promise to send every matching event since a moment again, marked `webhook-replay: true`.

    Events that never had a delivery here are included: from before the endpoint, or while it was disabled.
    """
    ports.authority.require(actor, Permission.WEBHOOKS_WRITE, endpoint)
    _require_active(endpoint)
    _check_since(endpoint, since)
    who = {"type": str(actor.actor.type), "id": actor.actor.id, "via": actor.actor.via}
    ports.jobs.enqueue(REPLAY, {"endpoint": str(endpoint.id), "since": since.isoformat(), "actor": who})


def queue_again(rows: Any, **changes: Any) -> int:
    """Put finished deliveries back into the queue, behind new ones; returns how many."""
    now = timezone.now()
    count: int = rows.update(
        status=DeliveryStatus.PENDING,
        due_at=now,
        tries=0,
        is_retry=True,
        finished_at=None,
        updated_at=now,
        **changes,
    )
    transaction.on_commit(nudge.send)
    return count


def report(actor: Any, endpoint: Endpoint, since: datetime, kind: str, count: int) -> None:
    more = {"since": timestamp(since), "kind": kind, "deliveries": count}
    emit(
        "webhook.replay.completed",
        actor=actor,
        object={**described.endpoint(endpoint), **more},
        organization_id=endpoint.organization_id,
    )


def _require_active(endpoint: Endpoint) -> None:
    if endpoint.status != EndpointStatus.ACTIVE:
        raise EndpointNotActive


def _check_since(endpoint: Endpoint, since: datetime) -> None:
    kept = selectors.KEPT.get(endpoint.mode, selectors.KEPT["live"])
    if not timezone.now() - kept <= since <= timezone.now():
        detail = f"Must lie within the last {kept.days} days: deliveries are kept that long."
        raise ValidationFailed(errors=[FieldError("/since", "out_of_range", detail)])
