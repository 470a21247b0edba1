"""The verifier finds what was done to the record (threat U1)."""

from __future__ import annotations

import io
import uuid

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connections, transaction

from core import context, scope
from events.chain import verify
from events.models import Seal
from events.sealing import seal_pending
from tests.events.helpers import emit_in, new_tenant


def as_owner(statement: str, *parameters: object) -> None:
    with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
        cursor.execute(statement, parameters)
        assert cursor.rowcount > 0


def chain_of(count: int = 6) -> tuple[uuid.UUID, list[uuid.UUID]]:
    tenant_id = new_tenant()
    with context.use(context.RequestContext("req_chain", ip="198.51.100.7")):
        made = [emit_in(tenant_id, f"n{i}", personal={"email": f"n{i}@example.com"}).id for i in range(count)]
    seal_pending()
    return tenant_id, made


def findings(tenant_id: uuid.UUID, **options: int) -> list[tuple[str, int]]:
    with scope.tenant(tenant_id):
        return [(finding.kind, finding.sequence) for finding in verify(tenant_id, **options).findings]


def test_untouched_chain_is_valid_whole_and_in_parts():
    tenant_id, _ = chain_of()
    assert findings(tenant_id) == []
    assert findings(tenant_id, after=2, limit=2) == []
    with scope.tenant(tenant_id):
        part = verify(tenant_id, after=2, limit=2)
    assert (part.first, part.last, part.checked, part.is_complete) == (3, 4, 2, False)


EDITED = (
    "UPDATE events_event SET canonical = replace(convert_from(canonical, 'UTF8'), 'n2', 'nX')::bytea"
    " WHERE id = %s"
)
RENAMED = (
    "UPDATE events_eventpersonal SET value = 'x@example.com' WHERE event_id = %s AND name = 'object.email'"
)


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        (EDITED, "edited"),
        ("UPDATE events_event SET actor_id = 'sub_innocent' WHERE id = %s", "column_edited"),
        ("UPDATE events_event SET created_at = created_at - interval '1 day' WHERE id = %s", "column_edited"),
        (RENAMED, "personal_edited"),
        ("DELETE FROM events_event WHERE id = %s", "event_missing"),
        ("DELETE FROM events_seal WHERE event_id = %s", "gap"),
    ],
)
def test_U1_edited_row_is_found_by_name(statement, found):
    tenant_id, made = chain_of()
    other, _ = chain_of(2)
    as_owner(statement, made[2])
    assert findings(tenant_id)[0] == (found, 3)
    assert findings(other) == []


def test_U1_row_with_a_new_hash_breaks_the_link():
    tenant_id, made = chain_of()
    as_owner("UPDATE events_seal SET hash = sha256('x') WHERE event_id = %s", made[2])
    assert findings(tenant_id) == [("edited", 3), ("broken_link", 4)]


def test_U1_truncation_is_found_against_the_head():
    tenant_id, made = chain_of()
    as_owner("DELETE FROM events_seal WHERE event_id = ANY(%s)", made[4:])
    assert findings(tenant_id) == [("truncated", 5)]


def test_U1_head_set_back_is_found():
    tenant_id, _ = chain_of()
    as_owner("UPDATE events_streamhead SET sequence = 4 WHERE stream = %s", tenant_id)
    assert ("head_behind", 5) in findings(tenant_id)


def test_erased_personal_value_keeps_the_chain_valid():
    tenant_id, made = chain_of()
    as_owner("UPDATE events_eventpersonal SET value = NULL, salt = NULL WHERE event_id = %s", made[0])
    assert findings(tenant_id) == []


def test_U1_command_names_the_row_and_fails():
    tenant_id, made = chain_of()
    slug = slug_of(tenant_id)
    out = io.StringIO()
    call_command("verify_audit", tenant=slug, stdout=out)
    assert "6 events to sequence 6, intact" in out.getvalue()
    as_owner("UPDATE events_event SET actor_id = 'sub_innocent' WHERE id = %s", made[3])
    with pytest.raises(CommandError) as refused:
        call_command("verify_audit", tenant=slug, stdout=out)
    assert refused.value.returncode == 1
    assert "column_edited at 4 evt_" in out.getvalue()


def test_U1_command_finds_an_event_robbed_of_its_pending_row():
    tenant_id, _ = chain_of(1)
    event = emit_in(tenant_id)
    as_owner("DELETE FROM events_pendingevent WHERE event_id = %s", event.id)
    out = io.StringIO()
    with pytest.raises(CommandError):
        call_command("verify_audit", tenant=slug_of(tenant_id), stdout=out)
    assert f"unsealed at 0 {event.public_id}" in out.getvalue()


def test_command_refuses_an_unknown_tenant():
    with pytest.raises(CommandError, match="No tenant"):
        call_command("verify_audit", tenant="no-such-tenant")


def slug_of(tenant_id: uuid.UUID) -> str:
    from tenants.models import Tenant

    with scope.tenant(tenant_id):
        return Tenant.objects.get(id=tenant_id).slug


def test_stream_ids_are_bound_into_the_hash():
    one, _ = chain_of(1)
    two, _ = chain_of(1)
    with scope.tenant(one):
        first = bytes(Seal.objects.get(sequence=1).hash)
    with scope.tenant(two):
        assert bytes(Seal.objects.get(sequence=1).hash) != first
