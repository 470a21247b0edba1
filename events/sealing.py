"""Sealing: pending events get their place in the chain of their stream, in identity order, within a second.

Identity values commit out of order, so what waits is read as it is, never "after the last one seen". Any
number of sealers may run: each stream is sealed under an advisory lock that lasts until the commit.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from django.db import InterfaceError, OperationalError

from core import scope
from core.postgres.prepared import Prepared
from events import rows
from events.chain import GENESIS, seal_hash
from events.models import Event

log = structlog.get_logger(__name__)
BATCH = 500
WINDOW = 2000  # how many of the oldest pending rows decide which streams a batch serves
RELAY = "relay"
SET_ASIDE = 5.0  # seconds for which a stream that fails is left alone, so that others go on


@dataclass(frozen=True)
class SealedEvent:
    """An event with its place in its stream, as the hooks get it. `canonical` is the envelope's bytes
    without sequence and personal values (events.envelope.render puts both in).
    """

    id: uuid.UUID
    stream: uuid.UUID
    tenant_id: uuid.UUID | None
    account_id: uuid.UUID | None
    organization_id: uuid.UUID | None
    type: str
    actor_id: str
    object_type: str
    object_id: str
    mode: str
    canonical: bytes
    created_at: datetime
    sequence: int
    previous_hash: bytes
    hash: bytes


Hook = Callable[[Sequence[SealedEvent]], None]
_hooks: list[Hook] = []
_aside: dict[uuid.UUID, float] = {}


def on_sealed(hook: Hook) -> Hook:
    """Register what runs with each batch, inside its transaction under the relay role.

    What it writes commits with the seals, exactly once. An error holds its streams back, to be tried again.
    """
    if hook not in _hooks:
        _hooks.append(hook)
    return hook


def seal_pending(limit: int = BATCH) -> int:
    """Seal all that waits and return how many events that were. Raises what the database raises.

    When a batch fails for another reason, each stream is tried alone and the failing ones are set aside.
    """
    total = 0
    while True:
        try:
            with scope.relay():
                sealed = _seal(_lock(_resting()), limit)
        except (InterfaceError, OperationalError):
            raise
        except Exception as error:
            log.exception("sealing a batch failed", exc_info=error)
            sealed = _one_by_one(limit)
            more = sealed > 0
        else:
            more = sealed >= limit  # a batch that is not full took all there was
        total += sealed
        if not more:
            return total


def _one_by_one(limit: int) -> int:
    with scope.relay():
        streams = [row[0] for row in _WAITING.all([_resting(), WINDOW], using=RELAY)]
    return sum(_alone(stream, limit) for stream in streams)


def _alone(stream: uuid.UUID, limit: int) -> int:
    try:
        with scope.relay():
            locked = _LOCK_ONE.first([stream], using=RELAY)
            return _seal([stream], limit) if locked and locked[0] else 0
    except (InterfaceError, OperationalError):
        raise
    except Exception as error:
        log.exception("sealing a stream failed", stream=str(stream), exc_info=error)
        _aside[stream] = time.monotonic() + SET_ASIDE
        return 0


def _resting() -> list[uuid.UUID]:
    now = time.monotonic()
    for stream in [stream for stream, until in _aside.items() if until <= now]:
        del _aside[stream]
    return list(_aside)


_WAITING = Prepared("""
SELECT DISTINCT stream FROM (
    SELECT stream FROM events_pendingevent WHERE stream <> ALL (%s::uuid[]) ORDER BY id LIMIT %s) oldest
""")
_LOCK = Prepared("""
WITH waiting AS MATERIALIZED (
    SELECT DISTINCT stream FROM (
        SELECT stream FROM events_pendingevent WHERE stream <> ALL (%s::uuid[]) ORDER BY id LIMIT %s) oldest)
SELECT stream FROM waiting WHERE pg_try_advisory_xact_lock(hashtextextended('events:' || stream::text, 0))
""")
_LOCK_ONE = Prepared("""
SELECT pg_try_advisory_xact_lock(hashtextextended('events:' || stream::text, 0))
FROM (SELECT %s::uuid AS stream) one
""")
_TAKE = Prepared("""
SELECT id, stream, event_id FROM events_pendingevent WHERE stream = ANY (%s::uuid[]) ORDER BY id LIMIT %s
""")
_NOT_SEALED = {"actor_type", "on_behalf_of", "request_id"}
_EVENT_COLUMNS = [field.attname for field in Event._meta.concrete_fields if field.attname not in _NOT_SEALED]
_EVENTS = Prepared(f"SELECT {', '.join(_EVENT_COLUMNS)} FROM events_event WHERE id = ANY (%s::uuid[])")  # noqa: S608 — constants
_SEALED = Prepared("SELECT event_id FROM events_seal WHERE event_id = ANY (%s::uuid[])")
_HEADS = Prepared("SELECT stream, sequence, hash FROM events_streamhead WHERE stream = ANY (%s::uuid[])")
_DONE = Prepared("DELETE FROM events_pendingevent WHERE id = ANY (%s::bigint[])")
_SEAL_COLUMNS = {
    "event_id": "uuid",
    **dict.fromkeys(("stream", "tenant_id", "account_id", "organization_id"), "uuid"),
    "sequence": "bigint",
    "previous_hash": "bytea",
    "hash": "bytea",
}
_HEAD_COLUMNS = {
    name: _SEAL_COLUMNS[name] for name in ("stream", "tenant_id", "account_id", "sequence", "hash")
}
_SEAL = Prepared(rows.insert("events_seal", _SEAL_COLUMNS))
_RAISE_HEAD = Prepared(
    rows.insert("events_streamhead", _HEAD_COLUMNS)
    + """
 ON CONFLICT (stream) DO UPDATE SET sequence = excluded.sequence, hash = excluded.hash, updated_at = now()
 WHERE events_streamhead.sequence < excluded.sequence RETURNING 1
"""
)


def _lock(resting: list[uuid.UUID]) -> list[uuid.UUID]:
    """Return the streams that wait and that no other sealer holds; they stay ours until the commit."""
    return [row[0] for row in _LOCK.all([resting, WINDOW], using=RELAY)]


def _seal(streams: list[uuid.UUID], limit: int) -> int:
    """Seal up to `limit` pending events of locked streams; returns how many pending rows went."""
    if not streams:
        return 0
    # A statement after the lock's: it sees what others committed before.
    pending = _TAKE.all([streams, limit], using=RELAY)
    batch = _chain(_events(pending))
    if batch:
        _write(batch)
    _DONE.post([[row[0] for row in pending]], using=RELAY)
    for hook in _hooks if batch else ():
        hook(batch)
    return len(pending)


def _events(pending: Sequence[tuple[Any, ...]]) -> list[tuple[uuid.UUID, Event]]:
    """Return (stream, event) in the order of the pending rows.

    A pending row that names no event of its own stream, or one that is sealed already, is not the work of
    emit(); it is dropped and reported.
    """
    wanted = list({row[2] for row in pending})
    events = [Event.from_db(RELAY, _EVENT_COLUMNS, row) for row in _EVENTS.all([wanted], using=RELAY)]
    found = {event.id: event for event in events}
    done = {row[0] for row in _SEALED.all([wanted], using=RELAY)}
    ordered: list[tuple[uuid.UUID, Event]] = []
    for _, stream, event_id in pending:
        event = found.get(event_id)
        if event is None or event_id in done or event.stream != stream:
            log.error("a pending row names no event to seal", stream=str(stream), pending=str(event_id))
            continue
        done.add(event_id)
        ordered.append((stream, event))
    return ordered


def _chain(events: Sequence[tuple[uuid.UUID, Event]]) -> list[SealedEvent]:
    streams = list({stream for stream, _ in events})
    known = _HEADS.all([streams], using=RELAY)
    heads = {stream: (sequence, bytes(digest)) for stream, sequence, digest in known}
    batch = []
    for stream, event in events:
        sequence, previous = heads.get(stream, (0, GENESIS))
        sequence += 1
        canonical = bytes(event.canonical)
        digest = seal_hash(previous, stream, sequence, event.id, canonical)
        heads[stream] = (sequence, digest)
        values = {name: getattr(event, name) for name in _EVENT_COLUMNS if name != "canonical"}
        place = {"sequence": sequence, "previous_hash": previous, "hash": digest}
        batch.append(SealedEvent(canonical=canonical, **values, **place))
    return batch


def _write(batch: Sequence[SealedEvent]) -> None:
    seals = [[one.id, *(getattr(one, name) for name in list(_SEAL_COLUMNS)[1:])] for one in batch]
    _SEAL.post(rows.arrays(_SEAL_COLUMNS, seals), using=RELAY)
    last = {one.stream: one for one in batch}
    heads = [[getattr(one, name) for name in _HEAD_COLUMNS] for one in last.values()]
    raised = _RAISE_HEAD.all(rows.arrays(_HEAD_COLUMNS, heads), using=RELAY)
    if len(raised) != len(heads):
        raise RuntimeError("a stream's head moved under its lock")
