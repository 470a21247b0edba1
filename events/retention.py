"""Months of events: made ahead of time, dropped by retention under a signed checkpoint."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime

from django.conf import settings
from django.db import connections

from core import scope
from core.housekeeping import sweep
from events.chain import sign
from events.envelope import floor_of
from events.models import Checkpoint

AHEAD = 3
_MONTHS = """
SELECT right(c.relname, 6) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'events_event'::regclass AND c.relname ~ '_[0-9]{6}$' ORDER BY 1
"""
_LAST_SEALS = """
SELECT DISTINCT ON (stream) stream, tenant_id, account_id, sequence, hash,
       count(*) OVER (PARTITION BY stream)
FROM events_seal WHERE event_id >= %s AND event_id < %s ORDER BY stream, sequence DESC
"""


@sweep("event months")
def make_months() -> int:
    """Make the partitions of this month and the next three; returns how many were missing."""
    now = datetime.now(UTC)
    wanted = [later(date(now.year, now.month, 1), ahead) for ahead in range(AHEAD + 1)]
    return sum(_call("events_create_month", month) for month in wanted)


@sweep("event retention")
def drop_months() -> int:
    """Drop the oldest month that is past `EVENT_RETENTION_MONTHS`; returns 1 when one went, else 0."""
    kept = settings.EVENT_RETENTION_MONTHS
    if not kept:
        return 0
    now = datetime.now(UTC)
    oldest_kept = later(date(now.year, now.month, 1), -kept)
    due = [month for month in months() if month < oldest_kept]
    return int(drop(due[0])) if due else 0


def months() -> list[date]:
    """Return the first days of the months that have a partition, oldest first."""
    with scope.relay(), connections["relay"].cursor() as cursor:
        cursor.execute(_MONTHS)
        return [date(int(name[:4]), int(name[4:]), 1) for (name,) in cursor.fetchall()]


def drop(month: date) -> bool:
    """Record where each stream stood in the month, signed, then drop it. The database refuses a young one."""
    with scope.relay():
        _record_checkpoints(month)
        return _call("events_drop_month", month)


def _record_checkpoints(month: date) -> None:
    name = f"{month:%Y%m}"
    with connections["relay"].cursor() as cursor:
        cursor.execute(_LAST_SEALS, [_floor(month), _floor(later(month, 1))])
        rows = cursor.fetchall()
    Checkpoint.objects.bulk_create(
        [
            Checkpoint(
                stream=stream,
                tenant_id=tenant_id,
                account_id=account_id,
                partition=name,
                sequence=sequence,
                hash=last,
                dropped=count,
                signature=sign(stream, name, sequence, bytes(last)),
            )
            for stream, tenant_id, account_id, sequence, last, count in rows
        ],
        ignore_conflicts=True,
        batch_size=1000,
    )


def _call(function: str, month: date) -> bool:
    with scope.relay(), connections["relay"].cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s)", [month])
        row = cursor.fetchone()
    return bool(row and row[0])


def _floor(month: date) -> uuid.UUID:
    return floor_of(datetime(month.year, month.month, 1, tzinfo=UTC))


def later(month: date, by: int) -> date:
    """Return the first day of the month `by` months later."""
    count = month.year * 12 + month.month - 1 + by
    return date(count // 12, count % 12 + 1, 1)
