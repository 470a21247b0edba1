"""Registering, changing and deleting endpoints. A secret's text exists in the answer only."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from core import outbound, ports
from core.errors import FieldError, OrgMismatch, ValidationFailed
from core.principal import Principal
from events.services import emit
from organizations.models import Organization
from roles.permissions import Permission
from webhooks import described, filters, health, selectors, signing
from webhooks.errors import TooManyEndpoints
from webhooks.models import (
    ContentType,
    Delivery,
    DeliveryStatus,
    Endpoint,
    EndpointSecret,
    EndpointStatus,
    Ordering,
    Payload,
    SignatureSuite,
)

MAX_ENDPOINTS = 100
DEFAULT_GRACE, LONGEST_GRACE = timedelta(hours=24), timedelta(days=7)
CHOICES = {
    "payload": Payload,
    "content_type": ContentType,
    "ordering": Ordering,
    "signature_suite": SignatureSuite,
}
CLEARED: dict[str, type] = {"description": str, "metadata": dict}  # what null means
EDITABLE = {"url", "description", "events", "max_in_flight", "metadata", *CHOICES}


@dataclass(frozen=True)
class CreatedEndpoint:
    """A new endpoint and its secret, which is shown this one time."""

    endpoint: Endpoint
    secret: str = field(repr=False)


@transaction.atomic
def create_endpoint(
    *,
    actor: Principal,
    url: str,
    events: Iterable[str],
    description: str = "",
    organization: Organization | None = None,
    payload: str = Payload.FULL,
    content_type: str = ContentType.JSON,
    ordering: str = Ordering.UNORDERED,
    signature_suite: str = SignatureSuite.STANDARD,
    max_in_flight: int = 10,
    metadata: Mapping[str, str] | None = None,
) -> CreatedEndpoint:
    """Register a receiver; with `organization` it gets that organization's events only.

    Raises OutboundRefused for an address that may not be called, ValidationFailed for unknown events,
    TooManyEndpoints.
    """
    ports.authority.require(actor, Permission.WEBHOOKS_WRITE)
    if selectors.endpoints().count() >= MAX_ENDPOINTS:
        raise TooManyEndpoints
    values = _checked(
        {
            "url": url,
            "events": events,
            "description": description,
            "payload": payload,
            "content_type": content_type,
            "ordering": ordering,
            "signature_suite": signature_suite,
            "max_in_flight": max_in_flight,
            "metadata": dict(metadata or {}),
        }
    )
    endpoint = Endpoint(mode=actor.mode, organization_id=_organization(actor, organization), **values)
    endpoint.save(force_insert=True)
    secret = signing.add_secret(endpoint)
    tell("created", actor, endpoint)
    return CreatedEndpoint(endpoint, secret)


def _organization(actor: Principal, organization: Organization | None) -> uuid.UUID | None:
    wanted = organization.id if organization else None
    if actor.organization_id is not None and wanted not in (None, actor.organization_id):
        raise OrgMismatch
    return wanted or actor.organization_id


def _checked(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values normalised; raises OutboundRefused or ValidationFailed."""
    checked = dict(values)
    for name, value in values.items():
        if name in CLEARED and value is None:
            checked[name] = CLEARED[name]()
        elif name == "url":
            checked[name] = outbound.validate_url(value)
        elif name == "events":
            checked[name] = filters.check(value)
        elif name in CHOICES and value not in CHOICES[name].values:
            detail = f"Must be one of {', '.join(CHOICES[name].values)}."
            raise ValidationFailed(errors=[FieldError(f"/{name}", "invalid_choice", detail)])
        elif name == "max_in_flight" and not 1 <= value <= 50:
            raise ValidationFailed(errors=[FieldError("/max_in_flight", "out_of_range", "Must be 1 to 50.")])
    return checked


@transaction.atomic
def update_endpoint(*, actor: Principal, endpoint: Endpoint, **changes: Any) -> Endpoint:
    """Change what EDITABLE names; another address starts with a clean record. Raises as `create_endpoint`."""
    row = locked(actor, endpoint)
    if unknown := changes.keys() - EDITABLE:
        raise TypeError(f"{min(unknown)} of an endpoint cannot be changed")
    before = described.endpoint(row)
    for name, value in _checked(changes).items():
        setattr(row, name, value)
    after = described.endpoint(row)
    previous = {name: value for name, value in before.items() if after[name] != value}
    if not previous:
        return row
    if "url" in previous:
        health.reset(row)
    row.save()
    tell("updated", actor, row, previous)
    return row


@transaction.atomic
def delete_endpoint(*, actor: Principal, endpoint: Endpoint) -> None:
    """Send nothing more to it, forget its secrets and drop what waits. The row leaves with retention."""
    row = locked(actor, endpoint)
    row.status = EndpointStatus.DELETED
    row.save(update_fields=["status", "updated_at"])
    EndpointSecret.objects.filter(tenant_id=row.tenant_id, endpoint_id=row.id).delete()
    waiting = Delivery.objects.filter(
        tenant_id=row.tenant_id, endpoint_id=row.id, status=DeliveryStatus.PENDING
    )
    waiting.update(status=DeliveryStatus.SKIPPED, finished_at=timezone.now(), lease=None)
    tell("deleted", actor, row)


@transaction.atomic
def rotate_secret(*, actor: Principal, endpoint: Endpoint, grace: timedelta = DEFAULT_GRACE) -> str:
    """Return a new secret; the present one signs beside it for `grace`, 0 after a leak.

    Raises ValidationFailed for more than 7 days.
    """
    row = locked(actor, endpoint)
    if not timedelta(0) <= grace <= LONGEST_GRACE:
        detail = f"Must be 0 to {int(LONGEST_GRACE.total_seconds())} seconds."
        raise ValidationFailed(errors=[FieldError("/grace_seconds", "out_of_range", detail)])
    signing.retire_secrets(row, grace)
    secret = signing.add_secret(row)
    row.save(update_fields=["updated_at"])
    tell("secret_rotated", actor, row, grace_seconds=int(grace.total_seconds()))
    return secret


def locked(actor: Principal, endpoint: Endpoint) -> Endpoint:
    """Return the row locked for a change; raises what authority raises, NotFound when it is gone."""
    ports.authority.require(actor, Permission.WEBHOOKS_WRITE, endpoint)
    rows = Endpoint.objects.select_for_update().filter(tenant_id=endpoint.tenant_id, id=endpoint.id)
    found = rows.exclude(status=EndpointStatus.DELETED).first()
    return found if found is not None else selectors.endpoint(endpoint.id)


def tell(
    verb: str, actor: Principal, endpoint: Endpoint, previous: Mapping[str, Any] | None = None, **more: Any
) -> None:
    emit(
        f"webhook.endpoint.{verb}",
        actor=actor.actor,
        object={**described.endpoint(endpoint), **more},
        previous=previous or None,
        organization_id=endpoint.organization_id,
    )
