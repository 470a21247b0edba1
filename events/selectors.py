"""Reading events: one, a search, and the envelopes of a page.

Every filter is an equality or a range on the key, each with an index that starts with the tenant: under
row-level security other operators would fall back to scanning.
"""

from __future__ import annotations

import ipaddress
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import JSONObject

from core import ids, scope
from events import registry
from events.envelope import floor_of, render
from events.models import PLATFORM, Event, EventPersonal, PendingEvent, Seal


@dataclass(frozen=True)
class Search:
    """What to look for; empty members do not narrow. `types` may hold wildcards (`user.*`).

    `anything` is what a person typed: an event's, request's, actor's or object's id, an address, or a type.

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
    anything: str = ""
    since: datetime | None = None
    until: datetime | None = None


def stream() -> QuerySet[Event]:
    """Return the events of the open scope: a tenant's (an organization's part of it) or a person's own."""
    opened = scope.require()
    rows = Event.objects.filter(stream=_stream(opened))
    if opened.organization not in ("", scope.ALL_ORGANIZATIONS):
        rows = rows.filter(organization_id=uuid.UUID(opened.organization))
    return rows


def _stream(opened: scope.Scope) -> uuid.UUID:
    return opened.tenant_id or opened.account_id or PLATFORM


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
    if wanted.ip:
        rows = rows.filter(id__in=_from_address(wanted.ip))
    return rows.filter(_anything(wanted.anything)) if wanted.anything else rows


def _anything(text: str) -> Q:
    """Read what was typed by its form; every form has an index."""
    text = text.strip()
    if text.startswith("evt_"):
        try:
            return Q(id=Event.read_id(text))
        except ids.MalformedId:
            return Q(pk__in=[])
    if text.startswith("req_"):
        return Q(request_id=text)
    if _is_address(text):
        return Q(id__in=_from_address(text))
    if names := registry.expand([text, f"{text.rstrip('.*')}.*"]):
        return Q(type__in=names)
    return Q(actor_id=text) | Q(object_id=text) | Q(on_behalf_of=text)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _from_address(ip: str) -> QuerySet[EventPersonal, Any]:
    rows = EventPersonal.objects.filter(stream=_stream(scope.require()), name="context.ip", value=ip)
    return rows.values("event_id")


def described(rows: QuerySet[Event]) -> QuerySet[Event]:
    """Add what `envelope` needs to each row, in the same query."""
    seal = Seal.objects.filter(event_id=OuterRef("id"))
    personal = EventPersonal.objects.filter(event_id=OuterRef("id"), value__isnull=False)
    return rows.annotate(
        sequence=Subquery(seal.values("sequence")),
        personal=ArraySubquery(personal.values(pair=JSONObject(name="name", value="value"))),
    )


def envelope(event: Any) -> dict[str, Any]:
    """Return the envelope (docs/events.md) of an event that `described` read."""
    personal = {pair["name"]: pair["value"] for pair in event.personal}
    return render(bytes(event.canonical), personal, event.sequence)


def personal_values(event_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, dict[str, str]]:
    """Return the personal values that are still kept, by event and path."""
    found: dict[uuid.UUID, dict[str, str]] = {}
    rows = EventPersonal.objects.filter(event_id__in=list(event_ids), value__isnull=False)
    for event_id, name, value in rows.values_list("event_id", "name", "value"):
        found.setdefault(event_id, {})[name] = value or ""
    return found


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
