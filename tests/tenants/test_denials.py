"""Refused callers leave a trace in their own tenant, and in no other (TEN-06)."""

from __future__ import annotations

import pytest

from core import scope
from events.models import Event
from tests.factories import Browser, Cast, access_token, make_cast, make_member, make_organization


@pytest.fixture(scope="module")
def cast() -> Cast:
    return make_cast()


def denials(tenant, subject: str) -> list[str]:
    with scope.tenant(tenant.id):
        rows = Event.objects.filter(type="access.denied", actor_id=subject).order_by("id")
        return [bytes(row.canonical).decode() for row in rows]


def test_TEN06_a_tenant_mismatch_is_audited_where_the_credential_belongs(cast: Cast):
    answer = Browser().api("GET", f"/t/{cast.acme.slug}/v1/members", access_token(cast.other_owner))
    assert answer.json()["code"] == "tenant_mismatch"
    (written,) = denials(cast.globex, cast.other_owner.subject)
    assert '"code":"tenant_mismatch"' in written
    assert denials(cast.acme, cast.other_owner.subject) == []


def test_TEN06_an_organization_mismatch_is_audited(cast: Cast):
    person = make_member(cast.acme)
    ours, theirs = make_organization(cast.acme, people=[person]), make_organization(cast.acme)
    token = access_token(person, organization=ours)
    answer = Browser().api("GET", f"/t/{cast.acme.slug}/v1/organizations/{theirs.public_id}", token)
    assert answer.json()["code"] == "org_mismatch"
    (written,) = denials(cast.acme, person.subject)
    assert '"code":"org_mismatch"' in written


def test_P2_hammering_writes_one_event(cast: Cast):
    person = make_member(cast.acme)
    token = access_token(person)
    for _ in range(5):
        answer = Browser().api("GET", f"/t/{cast.acme.slug}/v1/members", token)
        assert answer.json()["code"] == "insufficient_role"
    assert len(denials(cast.acme, person.subject)) == 1


def test_lawful_calls_and_missing_rows_are_no_denials(cast: Cast):
    token = access_token(cast.owner)
    for path in ("members", "members/sub_nobody", "members?limit=0"):
        Browser().api("GET", f"/t/{cast.acme.slug}/v1/{path}", token)
    assert denials(cast.acme, cast.owner.subject) == []
