"""Refusals of the webhooks app."""

from __future__ import annotations

from core.errors import Conflict, Problem


class EndpointNotActive(Problem):
    code, status, simple = "webhook_endpoint_not_active", 409, "conflict"
    title = "The webhook endpoint takes no messages now"
    fix = "Resume or enable the endpoint, then try again."


class TooManyEndpoints(Conflict):
    code = "too_many_webhook_endpoints"
    title = "The tenant has as many webhook endpoints as it may"
    fix = "Delete an endpoint that is no longer used."


class DeliveryInFlight(Problem):
    code, status, simple, retryable = "webhook_delivery_in_flight", 409, "conflict", True
    title = "The delivery is being sent right now"
    fix = "Wait half a minute for its result, then decide again."
