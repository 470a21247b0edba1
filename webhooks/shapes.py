"""The JSON forms of endpoints, deliveries and attempts. Times are RFC 3339, durations seconds (C11)."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from core import ids
from core.api.fields import Body, Integer, Metadata, PublicId, Shape, Text, Timestamp
from core.api.lists import ListQuery, SearchQuery, Words
from webhooks.models import (
    ContentType,
    Delivery,
    DeliveryStatus,
    Endpoint,
    EndpointStatus,
    Ordering,
    Payload,
    SignatureSuite,
)
from webhooks.services.endpoints import DEFAULT_GRACE, LONGEST_GRACE

STATUSES = [status.value for status in EndpointStatus if status != EndpointStatus.DELETED]


def event_list(**options: Any) -> serializers.ListField:
    return serializers.ListField(child=Text(80), max_length=200, allow_empty=False, **options)


class EndpointBody(Body):
    """`events`: names, wildcards such as `user.*`, or `*`; high-volume events only by their exact names."""

    url = Text(2048)
    events = event_list()
    description = Text(200, required=False, allow_blank=True)
    organization_id = PublicId("org", required=False, allow_null=True)
    payload = serializers.ChoiceField(Payload.values, required=False)
    content_type = serializers.ChoiceField(ContentType.values, required=False)
    ordering = serializers.ChoiceField(Ordering.values, required=False)
    signature_suite = serializers.ChoiceField(SignatureSuite.values, required=False)
    max_in_flight = Integer(min_value=1, max_value=50, required=False)
    metadata = Metadata(required=False)


class EndpointPatch(Body):
    url = Text(2048)
    events = event_list()
    description = Text(200, allow_blank=True, allow_null=True)
    payload = serializers.ChoiceField(Payload.values)
    content_type = serializers.ChoiceField(ContentType.values)
    ordering = serializers.ChoiceField(Ordering.values)
    signature_suite = serializers.ChoiceField(SignatureSuite.values)
    max_in_flight = Integer(min_value=1, max_value=50)
    metadata = Metadata()


class EndpointQuery(SearchQuery):
    filters = {"q": "url__icontains", "status": "status__in", "organization": "organization_id"}

    status = Words(STATUSES)
    organization = PublicId("org", required=False)


class EndpointShape(Shape):
    object_name = "webhook_endpoint"

    url = serializers.CharField()
    description = serializers.CharField()
    events = serializers.ListField(child=serializers.CharField())
    organization_id = PublicId("org", allow_null=True)
    payload = serializers.CharField()
    content_type = serializers.CharField()
    ordering = serializers.CharField()
    signature_suite = serializers.CharField()
    max_in_flight = serializers.IntegerField()
    status = serializers.CharField()
    status_reason = serializers.CharField()
    is_failing = serializers.BooleanField()
    next_probe_at = Timestamp(source="probe_at", allow_null=True)
    last_success_at = Timestamp(allow_null=True)


class CreatedEndpointShape(EndpointShape):
    """The only answer besides a rotation that holds a secret (C10)."""

    secret = serializers.SerializerMethodField()

    def get_secret(self, _: Endpoint) -> str:
        return str(self.context["secret"])


class SigningSecretRotationBody(Body):
    """`grace_seconds`: how long the old secret signs too; a day when left out, 0 after a leak."""

    grace_seconds = Integer(
        min_value=0,
        max_value=int(LONGEST_GRACE.total_seconds()),
        required=False,
        default=int(DEFAULT_GRACE.total_seconds()),
    )


class SuspensionBody(Body):
    reason = Text(200, required=False, allow_blank=True)


class SinceBody(Body):
    since = Timestamp()


class TestShape(serializers.Serializer):
    object = serializers.CharField()
    event_id = serializers.CharField()


class RecoveryShape(serializers.Serializer):
    object = serializers.CharField()
    deliveries = serializers.IntegerField()


class DeliveryQuery(ListQuery):
    filters = {"status": "status__in", "type": "event_type__in", "event": "event_id"}

    status = Words(DeliveryStatus.values)
    type = Words()
    event = PublicId("evt", required=False)


class AttemptShape(Shape):
    object_name = "webhook_attempt"

    number = serializers.IntegerField()
    sent_at = Timestamp()
    duration_ms = serializers.IntegerField()
    status = serializers.IntegerField(allow_null=True)
    error = serializers.CharField()
    request_headers = serializers.JSONField()
    answer_headers = serializers.JSONField()
    answer = serializers.CharField()


class DeliveryShape(Shape):
    object_name = "webhook_delivery"

    endpoint_id = PublicId("whe")
    event_id = PublicId("evt")
    event_type = serializers.CharField()
    status = serializers.CharField()
    attempts_made = serializers.IntegerField(source="attempts")
    next_attempt_at = serializers.SerializerMethodField()
    last_status = serializers.IntegerField(allow_null=True)
    last_error = serializers.CharField()
    is_replay = serializers.BooleanField()
    finished_at = Timestamp(allow_null=True)

    def get_next_attempt_at(self, row: Delivery) -> str | None:
        waits = row.status == DeliveryStatus.PENDING
        return Timestamp().to_representation(row.due_at) if waits else None


class DeliveryDetailShape(DeliveryShape):
    """A delivery with its attempts, first to last."""

    attempts = serializers.SerializerMethodField()

    def get_attempts(self, _: Delivery) -> list[Any]:
        shape = AttemptShape(self.context["attempts"], many=True, context=self.context)
        return list(shape.data)


def event_reference(event_id: Any) -> dict[str, str]:
    return {"object": "webhook_test", "event_id": ids.encode("evt", event_id)}
