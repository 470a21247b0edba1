"""Taking due deliveries: fair over tenants, then endpoints, and never too many at once for one of them.

The delivery table is the queue. Taking a delivery moves its `due_at` to the end of a lease: a worker that
is lost gives nothing back, and the delivery comes up again by itself (promise R7).
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django.db import connections

from core import ids, scope

LEASE = 30  # seconds; a request ends after 15
TENANT_IN_FLIGHT = 50  # a tenant with many hanging endpoints leaves room for the others
RETRY_SHARE = 4  # a quarter of each batch is kept for retries

# `busy` hops over the index from endpoint to endpoint, so that a paused endpoint's backlog costs one step.
# An open breaker admits one probe when its time has come, a strict endpoint its oldest message only.
_CHOOSE = """
WITH RECURSIVE busy AS (
    (SELECT endpoint_id FROM webhooks_delivery WHERE status = 'pending' ORDER BY endpoint_id LIMIT 1)
    UNION ALL
    SELECT (SELECT d.endpoint_id FROM webhooks_delivery d
            WHERE d.status = 'pending' AND d.endpoint_id > busy.endpoint_id
            ORDER BY d.endpoint_id LIMIT 1)
    FROM busy WHERE busy.endpoint_id IS NOT NULL
), flying AS (
    SELECT tenant_id, endpoint_id, count(*) AS n FROM webhooks_delivery
    WHERE lease IS NOT NULL AND status = 'pending' AND due_at > now() GROUP BY tenant_id, endpoint_id
), ready AS (
    SELECT e.id, e.tenant_id, e.ordering = 'strict' AS strict,
           CASE WHEN e.probe_at IS NOT NULL OR e.ordering = 'strict' THEN 1 ELSE e.max_in_flight END
           - coalesce((SELECT n FROM flying f WHERE f.endpoint_id = e.id), 0) AS room,
           %(tenant_room)s - coalesce((SELECT sum(n) FROM flying f WHERE f.tenant_id = e.tenant_id), 0)
           AS tenant_room
    FROM busy JOIN webhooks_endpoint e ON e.id = busy.endpoint_id
    WHERE e.status = 'active' AND (e.probe_at IS NULL OR e.probe_at <= now())
), queued AS (
    SELECT r.id AS endpoint_id, r.tenant_id, r.tenant_room, d.id,
           row_number() OVER (PARTITION BY r.id ORDER BY d.due_at) AS nth
    FROM ready r CROSS JOIN LATERAL (
        SELECT q.id, q.due_at FROM webhooks_delivery q
        WHERE q.endpoint_id = r.id AND q.status = 'pending' AND q.is_retry = %(retry)s AND q.due_at <= now()
          AND (NOT r.strict OR q.id = (
              SELECT o.id FROM webhooks_delivery o WHERE o.endpoint_id = r.id AND o.status = 'pending'
              ORDER BY o.sequence LIMIT 1))
        ORDER BY q.due_at LIMIT greatest(least(r.room, r.tenant_room, %(limit)s), 0)
    ) d
), turns AS (
    SELECT id, tenant_room,
           row_number() OVER (PARTITION BY tenant_id ORDER BY nth, random()) AS turn FROM queued
)
SELECT id FROM turns WHERE turn <= tenant_room ORDER BY turn, random() LIMIT %(limit)s
"""
_TAKE = """
UPDATE webhooks_delivery SET lease = %(lease)s, leases = leases + 1,
       due_at = now() + %(seconds)s * interval '1 second'
WHERE id IN (
    SELECT id FROM webhooks_delivery WHERE id = ANY (%(chosen)s) AND status = 'pending' AND due_at <= now()
    FOR UPDATE SKIP LOCKED)
RETURNING id, tenant_id, endpoint_id, event_id, sequence, leases, is_replay
"""
# One worker chooses at a time, for some milliseconds: two that count what is in flight at once would both
# fill the same endpoint.
_ONE_CHOOSER = "SELECT pg_advisory_xact_lock(hashtextextended('webhooks:choose', 0))"


@dataclass(frozen=True)
class Leased:
    """A delivery in our hands until its lease ends. `leases` counts how often it was taken without result."""

    id: uuid.UUID
    tenant_id: uuid.UUID
    endpoint_id: uuid.UUID
    event_id: uuid.UUID
    sequence: int
    leases: int
    is_replay: bool
    lease: uuid.UUID


def lease_due(limit: int) -> list[Leased]:
    """Take up to `limit` due deliveries: first attempts before retries, which keep a share of their own."""
    if limit <= 0:
        return []
    with scope.relay(), connections["relay"].cursor() as cursor:
        cursor.execute(_ONE_CHOOSER)
        first = _take(cursor, max(limit - limit // RETRY_SHARE, 1), retry=False)
        return first + _take(cursor, limit - len(first), retry=True)


def _take(cursor: Any, limit: int, *, retry: bool) -> list[Leased]:
    if limit <= 0:
        return []
    cursor.execute(_CHOOSE, {"retry": retry, "limit": limit, "tenant_room": TENANT_IN_FLIGHT})
    chosen = [row[0] for row in cursor.fetchall()]
    if not chosen:
        return []
    lease = ids.uuid7()
    cursor.execute(_TAKE, {"lease": lease, "seconds": LEASE, "chosen": chosen})
    return [Leased(*row, lease=lease) for row in cursor.fetchall()]  # type: ignore[misc]  # lease comes last
