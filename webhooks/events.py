"""Events of the webhooks app."""

from __future__ import annotations

from events.registry import Schema, declare

ENDPOINT: dict[str, Schema | str] = {
    "url": "string",
    "description": "string",
    "events": {"type": "array", "items": {"type": "string"}},
    "status": "string",
    "status_reason": "string",
    "payload": "string",
    "content_type": "string",
    "ordering": "string",
    "signature_suite": "string",
    "max_in_flight": "integer",
    "organization": {"type": ["string", "null"]},
    "metadata": "object",
}
MESSAGE: dict[str, Schema | str] = {
    "endpoint": "string",
    "event": "string",
    "type": "string",
    "attempts": "integer",
    "last_status": {"type": ["integer", "null"]},
    "last_error": "string",
}

for _name, _description in {
    "created": "A webhook endpoint was registered",
    "updated": "A webhook endpoint was changed",
    "deleted": "A webhook endpoint was deleted; nothing more is sent to it",
    "failing": "Ten straight deliveries failed: the endpoint is probed until it answers",
    "paused": "Deliveries to a webhook endpoint were paused",
    "disabled": "A webhook endpoint was disabled: it answered 410 or failed for too long",
    "reenabled": "Deliveries to a webhook endpoint go on",
}.items():
    declare(f"webhook.endpoint.{_name}", _description, object="webhook_endpoint", fields=ENDPOINT)
declare(
    "webhook.endpoint.secret_rotated",
    "A webhook endpoint got a new signing secret",
    object="webhook_endpoint",
    fields={**ENDPOINT, "grace_seconds": "integer"},
)
declare(
    "webhook.message.exhausted",
    "An event could not be delivered to an endpoint; it can be sent again",
    object="webhook_delivery",
    fields=MESSAGE,
)
declare(
    "webhook.replay.completed",
    "Past events were queued for a webhook endpoint again",
    object="webhook_endpoint",
    fields={**ENDPOINT, "since": "string", "kind": "string", "deliveries": "integer"},
)
declare(
    "webhook.test",
    "A test message, sent to one endpoint on request; nothing happened",
    object="webhook_endpoint",
    fields={**ENDPOINT, "test": {"type": "boolean", "const": True}},
)
