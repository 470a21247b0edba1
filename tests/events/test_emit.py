"""emit(): one transaction, a closed vocabulary, no secrets, nothing without its audit row."""

from __future__ import annotations

import contextlib
import json
import uuid

import pytest
import rfc8785
from django.db import Error, connection, connections
from hypothesis import given, settings
from hypothesis import strategies as st

from core import context, ids, scope
from core.principal import Actor
from events import envelope
from events.errors import EventRefused, SecretInEvent
from events.models import Event, EventPersonal, PendingEvent
from events.registry import UnknownEventType
from events.sealing import seal_pending
from events.selectors import Search, described, search
from events.selectors import envelope as rendered
from events.services import Draft, emit, emit_many
from tenants.models import Tenant
from tests.events.helpers import USER, emit_in, new_tenant, thing

REQUEST = context.RequestContext(
    "req_test",
    ip="203.0.113.9",
    user_agent="Tester/1.0",
    reason="Ticket 7",
    idempotency_key="k1",
    session="sess_1",
)


def read(tenant_id: uuid.UUID, event: Event) -> dict:
    with scope.tenant(tenant_id):
        return rendered(described(search(Search())).get(id=event.id))


def test_envelope_is_cloudevents_and_has_personal_values_in_place():
    acme = new_tenant(mode="live")
    with context.use(REQUEST), scope.tenant(acme):
        event = emit(
            "thing.created",
            actor=USER,
            object=thing("Räder & <b>", count=3, tags=["a", 1]),
            previous={"name": "old"},
            personal={"email": "ann@example.com", "previous.email": "old@example.com"},
            on_behalf_of=Actor("agent", "agt_1"),
            delegation="dlg_1",
        )
    whole = read(acme, event)
    assert whole["specversion"] == "1.0"
    assert whole["id"] == event.public_id
    assert whole["type"] == "thing.created"
    assert whole["time"] == whole["timestamp"]
    assert whole["time"].endswith("Z")
    assert whole["mode"] == "live"
    assert whole["tenantid"] == ids.encode("ten", acme)
    assert whole["source"].startswith("http://localhost:8000/t/t")
    assert whole["dataschema"] == "http://localhost:8000/schemas/events/thing.created/1"
    assert "sequence" not in whole
    assert all(not isinstance(value, (dict, list)) for name, value in whole.items() if name != "data")
    data = whole["data"]
    assert data["object"]["name"] == "Räder & <b>"
    assert data["object"]["email"] == "ann@example.com"
    assert data["previous"] == {"name": "old", "email": "old@example.com"}
    assert data["actor"] == {"type": "user", "id": "sub_tester", "via": "app_web"}
    assert data["on_behalf_of"] == {"type": "agent", "id": "agt_1"}
    assert data["delegation"] == "dlg_1"
    assert data["context"] == {
        "request_id": "req_test", "ip": "203.0.113.9", "user_agent": "Tester/1.0", "reason": "Ticket 7",
        "idempotency_key": "k1", "session": "sess_1",
    }  # fmt: skip
    seal_pending()
    assert read(acme, event)["sequence"] == "0000000000001"


def test_personal_values_stand_apart_from_what_is_hashed():
    acme = new_tenant()
    with context.use(REQUEST):
        event = emit_in(acme, personal={"email": "ann@example.com"})
    with scope.tenant(acme):
        stored = Event.objects.get(id=event.id)
        kept = dict(EventPersonal.objects.filter(event_id=event.id).values_list("name", "value"))
    for value in ("ann@example.com", "203.0.113.9", "Tester/1.0"):
        assert value.encode() not in bytes(stored.canonical)
        assert value in kept.values()


def test_canonical_bytes_are_rfc8785():
    acme = new_tenant()
    event = emit_in(acme, 'Ünïcode \u2028 "quotes" \\ \u0007 𝄞')
    with scope.tenant(acme):
        stored = bytes(Event.objects.get(id=event.id).canonical)
    assert rfc8785.dumps(json.loads(stored)) == stored


@settings(max_examples=150, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
        max_leaves=12,
    )
)
def test_canonical_text_agrees_with_the_library(value):
    whole = {"data": value}
    try:
        ours = envelope.canonical(whole)
    except EventRefused:
        with pytest.raises(Exception):  # noqa: B017 — the library refuses what UTF-8 cannot hold, too
            rfc8785.dumps(whole)
    else:
        assert ours == rfc8785.dumps(whole)


def test_R2_event_goes_with_the_change_it_tells_of():
    acme = new_tenant()

    class Changed(Exception):
        pass

    with pytest.raises(Changed), scope.tenant(acme):
        emit("thing.created", actor=USER, object=thing())
        raise Changed
    with scope.tenant(acme):
        assert not Event.objects.exists()
        assert not PendingEvent.objects.exists()


def test_R2_event_pending_and_personal_rows_come_together():
    acme = new_tenant()
    with context.use(REQUEST), scope.tenant(acme):
        emit_many([Draft("thing.created", USER, thing(str(n))) for n in range(20)])
    with scope.tenant(acme):
        assert Event.objects.count() == PendingEvent.objects.count() == 20
        assert EventPersonal.objects.count() == 40


def test_R19_no_audit_no_act():
    acme = new_tenant()
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION refuse_events() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'disk full'; END $$;"
            " CREATE TRIGGER refuse BEFORE INSERT ON events_event FOR EACH ROW"
            f" WHEN (NEW.tenant_id = '{acme}') EXECUTE FUNCTION refuse_events()"
        )
    try:
        with pytest.raises(Error), scope.tenant(acme):
            Tenant.objects.filter(id=acme).update(name="Changed")
            emit("thing.created", actor=USER, object=thing())
    finally:
        with connections["owner"].cursor() as cursor:
            cursor.execute("DROP TRIGGER refuse ON events_event; DROP FUNCTION refuse_events()")
    with scope.tenant(acme):
        assert Tenant.objects.get(id=acme).name == "Tenant"


def test_R19_swallowing_the_refusal_saves_nothing():
    acme = new_tenant()
    with scope.tenant(acme):
        Tenant.objects.filter(id=acme).update(name="Changed")
        with contextlib.suppress(EventRefused):
            emit("thing.created", actor=USER, object={"id": "thg_1", "object": "stone"})
    with scope.tenant(acme):
        assert Tenant.objects.get(id=acme).name == "Tenant"


@pytest.mark.parametrize(
    ("object_", "error"),
    [
        ({"id": "thg_1", "object": "stone"}, EventRefused),
        ({"object": "thing"}, EventRefused),
        ({"id": "thg_1", "object": "thing", "colour": "red"}, EventRefused),
        ({"id": "thg_1", "object": "thing", "name": 7}, EventRefused),
        ({"id": "thg_1", "object": "thing", "count": True}, EventRefused),
        ({"id": "thg_1", "object": "thing", "count": 2**60}, EventRefused),
        ({"id": "thg_1", "object": "thing", "extra": {"a": 0.5}}, EventRefused),
        ({"id": "thg_1", "object": "thing", "extra": {"a": {"client_secret": "x"}}}, EventRefused),
        ({"id": "thg_1", "object": "thing", "extra": {"a": [{"password": "x"}]}}, EventRefused),
        ({"id": "thg_1", "object": "thing", "name": "\ud800"}, EventRefused),
        ({"id": "thg_1", "object": "thing", "name": "x" * 70_000}, EventRefused),
        ({"id": "thg_1", "object": "thing", "name": "sk_live_" + "a" * 61}, SecretInEvent),
        ({"id": "thg_1", "object": "thing", "name": "see whsec_" + "b" * 44}, SecretInEvent),
        ({"id": "thg_1", "object": "thing", "tags": ["-----BEGIN EC PRIVATE KEY-----"]}, SecretInEvent),
        (
            {"id": "thg_1", "object": "thing", "name": "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln"},
            SecretInEvent,
        ),
    ],
)
def test_AUD07_refuses_secrets_and_what_is_off_its_declaration(object_, error):
    acme = new_tenant()
    with pytest.raises(error), scope.tenant(acme):
        emit("thing.created", actor=USER, object=object_)
    with scope.tenant(acme):
        assert not Event.objects.exists()


def test_refuses_undeclared_names_and_personal_fields():
    acme = new_tenant()
    with scope.tenant(acme), pytest.raises(UnknownEventType):
        emit("thing.invented", actor=USER, object=thing())
    for name in ("phone", "actor.id", "object.phone"):
        with scope.tenant(acme), pytest.raises(EventRefused):
            emit("thing.created", actor=USER, object=thing(), personal={name: "x"})


def test_needs_a_scope_other_than_the_relays():
    with pytest.raises(scope.ScopeError):
        emit("thing.created", actor=USER, object=thing())
    with scope.relay(), pytest.raises(scope.ScopeError):
        emit("thing.created", actor=USER, object=thing())


def test_sends_one_statement_and_that_with_the_commit():
    acme = new_tenant()
    emit_in(acme)
    from django.test.utils import CaptureQueriesContext

    with context.use(REQUEST), scope.tenant(acme), CaptureQueriesContext(connection) as queries:
        emit("thing.created", actor=USER, object=thing())
        assert len(connection._waiting) == 3  # BEGIN, the settings, the event
    assert len(queries) == 0
