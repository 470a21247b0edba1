"""Erasing a removed member: values go everywhere, the record and its chain stay (U1)."""

from __future__ import annotations

import io
import uuid

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connections

from core import context, scope
from events.chain import verify
from events.erasure import erase_values
from events.sealing import seal_pending
from tenants import members, selectors
from tenants.models import Member
from tests.api.callers import problem
from tests.factories import Browser, Cast, Person, access_token, admin_principal, make_cast, make_member
from tests.factories.people import open_session
from tests.tenants.test_admin_pages import at_work, send


@pytest.fixture(scope="module")
def cast() -> Cast:
    return make_cast()


def removed(cast: Cast, name: str = "Rita Removed") -> Person:
    """A member who signed in, was renamed by an administrator, and removed."""
    person = make_member(cast.acme, name=name)
    with context.use(context.RequestContext("req_erase", ip="198.51.100.77", user_agent="Ritas Browser")):
        open_session(person)
    actor = admin_principal(cast.acme, cast.owner)
    with scope.tenant(cast.acme.id), context.use(context.RequestContext("req_admin", ip="203.0.113.9")):
        row = selectors.member_by_subject(person.subject)
        members.update_member(actor=actor, member=row, changes={"name": f"{name} II"})
        members.remove_member(actor=actor, member=row)
    return person


def told(person: Person, tenant_id: uuid.UUID) -> str:
    """Everything that the tenant's tables hold, as text."""
    found = []
    with connections["owner"].cursor() as cursor:
        for table in (
            "tenants_member", "tenants_tenantsession", "events_event", "events_eventpersonal",
            "invitations_invitation", "webhooks_delivery", "webhooks_attempt",
        ):  # fmt: skip
            cursor.execute(f"SELECT t::text FROM {table} t WHERE tenant_id = %s", [tenant_id])
            found += [row[0] for row in cursor.fetchall()]
    return "\n".join(found)


def erase(cast: Cast, person: Person, token: str = "") -> object:
    path = f"/t/{cast.acme.slug}/v1/members/{person.subject}/erasure"
    return Browser().api("POST", path, token or access_token(cast.owner), {"reason": "asked for it"})


def test_U1_erasing_a_removed_member_leaves_no_value_and_a_valid_chain(cast: Cast) -> None:
    person = removed(cast)
    before = told(person, cast.acme.id)
    for value in (person.email, "Rita Removed", "198.51.100.77", "Ritas Browser"):
        assert value in before
    answer = erase(cast, person)
    assert answer.status_code == 200, answer.content  # type: ignore[attr-defined]
    assert answer.json()["values_erased"] >= 4  # type: ignore[attr-defined]
    after = told(person, cast.acme.id)
    for value in (person.email, "Rita Removed", "198.51.100.77", "Ritas Browser"):
        assert value not in after
    assert "203.0.113.9" in after, "the administrator's address is the administrator's"
    assert person.subject in after
    seal_pending()
    with scope.tenant(cast.acme.id):
        report = verify(cast.acme.id)
    assert report.findings == []
    token = access_token(cast.owner)
    events = Browser().api("GET", f"/v1/audit?target={person.subject}", token)
    assert events.status_code == 200
    assert "user.erased" in events.content.decode()
    assert person.email not in events.content.decode()


def test_erasing_twice_changes_nothing(cast: Cast) -> None:
    person = removed(cast, "Twice Told")
    assert erase(cast, person).json()["values_erased"] > 0  # type: ignore[attr-defined]
    assert erase(cast, person).json()["values_erased"] == 0  # type: ignore[attr-defined]


def test_only_a_removed_member_can_be_erased(cast: Cast) -> None:
    problem(erase(cast, cast.member), 409, "conflict")
    with scope.tenant(cast.acme.id):
        assert selectors.member_by_subject(cast.member.subject).email == cast.member.email


@pytest.mark.parametrize("who", ["member", "other_owner"])
def test_A1_nobody_without_the_right_erases(cast: Cast, who: str) -> None:
    person = removed(cast, "Kept Kathy")
    answer = erase(cast, person, access_token(getattr(cast, who)))
    assert answer.status_code == 403  # type: ignore[attr-defined]
    assert "Kept Kathy" in told(person, cast.acme.id)


def test_A3_another_tenants_scope_erases_nothing_here(cast: Cast) -> None:
    person = removed(cast, "Far Fay")
    with scope.tenant(cast.globex.id):
        assert erase_values([person.subject]) == 0
    assert "Far Fay" in told(person, cast.acme.id)


def test_TEN05_an_organizations_scope_erases_nothing(cast: Cast) -> None:
    from tests.factories import make_organization

    person = removed(cast, "Own Olaf")
    organization = make_organization(cast.acme)
    with scope.organization(cast.acme.id, organization.id):
        assert erase_values([person.subject]) == 0
    assert "Own Olaf" in told(person, cast.acme.id)


def test_the_dashboard_erases_after_the_subject_was_typed(cast: Cast) -> None:
    person = removed(cast, "Paula Page")
    browser = at_work(make_member(cast.acme, roles=["admin"]))
    page = browser.get(f"/dashboard/{cast.acme.slug}/members/removed").content.decode()
    assert "Paula Page II" in page
    path = f"members/removed/{person.subject}/erasure"
    refused = send(browser, cast, "members/removed", path, {"confirm": "no", "reason": "asked"})
    assert refused.status_code == 422
    assert "Type the name exactly" in refused.content.decode()
    done = send(browser, cast, "members/removed", path, {"confirm": person.subject, "reason": "asked"})
    assert done.status_code == 303
    page = browser.get(f"/dashboard/{cast.acme.slug}/members/removed").content.decode()
    assert "Paula Page" not in page
    assert person.subject in page


def test_the_operators_command_erases_and_says_what_is_wrong(cast: Cast) -> None:
    person, out = removed(cast, "Carl Command"), io.StringIO()
    call_command("erase_member", person.subject, tenant=cast.acme.slug, stdout=out)
    assert person.subject in out.getvalue()
    with scope.tenant(cast.acme.id):
        assert Member.objects.get(subject=person.subject).email == ""
    with pytest.raises(CommandError):
        call_command("erase_member", cast.member.subject, tenant=cast.acme.slug)
    with pytest.raises(CommandError):
        call_command("erase_member", person.subject, tenant=cast.globex.slug)
