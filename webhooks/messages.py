"""The request of one attempt: body, headers, and whether it may still go out at all.

The body is the event's envelope in a fixed order of members, so that each attempt sends the same bytes
until a personal value in it is erased. Rights are looked at again here, not only at the fan-out: what was
removed, paused or moved to another tenant meanwhile gets nothing more (threat W4).
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from django.utils import timezone

from core import crypto, ids, scope
from events import selectors as events
from events.models import Event
from tenants import selectors as tenants
from webhooks import signing
from webhooks.models import Endpoint, EndpointStatus, Payload
from webhooks.queue import Leased

log = structlog.get_logger(__name__)
MAX_LEASES = 5  # taken so often without a result, a delivery spends an attempt without being sent


@dataclass(frozen=True)
class Message:
    """What is sent for a delivery. `error` says why it is not: the attempt then counts as failed."""

    leased: Leased
    url: str = ""
    body: bytes = b""
    headers: dict[str, str] | None = None
    error: str = ""


def compose(tenant_id: uuid.UUID, leased: Sequence[Leased]) -> tuple[list[Message], list[Leased]]:
    """Return (messages to send, deliveries to put back because their endpoint takes nothing now)."""
    if (tenant := tenants.by_id(tenant_id)) is None or not tenant.is_active:
        return [], list(leased)
    with scope.tenant(tenant_id):
        endpoints = {
            row.id: row
            for row in Endpoint.objects.filter(
                tenant_id=tenant_id,
                id__in={one.endpoint_id for one in leased},
                status=EndpointStatus.ACTIVE,
                mode=tenant.mode,
            )
        }
        wanted = [one for one in leased if one.endpoint_id in endpoints]
        messages = _messages(wanted, endpoints)
    return messages, [one for one in leased if one.endpoint_id not in endpoints]


def _messages(wanted: Sequence[Leased], endpoints: dict[uuid.UUID, Endpoint]) -> list[Message]:
    now = timezone.now()
    secrets = _secrets(list(endpoints), now)
    rows = {row.id: row for row in events.stream().filter(id__in={one.event_id for one in wanted})}
    envelopes = events.render_sealed(
        {
            one.event_id: (bytes(rows[one.event_id].canonical), one.sequence)
            for one in wanted
            if one.event_id in rows
        }
    )
    found = []
    for one in wanted:
        endpoint = endpoints[one.endpoint_id]
        keys, event = secrets.get(endpoint.id, []), rows.get(one.event_id)
        error = _refusal(one, endpoint, event, keys)
        if error:
            found.append(Message(one, error=error))
        else:
            found.append(_message(one, endpoint, keys, envelopes[one.event_id], now))
    return found


def _secrets(endpoint_ids: list[uuid.UUID], now: datetime) -> dict[uuid.UUID, list[bytes]]:
    try:
        return signing.live_secrets(endpoint_ids, now)
    except crypto.SealError:
        log.exception("a webhook secret does not open")
        return {}


def _refusal(one: Leased, endpoint: Endpoint, event: Event | None, keys: list[bytes]) -> str:
    if one.leases > MAX_LEASES:
        return "lost"
    if event is None or event.mode != endpoint.mode:
        return "event_gone"
    if endpoint.organization_id not in (None, event.organization_id):
        return "not_allowed"
    return "" if keys else "no_secret"


def _message(
    one: Leased, endpoint: Endpoint, keys: list[bytes], envelope: dict[str, Any], now: datetime
) -> Message:
    body = body_of(envelope, endpoint.payload)
    message_id = ids.encode("evt", one.event_id)
    headers = signing.headers(endpoint, keys, message_id, body, now, replay=one.is_replay)
    return Message(one, endpoint.url, body, headers)


def body_of(envelope: dict[str, Any], payload: str) -> bytes:
    """Return the body: sorted members, no spaces, UTF-8."""
    shown = thin(envelope) if payload == Payload.THIN else envelope
    return json.dumps(shown, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def thin(envelope: dict[str, Any]) -> dict[str, Any]:
    """Return the envelope with `data.object` as id, object and the address of the whole event."""
    whole = envelope["data"]["object"]
    url = f"{envelope['source']}/v1/events/{envelope['id']}"
    return {**envelope, "data": {"object": {"id": whole["id"], "object": whole["object"], "url": url}}}
