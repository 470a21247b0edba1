"""Getting well after the database went away (promise R8).

When the server restarts, all idle connections die at once. The pool finds them one by one, with growing
pauses, while callers wait out their two seconds; so the first that suffers has all of them looked at.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from django.db import InterfaceError, OperationalError, connections
from psycopg_pool import PoolTimeout

log = structlog.get_logger(__name__)
SERVER_GOES = {"57P01", "57P02", "57P03"}  # admin_shutdown, crash_shutdown, cannot_connect_now
_healing = threading.Lock()


def is_lost(error: Exception) -> bool:
    """Whether the error says that a connection is gone, rather than that a statement failed."""
    if isinstance(error, (InterfaceError, PoolTimeout)):
        return True
    state = getattr(error.__cause__, "sqlstate", None)
    return isinstance(error, OperationalError) and (
        state is None or state in SERVER_GOES or state[:2] == "08"
    )


@contextmanager
def healing() -> Iterator[None]:
    """Look at the pools when the work inside met a dead connection, then let the error go on."""
    try:
        yield
    except Exception as error:
        if is_lost(error):
            heal()
        raise


def heal() -> None:
    """Replace the dead among the idle connections of every open pool; one thread at a time does."""
    if not _healing.acquire(blocking=False):
        return
    try:
        for connection in connections.all(initialized_only=True):
            pool = getattr(connection, "pool", None)
            if pool is not None and not pool.closed:
                pool.check()
    except Exception as error:  # noqa: BLE001 — the refusal is answered whatever happens here
        log.warning("pool not checked", error=str(error)[:300])
    finally:
        _healing.release()
