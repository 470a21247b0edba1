"""From sealed events to deliveries: one for each matching endpoint of the same tenant (threat W4).

Runs inside the sealer's own transaction, so that an event is sealed and promised together or not at all,
and a change that was rolled back promises nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from events.sealing import SealedEvent
from webhooks import filters, nudge
from webhooks.models import Delivery, Endpoint, EndpointStatus

TEST = "webhook.test"
RECEIVING = (EndpointStatus.ACTIVE, EndpointStatus.PAUSED)


def fan_out(batch: Sequence[SealedEvent]) -> None:
    """Insert the deliveries of a batch of sealed events; the hook of events.sealing."""
    tenants = {event.tenant_id for event in batch if event.tenant_id is not None}
    endpoints = receivers(tenants) if tenants else {}
    deliveries = [
        delivery_of(event, endpoint)
        for event in batch
        if event.tenant_id is not None
        for endpoint in endpoints.get(event.tenant_id, ())
        if wants(endpoint, event)
    ]
    if deliveries:
        Delivery.objects.bulk_create(deliveries)
        transaction.on_commit(nudge.send, using="relay")


def receivers(tenants: set[uuid.UUID]) -> dict[uuid.UUID, list[Endpoint]]:
    """Return the endpoints that take events now, by tenant; a disabled one gets them by a replay later."""
    rows = Endpoint.objects.filter(tenant_id__in=tenants, status__in=RECEIVING)
    found: dict[uuid.UUID, list[Endpoint]] = {}
    for endpoint in rows.only("id", "tenant_id", "organization_id", "mode", "events"):
        found.setdefault(endpoint.tenant_id, []).append(endpoint)
    return found


def wants(endpoint: Endpoint, event: SealedEvent) -> bool:
    """Whether the event goes to the endpoint: tenant, mode, organization, and then its filters.

    A test message goes to the one endpoint that it is about, whatever that listens to.
    """
    if endpoint.tenant_id != event.tenant_id or endpoint.mode != event.mode:
        return False
    if event.type == TEST:
        return event.object_id == endpoint.public_id
    if endpoint.organization_id not in (None, event.organization_id):
        return False
    return filters.matches(endpoint.events, event.type)


def delivery_of(event: SealedEvent, endpoint: Endpoint) -> Delivery:
    return Delivery(
        tenant_id=endpoint.tenant_id,
        organization_id=endpoint.organization_id,
        endpoint_id=endpoint.id,
        event_id=event.id,
        event_type=event.type,
        sequence=event.sequence,
        mode=event.mode,
        due_at=timezone.now(),
    )
