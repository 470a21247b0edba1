"""Promised work as rows: written with the change, run at least once, each by one worker at a time.

`enqueue` inserts the row in the caller's transaction; a Celery message after commit is only a nudge,
and a sweep every 15 s takes what is due or whose lease ran out. Handlers must be idempotent.

    @jobs.handler("mail.deliver")
    def deliver(payload): ...          # runs inside the scope in which the job was promised
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction
from django.utils import timezone

from core import context, crypto, ids, scope
from core.models import Job

log = structlog.get_logger(__name__)
Handler = Callable[[dict[str, Any]], None]
LEASE = timedelta(seconds=30)
MAX_ATTEMPTS = 12
_handlers: dict[str, tuple[Handler, bool]] = {}


def handler(name: str, *, opens_scope: bool = True) -> Callable[[Handler], Handler]:
    """Register the function that runs jobs of this name.

    With `opens_scope=False` the handler gets no open scope and opens short ones itself, as work that
    calls outside must.
    """

    def register(function: Handler) -> Handler:
        _handlers[name] = (function, opens_scope)
        return function

    return register


def enqueue(
    name: str,
    payload: Mapping[str, Any] | None = None,
    *,
    run_at: datetime | None = None,
    unique_key: str | None = None,
) -> None:
    """Promise a job in the running transaction, in the running scope (tenant or account).

    The payload is sealed: it may hold a link's token. With `unique_key` a second promise of the same
    work is dropped while the first waits.
    """
    opened = scope.require()
    job_id = ids.uuid7()
    job = Job(
        id=job_id,
        tenant_id=opened.tenant_id,
        account_id=opened.account_id,
        name=name,
        sealed=crypto.seal_json(dict(payload or {}), context=("core_job", "sealed", str(job_id))),
        context={"request_id": context.current().request_id, "organization": opened.organization},
        run_at=run_at or timezone.now(),
        unique_key=unique_key,
    )
    Job.objects.bulk_create([job], ignore_conflicts=unique_key is not None)
    if run_at is None:
        transaction.on_commit(nudge, using=opened.alias)


def nudge() -> None:
    """Tell a worker that something is due; losing this costs at most one sweep interval."""
    from core.tasks import run_jobs

    try:
        run_jobs.apply_async(retry=False, expires=15)
    except Exception as error:  # noqa: BLE001 — the broker may be away; the row is the promise
        log.warning("nudge failed", error=type(error).__name__)


_LEASE_SQL = """
UPDATE core_job SET lease = %(lease)s, leased_until = now() + %(seconds)s * interval '1 second',
       attempts = attempts + 1
WHERE id IN (
    SELECT id FROM core_job
    WHERE parked_at IS NULL AND run_at <= now() AND (leased_until IS NULL OR leased_until < now())
    ORDER BY run_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
RETURNING id, tenant_id, account_id, name, sealed, context, attempts
"""


def run_due(limit: int = 20) -> int:
    """Lease and run up to `limit` due jobs; returns how many were leased."""
    lease = ids.uuid7()
    values = {"lease": lease, "seconds": LEASE.total_seconds(), "limit": limit}
    with scope.relay():
        leased = list(Job.objects.raw(_LEASE_SQL, values))
    for job in leased:
        _run(lease, job)
    return len(leased)


def _run(lease: uuid.UUID, job: Job) -> None:
    if not _renew(lease, job.id):
        return
    known = context.RequestContext(request_id=job.context.get("request_id", ""))
    try:
        with context.use(known):
            _perform(job)
    except Exception as error:
        log.warning("job failed", job=str(job.id), name=job.name, exc_info=error)
        _postpone(lease, job, error)
    else:
        _finish(lease, job.id)


def _perform(job: Job) -> None:
    function, opens_scope = _handlers[job.name]
    payload = crypto.open_sealed_json(bytes(job.sealed), context=("core_job", "sealed", str(job.id)))
    if not opens_scope:
        function({**payload, "_tenant_id": job.tenant_id, "_account_id": job.account_id})
        return
    with scope_of(job):
        function(payload)


def scope_of(job: Job) -> AbstractContextManager[Any]:
    """Return the scope in which the job was promised."""
    if job.account_id:
        return scope.account(job.account_id)
    if not job.tenant_id:
        return scope.operator()
    confined = job.context.get("organization", "")
    if confined in ("", scope.ALL_ORGANIZATIONS):
        return scope.tenant(job.tenant_id)
    return scope.organization(job.tenant_id, uuid.UUID(confined))


def _renew(lease: uuid.UUID, job_id: uuid.UUID) -> bool:
    """Take the job's full lease again before it starts; False when another worker took it over."""
    with scope.relay():
        held = Job.objects.filter(id=job_id, lease=lease)
        return bool(held.update(leased_until=timezone.now() + LEASE))


def _finish(lease: uuid.UUID, job_id: uuid.UUID) -> None:
    with scope.relay():
        Job.objects.filter(id=job_id, lease=lease).delete()


def _postpone(lease: uuid.UUID, job: Job, error: Exception) -> None:
    """Try again after 5 s, 10 s, 20 s … up to an hour; park a poisoned job for people to look at."""
    delay = timedelta(seconds=min(5 * 2 ** (job.attempts - 1), 3600))
    changes: dict[str, Any] = {
        "leased_until": None,
        "lease": None,
        "run_at": timezone.now() + delay,
        "error": f"{type(error).__name__}: {error}"[:300],
    }
    if job.attempts >= MAX_ATTEMPTS:
        changes["parked_at"] = timezone.now()
    with scope.relay():
        Job.objects.filter(id=job.id, lease=lease).update(**changes)
