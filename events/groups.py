"""Group commit: concurrent events of one tenant share a transaction, and each caller waits for its end.

For acts that are nothing but their record, such as a token that carries all it says in itself: no audit, no
act (promise R19) still holds, since the caller gets on only after the commit. While one group is being
written the next one gathers, so that a busy tenant pays for one commit where it had paid for many.
"""

from __future__ import annotations

import threading
import uuid
from dataclasses import dataclass, field

from core import context, scope
from events.services import Draft, Written, compose, write

STRIPES = 256


@dataclass
class _Group:
    """Events that wait for one transaction; `ended` once it was committed or failed with `error`."""

    written: list[Written] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)
    error: Exception | None = None


_gathering: dict[uuid.UUID, _Group] = {}
_lock = threading.Lock()
_writers = [threading.Lock() for _ in range(STRIPES)]  # one transaction a tenant at a time


def record(tenant_id: uuid.UUID, draft: Draft) -> None:
    """Commit one event of a tenant, together with those that wait beside it. Needs no open scope.

    Raises what `emit` raises, and whatever the database raised to the group: then nothing was recorded.
    """
    opened = scope.Scope(scope.Kind.TENANT, tenant_id, scope.ALL_ORGANIZATIONS)
    composed = compose(draft, opened, context.current())
    group, leads = _join(tenant_id, composed)
    if leads:
        _commit(tenant_id, group)
    else:
        group.ended.wait()
    if group.error is not None:
        raise group.error


def _join(tenant_id: uuid.UUID, composed: Written) -> tuple[_Group, bool]:
    """Return the group that the event joined, and whether this caller began it and must write it."""
    with _lock:
        group = _gathering.get(tenant_id)
        leads = group is None
        if group is None:
            group = _gathering[tenant_id] = _Group()
        group.written.append(composed)
    return group, leads


def _commit(tenant_id: uuid.UUID, group: _Group) -> None:
    try:
        with _writers[tenant_id.int % STRIPES]:
            with _lock:  # from here on others begin the next group
                del _gathering[tenant_id]
            with scope.one_statement(tenant_id):
                write(group.written)
    except Exception as error:  # noqa: BLE001 — every member of the group raises it
        group.error = error
    finally:
        group.ended.set()
