"""Months of deliveries: made ahead of time, dropped whole; those of test tenants go earlier, by rows."""

from __future__ import annotations

from datetime import UTC, date, datetime

from django.db import connections
from django.utils import timezone

from core import scope
from core.housekeeping import delete_batch, sweep
from events.envelope import floor_of
from events.retention import later
from webhooks.selectors import KEPT

AHEAD = 3
BATCH = 1000
_MONTHS = """
SELECT right(c.relname, 6) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'webhooks_delivery'::regclass AND c.relname ~ '_[0-9]{6}$' ORDER BY 1
"""
_OLD_TESTS = """
WITH old AS (
    SELECT id FROM webhooks_delivery WHERE id < %(oldest)s AND mode = 'test' ORDER BY id LIMIT %(limit)s
), gone AS (
    DELETE FROM webhooks_attempt WHERE delivery_id IN (SELECT id FROM old)
)
DELETE FROM webhooks_delivery WHERE id IN (SELECT id FROM old)
"""


@sweep("webhook months")
def make_months() -> int:
    """Make the partitions of this month and the next three; returns how many were missing."""
    first = this_month()
    return sum(_call("webhooks_create_month", later(first, ahead)) for ahead in range(AHEAD + 1))


@sweep("webhook retention")
def drop_months() -> int:
    """Drop the oldest month whose deliveries are all past retention; returns 1 when one went, else 0."""
    limit = timezone.now() - KEPT["live"]
    due = [month for month in months() if later(month, 1) <= limit.date()]
    return int(_call("webhooks_drop_month", due[0])) if due else 0


@sweep("webhook tests")
def delete_tests() -> int:
    """Delete a batch of deliveries of test tenants past their seven days, with their attempts."""
    oldest = floor_of(timezone.now() - KEPT["test"])
    with scope.relay(), connections["relay"].cursor() as cursor:
        cursor.execute(_OLD_TESTS, {"oldest": oldest, "limit": BATCH})
        return int(cursor.rowcount)


@sweep("webhook endpoints")
def delete_endpoints() -> int:
    """Delete endpoints some weeks after their deletion, with what is left of their deliveries and days."""
    return delete_batch("webhooks_endpoint", "status = 'deleted' AND updated_at < now() - interval '60 days'")


@sweep("webhook days")
def delete_days() -> int:
    return delete_batch("webhooks_endpointday", "day < current_date - 90")


def months() -> list[date]:
    """Return the first days of the months that have a partition, oldest first."""
    with scope.relay(), connections["relay"].cursor() as cursor:
        cursor.execute(_MONTHS)
        return [date(int(name[:4]), int(name[4:]), 1) for (name,) in cursor.fetchall()]


def this_month() -> date:
    now = datetime.now(UTC)
    return date(now.year, now.month, 1)


def _call(function: str, month: date) -> bool:
    with scope.relay(), connections["relay"].cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s)", [month])
        row = cursor.fetchone()
    return bool(row and row[0])
