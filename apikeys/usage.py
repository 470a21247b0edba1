"""When and from where keys are used: noted in memory, written in groups, never in the caller's way.

A key is stamped at most once a minute. The notes of a few seconds are written by a thread of their own,
one transaction per tenant (row security admits no mixed ones). A process that dies loses seconds of
last-used times and nothing else.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from django.db import connection, connections

from apikeys.live import LiveKey
from core import context, scope
from core.context import RequestContext
from core.principal import Actor, SubjectType
from events.services import emit

log = structlog.get_logger(__name__)
EVERY, DELAY, MAX_NOTES = 60.0, 2.0, 20_000
STAMP = (
    "UPDATE apikeys_apikey SET last_used_at = %s, last_used_ip = %s"
    " WHERE id = %s AND (last_used_at IS NULL OR last_used_at < %s)"
)


@dataclass(frozen=True)
class Note:
    """One use, or one refusal where `cause` says why."""

    key: LiveKey
    at: float
    context: RequestContext
    cause: str = ""


class _Notebook:
    """Notes of this process that are not yet written, and when each key was last noted."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._notes: list[Note] = []
        self._noted: dict[tuple[str, str], float] = {}
        self._is_waiting = False

    def add(self, key: LiveKey, cause: str) -> None:
        now = time.time()
        if now - self._noted.get((key.public_id, cause), 0.0) < EVERY:
            return
        with self._lock:
            if len(self._noted) >= MAX_NOTES:
                self._noted.clear()
            self._noted[key.public_id, cause] = now
            self._notes.append(Note(key, now, context.current(), cause))
            starts, self._is_waiting = not self._is_waiting, True
        if starts:
            timer = threading.Timer(DELAY, _write_later)
            timer.daemon = True
            timer.start()

    def take(self) -> list[Note]:
        with self._lock:
            notes, self._notes, self._is_waiting = self._notes, [], False
        return notes


_notebook = _Notebook()
_writing = threading.Lock()


def used(key: LiveKey) -> None:
    """Note that the key was accepted."""
    _notebook.add(key, "")


def denied(key: LiveKey, cause: str) -> None:
    """Note that the genuine key was refused; `cause` is the problem's code."""
    _notebook.add(key, cause)


def flush() -> int:
    """Write every waiting note, after whoever is writing already; returns how many there were."""
    with _writing:
        notes = _notebook.take()
        by_tenant: dict[uuid.UUID, list[Note]] = defaultdict(list)
        for note in notes:
            by_tenant[note.key.tenant_id].append(note)
        for tenant_id, group in by_tenant.items():
            with scope.tenant(tenant_id):
                for note in group:
                    _write(note)
    return len(notes)


def _write(note: Note) -> None:
    key = note.key
    if not note.cause:
        at = datetime.fromtimestamp(note.at, UTC)
        with connection.cursor() as cursor:
            cursor.execute(STAMP, [at, note.context.ip or None, key.id, at])
    shown = {"id": key.public_id, "object": "api_key", "hint": key.hint}
    with context.use(note.context):
        emit(
            "api_key.denied" if note.cause else "api_key.used",
            actor=Actor(SubjectType.SERVICE.value, key.subject, key.public_id),
            object=shown | ({"cause": note.cause} if note.cause else {}),
            organization_id=key.organization_id,
        )


def _write_later() -> None:
    try:
        flush()
    except Exception as error:  # noqa: BLE001 — a lost stamp must not end the thread with a trace on the console
        log.warning("key usage not written", error=type(error).__name__)
    finally:
        connections.close_all()
