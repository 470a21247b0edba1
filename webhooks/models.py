"""Webhook endpoints, their secrets, and the deliveries that are the queue.

Every row of an organization's endpoint carries that organization, so that its scope shows its own only.
Deliveries and attempts are partitioned by month of their UUIDv7.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from core import ids
from core.models import TenantForeignKey, TenantModel
from organizations.models import Organization


class EndpointStatus(models.TextChoices):
    ACTIVE = "active"
    PAUSED = "paused"  # by people: deliveries wait
    DISABLED = "disabled"  # by us: answered 410, or failed too long; events are kept for a replay
    DELETED = "deleted"


class Payload(models.TextChoices):
    FULL = "full"
    THIN = "thin"  # data.object is id, object and url only


class ContentType(models.TextChoices):
    JSON = "application/json"
    CLOUDEVENTS = "application/cloudevents+json"


class Ordering(models.TextChoices):
    UNORDERED = "unordered"
    STRICT = "strict"  # one at a time, by sequence, held at a failure


class SignatureSuite(models.TextChoices):
    STANDARD = "standard"  # Standard Webhooks headers
    TIMESTAMPED = "timestamped"  # and `x-webhook-signature: t=…,v1=…` for older verifiers (C9)


class Endpoint(TenantModel):
    """Where events go. With an organization it gets that organization's events only.

    `failures` counts straight failures; ten open the breaker: until `probe_at` nothing is sent, then one
    probe at a time, `probe_delay` seconds apart. `failing_since` and `failed_messages` start anew with each
    success and decide about disabling.
    """

    PREFIX = "whe"

    organization = TenantForeignKey(Organization, null=True)
    mode = models.CharField(max_length=4)
    url = models.CharField(max_length=2048)
    description = models.CharField(max_length=200, blank=True)
    events = ArrayField(models.CharField(max_length=80))
    payload = models.CharField(max_length=4, choices=Payload, default=Payload.FULL)
    content_type = models.CharField(max_length=40, choices=ContentType, default=ContentType.JSON)
    ordering = models.CharField(max_length=9, choices=Ordering, default=Ordering.UNORDERED)
    signature_suite = models.CharField(max_length=11, choices=SignatureSuite, default=SignatureSuite.STANDARD)
    max_in_flight = models.PositiveSmallIntegerField(default=10)
    status = models.CharField(max_length=8, choices=EndpointStatus, default=EndpointStatus.ACTIVE)
    status_reason = models.CharField(max_length=200, blank=True)
    failures = models.PositiveIntegerField(default=0)
    probe_at = models.DateTimeField(null=True)
    probe_delay = models.PositiveIntegerField(default=0)
    failing_since = models.DateTimeField(null=True)
    failed_messages = models.PositiveIntegerField(default=0)
    last_failed_message_at = models.DateTimeField(null=True)
    last_success_at = models.DateTimeField(null=True)
    metadata = models.JSONField(default=dict)

    class Meta:
        indexes = [models.Index(fields=["tenant_id", "status"], name="webhooks_endpoint_status")]

    @property
    def is_failing(self) -> bool:
        return self.probe_at is not None

    @property
    def state(self) -> str:
        """The status as people see it: an active endpoint with an open breaker is `failing`."""
        return "failing" if self.status == EndpointStatus.ACTIVE and self.is_failing else self.status


class EndpointSecret(TenantModel):
    """32 random bytes, sealed with the tenant's data key. Without `expires_at` it is the current one."""

    PREFIX = "whs"

    endpoint = TenantForeignKey(Endpoint)
    organization_id = models.UUIDField(null=True, editable=False)
    sealed = models.BinaryField()
    expires_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["tenant_id", "endpoint"], name="webhooks_secret_endpoint")]


class DeliveryStatus(models.TextChoices):
    PENDING = "pending"
    DELIVERED = "delivered"
    EXHAUSTED = "exhausted"  # the dead letter: recover or resend it
    SKIPPED = "skipped"


class Delivery(TenantModel):
    """One event on its way to one endpoint. The row is the promise and the place in the queue.

    `due_at` is when it may be taken next; taking sets `lease` and moves `due_at` to the lease's end, so that
    a lost worker's deliveries come up again by themselves. `tries` counts attempts of this round of the
    schedule, `attempts` all of them, `leases` how often it was taken without a result.
    """

    PREFIX = "whd"

    organization_id = models.UUIDField(null=True, editable=False)
    endpoint = TenantForeignKey(Endpoint, db_index=False)
    event_id = models.UUIDField()
    event_type = models.CharField(max_length=80)
    sequence = models.BigIntegerField()
    mode = models.CharField(max_length=4)
    status = models.CharField(max_length=9, choices=DeliveryStatus, default=DeliveryStatus.PENDING)
    due_at = models.DateTimeField()
    lease = models.UUIDField(null=True)
    leases = models.PositiveSmallIntegerField(default=0)
    tries = models.PositiveSmallIntegerField(default=0)
    attempts = models.PositiveIntegerField(default=0)
    is_retry = models.BooleanField(default=False)
    is_replay = models.BooleanField(default=False)
    last_status = models.PositiveSmallIntegerField(null=True)
    last_error = models.CharField(max_length=24, blank=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["endpoint", "is_retry", "due_at"],
                name="webhooks_delivery_due",
                condition=models.Q(status="pending"),
            ),
            models.Index(
                fields=["endpoint", "sequence"],
                name="webhooks_delivery_order",
                condition=models.Q(status="pending"),
            ),
            models.Index(
                fields=["endpoint"],
                name="webhooks_delivery_flying",
                condition=models.Q(lease__isnull=False),
            ),
            models.Index(fields=["tenant_id", "endpoint", "id"], name="webhooks_delivery_list"),
            models.Index(fields=["tenant_id", "endpoint", "status", "id"], name="webhooks_delivery_status"),
            models.Index(fields=["tenant_id", "event_id"], name="webhooks_delivery_event"),
        ]

    @property
    def event_public_id(self) -> str:
        return ids.encode("evt", self.event_id)


class Attempt(TenantModel):
    """One request and what came back. Header values that prove authorship are cut short."""

    PREFIX = "wha"
    updated_at = None  # type: ignore[assignment]  # an attempt is written once

    organization_id = models.UUIDField(null=True, editable=False)
    delivery_id = models.UUIDField()
    number = models.PositiveIntegerField()
    sent_at = models.DateTimeField()
    duration_ms = models.PositiveIntegerField()
    status = models.PositiveSmallIntegerField(null=True)
    error = models.CharField(max_length=24, blank=True)
    request_headers = models.JSONField(default=dict)
    answer_headers = models.JSONField(default=dict)
    answer = models.TextField(blank=True)

    class Meta:
        indexes = [models.Index(fields=["tenant_id", "delivery_id", "number"], name="webhooks_attempt_of")]

    @property
    def succeeded(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


class EndpointDay(TenantModel):
    """An endpoint's attempts of one day (UTC), for the success share and the chart."""

    PREFIX = "whday"

    endpoint = TenantForeignKey(Endpoint)
    organization_id = models.UUIDField(null=True, editable=False)
    day = models.DateField()
    succeeded = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    duration_ms = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "endpoint", "day"], name="webhooks_endpointday_once")
        ]
