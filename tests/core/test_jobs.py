"""Promised work: kept by the row, run at least once, by one worker at a time (design §3, promise R7)."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from core import context, jobs, scope
from core.models import Job
from tests.factories import Cast


@pytest.fixture
def seen() -> Iterator[list[dict[str, Any]]]:
    """Register a handler under a name of this test's own; yields what it got."""
    got: list[dict[str, Any]] = []
    yield got


def register(function: Any, **options: Any) -> str:
    name = f"test.{uuid.uuid4().hex[:8]}"
    jobs.handler(name, **options)(function)
    return name


def drain() -> None:
    while jobs.run_due():
        pass


def waiting(name: str) -> list[Job]:
    with scope.relay():
        return list(Job.objects.filter(name=name))


def test_a_job_runs_in_the_scope_in_which_it_was_promised(cast: Cast) -> None:
    scopes: list[Any] = []
    name = register(
        lambda payload: scopes.append(
            (scope.require().tenant_id, payload["word"], context.current().request_id)
        )
    )
    with context.use(context.RequestContext("req_of_the_promise")), scope.tenant(cast.acme.id):
        jobs.enqueue(name, {"word": "hello"})
    drain()
    assert scopes == [(cast.acme.id, "hello", "req_of_the_promise")]
    assert waiting(name) == []


def test_R2_a_promise_dies_with_the_transaction_that_made_it(cast: Cast) -> None:
    name = register(lambda payload: None)
    with pytest.raises(RuntimeError), scope.tenant(cast.acme.id):
        jobs.enqueue(name)
        raise RuntimeError
    assert waiting(name) == []


def test_a_promise_needs_a_scope() -> None:
    with pytest.raises(scope.ScopeError):
        jobs.enqueue("test.never")


def test_T5_the_payload_is_sealed_at_rest(cast: Cast) -> None:
    name = register(lambda payload: None)
    with scope.tenant(cast.acme.id):
        jobs.enqueue(name, {"link": "canary-token-in-a-link"}, run_at=timezone.now() + timedelta(hours=1))
    [job] = waiting(name)
    assert b"canary" not in bytes(job.sealed)


def test_a_failed_job_is_tried_again_later_and_keeps_its_reason(cast: Cast) -> None:
    def fail(payload: dict[str, Any]) -> None:
        raise ValueError("broken pipe")

    name = register(fail)
    with scope.tenant(cast.acme.id):
        jobs.enqueue(name)
    drain()
    [job] = waiting(name)
    assert (job.attempts, job.lease, job.error) == (1, None, "ValueError: broken pipe")
    assert job.run_at > timezone.now() + timedelta(seconds=3)


def test_R7_a_poisoned_job_is_parked(cast: Cast) -> None:
    def fail(payload: dict[str, Any]) -> None:
        raise ValueError("always")

    name = register(fail)
    with scope.tenant(cast.acme.id):
        jobs.enqueue(name)
    for _ in range(jobs.MAX_ATTEMPTS):
        with scope.relay():
            Job.objects.filter(name=name).update(run_at=timezone.now())
        drain()
    [job] = waiting(name)
    assert job.parked_at is not None
    with scope.relay():
        Job.objects.filter(name=name).update(run_at=timezone.now())
    drain()
    assert waiting(name)[0].attempts == jobs.MAX_ATTEMPTS


def test_R7_work_of_a_lost_worker_is_taken_over_when_its_lease_ends(cast: Cast) -> None:
    ran: list[int] = []
    name = register(lambda payload: ran.append(1))
    with scope.tenant(cast.acme.id):
        jobs.enqueue(name)
    with scope.relay():
        Job.objects.filter(name=name).update(
            lease=uuid.uuid4(), leased_until=timezone.now() + timedelta(seconds=30)
        )
    drain()
    assert ran == []
    with scope.relay():
        Job.objects.filter(name=name).update(leased_until=timezone.now() - timedelta(seconds=1))
    drain()
    assert ran == [1]


def test_parallel_workers_run_each_job_once(cast: Cast) -> None:
    ran: list[str] = []
    name = register(lambda payload: ran.append(payload["n"]))
    with scope.tenant(cast.acme.id):
        for number in range(30):
            jobs.enqueue(name, {"n": str(number)})
    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(ran, key=int) == [str(number) for number in range(30)]


def work() -> None:
    from django.db import connections

    drain()
    for connection in connections.all(initialized_only=True):
        connection.close()


def test_A4_equal_unique_keys_of_two_tenants_are_two_promises(cast: Cast) -> None:
    name = register(lambda payload: None)
    later = timezone.now() + timedelta(hours=1)
    for tenant in (cast.acme, cast.acme, cast.globex):
        with scope.tenant(tenant.id):
            jobs.enqueue(name, unique_key="same", run_at=later)
    assert sorted(str(job.tenant_id) for job in waiting(name)) == sorted(
        [str(cast.acme.id), str(cast.globex.id)]
    )


def test_a_tenant_cannot_read_another_tenants_jobs(cast: Cast) -> None:
    name = register(lambda payload: None)
    with scope.tenant(cast.acme.id):
        jobs.enqueue(name, run_at=timezone.now() + timedelta(hours=1))
    with scope.tenant(cast.globex.id):
        assert not Job.objects.filter(name=name).exists()
    with scope.tenant(cast.acme.id):
        assert Job.objects.filter(name=name).exists()
