"""Months are made ahead and dropped under a checkpoint; the chain stays verifiable (AUD-06)."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import Error, connections

from core import scope
from events import retention
from events.chain import verify
from events.models import Checkpoint, Event, Seal
from events.sealing import seal_pending
from events.services import Draft, emit_many
from tests.events.helpers import USER, emit_in, new_tenant, thing

OLD = date(2001, 3, 1)


def make_month(month: date) -> None:
    with scope.relay(), connections["relay"].cursor() as cursor:
        cursor.execute("SELECT events_create_month(%s)", [month])


def old_history(tenant_id: uuid.UUID, count: int, month: date = OLD) -> None:
    start = datetime(month.year, month.month, 5, tzinfo=UTC)
    drafts = [
        Draft("thing.created", USER, thing(str(n)), at=start + timedelta(hours=n)) for n in range(count)
    ]
    with scope.tenant(tenant_id):
        emit_many(drafts)


def test_months_stand_ahead():
    retention.make_months()
    assert retention.make_months() == 0
    now = datetime.now(UTC)
    assert retention.later(date(now.year, now.month, 1), 3) in retention.months()


def test_dropping_a_month_leaves_a_chain_that_verifies():
    make_month(OLD)
    acme, globex = new_tenant(), new_tenant()
    old_history(acme, 5)
    old_history(globex, 2)
    emit_in(acme)
    seal_pending()
    emit_in(acme)
    seal_pending()
    assert retention.drop(OLD)
    with scope.tenant(acme):
        assert Event.objects.count() == Seal.objects.count() == 2
        checkpoint = Checkpoint.objects.get()
        assert (checkpoint.sequence, checkpoint.dropped) == (5, 5)
        report = verify(acme)
        assert report.is_valid, report.findings
        assert (report.checked, report.head) == (2, 7)
    with scope.tenant(globex):
        assert verify(globex).is_valid
    assert OLD not in retention.months()


def test_U1_a_forged_checkpoint_does_not_hide_a_cut():
    acme = new_tenant()
    for _ in range(4):
        emit_in(acme)
    seal_pending()
    with connections["owner"].cursor() as cursor:
        cursor.execute("DELETE FROM events_seal WHERE stream = %s AND sequence <= 2", [acme])
        cursor.execute(
            "INSERT INTO events_checkpoint"
            " (id, stream, tenant_id, partition, sequence, hash, dropped, signature)"
            " SELECT gen_random_uuid(), stream, tenant_id, '200002', 2, previous_hash, 2, 'p1$00'"
            " FROM events_seal WHERE stream = %s AND sequence = 3",
            [acme],
        )
    with scope.tenant(acme):
        kinds = [finding.kind for finding in verify(acme).findings]
    assert kinds == ["checkpoint_forged", "gap"]


def test_the_database_refuses_to_drop_a_young_or_unrecorded_month():
    now = datetime.now(UTC)
    emit_in(new_tenant())
    seal_pending()
    with pytest.raises(Error, match="too young"):
        retention.drop(date(now.year, now.month, 1))
    month = date(2001, 7, 1)
    make_month(month)
    old_history(new_tenant(), 1, month)
    seal_pending()
    with (
        pytest.raises(Error, match="no full checkpoint"),
        scope.relay(),
        connections["relay"].cursor() as cursor,
    ):
        cursor.execute("SELECT events_drop_month(%s)", [month])


def test_the_runtime_role_cannot_call_the_functions():
    acme = new_tenant()
    for function in ("events_create_month", "events_drop_month"):
        denied = pytest.raises(Error, match="permission denied")
        with denied, scope.tenant(acme), connections["default"].cursor() as cursor:
            cursor.execute(f"SELECT {function}('2001-01-01')")


def test_retention_is_off_unless_set(settings):
    settings.EVENT_RETENTION_MONTHS = 0
    month = date(2001, 9, 1)
    make_month(month)
    assert retention.drop_months() == 0
    settings.EVENT_RETENTION_MONTHS = 240
    while retention.drop_months():
        pass
    assert month not in retention.months()
