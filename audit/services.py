"""Exporting the audit log, which is itself audited."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from audit.selectors import entries, entry
from core import ids, ports
from core.principal import Principal
from core.spreadsheets import written
from events.selectors import Search
from events.services import emit

MOST = 10_000
COLUMNS = (
    "time", "action", "actor_type", "actor", "via", "on_behalf_of", "target_type", "target", "organization",
    "changes", "reason", "ip", "user_agent", "request_id", "sequence", "event",
)  # fmt: skip


def export(*, actor: Principal, wanted: Search) -> str:
    """Return the newest matching entries (at most 10,000) as CSV, and record the export.

    Raises what `authority.require` raises.
    """
    ports.authority.require(actor, "audit:read")
    found = list(entries(wanted).order_by("-id")[: MOST + 1])
    emit(
        "audit.exported",
        actor=actor.actor,
        organization_id=actor.organization_id,
        object={
            "id": ids.encode("exp", ids.uuid7()),
            "object": "audit_export",
            "format": "csv",
            "entries": min(len(found), MOST),
            "is_complete": len(found) <= MOST,
            "filters": _named(wanted),
        },
    )
    return _csv(entry(row) for row in found[:MOST])


def _named(wanted: Search) -> dict[str, str]:
    """Return the filters by name; an address is personal, so only its presence is told."""
    told = {name: value for name, value in vars(wanted).items() if value}
    if "ip" in told:
        told["ip"] = "given"
    if "types" in told:
        told["types"] = ",".join(told["types"])
    if "organization_id" in told:
        told["organization_id"] = ids.encode("org", told["organization_id"])
    return {name: str(value) for name, value in told.items()}


def _csv(found: Iterable[dict[str, Any]]) -> str:
    return written(COLUMNS, (_row(one) for one in found))


def _row(one: dict[str, Any]) -> tuple[Any, ...]:
    actor, context = one["actor"], one["context"]
    return (
        one["created_at"],
        one["action"],
        actor["type"],
        actor["id"],
        actor.get("via"),
        (one["on_behalf_of"] or {}).get("id"),
        one["target"]["type"],
        one["target"]["id"],
        one["organization"],
        json.dumps(one["changes"], ensure_ascii=False) if one["changes"] else "",
        one["reason"],
        context.get("ip"),
        context.get("user_agent"),
        context["request_id"],
        one["sequence"],
        one["id"],
    )
