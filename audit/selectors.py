"""The audit log: events read as entries (who did what to which thing, before and after), and their chain."""

from __future__ import annotations

import uuid
from typing import Any

from django.db.models import QuerySet

from core import scope
from core.errors import InsufficientRole, NotFound
from core.principal import Principal
from events import chain
from events.chain import Report
from events.models import Event, Seal, StreamHead
from events.selectors import Search, described, envelope, search, stream

RECENT = 100  # seals that the badge of a page verifies
MOST = 5000  # seals that one call verifies


def entries(wanted: Search) -> QuerySet[Event]:
    """Return the matching events of the open scope, ready for `entry`."""
    return described(search(wanted))


def event(event_id: uuid.UUID) -> Event:
    """Return one event of the open scope; raises NotFound."""
    found = described(stream()).filter(id=event_id).first()
    if found is None:
        raise NotFound
    return found


def entry(row: Event) -> dict[str, Any]:
    """Return an audit entry (docs/events.md) of an event that `entries` or `event` read."""
    whole = envelope(row)
    data = whole["data"]
    shown: dict[str, Any] = data["object"]
    return {
        "id": whole["id"],
        "object": "audit_entry",
        "action": whole["type"],
        "actor": data["actor"],
        "target": {"id": shown["id"], "type": shown["object"]},
        "on_behalf_of": data.get("on_behalf_of"),
        "delegation": data.get("delegation"),
        "organization": whole.get("orgid"),
        "changes": changes(shown, data.get("previous")),
        "reason": shown.get("reason") or data["context"].get("reason"),
        "context": data["context"],
        "sequence": whole.get("sequence"),
        "mode": whole["mode"],
        "created_at": whole["time"],
    }


def changes(shown: dict[str, Any], previous: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Return each changed field with its value before and after; None stands for "not there"."""
    after = {name: value for name, value in shown.items() if name not in ("id", "object")}
    before = previous or {}
    names = before if previous else after
    return [{"field": name, "before": before.get(name), "after": after.get(name)} for name in names]


def seal_of(row: Event) -> Seal | None:
    return Seal.objects.filter(event_id=row.id).first()


def head() -> StreamHead | None:
    """Return where the open tenant's chain stands; None before its first seal."""
    return StreamHead.objects.filter(stream=scope.require_tenant()).first()


def verification(actor: Principal, *, after: int | None = None, limit: int = 1000) -> Report:
    """Walk up to `limit` seals of the tenant's chain after sequence `after`; by default the newest.

    Raises InsufficientRole for an organization's caller, who sees only a part of the chain.
    """
    if actor.organization_id is not None:
        raise InsufficientRole("The chain runs over all organizations: verify it as a tenant-level caller.")
    limit = min(limit, MOST)
    if after is None:
        stands = head()
        after = max(stands.sequence - limit, 0) if stands else 0
    return chain.verify(scope.require_tenant(), after=after, limit=limit)
