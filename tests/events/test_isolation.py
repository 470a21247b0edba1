"""Who sees which events, and that the runtime roles can only append (AUD-01, threat U1)."""

from __future__ import annotations

import uuid

import pytest
from django.db import Error, connections

from core import context, scope
from events.models import Event, EventPersonal, Seal
from events.sealing import seal_pending
from events.selectors import Search, search
from events.services import emit
from tests.events.helpers import USER, emit_in, new_tenant, thing

TABLES = ("events_event", "events_eventpersonal", "events_pendingevent", "events_seal", "events_streamhead")


def refused(alias: str, statement: str, *parameters: object) -> str:
    opened = scope.relay() if alias == "relay" else scope.tenant(parameters[0])  # type: ignore[arg-type]
    with pytest.raises(Error) as error, opened, connections[alias].cursor() as cursor:
        cursor.execute(statement, parameters if "%s" in statement else None)
    return str(error.value)


def in_organization(tenant_id: uuid.UUID, organization_id: uuid.UUID, name: str) -> Event:
    with scope.organization(tenant_id, organization_id):
        return emit("thing.created", actor=USER, object=thing(name))


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("verb", ["UPDATE {0} SET tenant_id = tenant_id", "DELETE FROM {0}", "TRUNCATE {0}"])
def test_U1_the_runtime_role_only_appends(table, verb):
    acme = new_tenant()
    assert "permission denied" in refused("default", verb.format(table), acme)


@pytest.mark.parametrize("table", ["events_event", "events_eventpersonal", "events_seal"])
@pytest.mark.parametrize("verb", ["UPDATE {0} SET tenant_id = tenant_id", "DELETE FROM {0}"])
def test_U1_the_relay_role_changes_no_record(table, verb):
    assert "permission denied" in refused("relay", verb.format(table))


@pytest.mark.parametrize("table", ["events_seal", "events_streamhead", "events_checkpoint"])
def test_U1_the_runtime_role_seals_nothing(table):
    acme = new_tenant()
    assert "permission denied" in refused("default", f"INSERT INTO {table} (stream) VALUES (%s)", acme)


def test_partitions_have_no_privilege_of_their_own():
    acme = new_tenant()
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity FROM pg_class c"
            " JOIN pg_inherits i ON i.inhrelid = c.oid"
            " WHERE c.relkind = 'r' AND i.inhparent::regclass::text LIKE 'events_%'"
        )
        partitions = cursor.fetchall()
    assert len(partitions) >= 3 * 5
    assert all(forced for _, forced in partitions)
    for name, _ in partitions:
        assert "permission denied" in refused("default", f"SELECT * FROM {name}", acme)
        assert "permission denied" in refused("relay", f"SELECT * FROM {name}")


def test_A_tenant_never_sees_anothers_events():
    acme, globex = new_tenant(), new_tenant()
    with context.use(context.RequestContext("req_iso", ip="192.0.2.1")):
        event = emit_in(acme, personal={"email": "ann@example.com"})
    seal_pending()
    with scope.tenant(globex):
        for model in (Event, EventPersonal, Seal):
            assert not model.objects.exists()
        assert not search(Search(ip="192.0.2.1")).exists()
        assert not search(Search(anything=event.public_id)).exists()


def test_nothing_set_sees_nothing():
    emit_in(new_tenant())
    with scope.account(uuid.uuid4()):
        assert not Event.objects.exists()
    with connections["default"].cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"SELECT count(*) FROM {table}")
            assert cursor.fetchone()[0] == 0


def test_events_cannot_be_written_into_another_tenant():
    acme, globex = new_tenant(), new_tenant()
    event = emit_in(acme)
    columns = (
        "type, actor_type, actor_id, on_behalf_of, object_type, object_id, request_id, mode, canonical,"
        " created_at"
    )
    statement = (
        f"INSERT INTO events_event (id, tenant_id, {columns}) SELECT gen_random_uuid(), %s, {columns}"
        " FROM events_event"
    )
    violated = pytest.raises(Error, match="row-level security")
    with violated, scope.tenant(acme), connections["default"].cursor() as cursor:
        cursor.execute(statement, [globex])
    assert event.tenant_id == acme


def test_an_organization_sees_and_writes_its_own_events_only():
    acme = new_tenant()
    north, south = uuid.uuid4(), uuid.uuid4()
    emit_in(acme, "tenant-wide")
    own = in_organization(acme, north, "north")
    in_organization(acme, south, "south")
    seal_pending()
    with scope.organization(acme, north):
        assert [event.id for event in Event.objects.all()] == [own.id]
        assert [seal.event_id for seal in Seal.objects.all()] == [own.id]
        assert search(Search()).count() == 1
        assert search(Search(organization_id=south)).count() == 0
    with scope.tenant(acme):
        assert search(Search()).count() == 3
        assert search(Search(organization_id=south)).count() == 1
    with pytest.raises(Error, match="row-level security"), scope.organization(acme, north):
        emit("thing.created", actor=USER, object=thing(), organization_id=south)


def test_operators_do_not_see_peoples_streams():
    account_id = uuid.uuid4()
    with scope.account(account_id):
        event = emit("thing.created", actor=USER, object=thing())
    with scope.operator():
        assert not Event.objects.filter(id=event.id).exists()
        mine = emit("thing.created", actor=USER, object=thing())
        assert Event.objects.filter(id=mine.id).exists()
    with scope.account(account_id):
        assert list(Event.objects.values_list("id", flat=True)) == [event.id]


@pytest.mark.parametrize(
    "wanted",
    [
        {"types": ["thing.created"]},
        {"types": ["thing.*"]},
        {"actor": "sub_tester"},
        {"actor_type": "user"},
        {"request_id": "req_search"},
        {"ip": "192.0.2.77"},
        {"anything": "192.0.2.77"},
        {"anything": "req_search"},
        {"anything": "sub_tester"},
        {"anything": "thing.created"},
        {"anything": "thing"},
    ],
)
def test_search_finds_by_each_filter(wanted):
    acme, globex = new_tenant(), new_tenant()
    with context.use(context.RequestContext("req_search", ip="192.0.2.77")):
        event = emit_in(acme)
        emit_in(globex)
    with scope.tenant(acme):
        assert [row.id for row in search(Search(**wanted))] == [event.id]
        assert not search(Search(**wanted, object="thg_other")).exists()


def test_search_by_object_and_time():
    acme = new_tenant()
    first, second = emit_in(acme), emit_in(acme)
    with scope.tenant(acme):
        assert search(Search(object=first.object_id)).get().id == first.id
        assert search(Search(anything=second.object_id)).get().id == second.id
        assert search(Search(anything=second.public_id)).get().id == second.id
        assert not search(Search(anything="evt_nonsense")).exists()
        assert search(Search(since=first.created_at)).count() == 2
        assert not search(Search(until=first.created_at)).exists()


def test_ids_and_times_agree():
    event = emit_in(new_tenant())
    assert event.public_id.startswith("evt_")
    assert event.created_at.microsecond % 1000 == 0
