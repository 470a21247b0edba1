"""The job behind a replay: queues past events for one endpoint again."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from core import jobs
from core.principal import Actor
from events import registry
from events import selectors as events
from events.envelope import reaching
from events.models import Event, Seal
from webhooks import nudge, selectors
from webhooks.fanout import TEST
from webhooks.models import Delivery, Endpoint, EndpointStatus
from webhooks.services.deliveries import FINISHED, REPLAY, queue_again, report

PAGE = 1000


@jobs.handler(REPLAY)
def replay(payload: dict[str, Any]) -> None:
    """Queue again what was delivered before, and what never was; idempotent by the deliveries' own rows."""
    since = datetime.fromisoformat(payload["since"])
    rows = Endpoint.objects.select_for_update().filter(id=payload["endpoint"])
    endpoint = rows.filter(status=EndpointStatus.ACTIVE).first()
    if endpoint is None:
        return
    known = selectors.deliveries(endpoint).filter(event_id__gte=reaching(since), status__in=FINISHED)
    count = queue_again(known.exclude(event_type=TEST), is_replay=True)
    count += sum(_queue_missing(endpoint, page) for page in _pages(endpoint, since))
    report(Actor(**payload["actor"]), endpoint, since, "replay", count)
    transaction.on_commit(nudge.send)


def _pages(endpoint: Endpoint, since: datetime) -> Iterator[list[Event]]:
    types = registry.expand(endpoint.events, high_volume=False)
    rows = events.stream().filter(type__in=types, mode=endpoint.mode, id__gte=reaching(since))
    if endpoint.organization_id is not None:
        rows = rows.filter(organization_id=endpoint.organization_id)
    rows = rows.exclude(type=TEST).only("id", "type").order_by("id")
    last: uuid.UUID | None = None
    while page := list((rows.filter(id__gt=last) if last else rows)[:PAGE]):
        yield page
        last = page[-1].id


def sequences(event_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, int]:
    """Return the sequence of each sealed event."""
    rows = Seal.objects.filter(event_id__in=event_ids)
    return dict(rows.values_list("event_id", "sequence"))


def _queue_missing(endpoint: Endpoint, page: Sequence[Event]) -> int:
    wanted = [event.id for event in page]
    placed = sequences(wanted)  # what is not sealed yet goes the usual way
    own = Delivery.objects.filter(tenant_id=endpoint.tenant_id, endpoint_id=endpoint.id)
    known = set(own.filter(event_id__in=wanted).values_list("event_id", flat=True))
    missing = [event for event in page if event.id in placed and event.id not in known]
    Delivery.objects.bulk_create(
        Delivery(
            organization_id=endpoint.organization_id,
            endpoint=endpoint,
            event_id=event.id,
            event_type=event.type,
            sequence=placed[event.id],
            mode=endpoint.mode,
            due_at=timezone.now(),
            is_retry=True,
            is_replay=True,
        )
        for event in missing
    )
    return len(missing)
