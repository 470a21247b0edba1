"""Group commit: one transaction for many callers, each answered only after its event is durable."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from core import context, scope
from events import groups, services
from events.errors import EventRefused
from events.models import Event, PendingEvent
from events.services import Draft
from tests.events.helpers import USER, new_tenant, thing


def record(tenant_id, number: int) -> Exception | None:
    """Record one event as a request of its own would; return what it raised."""
    try:
        with context.use(context.RequestContext(f"req_{number}")):
            groups.record(tenant_id, Draft("thing.created", USER, thing(f"n{number}")))
    except Exception as error:
        return error
    finally:
        connections.close_all()
    return None


def stored(tenant_id) -> list[str]:
    with scope.tenant(tenant_id):
        assert PendingEvent.objects.filter(tenant_id=tenant_id).count() == Event.objects.count()
        return sorted(Event.objects.values_list("request_id", flat=True))


@pytest.fixture
def transactions(monkeypatch):
    sizes: list[int] = []
    write = services.write

    def counted(written):
        sizes.append(len(written))
        write(written)

    monkeypatch.setattr(groups, "write", counted)
    return sizes


def test_concurrent_events_share_transactions_and_keep_their_own_request(transactions):
    acme, globex = new_tenant(), new_tenant()
    with ThreadPoolExecutor(8) as pool:
        errors = list(pool.map(lambda n: record(acme if n % 4 else globex, n), range(80)))
    assert errors == [None] * 80
    assert stored(globex) == sorted(f"req_{n}" for n in range(0, 80, 4))
    assert stored(acme) == sorted(f"req_{n}" for n in range(80) if n % 4)
    assert sum(transactions) == 80
    assert len(transactions) < 80


def test_R19_where_the_record_cannot_be_written_every_caller_of_the_group_is_refused(monkeypatch):
    acme = new_tenant()

    def broken(written):
        raise RuntimeError("the disk is full")

    with monkeypatch.context() as patched, ThreadPoolExecutor(8) as pool:
        patched.setattr(groups, "write", broken)
        errors = list(pool.map(lambda n: record(acme, n), range(24)))
    assert all(isinstance(error, RuntimeError) for error in errors)
    assert stored(acme) == []
    assert record(acme, 99) is None, "the next group is well again"
    assert stored(acme) == ["req_99"]


def test_an_event_off_its_declaration_is_refused_alone(transactions):
    acme = new_tenant()
    with pytest.raises(EventRefused):
        groups.record(acme, Draft("thing.created", USER, thing("x") | {"undeclared": 1}))
    assert transactions == []
    assert record(acme, 1) is None
