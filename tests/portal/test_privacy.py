"""The privacy page: who knows the person, as whom, with what; and cutting one service off (NEW-01, TEN-16)."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from core import scope
from core.principal import SYSTEM
from events import selectors as events
from oauth import consents
from tenants import members
from tenants.models import Member, Tenant, TenantSession
from tests.dashboard.test_frame import signed_in
from tests.factories import Browser, Cast, make_cast
from tests.portal.test_applications import allow

PAGE = "/account/privacy"


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def public(tenant: object) -> str:
    from core import ids

    return ids.encode(Tenant.PREFIX, tenant.id)  # type: ignore[attr-defined]


def departure(tenant: object) -> str:
    return f"{PAGE}/{public(tenant)}/departure"


def cut_off(browser: Browser, tenant: object) -> object:
    return browser.submit(browser.get(departure(tenant)), to=departure(tenant))


def test_NEW01_the_page_names_service_subject_claims_and_applications(cast: Cast) -> None:
    allow(cast, cast.member, cast.owner)
    page = signed_in(cast.member).get(PAGE).content.decode()
    assert cast.member.member.subject in page
    assert cast.member.member.email in page
    assert f"Reports of {cast.acme.slug}" in page
    assert cast.other_member.member.subject not in page


def test_NEW01_one_service_is_cut_off_and_the_other_goes_on(cast: Cast) -> None:
    consent = allow(cast, cast.member, cast.owner)
    with scope.tenant(cast.globex.id):
        known = {"email": cast.member.email, "account_id": cast.member.account_id}
        elsewhere = members.create_member(actor=SYSTEM, email_verified=True, **known)
    browser = signed_in(cast.member)
    for tenant in (cast.acme, cast.globex):
        browser.follow(browser.get(f"/t/{tenant.slug}/sign-in"))
    assert cut_off(browser, cast.acme).status_code == 303
    page = browser.get(PAGE).content.decode()
    assert cast.member.member.subject not in page
    assert elsewhere.subject in page
    with scope.tenant(cast.acme.id):
        gone = Member.objects.get(subject=cast.member.member.subject)
        assert (gone.status, gone.email, gone.name, gone.account_id) == ("removed", "", "", None)
        assert not TenantSession.objects.filter(member=gone, ended_at=None).exists()
        assert consents.given(gone.id, consent.application_id) == frozenset()
    with scope.tenant(cast.globex.id):
        assert Member.objects.get(subject=elsewhere.subject).status == "active"


def test_cutting_off_is_recorded_on_both_sides(cast: Cast) -> None:
    cut_off(signed_in(cast.member), cast.acme)
    with scope.tenant(cast.acme.id):
        mine = set(
            events.stream().filter(object_id=cast.member.member.subject).values_list("type", flat=True)
        )
    assert {"user.deleted", "user.erased"} <= mine
    with scope.account(cast.member.account_id):
        assert events.stream().filter(type="account.tenant.left").count() == 1


def test_the_last_owner_cannot_leave(cast: Cast) -> None:
    refused = cut_off(signed_in(cast.owner), cast.acme)
    assert refused.status_code == 409
    assert "The last owner must stay" in refused.content.decode()


def test_A1_nobody_reaches_a_service_that_does_not_know_them(cast: Cast) -> None:
    for who in (cast.stranger, cast.other_member):
        browser = signed_in(who)
        assert browser.get(departure(cast.acme)).status_code == 404
        refused = browser.submit(browser.get(PAGE), to=departure(cast.acme))
        assert refused.status_code == 404
    with scope.tenant(cast.acme.id):
        assert Member.objects.get(id=cast.member.member.id).status == "active"


def test_who_is_suspended_does_not_come_back_as_somebody_new(cast: Cast) -> None:
    with scope.tenant(cast.acme.id):
        Member.objects.filter(id=cast.member.member.id).update(status="suspended")
    assert cut_off(signed_in(cast.member), cast.acme).status_code == 409


def test_L8_cutting_off_wants_a_fresh_sign_in(cast: Cast) -> None:
    browser = signed_in(cast.member)
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        assert "prompt=login" in browser.get(departure(cast.acme)).headers["Location"]


def test_somebody_not_signed_in_is_asked_to_sign_in() -> None:
    assert Browser().get(PAGE).headers["Location"].startswith("/sign-in")
