from __future__ import annotations

from core import scope
from events.models import Event, EventPersonal, PendingEvent
from tests.events.helpers import emit_in, new_tenant


def test_emit_writes_event_and_pending_row():
    tenant_id = new_tenant()
    event = emit_in(tenant_id, personal={"email": "ann@example.com"})
    with scope.tenant(tenant_id):
        stored = Event.objects.get(id=event.id)
        assert PendingEvent.objects.filter(event_id=event.id).count() == 1
        assert EventPersonal.objects.get(event_id=event.id, name="object.email").value == "ann@example.com"
    assert b"ann@example.com" not in bytes(stored.canonical)
