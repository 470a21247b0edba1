"""Reading events: one, a search, and the envelopes of a page.

Every filter is an equality or a range on the key, each with an index that starts with the tenant: under
row-level security other operators would fall back to scanning.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from core import scope
from events import registry
from events.envelope import floor_of, render
from events.models import Event, EventPersonal, PendingEvent, Seal


@dataclass(frozen=True)
class Search:
    """What to look for; empty members do not narrow. `types` may hold wildcards (`user.*`).

    `since` is inclusive, `until` exclusive.
    """

    types: Sequence[str] = ()
    actor: str = ""
    actor_type: str = ""
    object: str = ""
    on_behalf_of: str = ""
    organization_id: uuid.UUID | None = None
    request_id: str = ""
    ip: str = ""
    since: datetime | None = None
    until: datetime | None = None


def stream() -> QuerySet[Event]:
    """Return the events of the open scope: a tenant's (an organization's part of it) or a person's own."""
    opened = scope.require()
    if opened.tenant_id is not None:
        rows = Event.objects.filter(tenant_id=opened.tenant_id)
        if opened.organization not in ("", scope.ALL_ORGANIZATIONS):
            rows = rows.filter(organization_id=uuid.UUID(opened.organization))
        return rows
    if opened.account_id is not None:
        return Event.objects.filter(account_id=opened.account_id)
    return Event.objects.filter(tenant_id=None, account_id=None)


def search(wanted: Search) -> QuerySet[Event]:
    """Return the matching events of the open scope, unordered."""
    rows = stream()
    if wanted.types:
        rows = rows.filter(type__in=registry.expand(wanted.types))
    exact = {
        "actor_id": wanted.actor,
        "actor_type": wanted.actor_type,
        "object_id": wanted.object,
        "on_behalf_of": wanted.on_behalf_of,
        "organization_id": wanted.organization_id,
        "request_id": wanted.request_id,
    }
    rows = rows.filter(**{column: value for column, value in exact.items() if value})
    if wanted.since is not None:
        rows = rows.filter(id__gte=floor_of(wanted.since))
    if wanted.until is not None:
        rows = rows.filter(id__lt=floor_of(wanted.until))
    return rows.filter(id__in=_from_address(wanted.ip)) if wanted.ip else rows


def _from_address(ip: str) -> QuerySet[EventPersonal, Any]:
    opened = scope.require()
    rows = EventPersonal.objects.filter(name="context.ip", value=ip)
    rows = rows.filter(tenant_id=opened.tenant_id, account_id=opened.account_id)
    return rows.values("event_id")


def sequences(event_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, int]:
    """Return the sequence of each sealed event."""
    rows = Seal.objects.filter(event_id__in=list(event_ids))
    return dict(rows.values_list("event_id", "sequence"))


def personal_values(event_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, dict[str, str]]:
    """Return the personal values that are still kept, by event and path."""
    found: dict[uuid.UUID, dict[str, str]] = {}
    rows = EventPersonal.objects.filter(event_id__in=list(event_ids), value__isnull=False)
    for event_id, name, value in rows.values_list("event_id", "name", "value"):
        found.setdefault(event_id, {})[name] = value or ""
    return found


def envelopes(events: Sequence[Event]) -> list[dict[str, Any]]:
    """Return the envelope of each event (docs/events.md), with two queries for all of them."""
    wanted = [event.id for event in events]
    placed, personal = sequences(wanted), personal_values(wanted)
    return [
        render(bytes(event.canonical), personal.get(event.id, {}), placed.get(event.id)) for event in events
    ]


def render_sealed(canonical: Mapping[uuid.UUID, tuple[bytes, int]]) -> dict[uuid.UUID, dict[str, Any]]:
    """Return envelopes for `{event id: (canonical bytes, sequence)}`, as deliveries need them."""
    personal = personal_values(canonical)
    return {
        event_id: render(data, personal.get(event_id, {}), sequence)
        for event_id, (data, sequence) in canonical.items()
    }


def waiting() -> int:
    """Return how many events of the open scope are not sealed yet."""
    return PendingEvent.objects.count()
