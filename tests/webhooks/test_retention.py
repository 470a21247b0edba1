"""Deliveries are kept 30 days in live tenants and 7 in test tenants; months come ahead and go whole."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError
from django.utils import timezone

from core import scope
from core.errors import NotFound
from events.envelope import floor_of
from events.retention import later
from tests.factories import Cast, make_principal, make_tenant
from tests.webhooks.receiver import deliveries, happen, receiving, register
from webhooks import pump, retention, selectors, services
from webhooks.models import Attempt, Delivery, Endpoint, EndpointSecret


def backdate(tenant, endpoint: Endpoint, days: int) -> Delivery:  # type: ignore[no-untyped-def]
    """Put a delivery into the past, as its key says when it was made."""
    import uuid

    old = floor_of(timezone.now() - timedelta(days=days))
    with scope.tenant(tenant.id):
        row = Delivery.objects.filter(endpoint=endpoint).order_by("-id")[0]
        row.pk = uuid.UUID(int=old.int | uuid.uuid4().int & (1 << 60) - 1)
        row.status = "delivered"
        row.save(force_insert=True)
        now = timezone.now()
        Attempt.objects.create(delivery_id=row.id, number=1, sent_at=now, duration_ms=1, status=200)
    return row


def test_old_deliveries_of_test_tenants_are_deleted_with_their_attempts(cast: Cast) -> None:
    live = make_tenant(mode="live")
    kept = []
    for tenant in (cast.acme, live):
        endpoint = register(tenant, "https://hooks.example.invalid/a").endpoint
        happen(tenant)
        kept.append((tenant, backdate(tenant, endpoint, 8)))
    assert retention.delete_tests() >= 1
    for tenant, row in kept:
        with scope.tenant(tenant.id):
            attempts = Attempt.objects.filter(delivery_id=row.id)
            left = Delivery.objects.filter(id=row.id).count(), attempts.count()
        assert left == ((1, 1) if tenant is live else (0, 0))


def test_what_is_past_retention_is_not_shown_even_while_its_row_is_left(cast: Cast) -> None:
    live = make_tenant(mode="live")
    endpoint = register(live, "https://hooks.example.invalid/a").endpoint
    happen(live)
    old = backdate(live, endpoint, 31)
    with scope.tenant(live.id):
        assert old not in selectors.deliveries(endpoint)
        with pytest.raises(NotFound):
            selectors.delivery(old.id)


def test_months_are_made_ahead_and_a_young_one_is_not_dropped() -> None:
    retention.make_months()
    first = retention.this_month()
    assert {later(first, ahead) for ahead in range(4)} <= set(retention.months())
    assert retention.make_months() == 0
    with pytest.raises(DatabaseError, match="too young"):
        retention._call("webhooks_drop_month", first)


def test_a_deleted_endpoint_leaves_with_everything_of_it(cast: Cast) -> None:
    with receiving() as receiver:
        endpoint = register(cast.acme, receiver.url).endpoint
        other = register(cast.acme, receiver.url).endpoint
        happen(cast.acme)
        pump.deliver_due()
    with scope.tenant(cast.acme.id):
        services.delete_endpoint(actor=make_principal(cast.acme), endpoint=endpoint)
        assert EndpointSecret.objects.filter(endpoint=endpoint).count() == 0
        Endpoint.objects.filter(id=endpoint.id).update(updated_at=timezone.now() - timedelta(days=61))
    assert retention.delete_endpoints() == 1
    with scope.tenant(cast.acme.id):
        assert list(Endpoint.objects.all()) == [other]
    assert deliveries(cast.acme, endpoint) == []
    assert len(deliveries(cast.acme, other)) == 1
    retention.delete_days()
