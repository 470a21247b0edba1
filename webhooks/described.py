"""Endpoints and deliveries as their events show them."""

from __future__ import annotations

from typing import Any

from core import ids
from webhooks.models import Delivery, Endpoint


def endpoint(row: Endpoint) -> dict[str, Any]:
    """Return an endpoint as events and answers show it: without its secrets."""
    organization_id = row.organization_id
    return {
        "id": row.public_id,
        "object": "webhook_endpoint",
        "url": row.url,
        "description": row.description,
        "events": list(row.events),
        "status": str(row.status),
        "status_reason": row.status_reason,
        "payload": str(row.payload),
        "content_type": str(row.content_type),
        "ordering": str(row.ordering),
        "signature_suite": str(row.signature_suite),
        "max_in_flight": row.max_in_flight,
        "organization": ids.encode("org", organization_id) if organization_id else None,
        "metadata": row.metadata,
    }


def delivery(row: Delivery) -> dict[str, Any]:
    return {
        "id": row.public_id,
        "object": "webhook_delivery",
        "endpoint": ids.encode("whe", row.endpoint_id),
        "event": row.event_public_id,
        "type": row.event_type,
        "attempts": row.attempts,
        "last_status": row.last_status,
        "last_error": row.last_error,
    }
