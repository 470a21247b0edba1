"""An endpoint's health: the breaker, and disabling what answered 410 or failed for days.

These change the row in memory; `recording` holds its lock and saves it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from core.principal import SYSTEM
from events.services import emit
from webhooks import alarm, described, schedule
from webhooks.models import Endpoint, EndpointStatus

GONE = 410
DISABLE_AFTER = timedelta(days=5)
DISABLE_MESSAGES = 10
DISABLE_SPREAD = timedelta(hours=24)
SAVED = (
    "status", "status_reason", "failures", "probe_at", "probe_delay", "failing_since", "failed_messages",
    "last_failed_message_at", "last_success_at",
)  # fmt: skip


def reset(endpoint: Endpoint) -> None:
    """Close the breaker and forget the failures."""
    endpoint.failures = endpoint.failed_messages = endpoint.probe_delay = 0
    endpoint.probe_at = endpoint.failing_since = endpoint.last_failed_message_at = None


def succeeded(endpoint: Endpoint, now: datetime) -> None:
    reset(endpoint)
    endpoint.last_success_at = now


def failed(endpoint: Endpoint, now: datetime, *, status: int | None, new_message: bool) -> None:
    """Count a failure; `new_message` says that it is the first of this delivery."""
    if endpoint.status != EndpointStatus.ACTIVE:
        return
    endpoint.failures += 1
    endpoint.failing_since = endpoint.failing_since or now
    if new_message:
        endpoint.failed_messages += 1
        endpoint.last_failed_message_at = now
    if status == GONE:
        disable(endpoint, "The receiver answered 410 Gone.")
    elif _failed_too_long(endpoint, now):
        disable(endpoint, f"No delivery succeeded since {endpoint.failing_since:%Y-%m-%d}.")
    else:
        _trip(endpoint, now)


def _trip(endpoint: Endpoint, now: datetime) -> None:
    """Open the breaker, or move its next probe; what was under way when it opened moves nothing."""
    if endpoint.probe_at is None:
        if endpoint.failures < schedule.BREAKER_OPENS_AT:
            return
        emit("webhook.endpoint.failing", actor=SYSTEM, **_about(endpoint))
    elif endpoint.probe_at > now:
        return
    endpoint.probe_delay = schedule.next_probe(endpoint.probe_delay)
    endpoint.probe_at = now + timedelta(seconds=endpoint.probe_delay)


def _failed_too_long(endpoint: Endpoint, now: datetime) -> bool:
    """Failing both long and often: one bad day, or one message that never arrives, is not enough."""
    since, last = endpoint.failing_since, endpoint.last_failed_message_at
    if since is None or last is None or now - since < DISABLE_AFTER:
        return False
    return endpoint.failed_messages >= DISABLE_MESSAGES and last - since >= DISABLE_SPREAD


def disable(endpoint: Endpoint, reason: str) -> None:
    endpoint.status, endpoint.status_reason = EndpointStatus.DISABLED, reason
    emit("webhook.endpoint.disabled", actor=SYSTEM, previous={"status": "active"}, **_about(endpoint))
    alarm.tell_administrators(endpoint)


def _about(endpoint: Endpoint) -> dict[str, Any]:
    return {"object": described.endpoint(endpoint), "organization_id": endpoint.organization_id}
