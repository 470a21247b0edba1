"""When to try again (events.md, Delivery 5 and 6)."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

MINUTE, HOUR = 60, 3600
# Seconds before each attempt of a round; after the last one the message is a dead letter.
DELAYS = (0, 5, MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 6 * HOUR, 12 * HOUR, 24 * HOUR)
JITTER = 0.1
LONGEST_WAIT = 24 * HOUR
BREAKER_OPENS_AT = 10  # straight failures
FIRST_PROBE, LONGEST_PROBE = MINUTE, HOUR


def delay_after(tries: int) -> float | None:
    """Return the seconds to wait after `tries` attempts, ±10 %; None when there are no more."""
    if tries >= len(DELAYS):
        return None
    return DELAYS[tries] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 — spreads load, guards nothing


def next_attempt(now: datetime, tries: int, retry_after: float | None) -> datetime | None:
    """Return when to try again; the receiver may ask for more time, not for less."""
    delay = delay_after(tries)
    if delay is None:
        return None
    return now + timedelta(seconds=max(delay, retry_after or 0))


def read_retry_after(text: str, now: datetime) -> float | None:
    """Return the seconds of a Retry-After header (RFC 9110 §10.2.3), at most a day; None when unreadable."""
    text = text.strip()
    if text.isascii() and text.isdecimal():
        return float(min(int(text[:9]), LONGEST_WAIT))
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max((moment - now).total_seconds(), 0.0), LONGEST_WAIT)


def next_probe(delay: int) -> int:
    """Return the seconds to the next probe of an open breaker: 1 min, doubling to 1 h."""
    return min(delay * 2, LONGEST_PROBE) if delay else FIRST_PROBE
